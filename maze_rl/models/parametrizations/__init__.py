"""Weights computed from other parameters while training: one file per method; all go through torch's `parametrize`."""
