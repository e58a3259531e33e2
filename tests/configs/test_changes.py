"""Changing a run by the names of its settings."""

import pytest

from maze_rl.configs.changes import change_run, sort_changes
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
    assert change_run(run, optimizer=BASE.training.optimizer, canvas=12, n_layers=BASE.model.n_layers) == BASE
    assert change_run(BASE) == BASE


def test_the_embedding_follows_the_token_format_unless_it_is_given() -> None:
    assert BASE.model.embedding == "factored"
    assert change_run(BASE, format="unique_cells").model.embedding == "factored"
    assert change_run(BASE, format="row_column").model.embedding == "free"
    with pytest.raises(ConfigurationError, match="embedding factored with format row_column"):
        change_run(BASE, format="row_column", embedding="factored")


def test_names_are_told_apart_and_unknown_ones_refused() -> None:
    kinds = (TrainingConfig, TokenizationConfig, ModelConfig)
    assert sort_changes({"loss": "all", "d_model": 8}, *kinds) == [{"loss": "all"}, {}, {"d_model": 8}]
    with pytest.raises(UnknownNameError, match=r"unknown setting 'layers'\. Did you mean 'n_layers'"):
        change_run(BASE, layers=3)
