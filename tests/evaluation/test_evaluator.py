import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.evaluation.baselines import WALKERS
from maze_rl.evaluation.evaluator import evaluate_model
from maze_rl.evaluation.results import AlgorithmRow, EvaluationResult, LoopRow
from maze_rl.evaluation.saved_results import result_from_json
from maze_rl.evaluation.single_steps import STARTS_OF_OWN_PROMPT
from maze_rl.models.build import MazeTransformer
from maze_rl.tokenization.layouts import ADJLIST_START

Decode = Callable[[HookedTransformer, Tensor, Tensor, Tensor], Tensor]


@pytest.fixture
def solved_half(solving_decode: Decode) -> Decode:
    """Solves the mazes with a short path; on the others it names an adjacency token after the first cell."""

    def decode(model: HookedTransformer, prompts: Tensor, lengths: Tensor, budget: Tensor, **_: object) -> Tensor:
        new = solving_decode(model, prompts, lengths, budget)
        new[(new < 11).int().argmax(dim=1) > 4, 1] = ADJLIST_START
        return new

    return decode


@pytest.fixture
def result(tiny_model: MazeTransformer, solved_half: Decode) -> EvaluationResult:
    return evaluate_model(
        tiny_model,
        sizes=(5, 4),
        num=25,
        training_sizes=(3, 4),
        longest_training_path=8,
        name="tiny",
        untrained=tiny_model,
        decode=solved_half,
        seed=1,
    )


def test_result_of_a_decoder_with_known_faults(result: EvaluationResult) -> None:
    assert [(row.size, row.num, row.in_training_range) for row in result.rows] == [(4, 25, True), (5, 25, False)]
    for row, errors in zip(result.rows, result.first_errors, strict=True):
        # A path of up to 3 steps has up to 4 cells.
        assert row.valid == row.reaches == row.shortest == row.exact_match
        assert 0 < row.shortest.value < 1
        assert errors.counts["none"] == round(row.shortest.value * 25)
        assert errors.counts["malformed_token"] == 25 - errors.counts["none"]
        assert errors.mean_relative_position is not None
        assert errors.mean_relative_position == 0.0
        assert sum(errors.counts.values()) == errors.num == 25
    assert {row.low: row.shortest.value for row in result.by_length if row.low > 4}.keys() >= {5}
    assert all(row.shortest.value == 0 for row in result.by_length if row.low > 4)


def test_all_baselines_are_there(result: EvaluationResult) -> None:
    assert set(result.rows[0].baselines) == {*WALKERS, "oracle", "untrained"}
    assert result.rows[0].baselines["oracle"].value == 1.0
    assert set(result.by_length[0].baselines) == set(result.rows[0].baselines)


def test_result_survives_json(result: EvaluationResult) -> None:
    assert result_from_json(json.loads(json.dumps(result.to_json()))) == result
    assert result.flat_rows()[0]["baseline_manhattan"] == result.rows[0].baselines["manhattan"].value


def test_an_evaluation_of_an_earlier_version_can_still_be_read(result: EvaluationResult) -> None:
    def without(value: Any) -> Any:
        if isinstance(value, dict):
            new = ("layouts", "effective", "effective_share", "steps_by_distance", "by_loops", "by_algorithm")
            return {name: without(item) for name, item in value.items() if name not in new}
        return [without(item) for item in value] if isinstance(value, list) else value

    old = result_from_json(without(json.loads(json.dumps(result.to_json()))))
    assert old.rows[0].layouts is old.rows[0].shortest.layouts is old.first_errors[0].effective_share is None
    assert old.rows[0].shortest.value == result.rows[0].shortest.value
    assert not old.rows[0].few_layouts
    assert old.steps_by_distance == old.by_loops == old.by_algorithm == []
    assert (old.flat_rows()[0]["layouts"], result.flat_rows()[0]["layouts"]) == (None, result.rows[0].layouts)


def test_steps_loops_and_algorithms_survive_json(result: EvaluationResult) -> None:
    steps = result.steps_by_distance
    assert {row.size for row in steps} == {4, 5}
    assert [(row.low, row.high) for row in steps if row.size == 4][:2] == [(1, 8), (9, 16)]
    assert sum(row.accuracy.num for row in steps if row.size == 4) == 25 * STARTS_OF_OWN_PROMPT
    some = result.rows[0].shortest
    more = replace(
        result,
        by_loops=[LoopRow(size=4, loops=9, as_kept=False, in_training_range=True, shortest=some)],
        by_algorithm=[
            AlgorithmRow(
                algorithm="wilson", size=4, trained_on=False, in_training_range=True, shortest=some, manhattan=some
            )
        ],
    )
    assert result_from_json(json.loads(json.dumps(more.to_json()))) == more


def test_layouts_are_counted(tiny_model: MazeTransformer, solved_half: Decode) -> None:
    found = evaluate_model(tiny_model, sizes=(4,), num=60, decode=solved_half)
    row = found.rows[0]
    # The test split of 4 x 4 depth-first mazes has 27 layouts.
    assert 15 < row.layouts <= 27  # type: ignore[operator]
    assert row.few_layouts
    assert found.flat_rows()[0]["few_layouts"] is True
    assert row.shortest.effective < row.num  # type: ignore[operator]
    assert row.shortest.layouts == row.spl.layouts == found.teacher_forced[0].token_accuracy.layouts == row.layouts
    assert all(1 <= each.layouts <= row.layouts for each in found.by_length)  # type: ignore[operator]


def test_examples_are_the_first_ones(result: EvaluationResult) -> None:
    shown = [(example.size, example.outcome) for example in result.examples]
    assert shown == [(size, outcome) for size in (4, 5) for outcome in ("shortest",) * 3 + ("malformed_token",) * 3]
    solved = result.examples[0]
    assert (solved.model_path[0], solved.model_path[-1]) == (solved.origin, solved.target)
    assert result.examples[3].model_path == [result.examples[3].origin]


def test_equal_settings_measure_equally(tiny_model: MazeTransformer, solved_half: Decode) -> None:
    first, second, other = (
        evaluate_model(tiny_model, sizes=(4,), num=10, seed=seed, decode=solved_half) for seed in (0, 0, 1)
    )
    assert {**first.to_json(), "seconds": 0} == {**second.to_json(), "seconds": 0}
    assert first.maze_digest == second.maze_digest != other.maze_digest


@pytest.mark.parametrize("algorithm", ["dfs", "dfs_percolation"])
def test_a_perfect_model(algorithm: str, tiny_model: MazeTransformer, solving_decode: Decode) -> None:
    found = evaluate_model(tiny_model, sizes=(5,), num=20, algorithm=algorithm, decode=solving_decode)
    row = found.rows[0]
    assert row.shortest.value == row.spl.value == row.progress.value == 1.0
    assert row.against_manhattan.value == 1 - row.baselines["manhattan"].value
    assert found.first_errors[0].mean_look_ahead is None
    assert {example.outcome for example in found.examples} == {"shortest"}


def test_the_real_decoder_is_the_default(tiny_model: MazeTransformer) -> None:
    torch.manual_seed(0)
    found = evaluate_model(tiny_model, sizes=(3,), num=4, untrained=tiny_model)
    assert found.rows[0].baselines["untrained"] == found.rows[0].shortest


def test_progress_rises_to_one(tiny_model: MazeTransformer, solving_decode: Decode) -> None:
    told: list[tuple[str, float]] = []
    evaluate_model(
        tiny_model,
        sizes=(3, 4),
        num=3,
        decode=solving_decode,
        progress=lambda doing, share: told.append((doing, share)),
    )
    shares = [share for _, share in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert "4 x 4: rollouts" in [doing for doing, _ in told]


def test_a_size_beyond_the_canvas_is_refused(tiny_model: MazeTransformer) -> None:
    with pytest.raises(ConfigurationError, match="size 7 is larger than the model's canvas of 5 x 5"):
        evaluate_model(tiny_model, sizes=(4, 7))


def test_a_size_without_test_mazes_is_refused(tiny_model: MazeTransformer, solving_decode: Decode) -> None:
    with pytest.raises(ConfigurationError, match=r"size 2: no 2 x 2 dfs maze falls into the test split.*split=None"):
        evaluate_model(tiny_model, sizes=(2, 4), num=5, decode=solving_decode)
    found = evaluate_model(tiny_model, sizes=(2,), num=5, split=None, decode=solving_decode)
    assert found.by_split is not None and sum(found.by_split.values()) == 5
    assert found.rows[0].shortest.value == 1.0


@pytest.mark.parametrize(
    ("sizes", "num", "said"), [((), 5, "no maze size was given"), ((4,), 0, "num is 0: expected a whole number")]
)
def test_nothing_to_measure_is_refused(
    tiny_model: MazeTransformer, sizes: tuple[int, ...], num: int, said: str
) -> None:
    with pytest.raises(MazeRLError, match=said):
        evaluate_model(tiny_model, sizes=sizes, num=num)
