"""Kruskal's algorithm on random weights: edges in a random order, each opened if it joins two components.

Kruskal (1956), On the shortest spanning subtree of a graph. Every spanning tree can come out, not equally often.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64, UInt64
from numba import njit
from numpy import ndarray

from maze_rl.mazes.counter_random import below


def kruskal(
    connections: Bool[ndarray, "num 2 rows cols"], states: UInt64[ndarray, "num 2"], pending: Int64[ndarray, " k"]
) -> bool:
    """Carve minimum spanning trees of independent random weights."""
    _carve_rows(connections, states, pending)
    return True


@njit(cache=True, nogil=True)
@no_type_check
def _carve_rows(connections, states, pending):
    _, _, rows, cols = connections.shape
    cells = rows * cols
    lattice = _lattice_edges(rows, cols)
    edges, component = np.empty_like(lattice), np.empty(cells, np.int32)
    sizes, following = np.empty(cells, np.int32), np.empty(cells, np.int32)
    for row in pending:
        edges[:] = lattice
        _carve(connections[row].reshape(2 * cells), states[row], edges, cols, component, sizes, following)


@njit(cache=True, nogil=True)
@no_type_check
def _lattice_edges(rows, cols):
    """Return Int32[edges]: the positions in flattened connections that are edges of the grid."""
    lattice = np.zeros((2, rows, cols), np.bool_)
    lattice[0, : rows - 1] = True
    lattice[1, :, : cols - 1] = True
    return np.flatnonzero(lattice).astype(np.int32)


@njit(cache=True, nogil=True)
@no_type_check
def _carve(flat, state, edges, cols, component, sizes, following):
    """Carve one maze; cells of a component form a ring by `following`, so that the smaller one is relabelled."""
    cells = len(component)
    for cell in range(cells):
        component[cell], sizes[cell], following[cell] = cell, 1, cell
    joins = cells - 1
    for position in range(len(edges)):
        if joins == 0:
            break
        other = position + below(state, len(edges) - position)
        edge = edges[other]
        edges[other] = edges[position]
        first = edge if edge < cells else edge - cells
        second = first + (cols if edge < cells else 1)
        larger, smaller = component[first], component[second]
        if larger == smaller:
            continue
        flat[edge] = True
        joins -= 1
        if sizes[larger] < sizes[smaller]:
            larger, smaller, first, second = smaller, larger, second, first
        sizes[larger] += sizes[smaller]
        cell = second
        while True:
            component[cell] = larger
            cell = following[cell]
            if cell == second:
                break
        following[first], following[second] = following[second], following[first]
