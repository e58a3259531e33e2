"""Simple rules against the same rules written out for one cell of one maze."""

import math

import numpy as np
import pytest

from maze_rl.interp.behaviour.simple_rules import RULES, right_share
from maze_rl.interp.inputs.decisions import Decisions, find_decisions
from maze_rl.mazes.generate import generate
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import load_tokenization

STEP_OF = [(1, 0), (0, 1), (-1, 0), (0, -1)]
RIGHT_OF = {(1, 0): (0, -1), (0, -1): (-1, 0), (-1, 0): (0, 1), (0, 1): (1, 0)}
"""Facing down the map, the right hand points to its left; and so on, clockwise."""
LEFT_OF = {right: facing for facing, right in RIGHT_OF.items()}


@pytest.fixture(scope="module", params=["edges", "unique_cells", "cells"])
def decisions(request: pytest.FixtureRequest) -> Decisions:
    tokenization = load_tokenization(request.param, canvas=6)
    return find_decisions(tokenization, generate(sizes=[5], algorithm="dfs_percolation", num=25, seed=3).batches[0])


def cheapest(options: list[tuple[int, int]], cost) -> set[tuple[int, int]]:
    least = min(map(cost, options), default=0)
    return {option for option in options if cost(option) == least}


def expected(decisions: Decisions, row: int) -> dict[str, set[tuple[int, int]]]:
    """Picks of each rule as cells."""
    maze = decisions.batch[int(decisions.maze[row])]
    (r, c), previous = map(int, decisions.cells[row]), tuple(map(int, decisions.previous[row]))
    cell = (r, c)
    options = [neighbour for neighbour in maze.neighbours(cell) if neighbour != previous]
    spans, which = decisions.spans, int(decisions.maze[row])
    told = [tuple(place) for place in spans.cells[which][spans.regions[which] == Region.ADJACENCY].tolist()]
    listed = [tuple(map(int, edge)) for edge in decisions.spans.edges[int(decisions.maze[row])] if edge[0] >= 0]

    def place(option: tuple[int, int]) -> int:
        if not listed:
            return told.index(option)
        corner = min(cell, option)
        return listed.index((0 if option[1] == cell[1] else 1, *corner))

    def token(option: tuple[int, int]) -> int:
        return int(decisions.spans.layout.cell_ids[option])

    heading = (cell[0] - previous[0], cell[1] - previous[1])

    def first_of(*headings) -> set[tuple[int, int]]:
        ahead = [(cell[0] + step[0], cell[1] + step[1]) for step in headings]
        return {next(option for option in ahead if option in options)} if set(ahead) & set(options) else set()

    at_origin = previous == (-1, -1)
    right, left = (None, None) if at_origin else (RIGHT_OF[heading], LEFT_OF[heading])
    target = maze.target
    return {
        "manhattan": cheapest(options, lambda o: abs(o[0] - target[0]) + abs(o[1] - target[1])),
        "straight_line": cheapest(options, lambda o: round(math.dist(o, target), 9)),
        "straight_on": set() if at_origin else first_of(heading),
        "right_hand": set() if at_origin else first_of(right, heading, left),
        "left_hand": set() if at_origin else first_of(left, heading, right),
        "first_listed": cheapest(options, place),
        "last_listed": cheapest(options, lambda o: -place(o)),
        "lowest_id": cheapest(options, token),
        "highest_id": cheapest(options, lambda o: -token(o)),
    }


def test_rules_pick_what_plain_python_picks(decisions: Decisions) -> None:
    picks = {name: rule(decisions) for name, rule in RULES.items()}
    for row in range(len(decisions)):
        cell = decisions.cells[row]
        for name, cells in expected(decisions, row).items():
            got = {(cell[0] + STEP_OF[d][0], cell[1] + STEP_OF[d][1]) for d in np.flatnonzero(picks[name][row])}
            assert got == cells, (name, row)
    assert set(picks) == set(expected(decisions, 0))


def test_right_share_counts_picks_and_is_nan_without_any(decisions: Decisions) -> None:
    few = decisions.take(np.arange(3))
    picks = np.zeros((3, 4), np.bool_)
    picks[0], picks[1] = few.optimal[0], ~few.optimal[1]
    assert right_share(few, picks)[:2].tolist() == [1.0, 0.0]
    assert np.isnan(right_share(few, picks)[2])
