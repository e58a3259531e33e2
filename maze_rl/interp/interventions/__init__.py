"""Activations changed in the middle of a run: patching, interchange, steering, ablation."""
