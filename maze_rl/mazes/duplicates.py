"""Which mazes occurred before: as they are, or up to rotation and reflection; with their endpoints, or by walls alone.

Every maze becomes a row of bytes, its key: equal keys, equal mazes. Up to symmetry the key is the least of those of its
images, and a grid that is higher than wide is turned first, so that a 4 x 7 maze equals its 7 x 4 image. Keys are
compared whole, not hashed.
"""

from collections.abc import Iterable
from itertools import product

import numpy as np
from jaxtyping import Bool, Int, UInt8
from numpy import ndarray

_AT_ONCE = 8192
"""Mazes whose images are in memory together."""
Arrays = tuple[ndarray, ndarray, ndarray]
"""Connections, origins and targets of mazes of one shape."""


def duplicated(
    groups: "Iterable[tuple[Int[ndarray, ' rows'], Arrays]]", num: int, *, symmetry: bool, endpoints: bool
) -> Bool[ndarray, " num"]:
    """Mark the mazes that are equal to one before them.

    Args:
        groups: Mazes of one shape each, and where they stand in the whole.
        num: Number of mazes.
        symmetry: Whether rotated and reflected mazes count as equal.
        endpoints: Whether mazes with the same walls and another origin or target differ.
    """
    found: dict[tuple[int, ...], list[tuple[ndarray, ndarray]]] = {}
    for places, arrays in groups:
        if len(places) == 0:
            continue
        shape = arrays[0].shape[2:]
        of_shape = found.setdefault(tuple(sorted(shape)) if symmetry else shape, [])
        for start in range(0, len(places), _AT_ONCE):
            connections, origins, targets = (array[start : start + _AT_ONCE] for array in arrays)
            keys = _keys(connections, origins, targets, symmetry, endpoints)
            of_shape.append((places[start : start + _AT_ONCE], keys))
    again = np.zeros(num, np.bool_)
    for groups_of_shape in found.values():
        places = np.concatenate([where for where, _ in groups_of_shape])
        order = np.argsort(places)
        keys = np.concatenate([key for _, key in groups_of_shape])[order]
        _, first = np.unique(keys.view(np.dtype((np.void, keys.shape[1])))[:, 0], return_index=True)
        again[places] = True
        again[places[order][first]] = False
    return again


def _keys(
    connections: ndarray, origins: ndarray, targets: ndarray, symmetry: bool, endpoints: bool
) -> UInt8[ndarray, "batch bytes"]:
    """Return a row of bytes for each maze; equal for equal ones alone."""
    if not symmetry:
        return _bytes(connections, origins, targets, endpoints)
    rows, cols = connections.shape[2:]
    turns = (False, True) if rows == cols else (rows > cols,)
    least = None
    for turned, upside_down, mirrored in product(turns, (False, True), (False, True)):
        image = (connections, origins, targets)
        if turned:
            image = _transposed(*image)
        if upside_down:
            image = _upside_down(*image)
        if mirrored:
            image = _transposed(*_upside_down(*_transposed(*image)))
        keys = _bytes(*image, endpoints)
        least = keys if least is None else np.where(_is_less(keys, least)[:, None], keys, least)
    assert least is not None
    return least


def _bytes(connections: ndarray, origins: ndarray, targets: ndarray, endpoints: bool) -> UInt8[ndarray, "batch bytes"]:
    num = len(connections)
    parts = [np.packbits(connections.reshape(num, -1), axis=1)]
    if endpoints:
        parts += [np.ascontiguousarray(cells).view(np.uint8).reshape(num, -1) for cells in (origins, targets)]
    return np.concatenate(parts, axis=1)


def _upside_down(connections: ndarray, origins: ndarray, targets: ndarray) -> Arrays:
    """Return the mazes with the last row first."""
    flipped, rows = np.zeros_like(connections), connections.shape[2]
    flipped[:, 0, :-1] = connections[:, 0, :-1][:, ::-1]
    flipped[:, 1] = connections[:, 1, ::-1]
    ends = [np.stack([rows - 1 - cells[:, 0], cells[:, 1]], axis=1) for cells in (origins, targets)]
    return flipped, ends[0], ends[1]


def _transposed(connections: ndarray, origins: ndarray, targets: ndarray) -> Arrays:
    """Return the mazes with rows as columns."""
    return connections[:, ::-1].swapaxes(2, 3), origins[:, ::-1], targets[:, ::-1]


def _is_less(keys: ndarray, others: ndarray) -> Bool[ndarray, " batch"]:
    """Compare rows of bytes as words are compared in a dictionary."""
    rows, first = np.arange(len(keys)), (keys != others).argmax(axis=1)
    return keys[rows, first] < others[rows, first]
