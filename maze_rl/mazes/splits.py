"""Train, validation and test as a function of a maze's connections alone.

The hash of a maze is the least of the hashes of its 8 images under rotation and reflection, so a maze
and its mirror image never fall on different sides. Endpoints do not enter: the same walls with another
target would leak the walls. Each image's hash is a sum of one random 64-bit word per open edge (Zobrist
hashing), which makes the 8 sums one pass over the edges.
"""

from functools import lru_cache
from typing import no_type_check

import numpy as np
from jaxtyping import Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.configs.mazes import SPLITS
from maze_rl.mazes.counter_random import mix64
from maze_rl.mazes.lattice import MazeBatch

SMALLEST_SPLIT_SIZE = 4
"""Grids under 4 x 4 have too few symmetry classes (28 for 3 x 3 trees) for a split to mean anything."""
NUM_BUCKETS = 20
BUCKETS = {"train": (0, 18), "validation": (18, 19), "test": (19, 20)}
"""Half-open bucket ranges: 90 % of symmetry classes train, 5 % validate, 5 % test."""


@lru_cache(maxsize=256)
def symmetry_words(rows: int, cols: int) -> UInt64[ndarray, "8 2 rows cols"]:
    """Return for each symmetry and each edge the random word of the edge's image.

    An edge is named by its midpoint in doubled coordinates, which every symmetry maps to a midpoint.
    """
    words = np.zeros((8, 2, rows, cols), np.uint64)
    direction, row, col = np.indices((2, rows, cols))
    middle = np.stack([2 * row + (direction == 0), 2 * col + (direction == 1)])
    for symmetry in range(8):
        words[symmetry] = _image_words(middle, rows, cols, symmetry)
    return words


def _image_words(middle: ndarray, rows: int, cols: int, symmetry: int) -> ndarray:
    """Hash the images of edge midpoints under one symmetry (bits: flip rows, flip columns, transpose)."""
    y, x = middle
    height, width = 2 * rows - 2, 2 * cols - 2
    if symmetry & 1:
        y = height - y
    if symmetry & 2:
        x = width - x
    if symmetry & 4:
        y, x, height, width = x, y, width, height
    base = 4096 if max(rows, cols) <= 2048 else 2**16  # the first keeps the hashes of all grids that are generated
    name = ((height * base + width) * base + y) * base + x
    return _mix_array(_mix_array(name.astype(np.int64).view(np.uint64)))


@njit(cache=True)
@no_type_check
def _mix_array(values):
    mixed = np.empty_like(values)
    flat_in, flat_out = values.ravel(), mixed.ravel()
    for index in range(flat_in.size):
        flat_out[index] = mix64(flat_in[index] + np.uint64(1))
    return mixed


@njit(cache=True, nogil=True)
@no_type_check
def hash_connections(connections, words):
    """Return the symmetry-invariant 64-bit hash of one maze's connections (Bool[2, rows, cols])."""
    _, rows, cols = connections.shape
    least = np.uint64(0xFFFFFFFFFFFFFFFF)
    for symmetry in range(8):
        total = np.uint64(0)
        for direction in range(2):
            for row in range(rows):
                for col in range(cols):
                    if connections[direction, row, col]:
                        total += words[symmetry, direction, row, col]
        total = mix64(total)
        if total < least:
            least = total
    return least


@njit(cache=True, nogil=True)
@no_type_check
def _hash_batch(connections, words):
    hashes = np.empty(len(connections), np.uint64)
    for index in range(len(connections)):
        hashes[index] = hash_connections(connections[index], words)
    return hashes


def maze_hashes(batch: MazeBatch) -> UInt64[ndarray, " batch"]:
    """Return each maze's symmetry-invariant hash: equal for rotated and reflected walls, whatever the endpoints."""
    return _hash_batch(batch.connections, symmetry_words(*batch.shape))


def bucket_of(hashes: UInt64[ndarray, " batch"]) -> ndarray:
    """Return the bucket (0..`NUM_BUCKETS` - 1) of each hash."""
    return (hashes % np.uint64(NUM_BUCKETS)).astype(np.int64)


def split_numbers(hashes: UInt64[ndarray, " batch"]) -> Int64[ndarray, " batch"]:
    """Return the split of each hash as its position in `SPLITS`."""
    ends = np.array([BUCKETS[name][1] for name in SPLITS])
    return np.searchsorted(ends, bucket_of(hashes), side="right")


def count_outside(batch: MazeBatch, split: str) -> int:
    """Count the mazes of `batch` that do not belong to `split`: the leak count of a training run."""
    first, last = BUCKETS[split]
    buckets = bucket_of(maze_hashes(batch))
    return int(((buckets < first) | (buckets >= last)).sum())
