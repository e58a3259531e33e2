"""Update rules: whether, and how strongly, a gradient changes the weights."""
