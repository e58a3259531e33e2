"""Finding experiments: the list is instant, names are helped along, other packages can add theirs."""

import json
import subprocess
import sys
import time
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from maze_rl.configs.experiment import Experiment
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.workflows import experiment_files
from maze_rl.workflows.experiment_files import find_experiment, find_experiments

NAMES = {
    "baseline",
    "path_only_vs_all",
    "size_symptom",
    "graded",
    "dice",
    "dice_robustness",
    "spin_vs_continued",
    "q_learning",
    "unified_embeddings",
    "unified_weights",
    "tokenizers_compared",
    "training_plan",
}
SMALL = '''"""Is this found?"""
from maze_rl.configs.experiment import Experiment, small_run
def experiment(): return Experiment(arms={"one": small_run()}, control="one")
'''


def test_every_file_is_listed_with_a_question() -> None:
    found = find_experiments()
    assert set(found) >= NAMES
    for file in found.values():
        assert file.question.strip().endswith("?"), file.name
        assert "Expect" in file.text, file.name
        assert "Cost:" in file.text, file.name


@pytest.mark.parametrize("name", sorted(NAMES))
@pytest.mark.parametrize("large", [False, True])
def test_every_experiment_loads_on_both_scales(name: str, large: bool) -> None:
    experiment = find_experiment(name).load(large)
    assert isinstance(experiment, Experiment)
    assert {arm.seed for arm in experiment.arms.values()} == {0}


def test_headline_pairs_have_five_seeds_and_the_rest_three() -> None:
    headline = {"path_only_vs_all", "graded", "dice", "spin_vs_continued", "q_learning", "unified_embeddings"}
    for name in NAMES:
        assert find_experiment(name).load().seeds == (5 if name in headline else 3), name


@pytest.mark.parametrize("arguments", [["list"], ["describe", "dice"], ["list", "--json"]])
def test_list_and_describe_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys; from maze_rl.cli.main import run\n"
        f"assert run({['experiments', *arguments]!r}) == 0\n"
        "heavy = {'torch', 'numba', 'numpy', 'transformer_lens', 'datasets', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - started < 5  # half a second where the machine is free; this one may be busy
    assert "dice" in done.stdout


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown experiment 'q_leaning'\. Did you mean 'q_learning'"):
        find_experiment("q_leaning")


def test_a_file_may_have_dataclasses_whose_annotations_are_texts(tmp_path: Path) -> None:
    path = tmp_path / "with_dataclass.py"
    path.write_text(
        '"""Does this load?"""\nfrom __future__ import annotations\nfrom dataclasses import dataclass\n'
        "from maze_rl.configs.experiment import Experiment, small_run\n"
        "@dataclass\nclass Arm:\n    name: str\n"
        "def experiment(): return Experiment(arms={Arm('one').name: small_run()}, control='one')\n"
    )
    assert list(find_experiment(path).load().arms) == ["one"]


def test_an_entry_point_of_another_package_is_listed_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "somebody.py").write_text(SMALL)
    monkeypatch.syspath_prepend(str(tmp_path))
    points = [
        EntryPoint("theirs", "somebody:experiment", "maze_rl.experiments"),
        EntryPoint("gone", "no.such.package:experiment", "maze_rl.experiments"),
    ]
    monkeypatch.setattr(
        experiment_files, "entry_points", lambda group: points if group == "maze_rl.experiments" else []
    )
    found = find_experiments()
    assert found["theirs"].question == "Is this found?"
    assert list(found["theirs"].load().arms) == ["one"]
    assert "cannot be found" in found["gone"].question
    assert "somebody" not in sys.modules  # the list read the file without running it


def test_a_file_of_ones_own_is_named_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SMALL)
    assert find_experiment(str(tmp_path / "mine.py")).question == "Is this found?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def experiment(): return 3", "gives a int, no Experiment"),
        ("def experiment(): pass\nraise OSError('no disk')", "OSError: no disk"),
        ("print('hello')", "is a script of its own"),
        ("def experiment(:", "SyntaxError"),
    ],
)
def test_a_faulty_file_gets_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "faulty.py").write_text(text)
    with pytest.raises(ConfigurationError, match=message):
        find_experiment(str(tmp_path / "faulty.py")).load()


def test_describe_names_what_differs(capsys: pytest.CaptureFixture[str]) -> None:
    from maze_rl.cli.main import run

    assert run(["experiments", "describe", "path_only_vs_all"]) == 0
    text = capsys.readouterr().out
    assert "path_only: training.loss ('all' -> 'path_only')" in text
    assert run(["experiments", "describe", "dice", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["shams"] == {"classic": "classic_mean", "v0": "v0_mean", "head": "head_mean"}


def test_the_shams_of_the_dice_have_their_exact_mean() -> None:
    arms = find_experiment("dice").load().arms
    # faces 12..19 of a d20 save at k / 20, 20 counts 1, 2..11 cost 0.01, 1 nothing: (6.2 + 1 - 0.1) / 20
    assert float(arms["classic_mean"].training.update_rule.removeprefix("scale:")) == pytest.approx(0.355)
