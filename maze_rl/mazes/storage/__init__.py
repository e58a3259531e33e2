"""Datasets of mazes on disk: written in shards, memory-mapped, verified."""
