"""The main job in other token formats: train, evaluate, report and solve, tiny."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maze_rl.cli.main import run
from maze_rl.configs.changes import change_run
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import default_run
from maze_rl.configs.training import RunConfig
from maze_rl.errors import ConfigurationError
from maze_rl.models.model_files import load_model
from maze_rl.workflows.run import train
from maze_rl.workflows.run_folder import RunFolder
from maze_rl.workflows.solve import draw_maze, solve_with_model

SHAPE = {"n_layers": 1, "d_model": 16, "n_heads": 2}


def tiny_run(**options: Any) -> RunConfig:
    """Return a run of three steps on 4 x 4 mazes."""
    base = default_run(MazeSpec(sizes=(4,), split="train"), device="cpu", steps=3, loss="path_only_set")
    return change_run(
        base, **SHAPE, loops=2, batch_size=4, validation_mazes=8, canvas=5, **({"origin": "prompt"} | options)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        {"format": "row_column"},
        {"format": "edges", "path": "moves", "walls": True},
        {"format": "edges", "origin": "path"},
        {"format": "cells", "origin": "path", "path": "moves"},
        {"format": "cells", "origin": "path", "path": "turns"},
        {"format": "coordinate_tuples", "path": "turns"},
        {"format": "unique_cells", "path": "moves", "connectors": False, "query": "first"},
    ],
)
def test_train_evaluate_report_and_solve(options: dict[str, Any], tmp_path: Path) -> None:
    config, folder = tiny_run(**options), tmp_path / "x"
    train(config=config, out=folder, num=6)
    assert RunFolder(folder).open().tokenization == config.tokenization
    assert (folder / "report" / "report.html").is_file()
    model = load_model(folder)
    assert model.tokenization.config == config.tokenization
    walk = solve_with_model(model, draw_maze(4))
    assert walk.words
    assert set(walk.words) <= set(model.tokenization.vocabulary)


@pytest.mark.slow
def test_the_command_line_takes_formats_of_several_tokens(tmp_path: Path) -> None:
    shape = ["--layers", "1", "--d-model", "16", "--heads", "2", "--canvas", "5", "--steps", "2", "--batch-size", "4"]
    out = str(tmp_path / "x")
    named = ["train", "--sizes", "4", "--tokenizer", "coordinate_tuples", "--num", "5", "--device", "cpu", "--out", out]
    assert run([*named, "--origin", "path", *shape]) == 0
    tokens = load_model(out).tokenization.config
    assert (tokens.format, tokens.origin) == ("coordinate_tuples", "path")


def test_a_factored_embedding_of_cells_of_several_tokens_is_refused() -> None:
    config = tiny_run(format="row_column")
    with pytest.raises(ConfigurationError, match=r"embedding factored with format row_column: .* use embedding='free'"):
        replace(config, model=replace(config.model, embedding="factored"))
