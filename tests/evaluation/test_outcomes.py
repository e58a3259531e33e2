from collections.abc import Callable

import numpy as np
import pytest

from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.tokenization.layouts import ADJLIST_START, PADDING, PATH_END, Layout
from maze_rl.tokenization.outcomes import Rollouts, Stop, budget_for, judge, parse_rollouts
from maze_rl.tokenization.tokenization import load_tokenization

LAYOUT = load_tokenization("edges", canvas=5).layout
TUPLES = load_tokenization("coordinate_tuples", canvas=5).layout
MOVES = load_tokenization("edges", canvas=5, path="moves").layout
TURNS = load_tokenization("edges", canvas=5, path="turns").layout
ON_PATH = load_tokenization("unique_cells", canvas=5, walls=True, origin="path").layout
OFFSET, ORIGIN = (1, 2), (1, 1)


def parse(*tokens: int, budget: int | None = None, layout: Layout = LAYOUT) -> tuple[list[list[int]], Stop]:
    """Parse one rollout in a 3 x 3 maze whose corner lies at (1, 2) of a 5 x 5 canvas."""
    found = parse_rollouts(
        np.array([tokens]),
        np.array([ORIGIN], np.int16),
        np.array([OFFSET], np.int16),
        (3, 3),
        layout,
        np.array([budget or len(tokens)]),
    )
    return found.cells[0, : found.num_cells[0]].tolist(), Stop(found.stops[0])


def cell(row: int, col: int) -> int:
    """Token of a cell of the maze."""
    return int(LAYOUT.cell_ids[row + OFFSET[0], col + OFFSET[1]])


def test_tokens_are_read_as_cells_of_the_maze() -> None:
    assert parse(cell(0, 0), cell(0, 1), PATH_END, PADDING) == ([[0, 0], [0, 1]], Stop.END)


def test_an_end_alone_is_an_empty_walk() -> None:
    assert parse(PATH_END, PADDING) == ([], Stop.END)


@pytest.mark.parametrize(
    "token",
    [ADJLIST_START, PADDING, int(LAYOUT.edge_ids[0, 1, 2]), len(LAYOUT.words), 10**6],  # type: ignore[index]
)
def test_what_names_no_cell_is_a_malformed_token(token: int) -> None:
    assert parse(cell(0, 0), token, cell(0, 1), PATH_END) == ([[0, 0]], Stop.MALFORMED_TOKEN)


@pytest.mark.parametrize("place", [(0, 2), (4, 2), (1, 1), (1, 0)])
def test_a_cell_of_the_canvas_outside_the_maze_is_malformed(place: tuple[int, int]) -> None:
    assert parse(cell(0, 0), int(LAYOUT.cell_ids[place]), PATH_END) == ([[0, 0]], Stop.MALFORMED_CELL)


def test_no_end_within_the_budget() -> None:
    tokens = [cell(0, 0), cell(0, 1)] * 3
    assert parse(*tokens, budget=4) == ([[0, 0], [0, 1]] * 2, Stop.OVER_BUDGET)


def test_padding_after_the_budget_is_not_the_models() -> None:
    assert parse(cell(0, 0), cell(0, 1), PADDING, budget=2) == ([[0, 0], [0, 1]], Stop.OVER_BUDGET)
    assert parse(cell(0, 0), cell(0, 1), PADDING, budget=3) == ([[0, 0], [0, 1]], Stop.MALFORMED_TOKEN)


def ids(text: str, layout: Layout) -> list[int]:
    """Ids of words; the cell (r, c) of the maze is written as it stands on the canvas."""
    return [layout.words.index(word) for word in text.split()]


@pytest.mark.parametrize(
    ("text", "cells", "stop"),
    [
        ("( 1 , 2 ) ( 1 , 3 ) <PATH_END>", [[0, 0], [0, 1]], Stop.END),
        ("( 1 , 2 ) ( 1 , 3 )", [[0, 0], [0, 1]], Stop.OVER_BUDGET),
        ("( 1 , 2 ) ( 1 , 3", [[0, 0]], Stop.OVER_BUDGET),
        ("<PATH_END>", [], Stop.END),
        ("( 1 , 2 ) ( 1 <PATH_END> <PADDING> <PADDING>", [[0, 0]], Stop.MALFORMED_TOKEN),
        ("( 1 , 2 ) ( 1 1 , ) <PATH_END>", [[0, 0]], Stop.MALFORMED_TOKEN),
        ("( 1 , 2 ) 1 ( 1 , 3 ) <PATH_END>", [[0, 0]], Stop.MALFORMED_TOKEN),
        ("( 1 , 2 ) ( 0 , 2 ) <PATH_END>", [[0, 0]], Stop.MALFORMED_CELL),
    ],
)
def test_a_cell_of_several_tokens_is_read_as_a_group(text: str, cells: list[list[int]], stop: Stop) -> None:
    assert parse(*ids(text, TUPLES), layout=TUPLES) == (cells, stop)


def test_the_last_group_may_be_the_end() -> None:
    tokens = ids("( 1 , 2 ) <PATH_END> <PADDING> <PADDING> <PADDING> <PADDING>", TUPLES)
    assert parse(*tokens, budget=6, layout=TUPLES) == ([[0, 0]], Stop.END)
    assert parse(*tokens, budget=5, layout=TUPLES) == ([[0, 0]], Stop.OVER_BUDGET)


@pytest.mark.parametrize(
    ("text", "cells", "stop"),
    [
        ("NORTH EAST SOUTH WEST <PATH_END>", [[1, 1], [0, 1], [0, 2], [1, 2], [1, 1]], Stop.END),
        ("<PATH_END>", [[1, 1]], Stop.END),
        ("NORTH NORTH <PATH_END>", [[1, 1], [0, 1]], Stop.MALFORMED_CELL),
        ("SOUTH (1,2) <PATH_END>", [[1, 1], [2, 1]], Stop.MALFORMED_TOKEN),
        ("EAST WEST", [[1, 1], [1, 2], [1, 1]], Stop.OVER_BUDGET),
    ],
)
def test_moves_start_at_the_origin(text: str, cells: list[list[int]], stop: Stop) -> None:
    assert parse(*ids(text, MOVES), layout=MOVES) == (cells, stop)


@pytest.mark.parametrize(
    ("text", "cells", "stop"),
    [
        ("FORWARD RIGHT RIGHT RIGHT <PATH_END>", [[1, 1], [0, 1], [0, 2], [1, 2], [1, 1]], Stop.END),
        ("LEFT LEFT LEFT LEFT <PATH_END>", [[1, 1], [1, 0], [2, 0], [2, 1], [1, 1]], Stop.END),
        ("BACKWARD BACKWARD FORWARD", [[1, 1], [2, 1], [1, 1], [0, 1]], Stop.OVER_BUDGET),
        ("<PATH_END>", [[1, 1]], Stop.END),
        ("FORWARD FORWARD <PATH_END>", [[1, 1], [0, 1]], Stop.MALFORMED_CELL),
        ("RIGHT NORTH <PATH_END>", [[1, 1], [1, 2]], Stop.MALFORMED_TOKEN),
    ],
)
def test_turns_start_at_the_origin_facing_north(text: str, cells: list[list[int]], stop: Stop) -> None:
    assert parse(*ids(text, TURNS), layout=TURNS) == (cells, stop)


@pytest.mark.parametrize(
    ("text", "cells", "stop"),
    [
        ("(3,3) (3,4) <PATH_END>", [[1, 1], [2, 1], [2, 2]], Stop.END),
        ("<PATH_END>", [[1, 1]], Stop.END),
        ("(3,3) NORTH", [[1, 1], [2, 1]], Stop.MALFORMED_TOKEN),
        ("(0,3) <PATH_END>", [[1, 1]], Stop.MALFORMED_CELL),
        ("(3,3) (2,3)", [[1, 1], [2, 1], [1, 1]], Stop.OVER_BUDGET),
    ],
)
def test_behind_an_origin_that_is_given_walks_start_there(text: str, cells: list[list[int]], stop: Stop) -> None:
    assert parse(*ids(text, ON_PATH), layout=ON_PATH) == (cells, stop)


def test_the_budget_is_two_cells_more_than_the_grid_and_the_end() -> None:
    assert budget_for((5, 5), LAYOUT) == 5**2 + 2 + 1
    assert budget_for((5, 5), TUPLES) == 5 * (5**2 + 2) + 1
    assert budget_for((5, 5), MOVES) == 5**2 + 1 + 1  # the origin is no move
    assert budget_for((5, 5), ON_PATH) == 5**2 + 1 + 1
    for path, step in (("cells", 5), ("moves", 1), ("turns", 1)):
        given = load_tokenization("coordinate_tuples", canvas=5, path=path, origin="path").layout
        assert budget_for((5, 5), given) == step * (5**2 + 1) + 1
        assert given.path_tokens(3) == 5 + 2 * step + 1


CASES = {
    "shortest": ("00 01 02 12 22", Stop.END, "valid reaches simple shortest exact_match", 4),
    "no end": ("00 01 02 12 22", Stop.OVER_BUDGET, "valid simple", 4),
    "detour": ("00 01 00 01 02 12 22", Stop.END, "valid reaches", 4),
    "stops early": ("00 01 02", Stop.END, "valid simple", 2),
    "dead end": ("00 01 11 10", Stop.END, "valid simple", 1),
    "wall": ("00 10", Stop.END, "", 0),
    "wall at the end": ("00 01 02 12 11 22", Stop.END, "", 3),
    "jump to the target": ("00 22", Stop.END, "", 0),
    "wrong start": ("01 02 12 22", Stop.END, "", 0),
    "adjacency token": ("00 01 02 12 22", Stop.MALFORMED_TOKEN, "", 4),
    "nothing": ("", Stop.END, "", 0),
}


@pytest.mark.parametrize("case", CASES)
def test_outcomes(case: str, tree: BatchSolution, walked: Callable[..., Rollouts]) -> None:
    cells, stop, expected, nearer = CASES[case]
    found = judge(tree, walked(cells, stop))
    names = [n for n in ("valid", "reaches", "simple", "shortest", "exact_match") if getattr(found, n)[0]]
    assert names == expected.split()
    assert found.progress[0] == nearer / 4
    assert found.optimal_steps[0] == 4


def test_any_shortest_path_counts(square: BatchSolution, walked: Callable[..., Rollouts]) -> None:
    found = [judge(square, walked(cells)) for cells in ("00 01 11", "00 10 11")]
    assert all(one.shortest[0] for one in found)
    assert sum(one.exact_match[0] for one in found) == 1


def test_valid_reaches_shortest_is_a_hierarchy() -> None:
    solution = solve_batch(generate(4, "dfs_percolation", num=400, seed=0).batches[0])
    generator = np.random.default_rng(0)
    # Reference paths with some cells replaced and some ends missing: every kind of outcome.
    cells = solution.paths.copy()
    hit = generator.random(cells.shape[:2]) < 0.1
    cells[hit] = generator.integers(0, 4, (hit.sum(), 2))
    num_cells = np.maximum(solution.lengths + 1 - (generator.random(400) < 0.2), 1)
    found = judge(
        solution, Rollouts(cells, num_cells, generator.choice(4, 400, p=[0.7, 0.1, 0.1, 0.1]).astype(np.int8))
    )
    assert (found.valid >= found.reaches).all()
    assert (found.reaches >= found.shortest).all()
    assert (found.shortest >= found.exact_match).all()
    assert 0 < found.shortest.sum() < found.valid.sum() < 400
