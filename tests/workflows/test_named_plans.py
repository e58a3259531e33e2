"""Plans by name: they are listed, each trains a small run and shares its steps, a wrong name gets the nearest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import maze_rl
from maze_rl.cli.main import run
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.named_plans import PLANS
from maze_rl.configs.plans import plan_phases
from maze_rl.errors import MazeRLError
from maze_rl.workflows.run import plan_data
from maze_rl.workflows.run_folder import RunFolder

TINY = ["--canvas", "5", "--layers", "1", "--loops", "1", "--d-model", "16", "--heads", "2", "--batch-size", "4"]
BEGIN = ["train", *TINY, "--device", "cpu", "--sizes", "3..4", "--num", "0", "--out", "run"]


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_help_lists_them_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from maze_rl.cli.main import run\n"
        "try: run(['train', '--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in ('torch', 'numba', 'numpy') if name in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert shown[-1] == "[]"
    for name, plan in PLANS.items():
        (line,) = [line for line in shown if line.split()[:1] == [name]]
        assert line.endswith(plan.line)
        assert len(line) <= 80


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.filterwarnings("ignore::maze_rl.errors.Caution")
def test_each_trains_and_shares_the_steps(name: str) -> None:
    assert run([*BEGIN, "--plan", name, "--steps", "10"]) == 0
    folder = RunFolder(Path("run"))
    assert [row["step"] for row in folder.read_metrics()] == list(range(1, 11))
    phases = folder.open().training.phases
    for phase, written in zip(phases, PLANS[name].phases, strict=True):
        assert abs(phase.steps - 10 * written["share"]) < 1
        assert phase.loss == written.get("loss")
        assert phase.lora == written.get("lora")
        assert (phase.spin is not None) == ("spin" in written)
        assert phase.mazes.algorithm == written.get("algorithm", "dfs")
        assert phase.mazes.sizes == ((3, 4, 5) if "sizes" in written else (3, 4))


@pytest.mark.filterwarnings("ignore::maze_rl.errors.Caution")
def test_a_run_of_a_named_plan_goes_on() -> None:
    begin = [*BEGIN, "--plan", "two_losses"]
    assert run([*begin, "--steps", "8"]) == 0
    assert run([*begin, "--resume"]) == 0, "its steps are known"
    assert run([*begin, "--resume", "--steps", "10"]) == 0
    assert [phase.steps for phase in RunFolder(Path("run")).open().training.phases] == [2, 8]
    settings = {"canvas": 5, "n_layers": 1, "loops": 1, "d_model": 16, "n_heads": 2, "batch_size": 4}
    again = maze_rl.train((3, 4), plan="two_losses", resume=True, steps=11, out="run", device="cpu", num=0, **settings)
    assert again.steps == 11


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--plan", "two_loses"], "unknown plan 'two_loses'. Did you mean 'two_losses'? Choices: adapters,"),
        (["--plan", "two_loses"], "Or name a file, as plan.json."),
        (["--plan", "gone.json"], "gone.json: the plan cannot be read (No such file"),
        (["--plan", "self_play", "--steps", "2"], "2 steps are too few for the 3 phases of the plan: give more"),
        (["--plan", "self_play", "--rounds", "2"], "--rounds contradicts the plan"),
        (["--plan", "plan.json", "--steps", "9"], "--steps contradicts the plan, whose phases have steps of their own"),
    ],
    ids=" ".join,
)
def test_what_is_no_plan_gets_one_line(flags: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.json").write_text('{"phases": [{"steps": 3}]}')
    assert run([*BEGIN, *flags]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


def test_a_file_shares_steps_too_and_one_called_as_a_plan_needs_its_folder() -> None:
    Path("two_losses").write_text(json.dumps({"phases": [{"share": 0.4, "sizes": "3"}, {"share": 0.6}]}))
    assert run([*BEGIN, "--plan", "./two_losses", "--steps", "5"]) == 0
    assert [phase.steps for phase in RunFolder(Path("run")).open().training.phases] == [2, 3]


@pytest.mark.parametrize(
    ("phases", "said"),
    [
        ([{"share": 0.5}, {"share": 0.4}], "the phases have the shares [0.5, 0.4] of the run"),
        ([{"share": 0.5}, {"steps": 4}], "the phases have the shares [0.5, 0.0] of the run"),
        ([{"share": 0.5, "steps": 4}], 'write "steps", or "share", or "epochs"'),
        ([{"share": 1.5}], "share is 1.5: expected a share of the run's steps, above 0 and at most 1"),
    ],
)
def test_shares_are_of_the_whole(phases: list[dict[str, float]], said: str) -> None:
    with pytest.raises(MazeRLError) as caught:
        plan_phases(json.dumps({"phases": phases}), MazeSpec(), 8, plan_data, 100)
    assert said in str(caught.value)


def test_shares_end_at_the_last_step_however_they_are_rounded() -> None:
    text = json.dumps({"phases": [{"share": 1 / 3}] * 3})
    for steps in (3, 4, 5, 100, 2401):
        assert sum(phase.steps for phase in plan_phases(text, MazeSpec(), 8, plan_data, steps)) == steps
