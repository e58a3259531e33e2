"""Tiny models of the kind that searches, and an oracle for labels that knows networkx alone."""

from collections.abc import Callable
from dataclasses import dataclass

import networkx as nx
import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.mazes.lattice import Maze
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.layouts import PATH_END, Layout
from maze_rl.tokenization.tokenization import load_tokenization


@dataclass
class Asked:
    """What is right for one token."""

    cell: tuple[int, int]
    """Where the walk stands."""
    optimal: set[int]
    legal: set[int]
    remaining: int
    fork: bool


class Oracle:
    """Right and legal tokens of one maze at an offset, from its graph."""

    def __init__(self, maze: Maze, layout: Layout, offset: tuple[int, int]) -> None:
        self.layout, self.offset, self.graph = layout, offset, nx.Graph()
        down, right = maze.connections
        self.graph.add_node(tuple(map(int, maze.origin)))
        for row, col in zip(*down.nonzero(), strict=True):
            self.graph.add_edge((int(row), int(col)), (int(row) + 1, int(col)))
        for row, col in zip(*right.nonzero(), strict=True):
            self.graph.add_edge((int(row), int(col)), (int(row), int(col) + 1))
        self.origin, self.target = tuple(map(int, maze.origin)), tuple(map(int, maze.target))
        self.distance = nx.single_source_shortest_path_length(self.graph, self.target)

    def spelled(self, cell: tuple[int, int]) -> list[int]:
        return self.layout.cell_tokens[cell[0] + self.offset[0], cell[1] + self.offset[1]].tolist()

    def cell_of(self, ids: list[int]) -> tuple[int, int]:
        return next(cell for cell in self.distance if self.spelled(cell) == ids)

    def move(
        self, cell: tuple[int, int], neighbour: tuple[int, int], before: tuple[int, int] | None = None
    ) -> list[int]:
        if not self.layout.path_as_moves:
            return self.spelled(neighbour)
        ahead = (-1, 0) if before is None else (cell[0] - before[0], cell[1] - before[1])
        step = neighbour[0] - cell[0], neighbour[1] - cell[1]
        if self.layout.path_as_turns:  # rows count downwards: a turn to the left of (down, right) is (-right, down)
            ways = {ahead: "FORWARD", (-ahead[1], ahead[0]): "LEFT", (ahead[1], -ahead[0]): "RIGHT"}
            return [self.layout.words.index(ways.get(step, "BACKWARD"))]
        return [int(self.layout.move_ids[[(1, 0), (0, 1), (-1, 0), (0, -1)].index(step)])]

    def labels(self, segment: list[int], alone: bool) -> list[Asked]:
        """Return what is asked behind the cell a segment starts at; `alone` for one step from a drawn cell."""
        size = self.layout.tokens_per_cell
        cell, rest, asked = self.cell_of(segment[:size]), segment[size:], []
        before = None
        while rest:
            if cell == self.target:
                assert rest == [PATH_END]
                return [*asked, Asked(cell, {PATH_END}, {PATH_END}, 0, False)]
            ways = {neighbour: self.move(cell, neighbour, before) for neighbour in self.graph[cell]}
            best = {n for n in ways if self.distance[n] == self.distance[cell] - 1}
            width = self.layout.tokens_per_step
            taken, rest = rest[:width], rest[width:]
            fork = len(ways) > (1 if before is None else 2)
            for place in range(width):
                agreeing = {n: ids[place] for n, ids in ways.items() if ids[:place] == taken[:place]}
                right = {token for n, token in agreeing.items() if n in best}
                asked.append(Asked(cell, right, set(agreeing.values()), self.distance[cell], fork))
            before, cell = cell, next(n for n, ids in ways.items() if ids == taken)
            assert before in self.graph[cell]
            assert cell in best or not alone
            if alone:
                assert not rest
        return asked


@pytest.fixture(scope="session")
def oracle() -> type[Oracle]:
    return Oracle


@pytest.fixture(scope="session")
def make_asked() -> Callable[..., MazeTransformer]:
    """Return a function that builds a model of two loops in float64 for a format."""

    def make(tokens: str = "cells", path: str = "cells", canvas: int = 6, **changes: object) -> MazeTransformer:
        tokenization = load_tokenization(tokens, canvas=canvas, origin="path", path=path, random_offsets=True)
        shape = {"n_layers": 1, "loops": 2, "d_model": 16, "n_heads": 2}
        config = ModelConfig(**(shape | {"embedding": "free", "prompt": "visible", "outer_norm": True} | changes))
        return build_model(config, tokenization, seed=1, dtype=torch.float64)

    return make
