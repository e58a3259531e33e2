"""Changing a run by the names of its settings."""

from dataclasses import replace
from typing import Any

import pytest

from maze_rl.configs.changes import PLAIN_LAYERS, change_run, sort_changes
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.presets import default_run
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import TrainingConfig
from maze_rl.errors import ConfigurationError, UnknownNameError

BASE = default_run(MazeSpec(sizes=(4,), split="train"), device="cpu", steps=20)


def test_every_setting_reaches_the_part_it_belongs_to_and_nothing_else_changes() -> None:
    run = change_run(BASE, optimizer="sgd", canvas=5, n_layers=1)
    assert (run.training.optimizer, run.tokenization.canvas, run.model.n_layers) == ("sgd", 5, 1)
    assert change_run(run, optimizer=BASE.training.optimizer, canvas=20, n_layers=BASE.model.n_layers) == BASE
    assert change_run(BASE) == BASE


def test_the_embedding_follows_the_token_format_unless_it_is_given() -> None:
    assert BASE.model.embedding == "waves"
    assert change_run(BASE, format="unique_cells").model.embedding == "waves"
    assert change_run(BASE, format="row_column").model.embedding == "free"
    with pytest.raises(ConfigurationError, match="embedding factored with format row_column"):
        change_run(BASE, format="row_column", embedding="factored")


def test_a_loss_on_the_prompt_brings_a_causal_prompt_and_all_logits_wherever_a_phase_has_it() -> None:
    phase = replace(BASE.training.phases[-1], loss="weighted:0.3")
    for changes in ({"loss": "all"}, {"phases": (*BASE.training.phases, phase)}):
        model = change_run(BASE, **changes).model
        assert (model.prompt, model.unembedding) == ("causal", "all")
    with pytest.raises(ConfigurationError, match="prompt visible with loss all"):
        change_run(BASE, loss="all", prompt="visible")


def test_what_cannot_be_tied_has_plain_layers_and_plain_layers_stay_as_many() -> None:
    run = change_run(BASE, memory=8)
    assert (run.model.loops, run.model.n_layers, run.model.outer_norm) == (None, PLAIN_LAYERS, False)
    assert (run.training.training_loops, run.training.growing_loops) == ((), False)
    plain = change_run(BASE, loops=None, n_layers=1)
    assert change_run(plain, reverse_positions=True).model.n_layers == 1


@pytest.mark.parametrize(
    "changes, asked",
    [
        ({"positions": "learned"}, (0, 24)),
        ({"origin": "prompt"}, (0, 24)),
        ({"format": "unique_cells"}, (24, 0)),
        ({"format": "edges"}, (24, 24)),
        ({"format": "edges", "walls": True}, (24, 0)),
    ],
)
def test_what_a_sequence_asks_follows_its_tokens(changes: dict[str, Any], asked: tuple[int, int]) -> None:
    training = change_run(BASE, **changes).training
    assert (training.starts, training.stray_tokens) == asked


def test_the_loops_of_training_follow_those_of_the_model() -> None:
    assert change_run(BASE, loops=30).training.training_loops == (4, 30)
    assert change_run(BASE, loops=2).training.training_loops == (2, 2)
    half = change_run(BASE, training_loops=(2, 9))
    assert change_run(half, loops=12).training.training_loops == (2, 9)
    assert change_run(BASE, loops=12, training_loops=(3, 5)).training.training_loops == (3, 5)


def test_names_are_told_apart_and_unknown_ones_refused() -> None:
    kinds = (TrainingConfig, TokenizationConfig, ModelConfig)
    assert sort_changes({"loss": "all", "d_model": 8}, *kinds) == [{"loss": "all"}, {}, {"d_model": 8}]
    with pytest.raises(UnknownNameError, match=r"unknown setting 'num_layers'\. Did you mean 'n_layers'"):
        change_run(BASE, num_layers=3)


def test_settings_may_be_called_as_flags_call_them() -> None:
    flags = change_run(BASE, tokenizer="unique_cells", layers=3, heads=2)
    assert flags == change_run(BASE, format="unique_cells", n_layers=3, n_heads=2)
    assert (flags.tokenization.format, flags.model.n_layers, flags.model.n_heads) == ("unique_cells", 3, 2)
    with pytest.raises(ConfigurationError, match="layers and n_layers are the same"):
        change_run(BASE, n_layers=3, layers=3)
