"""Going on: with a run (--resume), which needs no flag again, and from a trained model (--start-from)."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import maze_rl
from maze_rl.cli.main import run
from maze_rl.models.model_files import load_model, load_to_train
from maze_rl.workflows import evaluate
from maze_rl.workflows.compare import collect
from maze_rl.workflows.run_folder import OtherSettingsError, RunFolder

TINY = ["--canvas", "5", "--layers", "1", "--d-model", "16", "--heads", "2", "--device", "cpu", "--batch-size", "4"]
BEGIN = ["train", *TINY, "--sizes", "3..4", "--algorithm", "wilson", "--steps", "4", "--num", "0", "--out", "run"]


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A finished run of four steps in `run`, of the folder this is called in."""
    monkeypatch.chdir(tmp_path)
    assert run(BEGIN) == 0
    capsys.readouterr()
    return Path("run")


def steps(folder: Path | str) -> list[int]:
    return [row["step"] for row in RunFolder(Path(folder)).read_metrics()]


def test_a_finished_run_goes_on_for_more_steps(begun: Path) -> None:
    before = RunFolder(begun).open()
    assert run(["train", "--resume", "--steps", "7", "--num", "0", "--out", "run"]) == 0
    assert steps(begun) == list(range(1, 8))
    after = RunFolder(begun).open()
    assert (after.tokenization, after.model, after.sizes) == (before.tokenization, before.model, before.sizes)
    assert maze_rl.train(resume=True, steps=8, out=begun, num=0).steps == 8
    # the whole command again, as it was typed, and with more steps
    assert run([*BEGIN, "--resume"]) == 2, "it has 8 by now"
    assert run([*BEGIN, "--steps", "9", "--resume"]) == 0
    assert steps(begun)[-1] == load_model(begun).about["steps"] == 9


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--loss", "all"], "--loss is path_only in the run, all was given. Leave that out"),
        (["--sizes", "3"], "--sizes is 3,4 in the run, 3 was given"),
        (["--layers", "3"], "--layers is 1 in the run, 3 was given"),
        (["--memory", "4"], "--memory is 0 in the run, 4 was given"),
        (["--rounds", "1"], "--rounds is 0 in the run, 1 was given"),
        (["--lora", "2", "--lr", "0.1"], "--learning-rate is 0.0025 in the run, 0.1 was given; --lora is not set"),
        (["--sizes", "5..9"], "size 9 does not fit on the 5 x 5 canvas"),
        (["--algorithm", "dfs"], "--algorithm is wilson in the run, dfs was given"),
        (["--steps", "3"], "steps is 3, and the run has 4 already"),
        (["--seed", "1"], "--seed is 0 in the run, 1 was given"),
    ],
    ids=" ".join,
)
def test_a_flag_given_again_must_say_what_the_run_has(
    flags: list[str], said: str, begun: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "--resume", "--out", "run", "--num", "0", *flags]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1
    assert len(shown) < 250
    assert "{" not in shown
    assert steps(begun) == [1, 2, 3, 4]


def test_a_model_of_few_loops_goes_on_with_no_more_than_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*BEGIN, "--loops", "2"]) == 0
    flags = ["--device", "cpu", "--batch-size", "4", "--num", "0", "--steps", "1"]
    assert run(["train", "--start-from", "run", *flags, "--out", "on"]) == 0
    assert RunFolder(Path("on")).open().training.training_loops == (2, 2)


def test_a_model_goes_on_with_the_waves_it_learned(begun: Path) -> None:
    taken = load_to_train(begun)
    assert taken.maze_config.embedding == "waves"
    small = 1e-12
    maze_rl.train(
        start_from="run",
        out="on",
        device="cpu",
        batch_size=4,
        num=0,
        steps=1,
        learning_rate=small,
        matrix_learning_rate=small,
    )
    assert RunFolder(Path("on")).open().model == taken.maze_config
    before, after = taken.state_dict(), load_to_train("on").state_dict()
    assert list(before) == list(after)
    for name, value in before.items():
        torch.testing.assert_close(after[name], value, atol=1e-6, rtol=0)


def test_a_model_of_few_words_goes_on_with_all_of_them_where_the_loss_asks_for_prompts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([*BEGIN, "--prompt", "causal"]) == 0
    flags = ["--device", "cpu", "--batch-size", "4", "--num", "0", "--steps", "1", "--loss", "all"]
    assert run(["train", "--start-from", "run", *flags, "--out", "on"]) == 0
    model = RunFolder(Path("on")).open().model
    assert (model.embedding, model.unembedding) == ("free", "all")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--loss", "all"], "loss all asks for tokens of the prompt, which the model to go on from was trained to see"),
        (["--plan", "two_losses", "--steps", "8"], "use a loss on the path alone"),
        (["--sizes", "4..6"], "use sizes up to 5, as the model to go on from has no larger one."),
    ],
)
def test_what_a_model_cannot_go_on_with_is_refused(
    flags: list[str], said: str, begun: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [] if "--steps" in flags else ["--steps", "1"]
    assert run(["train", "--start-from", str(begun), "--device", "cpu", *flags, *steps, "--out", "on"]) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1
    assert not Path("on").exists()


def test_a_report_of_a_run_that_goes_on_is_of_the_model_there_is(
    begun: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = RunFolder.append_metrics

    def stop(self: RunFolder, row: dict[str, object]) -> None:
        saved(self, row)
        if row["step"] == 7:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "append_metrics", stop)
        assert run(["train", "--resume", "--steps", "9", "--num", "0", "--out", "run"]) == 130
    assert steps("run")[-1] == 7
    capsys.readouterr()
    place = Path.cwd() / "run"
    assert run(["report", str(place), "--sizes", "4", "--num", "2", "--out", str(place / "page")]) == 0
    assert "gone on to step 7 and not ended: the report is on the model of step 4" in capsys.readouterr().err
    facts = {row["fact"]: row["run_0"] for row in json.loads((place / "page/report.json").read_text())["setup"]["rows"]}
    assert facts["steps"] == "4"
    assert "7" not in facts["phases"] and "9" not in facts["phases"]


def test_a_run_is_called_after_its_folder_from_within_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    assert run([*BEGIN[:-1], "."]) == 0
    assert load_model(".").about["name"] == "here"
    assert [group.name for group in collect(["."])[0].groups] == ["here"]
    assert run(["report", ".", "--sizes", "4", "--num", "2"]) == 0
    assert json.loads(Path("report/report.json").read_text())["title"] == "here"


def test_a_flag_given_again_and_the_same_is_fine(begun: Path) -> None:
    assert run(["train", "--resume", "--out", "run", "--num", "0", "--algorithm", "wilson", "--layers", "1"]) == 0
    assert (
        maze_rl.train(
            (3, 4),
            algorithm="wilson",
            resume=True,
            out=begun,
            num=0,
            canvas=5,
            n_layers=1,
            d_model=16,
            n_heads=2,
            device="cpu",
            batch_size=4,
        ).steps
        == 4
    )


def test_a_model_goes_on_with_what_it_was_trained_on(begun: Path) -> None:
    plan = {"phases": [{"steps": 1, "sizes": "3"}, {"steps": 1, "algorithm": "dfs"}, {"steps": 1}]}
    Path("plan.json").write_text(json.dumps(plan))
    flags = ["--device", "cpu", "--batch-size", "4", "--num", "0"]
    assert run(["train", "--start-from", "run", "--plan", "plan.json", *flags, "--out", "planned"]) == 0
    phases = RunFolder(Path("planned")).open().training.phases
    assert [(phase.mazes.sizes, phase.mazes.algorithm) for phase in phases] == [
        ((3,), "wilson"),
        ((3, 4), "dfs"),
        ((3, 4), "wilson"),
    ]
    assert run(["train", "--start-from", "run", "--sizes", "5", "--steps", "1", *flags, "--out", "larger"]) == 0
    about = load_model("larger").about
    assert about["sizes"] == [3, 4, 5], "it has seen what the model before it saw"
    assert load_model("planned").about["algorithms"] == ["dfs", "wilson"]


def test_the_model_a_run_started_from_may_be_gone(begun: Path) -> None:
    """It is read when the run begins, and not again."""
    begun.rename("start")

    def lose(*_: object) -> None:
        if Path("start").exists():
            Path("start").rename("moved")

    settings = {"num": 0, "device": "cpu", "batch_size": 4}
    maze_rl.train("5", start_from="start", steps=2, out="further", progress=lose, **settings)
    assert load_model("further").about["sizes"] == [3, 4, 5]
    maze_rl.train(resume=True, steps=4, out="further", progress=False)
    about = load_model("further").about
    assert (about["steps"], about["sizes"], about["algorithms"]) == (4, [3, 4, 5], ["wilson"])


def test_rounds_alone_are_as_long_as_said_or_long_enough(begun: Path) -> None:
    flags = ["--start-from", "run", "--device", "cpu", "--batch-size", "2", "--lora", "2", "--num", "0"]
    for more, expected in (
        (["--steps", "0", "--rounds", "2", "--round-steps", "3"], [3, 3]),
        (["--steps", "1", "--rounds", "2"], [1, 10, 10]),
    ):
        out = f"played-{more[1]}"
        assert run(["train", *flags[:4], "--num", "0", "--batch-size", "2", "--lora", "2", *more, "--out", out]) == 0
        assert [phase.steps for phase in RunFolder(Path(out)).open().training.phases] == expected


@pytest.mark.parametrize(("sizes", "expected"), [("3", (3, 4, 5)), ("4..5", (4, 5))])
def test_by_default_every_trained_size_is_tested(
    sizes: str, expected: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["train", *TINY, "--sizes", sizes, "--steps", "1", "--num", "0", "--out", "run"]) == 0
    model = load_model("run")
    assert evaluate.test_sizes(model, None) == expected
    result = evaluate.evaluate(model, num=3)
    assert tuple(row.size for row in result.rows) == expected
    assert [row.size for row in result.rows if row.in_training_range] == model.about["sizes"]


def test_sizes_that_no_split_can_hold_are_said_in_one_line(refused: Callable[[list[str], str], None]) -> None:
    refused(
        ["train", *TINY, "--sizes", "2", "--steps", "2", "--out", "run"],
        "no 2 x 2 dfs maze was found in the train split",
    )


def test_a_file_is_no_folder_and_a_folder_no_file(refused: Callable[[list[str], str], None], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for command in (
        ["train"],
        ["generate"],
        ["export", "x"],
        ["report", "x"],
        ["search", "x"],
        ["tokenizers", "build"],
    ):
        for out in ("file", "file/below"):
            refused([*command, "--out", out], "argument --out: file is a file, no folder")
    refused(["evaluate", "maze-5to9-causal", "--out", "folder"], "argument --out: folder is a folder, no file")
    refused(["evaluate", "file"], "file is a file: a model is the folder of a run")
    refused(["train", "--resume", "--out", "folder"], "folder/config.json: the file is missing")


def test_flags_are_written_out_and_names_in_capitals_are_near(refused: Callable[[list[str], str], None]) -> None:
    refused(["train", "--lrr", "0.1"], "unknown flag '--lrr'. Did you mean '--lr'?")
    refused(["train", "--learn", "0.1"], "unknown flag '--learn'. Did you mean '--learning-rate'?")
    refused(["solve", "maze-5to9-causal", "--sizes", "5"], "unknown flag '--sizes'. Did you mean '--size'?")
    refused(["train", "--lr", "0"], "learning_rate is 0.0")
    refused(["evaluate", "MAZE-5TO9-CPU"], "Did you mean 'maze-5to9-cpu'?")
    refused(["train", "--loss", "PATH_ONLY"], "Did you mean 'path_only'?")


def test_python_names_what_was_given_too(begun: Path) -> None:
    with pytest.raises(OtherSettingsError, match="loss is 'path_only' in the run, 'all' was given") as caught:
        maze_rl.train((3, 4), resume=True, loss="all", algorithm="wilson", out=begun, canvas=5, n_layers=1)
    assert "prompt" not in str(caught.value), "it is but a consequence"


def test_a_run_without_evaluation_stays_without(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--resume", "--steps", "5", "--out", "run"]) == 0
    assert maze_rl.train(resume=True, steps=6, out=begun).steps == 6
    assert not RunFolder(begun).evaluation_path.exists()
    capsys.readouterr()
    assert run(["train", "--resume", "--num", "2", "--out", "run", "--json"]) == 0
    assert {row["num"] for row in json.loads(capsys.readouterr().out)["rows"]} == {2}


def test_what_follows_from_a_flag_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    flags = [*TINY, "--sizes", "3", "--steps", "1", "--num", "0"]
    said = []
    for number, more in enumerate(
        (
            ["--loss", "all", "--starts", "5"],
            ["--loss", "all", "--starts", "5", "--prompt", "causal"],
            ["--positions", "rotary"],
            ["--starts", "3"],
        )
    ):
        assert run(["train", *flags, *more, "--out", f"{number}"]) == 0
        lines = capsys.readouterr().err.splitlines()
        said.append([line.partition("also sets ")[2] for line in lines if "caution: what was asked for" in line])
    assert said == [
        ["--prompt causal (usually visible)."],
        [],
        ["--starts 0 (usually 24)."],
        [],
    ]


def test_progress_is_told_while_pairs_are_made(begun: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--start-from", "run", "--steps", "0", "--rounds", "2", "--round-steps", "1", "--batch-size", "2"]
    assert run(["train", *flags, "--device", "cpu", "--num", "0", "--out", "played"]) == 0
    lines = capsys.readouterr().err.splitlines()
    for number in (1, 2):
        told = [line for line in lines if line.startswith(f"pairs of round {number}: ")]
        assert told[0].endswith(" 0%")
        assert told[-1].endswith(" 100%")
