"""Mazes as networkx graphs, the interchange type for graphs; both ways."""

import networkx as nx
import numpy as np

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.lattice import Maze


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

    Raises:
        InvalidMazeError: An attribute is missing, a node is no cell, or an edge joins no lattice neighbours.
    """
    missing = {"shape", "origin", "target"} - graph.graph.keys()
    if missing:
        raise InvalidMazeError(f"graph: attributes {', '.join(sorted(missing))} are missing.")
    rows, cols = graph.graph["shape"]
    cells = {(row, col) for row in range(rows) for col in range(cols)}
    for node in graph:
        if node not in cells:
            raise InvalidMazeError(f"graph: node {node!r} is no cell (row, col) of a {rows} x {cols} grid.")
    connections = np.zeros((2, rows, cols), np.bool_)
    for edge in graph.edges:
        (row, col), (next_row, next_col) = sorted(edge)
        if (next_row - row, next_col - col) not in ((1, 0), (0, 1)):
            raise InvalidMazeError(f"graph: edge {edge} joins no lattice neighbours of a {rows} x {cols} grid.")
        connections[0 if next_row > row else 1, row, col] = True
    return Maze(connections, graph.graph["origin"], graph.graph["target"])
