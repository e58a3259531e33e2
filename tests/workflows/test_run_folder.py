"""A run on disk: what a user can do wrong with it gets one clear line."""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from maze_rl.configs.longer_run import lengthened
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.presets import default_run
from maze_rl.configs.training import RunConfig
from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.models import verified_files
from maze_rl.models.build import MazeTransformer
from maze_rl.models.model_files import load_model
from maze_rl.training.checkpoints import checkpoint_steps
from maze_rl.training.trainer import TrainingInterrupted
from maze_rl.workflows import train as workflow
from maze_rl.workflows.export import export
from maze_rl.workflows.run_folder import RunFolder
from maze_rl.workflows.train import train_run


def tiny_run(steps: int = 4, **changes: object) -> RunConfig:
    base = default_run(MazeSpec(sizes=(4, 5), split="train"), device="cpu", steps=steps)
    training = replace(
        base.training, batch_size=8, checkpoint_every=2, validation_mazes=8, training_loops=(), **changes
    )  # type: ignore[arg-type]
    return replace(base, training=training, model=ModelConfig(n_layers=1, d_model=16, n_heads=2))


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_model(folder).state_dict()


def test_a_run_leaves_everything_the_layout_promises(tmp_path: Path) -> None:
    run = train_run(tiny_run(), tmp_path / "x", command="maze-rl train --steps 4")
    names = {path.name for path in run.folder.iterdir()}
    assert names == {
        "config.json",
        "tokenizer",
        "metrics.jsonl",
        "checkpoints",
        "model.safetensors",
        "model.json",
        "checksums.json",
    }
    config = json.loads((run.folder / "config.json").read_text())
    assert config["command"] == "maze-rl train --steps 4"
    assert {"torch", "transformer-lens", "numpy", "python"} <= config["versions"].keys()
    assert config["revision"]
    rows = RunFolder(run.folder).read_metrics()
    assert [row["step"] for row in rows] == [1, 2, 3, 4]
    assert {"loss", "learning_rate", "gradient_norm", "tokens", "mazes", "leaks", "seconds"} <= rows[0].keys()
    assert checkpoint_steps(run.folder / "checkpoints") == [2, 4]
    assert load_model(run.folder).about["leaks"] == 0


def test_resume_continues_bit_for_bit_and_rewrites_no_metric(tmp_path: Path) -> None:
    straight = train_run(tiny_run(6), tmp_path / "straight")
    killed = train_run(tiny_run(6), tmp_path / "killed")
    folder = RunFolder(killed.folder)
    for name in ("4", "6"):  # as if killed between steps 3 and 4, after metrics of step 3 were written
        for path in (folder.checkpoints / name).iterdir():
            path.unlink()
        (folder.checkpoints / name).rmdir()
    folder.cut_metrics(3)
    resumed = train_run(tiny_run(6), tmp_path / "killed", resume=True)
    for name, value in weights(straight.folder).items():
        assert torch.equal(value, weights(resumed.folder)[name]), name
    ours, theirs = (RunFolder(run.folder).read_metrics() for run in (straight, resumed))
    assert [row["step"] for row in theirs] == [1, 2, 3, 4, 5, 6]
    assert [row["loss"] for row in ours] == [row["loss"] for row in theirs]


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    run = train_run(tiny_run(), tmp_path / "x")
    before = weights(run.folder)
    train_run(tiny_run(), tmp_path / "x", resume=True)
    assert all(torch.equal(before[name], value) for name, value in weights(run.folder).items())


def test_another_run_is_not_overwritten(tmp_path: Path) -> None:
    train_run(tiny_run(), tmp_path / "x")
    with pytest.raises(ConfigurationError, match=r"holds another run: choose another --out, or .* --resume"):
        train_run(tiny_run(), tmp_path / "x")
    (tmp_path / "y").mkdir()
    (tmp_path / "y" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="is not empty"):
        train_run(tiny_run(), tmp_path / "y")
    assert (tmp_path / "y" / "notes.txt").read_text() == "mine"


def test_other_settings_are_refused_by_name(tmp_path: Path) -> None:
    train_run(tiny_run(), tmp_path / "x")
    with pytest.raises(ConfigurationError, match=r"training\.learning_rate is 0\.0025 in the run, 0\.5 was given"):
        train_run(tiny_run(learning_rate=0.5), tmp_path / "x", resume=True)


def test_resuming_nothing_names_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json: the file is missing"):
        train_run(tiny_run(), tmp_path / "nowhere", resume=True)


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_a_damaged_checkpoint_is_named_and_nothing_else_touched(damage: str, tmp_path: Path) -> None:
    train_run(tiny_run(), tmp_path / "x")
    path = tmp_path / "x" / "checkpoints" / "4" / "model.safetensors"
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[-1] ^= 1
    path.unlink() if damage == "remove" else path.write_bytes(bytes(data[:-9] if damage == "truncate" else data))
    before = {file: file.read_bytes() for file in (tmp_path / "x").rglob("*") if file.is_file()}
    with pytest.raises(
        CheckpointError, match=r"checkpoints/4/model\.safetensors: .*or remove that folder to continue from step 2"
    ):
        train_run(tiny_run(), tmp_path / "x", resume=True)
    assert before == {file: file.read_bytes() for file in (tmp_path / "x").rglob("*") if file.is_file()}


def test_a_full_disk_keeps_the_previous_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = verified_files._write_synced

    def full_at_step_4(path: Path, data: bytes) -> None:
        if path.name == "optimizer.safetensors" and path.parent.name.startswith(".4."):
            path.write_bytes(data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(verified_files, "_write_synced", full_at_step_4)
    with pytest.raises(CheckpointError, match=r"checkpoints/4: could not be written \(No space left on device\)"):
        train_run(tiny_run(), tmp_path / "x")
    assert [path.name for path in (tmp_path / "x" / "checkpoints").iterdir()] == ["2"]
    monkeypatch.undo()
    resumed = train_run(tiny_run(), tmp_path / "x", resume=True)
    straight = train_run(tiny_run(), tmp_path / "straight")
    assert all(torch.equal(value, weights(resumed.folder)[name]) for name, value in weights(straight.folder).items())


def test_export_equals_the_run_and_refuses_a_folder_in_use(tmp_path: Path) -> None:
    run = train_run(tiny_run(), tmp_path / "x")
    out = export(run.folder, tmp_path / "exported")
    assert all(torch.equal(value, weights(out)[name]) for name, value in weights(run.folder).items())
    assert not any("parametrizations" in name for name in weights(out))
    with pytest.raises(ConfigurationError, match="is not an empty folder"):
        export(run.folder, tmp_path / "x")


def test_a_finished_run_goes_on_as_if_its_last_phase_had_been_longer(tmp_path: Path) -> None:
    """With a schedule that does not depend on the length, bit for bit."""
    begun = tiny_run(4, schedule="constant")
    longer = lengthened(begun, 8)
    straight = train_run(longer, tmp_path / "straight")
    finished = train_run(begun, tmp_path / "finished")
    RunFolder(finished.folder).write_evaluation({"of": "the model after 4 steps"})
    resumed = train_run(longer, finished.folder, resume=True, command="maze-rl train --resume --steps 8")
    assert resumed.steps == 8
    assert all(torch.equal(value, weights(resumed.folder)[name]) for name, value in weights(straight.folder).items())
    config = json.loads((resumed.folder / "config.json").read_text())
    assert config["continued"] == [{"command": "maze-rl train --resume --steps 8", "from_step": 4}]
    assert (RunFolder(resumed.folder).open(), RunFolder(resumed.folder).first_steps()) == (longer, 4)
    assert not RunFolder(resumed.folder).evaluation_path.exists(), "it was of another model"


def test_a_run_takes_no_fewer_steps_and_no_longer_round() -> None:
    with pytest.raises(ConfigurationError, match="steps is 3, and the run has 4 already"):
        lengthened(tiny_run(4), 3)
    adapted = default_run(MazeSpec(sizes=(4, 5), split="train"), device="cpu", steps=4, lora=2)
    with pytest.raises(ConfigurationError, match=r"ends with the training of adapters, .*--start-from"):
        lengthened(adapted, 5)
    assert lengthened(adapted, 4) == adapted


@pytest.mark.parametrize("stopped_at", [2, 4])
def test_an_interrupted_validation_is_made_when_the_run_goes_on(
    stopped_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its step is saved at once, without waiting for the validation, and nothing is missing afterwards."""
    config = tiny_run(validate_every=2)
    straight = train_run(config, tmp_path / "straight")
    real, calls = workflow.validator, []

    def pressing(*settings: Any) -> Callable:
        validate = real(*settings)

        def press(model: MazeTransformer) -> dict[str, object]:
            calls.append(model)
            if len(calls) == stopped_at // 2:
                os.kill(os.getpid(), signal.SIGINT)
            return validate(model)

        return press

    monkeypatch.setattr(workflow, "validator", pressing)
    with pytest.raises(TrainingInterrupted, match=f"stopped after step {stopped_at}"):
        train_run(config, tmp_path / "stopped")
    resumed = train_run(config, tmp_path / "stopped", resume=True)
    ours, theirs = (RunFolder(run.folder).read_metrics() for run in (straight, resumed))
    told = ("step", "loss", "validation_loss", "validation_exact", "tokens")
    assert [[row.get(name) for name in told] for row in ours] == [[row.get(name) for name in told] for row in theirs]
    for name, value in weights(straight.folder).items():
        assert torch.equal(value, weights(resumed.folder)[name]), name


def test_numbers_that_are_not_finite_are_null_in_the_log_and_the_evaluation(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.append_metrics({"step": 1, "loss": float("nan"), "gradient_norm": torch.tensor(float("inf"))})
    run.append_metrics({"step": 2, "loss": 0.5, "gradient_norm": 1.0})
    run.cut_metrics(1)
    run.write_evaluation({"high": float("inf")})
    assert run.metrics_path.read_text() == '{"step": 1, "loss": null, "gradient_norm": null}\n'
    assert run.read_metrics() == [{"step": 1, "loss": None, "gradient_norm": None}]
    assert run.read_evaluation() == {"high": None}
