"""Running experiments: every arm and seed once, in its place, resumed where it was stopped."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maze_rl.cli.experimenting import _print_answer
from maze_rl.cli.main import run
from maze_rl.configs.experiment import Experiment
from maze_rl.errors import Caution, ConfigurationError, MazeRLError, UnknownNameError
from maze_rl.models.model_files import load_model
from maze_rl.reports.run_comparison.verdicts import verdicts
from maze_rl.workflows import experiment as workflow
from maze_rl.workflows.compare import collect
from maze_rl.workflows.experiment import HeldOutMazes, plan, read_measures, run_experiment, run_one, solved_tests
from maze_rl.workflows.run_folder import RunFolder

TEXT = '''"""Does one step less matter?

Expectation: no.
"""
from maze_rl.configs.experiment import Experiment, small_run

def experiment(large=False):
    tiny = dict(n_layers=1, d_model=16, n_heads=2, batch_size=8, validation_mazes=8, checkpoint_every=2)
    arms = {"four": small_run((4,), steps=4, **tiny), "three": small_run((4,), steps=3, **tiny)}
    return Experiment(arms=arms, control="four", seeds=2, test_mazes=20, test_sizes=(3, 4)MORE)
'''


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.py"
    path.write_text(TEXT.replace("MORE", ""))
    return path


def run_here(file: Path, **settings) -> workflow.ExperimentRun:
    return run_experiment(str(file), workers=0, out=file.parent / "runs", **settings)


def stamps(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.parent != folder}


def test_every_arm_and_seed_is_trained_and_measured_in_its_place(tiny: Path) -> None:
    done = run_here(tiny)
    assert (done.finished, done.failed) == (4, {})
    for arm, steps in (("four", 4), ("three", 3)):
        for seed in range(2):
            folder = done.folder / arm / f"seed-{seed}"
            assert RunFolder(folder).open().seed == seed
            assert RunFolder(folder).read_metrics()[-1]["step"] == steps
            measured = read_measures(folder)["rollouts"]
            assert {"shortest@3", "shortest@4", "adjacency_first@4", "path_loss@4"} <= measured.keys()
            assert 0 <= measured["shortest@4"] <= measured["reaches@4"] <= measured["valid@4"] <= 1


def test_run_again_does_nothing_and_more_seeds_can_be_added(tiny: Path) -> None:
    done = run_here(tiny, seeds=1)
    before = stamps(done.folder)
    assert run_here(tiny, seeds=1).finished == 2
    assert stamps(done.folder) == before
    assert run_here(tiny, seeds=2).finished == 4
    assert before.items() <= stamps(done.folder).items()


def test_arms_of_one_seed_see_the_same_mazes_and_start(tiny: Path) -> None:
    done = run_here(tiny)
    rows = {
        (arm, seed): RunFolder(done.folder / arm / f"seed-{seed}").read_metrics()[0]
        for arm in ("four", "three")
        for seed in range(2)
    }
    for seed in range(2):
        assert rows["four", seed]["loss"] == rows["three", seed]["loss"]
        assert rows["four", seed]["tokens"] == rows["three", seed]["tokens"]
    assert rows["four", 0]["loss"] != rows["four", 1]["loss"]


def test_an_interrupted_run_ends_as_a_straight_one(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straight = run_here(tiny, seeds=1).folder
    killed = tiny.parent / "killed"
    saved = RunFolder.append_metrics

    def die(self: RunFolder, row: dict) -> None:
        if row["step"] == 4 and self.folder.parts[-2] == "four":
            raise KeyboardInterrupt
        saved(self, row)

    monkeypatch.setattr(RunFolder, "append_metrics", die)
    with pytest.raises(KeyboardInterrupt):
        run_experiment(str(tiny), workers=0, out=killed, seeds=1)
    assert not (killed / "four" / "seed-0" / "model.safetensors").exists()
    monkeypatch.setattr(RunFolder, "append_metrics", saved)
    assert run_experiment(str(tiny), workers=0, out=killed, seeds=1).finished == 2
    one, other = (load_model(folder / "four" / "seed-0").state_dict() for folder in (straight, killed))
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert [row["step"] for row in RunFolder(killed / "four" / "seed-0").read_metrics()] == [1, 2, 3, 4]


def test_a_finished_run_that_lacks_a_measure_is_only_measured(tiny: Path) -> None:
    folder = run_here(tiny, seeds=1).folder
    model = folder / "four" / "seed-0" / "model.safetensors"
    before = model.stat().st_mtime_ns
    tiny.write_text(TEXT.replace("MORE", ", measures=('rollouts', 'loss_slice')"))
    run_here(tiny, seeds=1)
    assert model.stat().st_mtime_ns == before
    assert "slice_path_loss@0" in read_measures(model.parent)["loss_slice"]


def test_other_test_mazes_are_measured_anew_and_nothing_is_trained_again(tiny: Path) -> None:
    folder = run_here(tiny).folder
    folders = [folder / arm / f"seed-{seed}" for arm in ("four", "three") for seed in range(2)]
    models = [(each / "model.safetensors").stat().st_mtime_ns for each in folders]
    tiny.write_text(TEXT.replace("MORE", "").replace("test_sizes=(3, 4)", "test_sizes=(4, 5)"))
    assert run_here(tiny, seeds=1).finished == 2
    assert {"shortest@4", "shortest@5"} <= read_measures(folders[0])["rollouts"].keys()
    assert not any("shortest@3" in values for values in read_measures(folders[0]).values())
    assert read_measures(folders[1]) == {}, "nothing stays that is of other mazes"
    layouts = read_measures(folders[0])["rollouts"]["layouts@5"]
    tiny.write_text(tiny.read_text().replace("test_mazes=20", "test_mazes=60"))
    assert run_here(tiny).finished == 4
    assert all(read_measures(each)["rollouts"]["layouts@5"] > layouts for each in folders)
    assert [(each / "model.safetensors").stat().st_mtime_ns for each in folders] == models


def test_no_rate_is_cut_off_in_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    judged = ("shortest@4", "path_loss@4", "shortest@5", "path_loss@5")
    reached = {"seeds": 5, "text": "10.3 % [4.7, 16.2]"}
    rates = [{"arm": arm, "measure": measure, **reached} for arm in ("path_only", "all_tokens") for measure in judged]
    _print_answer({"rates": rates, "verdicts": []})
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert all(word in shown for word in ("path_only", "all_tokens", *judged))
    assert shown.count("16.2]") == len(rates)


def test_changed_settings_are_refused_before_anything_runs(tiny: Path) -> None:
    folder = run_here(tiny, seeds=1).folder
    before = stamps(folder)
    tiny.write_text(TEXT.replace("MORE", "").replace("steps=3", "steps=5"))
    with pytest.raises(ConfigurationError, match=r"three.seed-0 was started with other settings.*steps"):
        run_here(tiny, seeds=2)
    assert stamps(folder) == before


def test_a_run_that_fails_is_told_and_the_others_go_on(tiny: Path) -> None:
    tiny.write_text(TEXT.replace("MORE", ", measures=('rollouts', 'statistics:mean')"))
    done = run_here(tiny, seeds=1)
    assert done.finished == 0
    assert set(done.failed) == {"four, seed 0", "three, seed 0"}
    assert "measure statistics:mean: TypeError" in done.failed["four, seed 0"]
    tiny.write_text(TEXT.replace("MORE", ""))
    assert run_here(tiny, seeds=1).finished == 2
    comparison, _ = collect([done.folder])
    assert [group.failed for group in comparison.groups] == [0, 0]


@pytest.mark.parametrize(
    "more, said",
    [
        (", measures=('rollouts', 'no.such:measure')", "measure no.such:measure: cannot be imported"),
        (", measures=('rolouts',)", "unknown measure 'rolouts'. Did you mean 'rollouts'"),
        (", judged=('shortest@9',)", "judged 'shortest@9': no mazes of that size are tested; test_sizes has 3, 4"),
        (", judged=('shortest',)", "judged 'shortest': write what@where, as shortest@3"),
        (" + 1", r"tiny.py: experiment\(\): TypeError"),
    ],
)
def test_what_could_not_be_judged_is_refused_before_training(tiny: Path, more: str, said: str) -> None:
    tiny.write_text(TEXT.replace("MORE)", ")" + more if more == " + 1" else more + ")"))
    with pytest.raises(MazeRLError, match=said):
        run_here(tiny)
    assert not (tiny.parent / "runs").exists()


def test_a_target_that_is_no_arm_is_refused_before_training(tiny: Path, capsys: pytest.CaptureFixture) -> None:
    out = tiny.parent / "runs"
    assert run(["experiments", "run", str(tiny), "--target", "tree", "--out", str(out)]) == 2
    assert "unknown target 'tree'. Did you mean 'three'?" in capsys.readouterr().err
    assert not out.exists()


def test_a_judged_measure_that_no_run_has_is_told(tiny: Path) -> None:
    tiny.write_text(TEXT.replace("MORE", ", judged=('shortst@4',)"))
    comparison, _ = collect([run_here(tiny, seeds=1).folder])
    with pytest.warns(Caution, match="judged 'shortst@4' was measured in no run"):
        assert verdicts(comparison) == []


def test_a_kill_before_the_first_file_leaves_no_obstacle(tiny: Path) -> None:
    (tiny.parent / "runs" / "four" / "seed-0" / "tokenizer").mkdir(parents=True)
    assert run_here(tiny, seeds=1).finished == 2


@pytest.mark.slow
def test_workers_do_the_same_as_one_process(tiny: Path) -> None:
    here = run_here(tiny, seeds=1).folder
    said: list[float] = []
    apart = run_experiment(
        str(tiny), workers=2, seeds=1, out=tiny.parent / "apart", progress=lambda what, done, numbers: said.append(done)
    )
    assert apart.finished == 2
    assert said[-1] == 1.0
    for arm in ("four", "three"):
        one, other = (read_measures(folder / arm / "seed-0")["rollouts"] for folder in (here, apart.folder))
        one.pop("inference_tokens_per_second"), other.pop("inference_tokens_per_second")
        assert one == other


def test_tests_are_held_out_and_the_same_for_all(tiny: Path) -> None:
    from maze_rl.mazes.splits import count_outside

    tests = solved_tests(HeldOutMazes(sizes=(3, 5), algorithm="dfs", options=(), num=30))
    assert [test.batch.shape for test in tests] == [(3, 3), (5, 5)]
    assert count_outside(tests[1].batch, "test") == 0
    assert tests is solved_tests(HeldOutMazes(sizes=(3, 5), algorithm="dfs", options=(), num=30))


def test_jobs_come_seed_by_seed(tiny: Path) -> None:
    file = workflow.find_experiment(str(tiny))
    jobs = plan(file.load(), tiny.parent)
    assert [(job.arm, job.config.seed) for job in jobs] == [("four", 0), ("three", 0), ("four", 1), ("three", 1)]


def test_faults_are_named(tiny: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown experiment"):
        run_experiment("no_such")
    with pytest.raises(ConfigurationError, match="seeds is 0"):
        run_experiment(str(tiny), seeds=0)


def test_a_diverging_run_is_a_result(tiny: Path) -> None:
    experiment: Experiment = workflow.find_experiment(str(tiny)).load()
    job = plan(experiment, tiny.parent / "runs")[0]
    wild = replace(job.config, training=replace(job.config.training, learning_rate=1e30, matrix_learning_rate=1e30))
    said = run_one(replace(job, config=wild))
    assert "not finite" in said
    assert (job.folder / workflow.FAILURE).read_text().strip() == said


def test_run_and_compare_from_the_command_line(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from maze_rl.cli.main import run

    out = tiny.parent / "cli"
    assert run(["experiments", "run", str(tiny), "--workers", "0", "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert {row["arm"] for row in said["table"]} == {"four", "three"}
    assert {verdict["word"] for verdict in said["verdicts"]} == {"not judged"}
    assert {(rate["arm"], rate["seeds"]) for rate in said["rates"]} == {("four", 2), ("three", 2)}
    assert (out / "comparison" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert run(["experiments", "compare", str(out), "--target", "three", "--out", str(tiny.parent / "again")]) == 0
    lines = capsys.readouterr().out.splitlines()
    (answer,) = (line for line in lines if line.startswith("three against four, shortest@4: not judged"))
    assert "difference" in answer
    assert run(["experiments", "run", str(tiny), "--workers", "0", "--seeds", "3", "--out", str(out)]) == 0
    captured = capsys.readouterr()
    assert captured.err.splitlines()[-1] == "experiment: 100%  6 of 6 runs finished"
    assert "\nthree against four, shortest@4: not judged" in captured.out
    table = captured.out.partition("95 % intervals")[2]
    assert "shortest" in table
    assert " % [" in table
    assert (tiny.parent / "again" / "curves.csv").is_file()
    assert run(["experiments", "compare", str(out), "--target", "thre"]) == 2
    assert "Did you mean 'three'" in capsys.readouterr().err
    assert run(["experiments", "compare", "no/such"]) == 2
    assert "neither the folder of a run" in capsys.readouterr().err
