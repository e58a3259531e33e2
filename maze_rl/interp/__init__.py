"""What a trained model computes: labelled activations, pairs for patching, and the tests that tell search from heuristics."""
