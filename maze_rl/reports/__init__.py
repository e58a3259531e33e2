"""Results on disk -> tables, figures and one self-contained page; never runs a model."""
