"""Maze algorithms, one file each: compiled functions ``(connections, state, ...)`` that carve one maze in place."""
