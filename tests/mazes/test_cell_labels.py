import networkx
import numpy as np
import pytest

from maze_rl.mazes.cell_labels import label_cells, random_cell_values, shuffled_cells
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.oracle import label_paths
from maze_rl.mazes.solve import solve_batch

STEPS = [(1, 0), (0, 1), (-1, 0), (0, -1)]


def graph_of(maze: Maze) -> networkx.Graph:
    graph = networkx.Graph()
    for cell in np.ndindex(*maze.shape):
        graph.add_node(cell)
        graph.add_edges_from((cell, other) for other in maze.neighbours(cell))
    return graph


def wrong_branches(graph: networkx.Graph, maze: Maze, cell: tuple, before: tuple | None, distance: dict) -> int:
    """Depth of the deepest wrong branch from its definition; -1 where one never closes."""
    without, depths = graph.subgraph(set(graph) - {cell}), [0]
    for option in graph[cell]:
        if cell != maze.target and option != before and distance[option] >= distance[cell]:
            branch = networkx.single_source_shortest_path_length(without, option)
            depths.append(-1 if maze.target in branch else 1 + max(branch.values()))
    return -1 if min(depths) < 0 else max(depths)


@pytest.mark.parametrize("algorithm", ["dfs", "dfs_percolation", "percolation"])
def test_every_cell_by_definition(algorithm: str) -> None:
    batch = generate([(4, 5), (5, 5)], algorithm, num=24, seed=2).batches[0]
    labels = label_cells(batch)
    for index, maze in enumerate(batch):
        graph, cols = graph_of(maze), maze.shape[1]
        to_target = networkx.single_source_shortest_path_length(graph, maze.target)
        from_origin = networkx.single_source_shortest_path_length(graph, maze.origin)
        used = {cell for path in networkx.all_shortest_paths(graph, maze.origin, maze.target) for cell in path}
        for row, col in graph:
            cell, place = (row, col), (index, row * cols + col)
            open_to = [(row + down, col + right) for down, right in STEPS]
            assert labels.distances[place] == to_target.get(cell, -1)
            assert labels.frontier[place] == from_origin.get(cell, -1)
            assert labels.on_path[place] == (cell in used)
            assert labels.legal[place].tolist() == [graph.has_edge(cell, other) for other in open_to]
            if cell not in from_origin:
                assert (labels.num_options[place], labels.look_ahead[place]) == (0, 0)
                continue
            nearer = [graph.has_edge(cell, other) and to_target[other] == to_target[cell] - 1 for other in open_to]
            assert labels.optimal[place].tolist() == nearer
            back = [o for o in open_to if graph.has_edge(cell, o) and from_origin[o] == from_origin[cell] - 1]
            assert labels.num_options[place] == graph.degree(cell) - bool(back)
            assert labels.is_fork[place] == (labels.num_options[place] > 1 and cell != maze.target)
            depth = wrong_branches(graph, maze, cell, back[0] if back else None, to_target)
            assert labels.dead_end_depth[place] == depth
            assert labels.look_ahead[place] == (to_target[cell] if depth < 0 else min(depth, to_target[cell]))


def test_on_trees_the_labels_are_those_of_the_path() -> None:
    batch = generate(7, "wilson", num=50, seed=1).batches[0]
    solution, labels = solve_batch(batch), label_cells(batch)
    on_path = label_paths(batch, solution.paths, solution.lengths + 1)
    for index, length in enumerate(solution.lengths):
        cells = solution.paths[index, : length + 1] @ np.array([7, 1])
        for name in ("distances", "frontier", "num_options", "is_fork", "dead_end_depth", "look_ahead"):
            assert np.array_equal(getattr(labels, name)[index, cells], getattr(on_path, name)[index, : length + 1])


def test_shuffled_cells_are_a_permutation_of_shape_and_seed() -> None:
    order = shuffled_cells((3, 4), 5)
    assert sorted(order) == list(range(12))
    assert np.array_equal(order, shuffled_cells((3, 4), 5))
    assert not np.array_equal(order, shuffled_cells((3, 4), 6))


def test_random_values_depend_on_the_stream_alone() -> None:
    values = random_cell_values(np.arange(2000), 25, seed=3)
    assert np.array_equal(values[[7, 4]], random_cell_values(np.array([7, 4]), 25, seed=3))
    assert not np.array_equal(values, random_cell_values(np.arange(2000), 25, seed=4))
    assert values.min() >= 0 and values.max() < 1
    assert abs(values.mean() - 0.5) < 5 / np.sqrt(12 * values.size)
    assert len(np.unique(values)) > 0.99 * values.size
