"""The landscape script: corners are the runs' own losses, rises and barriers that are known, answers, faults."""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from maze_rl.errors import ConfigurationError
from maze_rl.evaluation.weight_space import flat, losses_at, place, plane_through

SCRIPT = Path(__file__).parents[1] / "experiments" / "loss_landscape.py"
TINY = shlex.split(
    "--size 4 --steps 6 --batch-size 4 --layers 1 --d-model 16 --mazes 8 --points 3 --directions 1 --snapshots 3"
)


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("loss_landscape")


@pytest.fixture(scope="module")
def ways(script: Any) -> Any:
    return script.train_ways(script.Settings(**settings_of(script)), 0)


def settings_of(script: Any) -> dict[str, int]:
    read = vars(script.parse(TINY))
    return {name: read[name] for name in vars(script.Settings())}


class Bowl(nn.Module):
    """A matrix and a vector; the loss is the sum of their squares."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.tensor([[3.0, 0.5], [4.0, 1.2]]))
        self.vector = nn.Parameter(torch.tensor([0.1, 1 / 3]))


def squares(model: nn.Module) -> float:
    return sum(float(parameter.detach().double().square().sum()) for parameter in model.parameters())


def test_the_rise_of_a_bowl_is_known(script: Any) -> None:
    model = Bowl()
    ways = script.Ways(model, squares, {"plain": flat(model)[None]})
    around = script.Settings(directions=400)
    # Orthogonal on average: each column then adds (distance * its length)^2.
    expected = [distance**2 * (25 + 1.69) for distance in script.DISTANCES]
    assert script.rises(ways, "plain", around, 0) == pytest.approx(expected, rel=0.3, abs=0.4)


def test_a_barrier_is_the_height_above_the_line_between_both_losses(script: Any) -> None:
    model = Bowl()
    ends = {"dice": torch.full((1, 6), -1.0), "plain": torch.full((1, 6), 1.0)}
    hill = script.Ways(model, lambda model: 10 - squares(model), ends)
    assert script.barrier(hill, "dice", "plain", 5) == pytest.approx(6)
    assert script.barrier(script.Ways(model, squares, ends), "dice", "plain", 5) == 0


def test_runs_share_their_start_and_corners_are_their_own_losses(script: Any, ways: Any) -> None:
    starts = [way[0] for way in ways.weights.values()]
    assert all(torch.equal(start, starts[0]) for start in starts)
    assert [len(way) for way in ways.weights.values()] == [4, 4, 4]
    assert not torch.equal(ways.end("plain"), ways.end("dice"))
    settings = script.Settings(**settings_of(script))
    own = {}
    for arm in script.ARMS:
        place(ways.model, ways.end(arm))
        own[arm] = ways.loss(ways.model)
    row = script.measured(ways, settings, 0)
    assert row["loss"] == own
    plane = plane_through(starts[0], ways.end("plain"), ways.end("dice"))
    corners = plane.at(plane.coordinates(torch.stack([ways.end("plain"), ways.end("dice")])))
    assert losses_at(ways.model, corners, ways.loss) == pytest.approx([own["plain"], own["dice"]], rel=1e-4)
    drawn = script.surface(ways, settings)
    assert np.shape(drawn["losses"]) == (3, 3)
    assert drawn["shares"]["plain"] < 1.0 + 1e-6


def test_the_same_seed_goes_the_same_ways(script: Any, ways: Any) -> None:
    again = script.train_ways(script.Settings(**settings_of(script)), 0)
    for arm in script.ARMS:
        assert torch.equal(again.end(arm), ways.end(arm))


def test_figure_and_numbers_are_written(script: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = script.main([*TINY, "--seeds", "1", "--out", str(tmp_path / "new")])
    capsys.readouterr()
    rows = script.main([*TINY, "--seeds", "2", "--out", str(tmp_path / "new")])
    assert "seed 0" not in capsys.readouterr().err, "that was measured before"
    assert [row["seed"] for row in rows] == [0, 1]
    assert rows[0] == first[0]
    capsys.readouterr()
    script.main([*TINY, "--seeds", "2", "--out", str(tmp_path / "new")])
    assert {path.name for path in (tmp_path / "new").iterdir()} == {"loss_landscape.png", "loss_landscape.json"}
    written = json.loads((tmp_path / "new" / "loss_landscape.json").read_text())
    assert written["seeds"] == rows
    shown = capsys.readouterr().out.splitlines()
    assert shown == written["answers"]
    assert sum("no difference shown" in text or "flatter" in text or "sharper" in text for text in shown) == 2


@pytest.mark.parametrize(
    ("mean", "half", "said"),
    [
        (-0.2, 0.1, "flatter"),
        (0.2, 0.1, "sharper"),
        (0.2, 0.3, "no difference shown"),
        (0.2, float("nan"), "no difference shown"),
    ],
)
def test_a_verdict_needs_an_interval_on_one_side_of_zero(script: Any, mean: float, half: float, said: str) -> None:
    assert script.verdict(mean, half) == said


@pytest.mark.parametrize(
    ("flags", "said"),
    [("--size 3", "--size is 3: 4 or more"), ("--seeds 0", "--seeds is 0"), ("--points 2", "--points is 2: 3 or more")],
)
def test_what_cannot_be_measured_is_refused(script: Any, flags: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        script.main(flags.split())


def test_a_fault_is_one_line() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--out", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"--out {SCRIPT} is a file: name a folder, please.\n"
