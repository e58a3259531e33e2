"""The model a command is about, with as many loops as are asked for: in every command the same."""

import json
from pathlib import Path

import pytest
import torch

from maze_rl.cli.main import run
from maze_rl.configs.changes import change_run
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import default_run
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.model_files import load_model
from maze_rl.workflows.chosen_model import chosen_model, loops_in_name
from maze_rl.workflows.evaluate import TEST_SEED, evaluate
from maze_rl.workflows.report import report
from maze_rl.workflows.solve import solve_with_model
from maze_rl.workflows.train import train_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the run of a model like the default one, tiny: 3 loops."""
    config = change_run(
        default_run(MazeSpec(sizes=(4,), split="train"), device="cpu", steps=2),
        canvas=6,
        loops=3,
        d_model=16,
        n_heads=2,
        training_loops=(2, 3),
        batch_size=4,
        stray_tokens=4,
        starts=2,
        validation_mazes=8,
    )
    return train_run(config, tmp_path_factory.mktemp("runs") / "x").folder


def test_without_loops_it_is_the_model_itself(folder: Path) -> None:
    model = load_model(folder)
    assert chosen_model(model) is model
    assert chosen_model(model, 3) is model
    assert loops_in_name(model) == ""


def test_it_runs_with_the_loops_asked_for_and_says_so(folder: Path) -> None:
    model, changed = load_model(folder), chosen_model(folder, 5)
    assert (changed.loops, loops_in_name(changed)) == (5, "-5-loops")
    tokens = model.tokenization.encode(generate(4, num=2)).tokens
    assert torch.equal(changed(tokens), model.with_loops(5)(tokens))
    assert "changed_loops" not in model.about


def test_too_few_loops_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigurationError, match="loops is 0"):
        chosen_model(folder, 0)


def test_evaluation_and_walks_are_those_of_the_changed_model(folder: Path) -> None:
    result = evaluate(folder, 4, 8, loops=5)
    assert result.model.endswith("-5-loops")
    assert result.rows == evaluate(load_model(folder).with_loops(5), 4, 8).rows
    maze = generate(4, num=1)[0]
    other = load_model(folder).with_loops(5)
    assert solve_with_model(folder, maze, loops=5).words == solve_with_model(other, maze).words


def test_a_report_with_other_loops_leaves_that_of_the_run_alone(folder: Path) -> None:
    page = report([folder], sizes=[4], num=8, loops=5)
    assert page.parent == folder / "report-5-loops"
    text = page.read_text(encoding="utf-8")
    assert "x-5-loops" in text
    for command in ("evaluate", "report"):
        assert f"maze-rl {command} {folder} " in text
    assert text.count(f"--num 8 --seed {TEST_SEED} --loops 5") == 2
    assert not (folder / "evaluation.json").exists()
    assert not (folder / "report").exists()


def test_every_command_takes_loops(folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["evaluate", str(folder), "--sizes", "4", "--num", "8", "--loops", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"].endswith("-2-loops")
    assert run(["solve", str(folder), "--size", "4", "--loops", "2", "--json"]) == 0
    assert run(["export", str(folder), "--loops", "2", "--out", str(tmp_path / "exported")]) == 0
    assert load_model(tmp_path / "exported").loops == 2


def test_a_report_is_refused_before_anything_is_evaluated(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = change_run(
        default_run(MazeSpec(sizes=(4,), split="train"), device="cpu", steps=2),
        canvas=6,
        loops=None,
        d_model=16,
        n_heads=2,
        n_layers=1,
        batch_size=4,
        starts=0,
        stray_tokens=0,
        validation_mazes=8,
    )
    other = train_run(plain, tmp_path / "plain").folder

    def never(*_: object, **__: object) -> None:
        raise AssertionError("evaluated")

    monkeypatch.setattr("maze_rl.workflows.report.evaluate", never)
    with pytest.raises(ConfigurationError, match="loops: this model has none"):
        report([folder, other], loops=5)
