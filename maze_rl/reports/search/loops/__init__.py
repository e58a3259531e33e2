"""The page of ``maze-rl search`` for models with loops: one module for each method."""
