"""Rounds of algorithms equal those of the algorithms, run round by round on graphs."""

import networkx
import numpy as np
import pytest

from maze_rl.errors import ConfigurationError
from maze_rl.interp.inputs.algorithm_clocks import CLOCKS, either_rounds
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeBatch


def graph_of(maze: Maze) -> networkx.Graph:
    graph = networkx.Graph()
    for direction, row, col in np.argwhere(maze.connections):
        graph.add_edge((row, col), (row + (direction == 0), col + (direction == 1)))
    return graph


def filled(graph: networkx.Graph, cell: tuple[int, int], target: tuple[int, int]) -> int:
    """Rounds of dead-end filling until one way out of the cell is left; it and the target are never filled."""
    left, rounds = graph.copy(), 0
    while left.degree[cell] > 1:
        tips = [each for each in left if left.degree[each] <= 1 and each not in (cell, target)]
        left.remove_nodes_from(tips)
        rounds += 1
    return rounds


@pytest.mark.parametrize("algorithm", ["dfs", "wilson"])
def test_rounds_are_those_of_the_algorithms(algorithm: str) -> None:
    batch = generate(5, algorithm, num=20, seed=1).batches[0]
    rounds = {name: clock(batch) for name, clock in CLOCKS.items()}
    for row, maze in enumerate(batch):
        graph, target = graph_of(maze), maze.target
        steps = networkx.single_source_shortest_path_length(graph, target)
        for cell in graph:
            number = cell[0] * 5 + cell[1]
            assert rounds["wave"][row, number] == steps[cell]
            assert rounds["Manhattan"][row, number] == abs(cell[0] - target[0]) + abs(cell[1] - target[1])
            if cell != target:
                height = filled(graph, cell, target)
                assert rounds["dead-end filling"][row, number] == height
                assert rounds["either"][row, number] == min(steps[cell], height)
                assert 2 ** rounds["doubling"][row, number] == pytest.approx(steps[cell])


def test_either_is_the_look_ahead_of_a_walk_that_begins_there() -> None:
    batch = generate(6, "dfs", num=20, seed=2).batches[0]
    either, forks = either_rounds(batch), 0
    for number in range(36):
        origins = np.tile(np.array([divmod(number, 6)], np.int16), (len(batch), 1))
        labels = label_cells(MazeBatch(batch.connections, origins, batch.targets))
        at_fork = labels.is_fork[:, number]
        assert np.array_equal(labels.look_ahead[at_fork, number], either[at_fork, number])
        forks += int(at_fork.sum())
    assert forks > 300


@pytest.mark.parametrize("name", [name for name in CLOCKS if name != "Manhattan"])
def test_mazes_with_cycles_are_refused(name: str) -> None:
    batch = generate(5, "dfs_percolation", num=20, seed=1).batches[0]
    with pytest.raises(ConfigurationError, match="without cycles"):
        CLOCKS[name](batch)
