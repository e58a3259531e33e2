import networkx
import numpy as np
import pytest

from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeBatch
from maze_rl.mazes.oracle import NEVER, PathLabels, label_paths
from maze_rl.mazes.solve import solve_batch

Cell = tuple[int, int]

TREE = """
o---+---+---+
    |   |   |
+   +   +   +
|   |       |
+---+---+   x
"""
# The left column hangs on the bottom row, so the branch down from (0, 1) is 4 steps deep.


def draw(text: str) -> MazeBatch:
    """Read a maze from a drawing: cells every 4 columns and 2 rows, o the origin, x the target."""
    lines = [line.ljust(80) for line in text.strip("\n").split("\n")]
    rows, cols = (len(lines) + 1) // 2, (len(text.strip("\n").split("\n")[0]) + 3) // 4
    connections = np.zeros((2, rows, cols), np.bool_)
    found = {}
    for row in range(rows):
        for col in range(cols):
            found[lines[2 * row][4 * col]] = (row, col)
            connections[1, row, col] = col + 1 < cols and lines[2 * row][4 * col + 2] == "-"
            connections[0, row, col] = row + 1 < rows and lines[2 * row + 1][4 * col] == "|"
    return Maze(connections, found["o"], found["x"]).as_batch()


def label(batch: MazeBatch, path: list[Cell]) -> PathLabels:
    return label_paths(batch, np.array([path], np.int16), np.array([len(path)]))


SHORTEST = [(0, 0), (0, 1), (0, 2), (0, 3), (1, 3), (2, 3)]


def test_labels_of_a_tree() -> None:
    labels = label(draw(TREE), SHORTEST)
    assert labels.distances[0].tolist() == [5, 4, 3, 2, 1, 0]
    assert labels.frontier[0].tolist() == [0, 1, 2, 3, 4, 5]
    assert labels.num_options[0].tolist() == [1, 2, 2, 1, 1, 0]
    assert labels.is_fork[0].tolist() == [False, True, True, False, False, False]
    assert labels.dead_end_depth[0].tolist() == [0, 4, 1, 0, 0, 0]
    assert labels.look_ahead[0].tolist() == [0, 4, 1, 0, 0, 0]


def test_directions_are_down_right_up_left() -> None:
    labels = label(draw(TREE), SHORTEST)
    assert labels.legal[0, 1].tolist() == [True, True, False, True]
    assert labels.optimal[0, 1].tolist() == [False, True, False, False]
    assert labels.optimal[0, 3].tolist() == [True, False, False, False]
    assert not labels.optimal[0, 5].any()


def test_a_near_target_limits_the_look_ahead() -> None:
    batch = draw(TREE.replace("x", "+").replace("o---+---+", "o---+---x"))
    labels = label(batch, [(0, 0), (0, 1), (0, 2)])
    assert labels.dead_end_depth[0, 1] == 4
    assert labels.look_ahead[0].tolist() == [0, 1, 0]


def test_a_branch_that_reaches_the_target_never_closes() -> None:
    ring = """
o---+---+
    |   |
+---+   +
|       |
+---+---x
"""
    labels = label(draw(ring), [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2)])
    assert labels.dead_end_depth[0, 1] == NEVER
    assert labels.look_ahead[0, 1] == labels.distances[0, 1] == 3


def test_a_fork_with_optimal_moves_alone_needs_no_look_ahead() -> None:
    square = """
o---+
|   |
+---x
"""
    labels = label(draw(square), [(0, 0), (0, 1), (1, 1)])
    assert labels.is_fork[0].tolist() == [True, False, False]
    assert labels.optimal[0, 0].tolist() == [True, True, False, False]
    assert labels.look_ahead[0].tolist() == [0, 0, 0]


def test_a_walk_may_go_astray_and_come_back() -> None:
    labels = label(draw(TREE), [(0, 0), (0, 1), (1, 1), (0, 1), (0, 2)])
    assert labels.distances[0].tolist() == [5, 4, 5, 4, 3]
    # Back at the fork, the cell it came from is no option: only (0, 0), a branch of depth 1, is wrong.
    assert labels.num_options[0].tolist() == [1, 2, 1, 2, 2]
    assert labels.look_ahead[0, 3] == 1


def test_what_follows_the_path_is_blank() -> None:
    labels = label_paths(draw(TREE), np.array([[*SHORTEST, (-1, -1)]], np.int16), np.array([3]))
    assert labels.distances[0, 3:].tolist() == [-1] * 4
    assert not labels.legal[0, 3:].any()


def test_a_cell_outside_is_refused() -> None:
    with pytest.raises(MazeRLError, match="path 0: cell 1 lies outside the 3 x 4 grid"):
        label(draw(TREE), [(0, 0), (0, 4)])


def slow_look_ahead(graph: networkx.Graph, cell: Cell, previous: Cell | None, target: Cell) -> int:
    """k* from its definition, on a graph."""
    distance = networkx.single_source_shortest_path_length(graph, target)
    without = graph.subgraph(set(graph) - {cell})
    deepest = 0
    for option in graph[cell]:
        if option == previous or distance[option] < distance[cell]:
            continue
        branch = networkx.single_source_shortest_path_length(without, option)
        deepest = max(deepest, distance[cell] if target in branch else 1 + max(branch.values()))
    return min(deepest, distance[cell])


@pytest.mark.parametrize("algorithm", ["dfs", "dfs_percolation"])
def test_look_ahead_by_definition_on_random_walks(algorithm: str) -> None:
    batch = generate(5, algorithm, num=20, seed=3).batches[0]
    generator = np.random.default_rng(0)
    for index, maze in enumerate(batch):
        cells = [(r, c) for r in range(5) for c in range(5)]
        graph = networkx.Graph((cell, other) for cell in cells for other in maze.neighbours(cell))
        walk = [maze.origin]
        for _ in range(12):
            nearby = maze.neighbours(walk[-1])
            walk.append(nearby[generator.integers(len(nearby))])
        labels = label(batch.take(np.array([index])), walk)
        expected = [
            slow_look_ahead(graph, cell, walk[i - 1] if i else None, maze.target) for i, cell in enumerate(walk)
        ]
        assert labels.look_ahead[0].tolist() == expected


def test_optimal_moves_are_those_of_the_solver() -> None:
    batch = generate(6, "dfs_percolation", num=30, seed=1).batches[0]
    solution = solve_batch(batch)
    labels = label_paths(batch, solution.paths, solution.lengths + 1)
    steps = [(1, 0), (0, 1), (-1, 0), (0, -1)]
    for index in range(len(batch)):
        one = solution[index]
        for position, (row, col) in enumerate(one.path):
            moves = {(row + steps[d][0], col + steps[d][1]) for d in np.flatnonzero(labels.optimal[index, position])}
            assert moves == set(one.optimal_next((row, col)))
