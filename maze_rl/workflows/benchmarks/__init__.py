"""The rows of ``maze-rl bench``, one file per group, and the peers they are measured against."""
