"""The flagship's script trains what it says: on sizes 5 to 9 alone, every maze once, and goes on where it was."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from maze_rl.configs.changes import change_run
from maze_rl.configs.presets import TakenModel
from maze_rl.configs.training import DataFolder, RunConfig, StartModel
from maze_rl.models.model_files import load_model

Load = Callable[..., ModuleType]


def test_every_maze_of_the_mixture_comes_once_and_none_is_larger_than_9x9(load_script: Load) -> None:
    script = load_script("flagship")
    first = script.first_run()
    taken = TakenModel(
        start=StartModel(model="first", digest=""), tokenization=first.tokenization, model=first.model, mazes=script.ALL
    )
    mazes = [DataFolder(folder=kind, content="") for kind in script.KINDS]
    second, third = (make(taken, mazes) for make in (script.second_run, script.third_run))
    assert first.training.weight_factors == ("within_reach",) and first.model.loops == 60
    for run, loops in ((second, 72), (third, 96)):
        assert first.sizes == run.sizes == (5, 6, 7, 8, 9)
        (last,) = run.training.phases
        assert [data.folder for data in last.datasets] == list(script.KINDS)
        assert run.training.batch_size * last.steps == len(script.KINDS) * script.mazes_of_each(last.steps)
        assert run.training.weight_factors == first.training.weight_factors
        assert (run.model.loops, run.training.objective) == (loops, "false_targets")


def test_it_trains_and_goes_on(load_script: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = load_script("flagship")
    monkeypatch.chdir(tmp_path)
    for name, value in (("FIRST_STEPS", 5), ("SECOND_STEPS", 2), ("THIRD_STEPS", 2)):
        monkeypatch.setattr(script, name, value)
    first, further = script.first_run, {name: getattr(script, name) for name in ("second_run", "third_run")}
    small = {"batch_size": 4, "validation_mazes": 4, "training_loops": (2, 4), "gradient_loops": 2, "loops": 4}

    def smaller(name: str) -> Callable[[TakenModel, Sequence[DataFolder]], RunConfig]:
        def make(taken: TakenModel, mazes: Sequence[DataFolder]) -> RunConfig:
            start = replace(taken, model=replace(taken.model, loops=4))
            return change_run(further[name](start, mazes), **small)

        return make

    monkeypatch.setattr(script, "first_run", lambda: change_run(first(), d_model=16, n_heads=2, **small))
    for name in further:
        monkeypatch.setattr(script, name, smaller(name))
    script.main(["--out", "run"])
    assert not Path("run-third").exists()
    script.main(["--out", "run", "--third", "--resume"])
    for folder in ("run", "run-third"):
        assert json.loads(Path(folder, "metrics.jsonl").read_text().splitlines()[-1])["step"] == 2
        model = load_model(folder)
        assert model.maze_config is not None and model.maze_config.loops in (4, 6, 8)
        assert model.about["algorithms"] == ["dfs", "dfs_percolation", "wilson"]
        assert str(tmp_path) not in Path(folder, "config.json").read_text(), "files are named from where one stands"
    with pytest.raises(SystemExit):
        script.main(["--out", "run"])  # it is there already
