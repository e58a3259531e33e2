"""Mazes to networkx and back."""

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maze_rl.errors import InvalidMazeError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.graph import from_networkx, to_networkx


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


@pytest.mark.parametrize(
    "node", ["entrance", "00", (3, 0), (0, -1), (0, 0, 0), (0.5, 0), (1.0, 5), ("a", "b"), frozenset({1, 2}), 7, 10**30]
)
def test_a_node_that_is_no_cell_is_refused(graph: nx.Graph, node: object) -> None:
    graph.add_edge(node, (0, 0))
    with pytest.raises(InvalidMazeError, match=r"is no cell \(row, col\) of a 3 x 3 grid"):
        from_networkx(graph)


def test_parted_endpoints_are_refused(graph: nx.Graph) -> None:
    graph.remove_edges_from(list(graph.edges))
    with pytest.raises(InvalidMazeError, match="cannot be reached"):
        from_networkx(graph)


@pytest.mark.parametrize("kind", [nx.Graph, nx.MultiGraph, nx.DiGraph, nx.MultiDiGraph])
def test_every_kind_of_graph_is_read(kind: type, graph: nx.Graph) -> None:
    assert from_networkx(kind(graph)) == from_networkx(graph)


def test_parallel_edges_count_once(graph: nx.Graph) -> None:
    multiple = nx.MultiGraph(graph)
    multiple.add_edges_from([edge[::-1] for edge in graph.edges])
    assert from_networkx(multiple) == from_networkx(graph)


@pytest.mark.parametrize("kind", [nx.DiGraph, nx.MultiDiGraph])
def test_an_edge_that_leads_one_way_is_refused(kind: type, graph: nx.Graph) -> None:
    directed = kind(graph)
    directed.remove_edge(*next(iter(graph.edges)))
    with pytest.raises(InvalidMazeError, match="leads one way: mazes are open both ways"):
        from_networkx(directed)


def test_integers_of_numpy_are_cells(graph: nx.Graph) -> None:
    turned = nx.relabel_nodes(graph, lambda cell: (np.int64(cell[0]), np.uint8(cell[1])))
    turned.graph.update(shape=np.array([3, 3]), origin=np.array(graph.graph["origin"]), target=[*graph.graph["target"]])
    assert from_networkx(turned) == from_networkx(graph)


def test_cells_without_a_node_are_closed(graph: nx.Graph) -> None:
    sparse = nx.Graph([((0, 0), (0, 1))], shape=(4, 5), origin=(0, 0), target=(0, 1))
    maze = from_networkx(sparse)
    assert (maze.shape, int(maze.connections.sum())) == ((4, 5), 1)


@pytest.mark.parametrize(
    "shape", [None, 3, (3,), (3, 3, 3), (0, 3), (-1, 3), (3.0, 3), "33", "ab", (2**15 + 1, 2), (10**30, 10**30), {}]
)
def test_a_shape_that_is_no_grid_is_refused(graph: nx.Graph, shape: object) -> None:
    graph.graph["shape"] = shape
    with pytest.raises(InvalidMazeError, match=r"graph: shape is .*; expected \(rows, cols\)"):
        from_networkx(graph)


@pytest.mark.parametrize("cell", [None, 3, (3, 0), (0, -1), (0.0, 0), "00", (0, 0, 0), (10**30, 0), np.zeros((2, 2))])
@pytest.mark.parametrize("end", ["origin", "target"])
def test_an_end_that_is_no_cell_is_refused(graph: nx.Graph, end: str, cell: object) -> None:
    graph.graph[end] = cell
    with pytest.raises(InvalidMazeError, match=f"graph: {end} .* is no cell"):
        from_networkx(graph)


LATTICE = [*nx.grid_2d_graph(3, 3).edges]
cells = st.tuples(st.integers(0, 2), st.integers(0, 2))
numbers = st.integers(-1, 4) | st.integers() | st.integers(0, 3).map(np.int16) | st.booleans() | st.floats() | st.none()
strange = numbers | st.text(max_size=2) | st.tuples(numbers, numbers) | st.lists(numbers, max_size=3).map(tuple)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(
    kind=st.sampled_from([nx.Graph, nx.MultiGraph, nx.DiGraph, nx.MultiDiGraph]),
    closed=st.sets(st.sampled_from(LATTICE), max_size=8),
    one_way=st.sampled_from([(), *([edge] for edge in LATTICE)]),
    extra=st.lists(st.tuples(cells, cells), max_size=1),
    ends=st.tuples(cells, cells),
    oddity=st.tuples(st.sampled_from(["", "", "shape", "origin", "target", "node"]), strange),
)
def test_any_graph_is_refused_or_comes_back(
    kind: type, closed: set, one_way: list, extra: list, ends: tuple, oddity: tuple[str, object]
) -> None:
    edges = [edge for edge in LATTICE if edge not in closed]
    edges += [edge[::-1] for edge in edges if edge not in one_way]
    where, what = oddity
    graph = kind([*edges, *extra], shape=(3, 3), origin=ends[0], target=ends[1])
    if where == "node" and what is not None:  # networkx takes None for no node
        graph.add_node(what)
    elif where:
        graph.graph[where] = what
    try:
        maze = from_networkx(graph)
    except InvalidMazeError as error:
        assert "\n" not in str(error)
        return
    assert {frozenset(edge) for edge in to_networkx(maze).edges} == {frozenset(edge) for edge in graph.edges()}
    assert (maze.shape, maze.origin, maze.target) == tuple(graph.graph[key] for key in ("shape", "origin", "target"))
