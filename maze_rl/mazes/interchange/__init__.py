"""Mazes in and out of other formats."""
