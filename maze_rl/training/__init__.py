"""How weights change. Does not import evaluation."""
