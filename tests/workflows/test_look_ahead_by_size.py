"""The effective look-ahead by size: that of a model built by hand, and what models have none."""

import math

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.configs.model import ModelConfig
from maze_rl.mazes.generate import generate
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.look_ahead_by_size import look_ahead_by_size


def test_a_search_that_reaches_every_target_has_no_limit() -> None:
    wave = build_hand_built("wave", reach=10, tokenization=load_tokenization("edges", canvas=4))
    mazes = {size: generate(sizes=size, num=60, seed=0, max_path_length=10).batches[0] for size in (3, 4)}
    told: list[float] = []
    rows = look_ahead_by_size(wave, mazes, seed=0, training_sizes=(4,), progress=lambda doing, done: told.append(done))
    assert [(row.size, row.in_training_range, row.where) for row in rows] == [(3, False, "above"), (4, True, "above")]
    assert told == sorted(told)
    assert all(row.look_ahead is None and row.forks > 50 and row.most <= 10 for row in rows)
    assert rows[1].steps_seen.value == rows[1].steps_seen.high > 3


def test_a_model_that_draws_looks_nowhere() -> None:
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=2), load_tokenization("edges", canvas=5)).eval()
    (row,) = look_ahead_by_size(model, {5: generate(sizes=5, num=60, seed=0).batches[0]}, seed=0)
    assert row.where == "below" and row.in_training_range is None
    assert row.steps_seen.value < 1


def test_a_model_that_writes_a_step_in_several_tokens_has_no_rows() -> None:
    model = build_model(
        ModelConfig(n_layers=1, d_model=8, n_heads=2, embedding="free"), load_tokenization("row_column")
    )
    assert look_ahead_by_size(model.eval(), {4: generate(sizes=4, num=5, seed=0).batches[0]}, seed=0) == []


def test_mazes_without_forks_have_a_row_without_numbers() -> None:
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=2), load_tokenization("edges", canvas=4)).eval()
    corridors = generate(sizes=2, num=5, seed=0, origin="dead_end", target="dead_end").batches[0]
    (row,) = look_ahead_by_size(model, {2: corridors}, seed=0)
    assert row.forks == 0 and row.look_ahead is None and math.isnan(row.lapse)
