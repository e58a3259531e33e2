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
    rows, cols = shape = _as_shape(graph.graph["shape"])
    cell_of = {node: _as_cell(node, shape) for node in graph}
    connections = np.zeros((2, rows, cols), np.bool_)
    for edge in graph.edges():
        (row, col), (next_row, next_col) = sorted(cell_of[node] for node in edge)
        if (next_row - row, next_col - col) not in ((1, 0), (0, 1)):
            raise InvalidMazeError(f"graph: edge {edge} joins no lattice neighbours of a {rows} x {cols} grid.")
        if not graph.has_edge(*reversed(edge)):
            raise InvalidMazeError(f"graph: edge {edge} leads one way: mazes are open both ways, add its reverse.")
        connections[0 if next_row > row else 1, row, col] = True
    return Maze(connections, graph.graph["origin"], graph.graph["target"])


def _as_shape(value: object) -> tuple[int, int]:
    try:
        rows, cols = map(operator.index, value)  # type: ignore[call-overload] # what is no pair is caught
    except (TypeError, ValueError):
        rows = cols = 0
    if not 1 <= min(rows, cols) <= max(rows, cols) <= LARGEST_SIDE:
        raise InvalidMazeError(f"graph: shape is {value!r}; expected (rows, cols), from 1 to {LARGEST_SIDE} each.")
    return rows, cols


def _as_cell(node: object, shape: tuple[int, int]) -> Cell:
    if isinstance(node, tuple) and len(node) == 2:
        try:
            row, col = map(operator.index, node)
        except TypeError:
            row = col = -1
        if 0 <= row < shape[0] and 0 <= col < shape[1]:
            return row, col
    raise InvalidMazeError(f"graph: node {node!r} is no cell (row, col) of a {shape[0]} x {shape[1]} grid.")
