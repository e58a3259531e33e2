"""Frozen, keyword-only dataclasses that describe work to be done; they import neither torch nor numba."""
