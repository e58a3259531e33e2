"""Breadth-first search on flat cells: the queue order and the reach that other kernels rely on."""

from collections.abc import Callable

import numpy as np

from maze_rl.mazes.breadth_first import distances_from, endpoints_connected


def test_queue_holds_the_reached_cells_in_order_of_distance(random_graphs: Callable) -> None:
    for maze in random_graphs(50, 6, 5, 0.4):
        distances, queue = np.empty(30, np.int32), np.empty(30, np.int32)
        reached = distances_from(maze.connections, 0, distances, queue)
        assert sorted(queue[:reached]) == np.flatnonzero(distances >= 0).tolist()
        assert (np.diff(distances[queue[:reached]]) >= 0).all()
        assert queue[0] == 0


def test_a_wall_parts_endpoints() -> None:
    connections = np.zeros((2, 2, 1, 3), np.bool_)
    connections[0, 1, 0, :2] = True
    connections[1, 1, 0, 0] = True
    ends = np.array([[0, 0]] * 2, np.int16), np.array([[0, 2]] * 2, np.int16)
    assert endpoints_connected(connections, *ends).tolist() == [True, False]
