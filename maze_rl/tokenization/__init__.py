"""Mazes to tokens and back, with a region, a cell or an edge for every position."""
