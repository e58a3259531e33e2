"""Numbers about mazes: known answers, and networkx and the oracle as second opinions."""

from collections.abc import Callable
from math import comb

import networkx as nx
import numpy as np

from maze_rl.mazes import measures as measures_module
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.graph import to_networkx
from maze_rl.mazes.lattice import Maze, MazeBatch
from maze_rl.mazes.measures import MOST_PATHS, measure
from maze_rl.mazes.oracle import label_paths
from maze_rl.mazes.solve import solve_batch


def test_a_comb() -> None:
    """Three cells in a row, each with a tooth below."""
    connections = np.zeros((2, 2, 3), np.bool_)
    connections[1, 0, :2] = True
    connections[0, 0, :] = True
    found = measure(Maze(connections, (0, 0), (1, 2)).as_batch())
    numbers = {
        name: int(getattr(found, name)[0])
        for name in ("distance", "manhattan", "path_count", "decisions", "forks", "dead_ends", "loops", "reached")
    }
    # decisions: at the origin (right or down) and at the middle of the back; the last back cell only leads down
    assert numbers == {
        "distance": 3,
        "manhattan": 3,
        "path_count": 1,
        "decisions": 2,
        "forks": 1,
        "dead_ends": 3,
        "loops": 0,
        "reached": 6,
    }
    assert found.detour.tolist() == [1.0]


def test_an_open_square_has_one_loop_and_two_paths(open_grids: Callable[..., MazeBatch]) -> None:
    found = measure(open_grids(1, 2, 2))
    assert (found.loops.tolist(), found.path_count.tolist(), found.dead_ends.tolist()) == ([1], [2], [0])


def test_counts_beyond_the_limit_stop_at_it(open_grids: Callable[..., MazeBatch]) -> None:
    assert measure(open_grids(2, 40, 40)).path_count.tolist() == [MOST_PATHS] * 2
    # the counts of cells farther away are beyond the limit, that of the origin is not
    near = measure(open_grids(1, 40, 40, origin=(35, 30)))
    assert near.path_count.tolist() == [comb(4 + 9, 4)]


def test_origin_on_the_target_is_no_detour() -> None:
    connections = np.zeros((2, 1, 2), np.bool_)
    connections[1, 0, 0] = True
    assert measure(Maze(connections, (0, 0), (0, 0)).as_batch()).detour.tolist() == [1.0]


def test_networkx_agrees(random_graphs: Callable[..., MazeBatch]) -> None:
    batch = random_graphs(60, 5, 7, 0.6, seed=3)
    found = measure(batch)
    for index, maze in enumerate(batch):
        graph = to_networkx(maze)
        degrees = [degree for _, degree in graph.degree]
        component = graph.subgraph(nx.node_connected_component(graph, maze.target))
        assert found.distance[index] == nx.shortest_path_length(graph, maze.origin, maze.target)
        assert found.path_count[index] == len(list(nx.all_shortest_paths(graph, maze.origin, maze.target)))
        assert found.forks[index] == sum(degree >= 3 for degree in degrees)
        assert found.dead_ends[index] == degrees.count(1)
        assert found.reached[index] == len(component)
        assert found.loops[index] == len(nx.cycle_basis(component))


def test_decisions_are_the_forks_of_the_oracle() -> None:
    (batch,) = generate(8, "dfs_percolation", num=200, seed=4).batches
    solution = solve_batch(batch)
    labels = label_paths(batch, solution.paths, solution.lengths + 1)
    assert measure(batch).decisions.tolist() == labels.is_fork.sum(axis=1).tolist()


def test_slices_do_not_change_the_numbers(monkeypatch) -> None:
    (batch,) = generate(6, "dfs_percolation", num=50, seed=4).batches
    whole = measure(batch)
    monkeypatch.setattr(measures_module, "_CELLS_AT_ONCE", 6 * 6 * 7)
    sliced = measure(batch)
    for name, values in vars(whole).items():
        assert np.array_equal(values, getattr(sliced, name)), name
