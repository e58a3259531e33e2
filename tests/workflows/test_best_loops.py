"""How often the block of a trained model is applied: chosen on validation mazes, the fewest loops that are as good."""

from collections.abc import Callable
from typing import Any

import pytest

from maze_rl.configs.changes import change_run
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import default_run
from maze_rl.configs.training import RunConfig
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.workflows.train import with_best_loops


def tiny(loops: int | None) -> tuple[MazeTransformer, RunConfig]:
    run = default_run(MazeSpec(sizes=(4,), split="train"), device="cpu", steps=2)
    trained = {} if loops is None else {"training_loops": (2, 3)}
    config = change_run(run, canvas=6, loops=loops, n_layers=1, d_model=16, n_heads=2, **trained)
    return build_model(config.model, Tokenization(config.tokenization), seed=0), config


@pytest.mark.parametrize(
    ("rates", "kept"),
    [
        ({4: 0.90, 6: 0.95, 8: 0.95}, 6),  # one standard error of 256 mazes at .95 is .014
        ({4: 0.94, 6: 0.95, 8: 0.90}, 4),
        ({4: 0.90, 6: 0.92, 8: 0.97}, 8),
        ({4: 0.0, 6: 0.0, 8: 0.0}, 4),
        ({4: 1.0, 6: 1.0, 8: 1.0}, 4),
    ],
)
def test_the_fewest_loops_within_a_standard_error_of_the_best_are_kept(
    rates: dict[int, float], kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, config = tiny(4)

    def by_loops(*_: object) -> Callable[[MazeTransformer], dict[str, Any]]:
        return lambda view: {"validation_exact": rates[view.loops]}

    monkeypatch.setattr("maze_rl.workflows.train.validator", by_loops)
    found, noted = with_best_loops(model, config)
    assert found.loops == kept
    assert noted == {"validation_exact_by_loops": {str(loops): rate for loops, rate in rates.items()}}


def test_a_model_without_loops_is_returned_as_it_is() -> None:
    model, config = tiny(None)
    assert with_best_loops(model, config) == (model, {})
