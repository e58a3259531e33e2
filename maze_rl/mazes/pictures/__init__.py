"""Mazes drawn: as text, as pictures, with marks."""
