"""Mazes to networkx and back."""

from collections.abc import Callable

import networkx as nx
import pytest

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.graph import from_networkx, to_networkx


def test_round_trip_of_generated_mazes() -> None:
    for maze in generate(range(2, 8), "dfs_percolation", num=60, percolation=0.2):
        assert from_networkx(to_networkx(maze)) == maze


def test_round_trip_keeps_isolated_cells_and_rectangles(random_graphs: Callable) -> None:
    for maze in random_graphs(40, 3, 6, 0.3):
        graph = to_networkx(maze)
        assert graph.number_of_nodes() == 18
        assert from_networkx(graph) == maze


def test_edges_join_open_neighbours() -> None:
    maze = generate(5, num=1)[0]
    graph = to_networkx(maze)
    assert {cell: set(graph[cell]) for cell in graph} == {cell: set(maze.neighbours(cell)) for cell in graph}


@pytest.fixture
def graph() -> nx.Graph:
    return to_networkx(generate(3, num=1)[0])


def test_missing_attributes_are_all_named(graph: nx.Graph) -> None:
    del graph.graph["shape"], graph.graph["origin"]
    with pytest.raises(InvalidMazeError, match="attributes origin, shape are missing"):
        from_networkx(graph)


@pytest.mark.parametrize("edge", [((0, 0), (1, 1)), ((0, 0), (0, 2)), ((1, 1), (1, 1))])
def test_an_edge_between_strangers_is_refused(graph: nx.Graph, edge: tuple) -> None:
    graph.add_edge(*edge)
    with pytest.raises(InvalidMazeError, match="joins no lattice neighbours of a 3 x 3 grid"):
        from_networkx(graph)


@pytest.mark.parametrize("node", ["entrance", (3, 0), (0, -1), (0, 0, 0), 7])
def test_a_node_that_is_no_cell_is_refused(graph: nx.Graph, node: object) -> None:
    graph.add_edge(node, (0, 0))
    with pytest.raises(InvalidMazeError, match=r"is no cell \(row, col\) of a 3 x 3 grid"):
        from_networkx(graph)


def test_parted_endpoints_are_refused(graph: nx.Graph) -> None:
    graph.remove_edges_from(list(graph.edges))
    with pytest.raises(InvalidMazeError, match="cannot be reached"):
        from_networkx(graph)
