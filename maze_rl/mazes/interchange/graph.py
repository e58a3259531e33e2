"""Mazes as networkx graphs, the interchange type for graphs; both ways."""

import operator

import networkx as nx
import numpy as np

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.lattice import LARGEST_SIDE, Cell, Maze


def to_networkx(maze: Maze) -> nx.Graph:
    """Return the graph of `maze`: nodes are (row, col), graph attributes `shape`, `origin` and `target`."""
    rows, cols = maze.shape
    graph = nx.Graph(shape=maze.shape, origin=maze.origin, target=maze.target)
    graph.add_nodes_from((row, col) for row in range(rows) for col in range(cols))
    for direction, row, col in zip(*np.nonzero(maze.connections), strict=True):
        end = (int(row) + 1, int(col)) if direction == 0 else (int(row), int(col) + 1)
        graph.add_edge((int(row), int(col)), end)
    return graph


def from_networkx(graph: nx.Graph) -> Maze:
    """Return the maze of a graph whose nodes are (row, col) and whose attributes are those of `to_networkx`.

    Cells without a node have no open edge. Parallel edges count once; of a directed graph every edge must be
    there both ways.

    Raises:
        InvalidMazeError: An attribute is missing or wrong, a node is no cell, or an edge joins no lattice
            neighbours or leads one way only.
    """
    missing = {"shape", "origin", "target"} - graph.graph.keys()
    if missing:
        raise InvalidMazeError(f"graph: attributes {', '.join(sorted(missing))} are missing.")
    rows, cols = shape = _as_pair(graph.graph["shape"])
    if not 1 <= min(shape) <= max(shape) <= LARGEST_SIDE:
        size = _shown(graph.graph["shape"])
        raise InvalidMazeError(f"graph: shape is {size}; expected (rows, cols), from 1 to {LARGEST_SIDE} each.")
    origin, target = (_as_cell(end, graph.graph[end], shape) for end in ("origin", "target"))
    cell_of = {node: _as_cell("node", node, shape) for node in graph}
    connections = np.zeros((2, rows, cols), np.bool_)
    for edge in graph.edges():
        (row, col), (next_row, next_col) = sorted(cell_of[node] for node in edge)
        if (next_row - row, next_col - col) not in ((1, 0), (0, 1)):
            raise InvalidMazeError(f"graph: edge {edge} joins no lattice neighbours of a {rows} x {cols} grid.")
        if not graph.has_edge(*reversed(edge)):
            raise InvalidMazeError(f"graph: edge {edge} leads one way: mazes are open both ways, add its reverse.")
        connections[0 if next_row > row else 1, row, col] = True
    return Maze(connections, origin, target)


def _as_cell(name: str, value: object, shape: tuple[int, int]) -> Cell:
    row, col = _as_pair(value)
    if not (0 <= row < shape[0] and 0 <= col < shape[1]):
        raise InvalidMazeError(
            f"graph: {name} {_shown(value)} is no cell (row, col) of a {shape[0]} x {shape[1]} grid."
        )
    return row, col


def _as_pair(value: object) -> tuple[int, int]:
    """Return two integers of any type as such; (-1, -1) for anything else."""
    if not isinstance(value, tuple | list | np.ndarray):  # sets and mappings have no order to go by
        return -1, -1
    try:
        first, second = map(operator.index, value)
    except (TypeError, ValueError):
        return -1, -1
    return first, second


def _shown(value: object) -> str:
    """Return `value` for an error of one line."""
    return " ".join(repr(value).split())[:80]
