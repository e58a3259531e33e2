"""The flagship's script trains what it says: on sizes 5 to 9 alone, every maze once, and goes on where it was."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from maze_rl.configs.changes import change_run
from maze_rl.configs.training import DataFolder, RunConfig
from maze_rl.models.model_files import load_model

Load = Callable[..., ModuleType]


def test_every_maze_of_the_mixture_comes_once_and_none_is_larger_than_9x9(load_script: Load) -> None:
    script = load_script("flagship")
    run = script.flagship([DataFolder(folder=kind, content="") for kind in script.KINDS])
    assert run.sizes == (5, 6, 7, 8, 9)
    last = run.training.phases[-1]
    assert [data.folder for data in last.datasets] == list(script.KINDS)
    assert run.training.batch_size * last.steps <= len(script.KINDS) * script.MAZES
    assert run.training.weight_factors == ("within_reach",)
    assert run.model.loops == run.training.training_loops[1] == 72


def test_it_trains_and_goes_on(load_script: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = load_script("flagship")
    monkeypatch.chdir(tmp_path)
    for name, value in (("GROWTH", 1), ("MIXTURE", 2), ("MAZES", 40)):
        monkeypatch.setattr(script, name, value)
    whole = script.flagship

    def smaller(mazes: Sequence[DataFolder]) -> RunConfig:
        training = {"batch_size": 4, "validation_mazes": 4, "training_loops": (2, 4), "gradient_loops": 2}
        return change_run(whole(mazes), d_model=16, n_heads=2, loops=4, **training)

    monkeypatch.setattr(script, "flagship", smaller)
    script.main(["--out", "run"])
    assert json.loads(Path("run/metrics.jsonl").read_text().splitlines()[-1])["step"] == 6
    model = load_model("run")
    assert model.maze_config is not None and model.maze_config.loops in (4, 6, 8)
    assert str(tmp_path) not in Path("run/config.json").read_text(), "mazes are named from where one stands"
    with pytest.raises(SystemExit):
        script.main(["--out", "run"])  # it is there already
    script.main(["--out", "run", "--resume"])
