from dataclasses import fields
from functools import cache
from itertools import pairwise

import networkx
import numpy as np
import pytest
import torch

from maze_rl.interp.activations.position_labels import LABEL_BYTES, PositionLabels, control_labels, label_positions
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import Encoded, load_tokenization

STEPS = [(1, 0), (0, 1), (-1, 0), (0, -1)]
FORMATS = [
    {"name": "edges"},
    {"name": "edges", "walls": True, "path": "moves"},
    {"name": "unique_cells", "query": "first"},
    {"name": "cells", "path": "turns"},
    {"name": "edges", "path": "turns", "random_offsets": True},
    {"name": "coordinate_tuples", "random_offsets": True},
    {"name": "row_column", "random_offsets": True},
]


@cache
def graph_of(maze: Maze) -> networkx.Graph:
    cells = list(np.ndindex(*maze.shape))
    graph = networkx.Graph((cell, other) for cell in cells for other in maze.neighbours(cell))
    graph.add_nodes_from(cells)
    return graph


@cache
def steps_from(maze: Maze, source: tuple) -> dict:
    return networkx.single_source_shortest_path_length(graph_of(maze), source)


@cache
def expected_of_cell(maze: Maze, cell: tuple, before: tuple | None) -> dict:
    """All labels of a cell entered from `before`, from their definitions."""
    graph, distance, frontier = graph_of(maze), steps_from(maze, maze.target), steps_from(maze, maze.origin)
    around = [(cell[0] + down, cell[1] + right) for down, right in STEPS]
    depths, without = [0], graph.subgraph(set(graph) - {cell})
    for option in graph[cell]:
        if option != before and distance[option] >= distance[cell] > 0:
            branch = networkx.single_source_shortest_path_length(without, option)
            depths.append(-1 if maze.target in branch else 1 + max(branch.values()))
    deepest, options = -1 if min(depths) < 0 else max(depths), graph.degree(cell) - (before is not None)
    return {
        "distance": distance[cell],
        "frontier": frontier[cell],
        "cell": list(cell),
        "manhattan": abs(cell[0] - maze.target[0]) + abs(cell[1] - maze.target[1]),
        "on_path": distance[cell] + frontier[cell] == distance[maze.origin],
        "legal": [graph.has_edge(cell, other) for other in around],
        "optimal": [graph.has_edge(cell, other) and distance[other] < distance[cell] for other in around],
        "num_options": options,
        "is_fork": options > 1 and cell != maze.target,
        "dead_end_depth": deepest,
        "look_ahead": distance[cell] if deepest < 0 else min(deepest, distance[cell]),
    }


def entered_from(maze: Maze, cell: tuple) -> tuple | None:
    graph, frontier = graph_of(maze), steps_from(maze, maze.origin)
    around = [(cell[0] + down, cell[1] + right) for down, right in STEPS]
    nearer = [other for other in around if graph.has_edge(cell, other) and frontier[other] < frontier[cell]]
    return nearer[0] if nearer else None


def row_of(labels: PositionLabels, index: int) -> dict:
    return {field.name: getattr(labels, field.name)[index].tolist() for field in fields(labels)}


@pytest.mark.parametrize("algorithm", ["dfs", "dfs_percolation"])
@pytest.mark.parametrize("options", FORMATS, ids=lambda options: "-".join(map(str, options.values())))
def test_every_position_by_definition(options: dict, algorithm: str) -> None:
    mazes = generate([3, (3, 4), 5], algorithm, num=9, seed=4)
    encoded = load_tokenization(canvas=6, **options).encode(mazes, seed=2)
    labels, spans = label_positions(mazes, encoded.spans), encoded.spans
    assert len(labels) == int(spans.lengths.sum())
    before: tuple | None = None
    for index in range(len(labels)):
        found = row_of(labels, index)
        maze = mazes[found["maze"]]
        assert found["region"] == spans.regions[found["maze"], found["position"]]
        cell = tuple(found["cell"])
        if cell == (-1, -1):
            assert (found["distance"], found["frontier"], found["look_ahead"], found["manhattan"]) == (-1,) * 4
            assert not any([found["on_path"], found["is_fork"], *found["legal"], *found["optimal"]])
        else:
            if found["region"] == Region.PATH:
                first = found["position"] == spans.path_start[found["maze"]] + 1
                if first:
                    before, here = (maze.origin, cell) if spans.layout.path_as_moves else (None, cell)
                elif cell != here:
                    before, here = here, cell
            entered = before if found["region"] == Region.PATH else entered_from(maze, cell)
            expected = expected_of_cell(maze, cell, entered)
            assert {name: found[name] for name in expected} == expected
        if not spans.layout.lists_cells:  # a list of cells has no edges to label
            check_edge(maze, found)


@cache
def used_edges(maze: Maze) -> set:
    paths = networkx.all_shortest_paths(graph_of(maze), maze.origin, maze.target)
    return {frozenset(pair) for path in paths for pair in pairwise(path)}


def check_edge(maze: Maze, found: dict) -> None:
    if found["region"] != Region.ADJACENCY or found["edge"] == [-1] * 3:
        assert found["region"] != Region.ADJACENCY
        assert (found["edge_distance"], found["edge_frontier"], found["edge_on_path"]) == (-1, -1, False)
        return
    direction, row, col = found["edge"]
    ends = [(row, col), (row + 1 - direction, col + direction)]
    for name, source in (("edge_distance", maze.target), ("edge_frontier", maze.origin)):
        steps = steps_from(maze, source)
        assert found[name] == max(steps[end] for end in ends)
    assert found["edge_open"] == graph_of(maze).has_edge(*ends)
    assert found["edge_on_path"] == (frozenset(ends) in used_edges(maze))


def test_control_labels_are_those_of_cell_and_maze() -> None:
    mazes = generate([5], "dfs", num=40, seed=0)
    spans = load_tokenization("unique_cells", canvas=5).encode(mazes).spans
    labels = label_positions(mazes, spans, seed=3)
    at_cell = labels.cell[:, 0] >= 0
    cell = labels.cell[:, 0].long() * 5 + labels.cell[:, 1]
    for name, group in (("control_cell", cell), ("control_per_maze", labels.maze * 25 + cell)):
        values = getattr(labels, name)
        assert values[~at_cell].isnan().all() and not values[at_cell].isnan().any()
        seen = set(zip(group[at_cell].tolist(), values[at_cell].tolist(), strict=True))
        assert len(seen) == len({number for number, _ in seen}) == len({value for _, value in seen})
    other = label_positions(mazes, spans, seed=4)
    assert not torch.equal(other.control_cell[at_cell], labels.control_cell[at_cell])
    assert torch.equal(other.distance, labels.distance)


def test_control_distances_are_the_distances_in_other_places() -> None:
    mazes = generate([4], "dfs", num=30, seed=0)
    spans = load_tokenization("unique_cells", canvas=4).encode(mazes).spans
    labels = label_positions(mazes, spans)
    for maze in range(30):
        rows = (labels.maze == maze) & (labels.cell[:, 0] >= 0)
        cells, first = np.unique((labels.cell[rows] @ torch.tensor([4, 1], dtype=torch.int16)).numpy(), True)
        assert len(cells) == 16
        distance, control = labels.distance[rows].numpy()[first], labels.control_distance[rows].numpy()[first]
        assert sorted(distance) == sorted(control)
    assert labels.distance.tolist() != labels.control_distance.tolist()


def test_control_numbers_take_the_distribution_of_labels() -> None:
    labels = torch.tensor([1, 1, 1, 0] * 1000)
    uniform = torch.from_numpy(np.random.default_rng(0).random(4000, np.float32))
    assert abs(control_labels(uniform, labels).float().mean() - 0.75) < 0.03


def test_chosen_positions_numbers_and_size() -> None:
    mazes = generate([3, 4], "dfs", num=6, seed=0)
    spans = load_tokenization("edges", canvas=4).encode(mazes).spans
    everything = label_positions(mazes, spans)
    chosen = spans.regions == int(Region.PATH)
    some = label_positions(mazes, spans, chosen=chosen, indices=np.arange(6) + 100)
    keep = everything.region == int(Region.PATH)
    assert torch.equal(some.maze, everything.maze[keep] + 100)
    assert torch.equal(some.look_ahead, everything.look_ahead[keep])
    assert everything.nbytes == LABEL_BYTES * len(everything)


def test_prompts_alone_are_labelled() -> None:
    mazes = generate([3], "dfs", num=4, seed=0)
    encoded: Encoded = load_tokenization("edges", canvas=4).encode(mazes, prompt_only=True)
    labels = label_positions(mazes, encoded.spans)
    assert len(labels) == int(encoded.spans.lengths.sum())
    assert not (labels.region == int(Region.PATH)).any()
