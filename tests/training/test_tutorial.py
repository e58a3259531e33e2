"""The tutorial of the slots: its plug-ins are short and work; its plan trains. The laws: `test_documentation.py`."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from maze_rl.cli.main import run
from maze_rl.models.model_files import load_model

TEXT = (Path(__file__).resolve().parents[2] / "maze_rl" / "training" / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
PLUGINS = [block for block in BLOCKS if block.startswith("# my_plugins.py\n")]
(OUTSIDE,) = [block for block in BLOCKS if "LearningRateController(" in block]
(PLAN,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my_plugins.py").write_text("\n".join(PLUGINS))
    (tmp_path / "plan.json").write_text(PLAN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_plug_in_is_written_in_under_20_lines() -> None:
    lengths = {
        node.name: node.end_lineno - node.lineno + 1
        for block in PLUGINS
        for node in ast.parse(block).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.end_lineno is not None
    }
    assert len(lengths) >= 6
    assert max(lengths.values()) < 20, lengths


def test_the_loop_outside_the_trainer_learns() -> None:
    names: dict[str, Any] = {}
    exec(compile(OUTSIDE.replace("model =", "torch.manual_seed(0)\nmodel ="), "README.md", "exec"), names)
    assert names["dice"].steps == 100
    assert 80 < names["control"].step < 100  # those that a natural 1 threw away leave the schedule where it is
    assert names["model"].weight.norm() < 0.2


TINY = [
    "--sizes",
    "3",
    "--canvas",
    "4",
    "--layers",
    "1",
    "--d-model",
    "16",
    "--heads",
    "2",
    "--device",
    "cpu",
    "--num",
    "0",
    "--batch-size",
    "4",
]


def test_they_are_taken_from_the_command_line(at_home: Path) -> None:
    flags = [
        "--loss",
        "my_plugins:ends_matter,weight=3",
        "--update-rule",
        "my_plugins:Lucky,chance=0.5",
        "--schedule",
        "my_plugins:halfway",
        "--lr-controller",
        "my_plugins:Cautious",
        "--optimizer",
        "my_plugins:slow",
        "--parametrization",
        "my_plugins:gains",
    ]
    assert run(["train", *TINY, "--steps", "6", "--out", "run", *flags]) == 0
    rows = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 6
    assert all("drawn" in row["rolls"][0] for row in rows)
    model = load_model("run")
    assert not any("parametrizations" in name for name in model.state_dict())


def test_the_plan_trains(at_home: Path) -> None:
    assert run(["train", *TINY, "--plan", "plan.json", "--out", "run"]) == 0
    rows = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert len(rows) == sum(phase["steps"] for phase in json.loads(PLAN)["phases"])
    assert [row["step"] for row in rows if "spin" in row] == [61]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ('{"phases": [{"steps": 3, "sizs": "3"}]}', "unknown field of phase 1 'sizs'. Did you mean 'sizes'?"),
        ('{"phases": [{"steps": 3}, {"name": "b", "steps": 2, "spin": {"bta": 1}}]}', "Did you mean 'beta'?"),
        ('{"phases": [{"name": "b", "steps": "all"}]}', "phase 1 (b) of the plan: steps is 'all': expected a whole"),
        ('{"phases": [{"steps": 3, "loss": "al", "spin": {}}]}', "unknown loss 'al'"),
        ('{"phases": [{"steps": 3, "loss": "all", "spin": {}}]}', "two owners of the objective"),
        (
            '{"phases": [{"steps": 3, "data": []}]}',
            "data is []: expected the folder of a dataset, or a list of folders",
        ),
        ('{"phases": [{"steps": 3, "data": ["gone"]}]}', "gone: there is no such folder"),
        ('{"phases": [{"sizes": "3"}]}', 'write "steps", or "share", or "epochs" where the phase has "data"'),
        ('{"phases": [{"steps": 3, "steps": 4}]}', "the plan gives 'steps' twice in one place"),
        ('{"phases": [{"steps": 3, "spin": {}}]}', "the first is a round of self-play"),
        ('{"phases": []}', "training needs at least one"),
        ('{"steps": 3}', '{"phases": [...]}'),
        ("phases", "the plan is no JSON"),
    ],
)
def test_a_wrong_plan_gets_one_clear_line(
    plan: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.json").write_text(plan)
    assert run(["train", *TINY, "--plan", "plan.json", "--out", "run"]) == 2
    shown = capsys.readouterr().err
    assert expected in shown
    assert shown.count("\n") == 1
    assert not Path("run").exists()


FAULTY = """
import numpy as np
import torch
from maze_rl.training.loss_targets import Targets, next_token
from maze_rl.training.loss_weights import path_only
from maze_rl.training.slots import Apply, Verdict

class Rule:
    per, apply_to = "step", "update"
    def __init__(self, answer="nothing"): self.answer = answer
    def decide(self, moment):
        if self.answer == "raise": return 1 / 0
        return Apply(float("nan")) if self.answer == "nan" else None

class Controller:
    def __init__(self, factor=1.0): self.factor = factor
    def multiplier(self): return self.factor
    def observe(self, outcome): return None

def loss(kind):
    def weigh(examples):
        if kind == "raise": raise RuntimeError("boom")
        return {"nothing": None, "short": torch.ones(3), "zero": 0 * path_only(examples),
                "negative": -path_only(examples)}[kind]
    return weigh, next_token

def targets():
    return path_only, lambda examples: Targets(examples.tokens[:, :3, None], torch.ones(len(examples), 3, 1))

def schedule(step): return 1.0

class Forgotten:
    per, apply_to = "step", "update"
    def __init__(self, kind="number"): self.kind, self.asked = kind, np.int64(0)
    def decide(self, moment):
        self.asked += 1
        return Apply(1.0, {"asked": {3} if self.kind == "record" else self.asked})
    def state_dict(self): return {"asked": {1, 2} if self.kind == "state" else self.asked}
    def load_state_dict(self, state): self.asked = np.int64(state["asked"])
"""


def test_numbers_of_numpy_may_be_recorded_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["train", *TINY, "--steps", "3", "--json", "--update-rule", "faulty:Forgotten", "--out", "run"]) == 0
    rows = [json.loads(line) for line in Path("run/metrics.jsonl").read_text().splitlines()]
    assert [row["rolls"][0]["asked"] for row in rows] == [1, 2, 3]
    assert json.loads(Path("run/checkpoints/3/state.json").read_text())["memory"]["plugins"] == {
        "update_rule": {"asked": 3}
    }


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (
            ["--update-rule", "faulty:Rule,answer=nothing"],
            "update rule Rule: expected Apply with a finite scale, or",
        ),
        (["--update-rule", "faulty:Rule,answer=nan"], "expected Apply with a finite scale"),
        (["--update-rule", "faulty:Rule,answer=raise"], "update rule faulty:Rule: ZeroDivisionError"),
        (["--update-rule", "faulty:Rule,anser=1"], "update rule faulty:Rule: cannot be used (TypeError"),
        (["--lr-controller", "faulty:Controller"], "controller Controller: expected a Verdict, got None"),
        (["--lr-controller", "faulty:Controller,factor=nan"], "expected a factor of 0 or above, got nan"),
        (["--loss", "faulty:loss,kind=raise"], "RuntimeError: boom"),
        (["--loss", "faulty:loss,kind=nothing"], "loss weights faulty:loss.<locals>.weigh: expected Float"),
        (["--loss", "faulty:loss,kind=short"], "loss weights faulty:loss.<locals>.weigh: expected Float"),
        (["--loss", "faulty:loss,kind=zero"], "add up to 0.0, not above 0"),
        (["--loss", "faulty:loss,kind=negative"], "loss weights faulty:loss.<locals>.weigh: all must be 0 or above"),
        (["--loss", "faulty:targets"], "loss targets faulty:targets.<locals>.<lambda>: expected ids and probabilities"),
        (["--loss", "faulty:gone"], "loss faulty:gone: cannot be imported"),
        (["--schedule", "faulty:schedule"], "schedule faulty:schedule: TypeError"),
        (["--update-rule", "dise:classic"], "No module named 'dise'). Did you mean 'dice'?"),
        (
            ["--update-rule", "faulty:Forgotten,kind=state"],
            "update rule faulty:Forgotten: state_dict(): {1, 2} cannot be",
        ),
        (["--update-rule", "faulty:Forgotten,kind=record"], "{3} cannot be saved: records and states are numbers"),
    ],
)
def test_faulty_plug_ins_get_one_clear_line(
    flags: list[str], expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "faulty.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert run(["train", *TINY, "--steps", "3", "--json", *flags, "--out", "run"]) == 2
    shown = capsys.readouterr().err
    assert expected in shown
    assert shown.count("\n") == 1
    assert not Path("run").exists()
