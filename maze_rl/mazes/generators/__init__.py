"""Maze algorithms, one file each.

Each is a function ``(connections Bool[num, 2, rows, cols], states UInt64[num, 2], pending Int64[k], **options)`` that
carves the mazes `pending`, which arrive closed, from their own random streams, and returns whether every cell of
them is connected for sure. Its kernels are compiled; the first argument of a one-maze kernel is one row.
"""
