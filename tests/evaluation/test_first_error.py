from collections.abc import Callable

import numpy as np
import pytest

from maze_rl.evaluation.first_error import FIRST_ERRORS, FirstErrors, find_first_errors, first_error_row
from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.tokenization.outcomes import Rollouts, Stop, judge

ALL_DIFFERENT = np.arange(4, dtype=np.uint64)
CASES = {
    # name: cells, stop, type, position, k*
    "shortest": ("00 01 02 12 22", Stop.END, "none", 4, -1),
    "wrong start": ("01 02 12 22", Stop.END, "wrong_start", 0, -1),
    "through a wall": ("00 01 02 12 11", Stop.END, "wall", 3, 0),
    "two cells at once": ("00 02", Stop.END, "off_lattice", 0, 0),
    "staying": ("00 00", Stop.END, "off_lattice", 0, 0),
    "wrong branch at the fork": ("00 01 11 10", Stop.END, "non_optimal", 1, 3),
    "back": ("00 01 00", Stop.END, "backtrack", 1, 3),
    "early end": ("00 01 02", Stop.END, "premature_end", 2, 0),
    "end at once": ("", Stop.END, "premature_end", 0, -1),
    "past the target": ("00 01 02 12 22 12", Stop.END, "missed_end", 4, 0),
    "adjacency token": ("00 01", Stop.MALFORMED_TOKEN, "malformed_token", 1, 3),
    "cell outside": ("00 01 02", Stop.MALFORMED_CELL, "malformed_cell", 2, 0),
    "no budget left": ("00 01 02", Stop.OVER_BUDGET, "over_budget", 2, 0),
    "the first one counts": ("00 01 11 22 00", Stop.MALFORMED_TOKEN, "non_optimal", 1, 3),
}


@pytest.mark.parametrize("case", CASES)
def test_first_error(case: str, tree: BatchSolution, walked: Callable[..., Rollouts]) -> None:
    cells, stop, kind, position, look_ahead = CASES[case]
    found = find_first_errors(tree, walked(cells, stop))
    assert FIRST_ERRORS[found.kinds[0]] == kind
    assert (found.positions[0], found.look_ahead[0]) == (position, look_ahead)


def test_every_type_has_a_case() -> None:
    assert {case[2] for case in CASES.values()} == set(FIRST_ERRORS)


def test_either_of_two_shortest_paths_is_no_error(square: BatchSolution, walked: Callable[..., Rollouts]) -> None:
    for cells in ("00 01 11", "00 10 11"):
        assert FIRST_ERRORS[find_first_errors(square, walked(cells)).kinds[0]] == "none"


def errors(kinds: list[str], positions: list[int], look_ahead: list[int]) -> FirstErrors:
    return FirstErrors(
        np.array([FIRST_ERRORS.index(kind) for kind in kinds], np.int8),
        np.array(positions),
        np.array(look_ahead, np.int32),
        np.array([4, 2, 4, 4]),
    )


def test_row_of_known_errors() -> None:
    row = first_error_row(
        3, errors(["none", "wall", "non_optimal", "wrong_start"], [4, 1, 1, 0], [-1, 0, 3, -1]), ALL_DIFFERENT
    )
    assert row.num == sum(row.counts.values()) == 4
    assert {kind: n for kind, n in row.counts.items() if n} == {
        "none": 1,
        "wrong_start": 1,
        "wall": 1,
        "non_optimal": 1,
    }
    assert row.mean_relative_position == pytest.approx((0.5 + 0.25 + 0) / 3)
    assert row.mean_look_ahead == 1.5
    assert row.at_risk == [4, 3, 1, 1, 1]
    assert row.hazard == pytest.approx([1 / 4, 2 / 3, 0, 0, 0])
    assert row.constant_hazard == pytest.approx(3 / 10)
    assert row.effective_share is not None
    assert 0 < row.effective_share < 1


def test_steps_of_one_layout_count_less() -> None:
    found = errors(["none", "wall", "none", "wall"], [4, 1, 4, 1], [-1, 0, -1, 0])
    apart = first_error_row(3, found, ALL_DIFFERENT)
    pairs = first_error_row(3, found, np.array([7, 9, 7, 9], np.uint64))
    alone = first_error_row(3, found, np.zeros(4, np.uint64))
    assert apart.effective_share > pairs.effective_share > alone.effective_share == 0.0  # type: ignore[operator]


def test_row_without_errors() -> None:
    row = first_error_row(3, errors(["none"] * 4, [4, 2, 4, 4], [-1] * 4), ALL_DIFFERENT)
    assert row.mean_relative_position is None
    assert row.mean_look_ahead is None
    assert row.constant_hazard == 0.0
    assert row.at_risk == [4, 4, 4, 3, 3]


def test_no_first_error_means_shortest() -> None:
    solution = solve_batch(generate(4, "dfs_percolation", num=300, seed=0).batches[0])
    generator = np.random.default_rng(0)
    cells = solution.paths.copy()
    hit = generator.random(cells.shape[:2]) < 0.05
    cells[hit] = generator.integers(0, 4, (hit.sum(), 2))
    rollouts = Rollouts(cells, solution.lengths + 1, generator.choice(4, 300, p=[0.7, 0.1, 0.1, 0.1]).astype(np.int8))
    found = find_first_errors(solution, rollouts)
    assert ((found.kinds == 0) == judge(solution, rollouts).shortest).all()
    assert 0 < (found.kinds == 0).sum() < 300
    assert sum(first_error_row(4, found, np.arange(300, dtype=np.uint64)).counts.values()) == 300
