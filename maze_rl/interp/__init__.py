"""What a trained model computes: labelled activations, pairs for patching, tests that tell search from heuristics."""
