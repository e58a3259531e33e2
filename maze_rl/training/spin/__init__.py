"""SPIN: a model learns to tell real paths from those the model of the round before wrote (arXiv 2401.01335)."""
