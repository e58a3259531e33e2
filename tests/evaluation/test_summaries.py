import numpy as np
import pytest

from maze_rl.evaluation.baselines import walk_all
from maze_rl.evaluation.first_error import find_first_errors
from maze_rl.evaluation.single_steps import StepAnswers
from maze_rl.evaluation.summaries import MeasuredSize, grid_cells, length_rows, size_row
from maze_rl.evaluation.teacher_forced import Predictions
from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import solve_batch
from maze_rl.tokenization.outcomes import judge


@pytest.fixture(scope="module")
def measured() -> list[MeasuredSize]:
    """Two sizes on which the model walks as Manhattan greedy with four steps of sight does."""
    sizes = []
    nothing = np.zeros((1, 1), np.bool_)
    for size in (4, 9):
        solution = solve_batch(generate(size, num=300, seed=0).batches[0])
        walks = walk_all(solution, 0)
        model = walks["look_ahead_4"]
        values = np.zeros((1, 1), np.float32)
        predictions = Predictions(
            np.zeros(1, np.int64), nothing, nothing, nothing, nothing, values, values, values, values
        )
        sizes.append(
            MeasuredSize(
                size=size,
                solution=solution,
                rollouts=model,
                outcomes=judge(solution, model),
                first_errors=find_first_errors(solution, model),
                baselines={name: judge(solution, walked).shortest for name, walked in walks.items()},
                predictions=predictions,
                steps=StepAnswers(np.zeros(1, np.int64), np.ones(1, np.int32), np.ones(1, np.bool_)),
            )
        )
    return sizes


def test_size_row(measured: list[MeasuredSize]) -> None:
    row = size_row(measured[1], True, 0)
    shortest, manhattan = measured[1].outcomes.shortest, measured[1].baselines["manhattan"]
    assert (row.size, row.num, row.in_training_range) == (9, 300, True)
    assert row.shortest.value == shortest.mean() == row.baselines["look_ahead_4"].value
    assert row.valid.value == row.baselines["oracle"].value == 1.0
    assert row.against_manhattan.value == pytest.approx(shortest.mean() - manhattan.mean())
    assert row.against_manhattan.p_value < 1e-6
    assert row.against_baselines.keys() == row.baselines.keys()
    assert row.against_baselines["manhattan"] == row.against_manhattan
    assert [each == "1" for each in row.solved] == shortest.tolist()
    assert len(set(row.layout_of or range(row.num))) == row.layouts
    assert row.solved_where_manhattan_fails is not None
    assert row.solved_where_manhattan_fails.num == (~manhattan).sum()
    assert row.solved_where_manhattan_fails.value == pytest.approx(shortest[~manhattan].mean())


def test_path_means(measured: list[MeasuredSize]) -> None:
    row, outcomes = size_row(measured[1], True, 0), measured[1].outcomes
    # On a tree, a walk without steps back that arrives is shortest.
    assert row.spl.value == pytest.approx(outcomes.shortest.mean())
    assert row.optimality_ratio is not None
    assert (row.optimality_ratio.value, row.optimality_ratio.num) == (1.0, outcomes.reaches.sum())
    assert row.progress.value == pytest.approx(outcomes.progress.mean())
    assert row.spl.low < row.spl.value < row.spl.high


def test_rows_by_length_hold_every_maze_once(measured: list[MeasuredSize]) -> None:
    rows = length_rows(measured, 14)
    assert sum(row.num for row in rows) == 600
    assert all(row.num > 0 for row in rows)
    assert {(row.low, row.in_training_range) for row in rows} >= {(13, True), (17, False)}
    easiest = rows[0]
    where = [one.outcomes.optimal_steps <= 4 for one in measured]
    assert easiest.num == sum(w.sum() for w in where)
    assert easiest.shortest.value == 1.0  # within four steps the target is in sight
    assert easiest.baselines["oracle"].value == 1.0


def test_training_length_unknown_means_outside(measured: list[MeasuredSize]) -> None:
    assert not any(row.in_training_range for row in length_rows(measured, None))


def test_grid_splits_the_rows_by_size(measured: list[MeasuredSize]) -> None:
    cells, rows = grid_cells(measured), length_rows(measured, None)
    for row in rows:
        parts = [cell for cell in cells if cell.low == row.low]
        assert sum(cell.shortest.num for cell in parts) == row.num
        solved = sum(round(cell.shortest.value * cell.shortest.num) for cell in parts)
        assert solved == round(row.shortest.value * row.num)
