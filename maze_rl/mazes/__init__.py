"""What a maze is: generate, solve, label, split, store, draw. NumPy and numba, no torch."""
