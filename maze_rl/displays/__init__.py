"""What a prompt and a notebook show of an object: one short line, and a picture or a table."""
