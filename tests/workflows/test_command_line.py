"""The command line: bad input gets one clear line and exit status 2; help is instant."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from maze_rl.cli.main import run
from maze_rl.models.model_files import load_model

BAD_INPUT = [
    (["train", "--sizes", "9..5"], "range '9..5' runs backwards: write 5..9"),
    (["train", "--sizes", "1..3"], "maze size 1 is out of bounds: sizes are 2 to"),
    (["train", "--sizes", "five"], "cannot read 'five' as a range"),
    (["train", "--sizes", "5..9", "--canvas", "8"], "size 9 does not fit on the 8 x 8 canvas"),
    (["train", "--loss", "path-only"], "Did you mean 'path_only'"),
    (["train", "--algorithm", "dsf"], "Did you mean 'dfs'"),
    (["train", "--tokenizer", "edge"], "Did you mean 'edges'"),
    (["train", "--origin", "promt"], "Did you mean 'prompt'"),
    (["train", "--start-from", "maze-5to9-cpu", "--origin", "path"], "--origin contradicts --start-from"),
    (["train", "--positions", "rotry"], "Did you mean 'rotary'"),
    (["train", "--optimizer", "adam"], "Did you mean 'adamw'"),
    (["train", "--steps", "0"], "--steps must be at least 1"),
    (["train", "--update-rule", "dice:clasic"], "rules is 'clasic': expected one of classic, v0, head"),
    (["train", "--update-rule", "dise"], "Did you mean 'dice'?"),
    (["train", "--update-rule", "dice:classic,dc=30"], "dc=30 is never reached"),
    (["train", "--update-rule", "dice:head,apply_to=grad", "--rounds", "1"], "cannot be combined with SPIN rounds"),
    (["train", "--update-rule", "dice:classic", "--optimizer", "schedule_free"], "cannot be combined with optimizer"),
    (["train", "--lr-controller", "ai_scientist_run9"], "Did you mean 'ai_scientist_run"),
    (["train", "--lr-controller", "q_learning:every=0"], "every is 0: expected a whole number, at least 1"),
    (["train", "--loss", "graded:2"], "g is 2: expected the mass of a legal move"),
    (["train", "--parametrization", "lora:8"], "unknown parametrization 'lora'"),
    (["train", "--lora", "0"], "lora is 0: the rank of adapters is at least 1"),
    (["train", "--rounds", "-1"], "rounds is -1"),
    (["train", "--start-from", "maze-5to9-causal", "--layers", "3"], "--layers contradicts --start-from"),
    (["train", "--plan", "no.json"], "no.json: the plan cannot be read (No such file or directory)"),
    (["train", "--loss", "graded:"], "loss 'graded:' ends with a colon: write graded, or graded:value"),
    (["train", "--parametrization", "value_affine"], "set value_norm (--value-norm) too"),
    (["train", "--start-from", "maze-5to9-causal", "--value-norm"], "--value-norm contradicts --start-from"),
    (["train", "--memory", "1"], "memory is 1"),
    (["train", "--rounds", "1000000000"], "rounds is 1000000000: at most 1000"),
    (["train", "--plan", "plan.json", "--lora", "0"], "--lora contradicts the plan"),
    (["experiments", "run", "dise"], "Did you mean 'dice'?"),
    (["experiments", "compare"], "compare needs folders"),
    (["train", "--steps", "many"], "invalid int value: 'many'"),
    (["train", "--heads", "5"], "n_heads 5 does not divide d_model"),
    (["train", "--learning-rate", "-1"], "learning_rate is -1.0: it must be above 0"),
    (["generate", "--sizes", "0"], "maze size 0 is out of bounds"),
    (["generate", "--num", "0"], "num is 0"),
    (
        ["generate", "--algorithm", "percolation", "--option", "percolation=2"],
        "percolation is 2: expected a probability",
    ),
    (["generate", "--option", "percolation=0.1"], "unknown option of dfs"),
    (["generate", "--option", "forks"], "cannot read 'forks' as an option"),
    (["generate", "--split", "testing"], "Did you mean 'test'"),
    (["generate", "--first", "-1"], "first is -1: indices start at 0"),
    (["generate", "--workers", "0"], "workers is 0: at least one process must generate"),
    (["generate", "--sizes", "4x"], "cannot read '4x' as a range"),
    (["generate", "--sizes", "4x1"], "maze size 1 is out of bounds"),
    (["generate", "--origin", "corner"], "unknown place of the origin 'corner'"),
    (["generate", "--origins", "9,9"], "origins: (9, 9) lies outside the 5 x 5 grid"),
    (["generate", "--path-lengths", "30"], "path_lengths asks for 30: no path of a 5 x 5 maze has more than 24 steps"),
    (["generate", "--paths", "many"], "unknown number of shortest paths 'many'"),
    (["generate", "--algorithm", "no.such:carve"], "cannot be imported"),
    (
        ["generate", "--sizes", "5", "--algorithm", "percolation", "--option", "percolation=0"],
        "no two cells are ever connected",
    ),
    (["generate", "--sizes", "5", "--algorithm", "dfs", "--paths", "several"], "dfs mazes are trees"),
    (["generate", "--sizes", "2", "--algorithm", "braid", "--path-lengths", "3"], "loosen the constraints"),
    (["generate", "--out", "."], "'.' names no new folder"),
    (["generate", "--out", "/"], "'/' names no new folder"),
    (["generate", "--num", "1" + "0" * 30], "is out of bounds"),
    (["generate", "--first", str(2**63)], "is out of bounds"),
    (["generate", "--max-path-length", "1" + "0" * 30], "max_path_length is 1000"),
    (["generate", "--option", "max_depth=" + "9" * 20], "max_depth is 9999"),
    (["generate", "--path-lengths", ""], "cannot read '' as a range"),
    (["generate", "--algorithm", "math:floor"], "algorithm math:floor: TypeError"),
    (["show", "--algorithm", "os.path:join"], "algorithm posixpath:join: TypeError"),
    (["generate", "--origins", "0,0", "--targets", "0,0"], "they must differ"),
    (["join", "no/such", "--out", "whole"], "no/such: there is no such folder"),
    (["train", "--data", "no/such"], "no/such: there is no such folder"),
    (["train", "--sizes", "4x7"], "size 4x7 is no square"),
    (["show", "--size", "1"], "maze size 1 is out of bounds"),
    (["evaluate", "no/such/run"], "unknown model 'no/such/run'"),
    (["evaluate", "x", "--num", "0"], "--num is 0"),
    (["report", "no/such/run"], "unknown model 'no/such/run'"),
    (["export", "x"], "the following arguments are required: --out"),
    (["export", "maze-5to9-causal", "--loops", "3", "--out", "out"], "loops: this model has none"),
    (["evaluate", "maze-5to9-causal", "--loops", "0"], "loops: this model has none"),
    (["solve", "maze-5to9-causal", "--loops", "3"], "loops: this model has none"),
    (["search", "maze-5to9-causal", "--loops", "3"], "loops: this model has none"),
    (["tokenizers", "chek"], "Did you mean 'check'"),
    (["trian"], "unknown command 'trian'. Did you mean 'train'"),
    (["train", "--frobnicate"], "unknown flag '--frobnicate'"),
]


@pytest.mark.parametrize(("arguments", "expected"), BAD_INPUT, ids=[" ".join(case[0]) for case in BAD_INPUT])
def test_bad_input_gets_one_clear_line(arguments: list[str], expected: str, refused: Callable) -> None:
    refused(arguments, expected)


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
    "8",
]


@pytest.mark.parametrize(
    "flags",
    [
        ["--update-rule", "dice:classic"],
        ["--rounds", "3", "--round-steps", "1"],
        ["--lr-controller", "q_learning"],
        ["--lora", "8"],
        [
            "--update-rule",
            "dice:classic",
            "--rounds",
            "3",
            "--round-steps",
            "1",
            "--lr-controller",
            "q_learning",
            "--lora",
            "8",
        ],
        ["--parametrization", "unified_weights:v6", "--parametrization", "unified_embeddings:2", "--loss", "graded"],
        ["--optimizer", "schedule_free", "--schedule", "constant"],
        ["--value-norm", "--parametrization", "value_affine", "--reverse-positions", "--memory", "4"],
    ],
    ids=" ".join,
)
def test_plug_ins_run_from_the_command_line(flags: list[str], tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run(["train", *TINY, "--steps", "20", "--out", str(out), *flags]) == 0
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 24 if "--rounds" in flags else 21))
    assert sum("spin" in row for row in rows) == (3 if "--rounds" in flags else 0)
    assert ("rolls" in rows[0]) == ("--update-rule" in flags)
    model = load_model(out)
    assert not any("parametrizations" in name for name in model.state_dict())
    folds = "--memory" not in flags
    assert run(["export", str(out), "--out", str(tmp_path / "exported")]) == (0 if folds else 2)


def test_a_trained_model_plays_against_itself(tmp_path: Path) -> None:
    first, played = tmp_path / "first", tmp_path / "played"
    assert run(["train", *TINY, "--steps", "4", "--out", str(first)]) == 0
    flags = ["--sizes", "3", "--steps", "0", "--rounds", "2", "--num", "0", "--device", "cpu", "--batch-size", "4"]
    short = {"phases": [{"steps": 3, "spin": {"prompts": 16}}, {"steps": 3, "spin": {"prompts": 16}}]}
    (tmp_path / "plan.json").write_text(json.dumps(short))
    plan = [*flags[:2], *flags[6:], "--plan", str(tmp_path / "plan.json")]
    assert run(["train", "--start-from", str(first), *plan, "--out", str(played)]) == 0
    rows = [json.loads(line) for line in (played / "metrics.jsonl").read_text().splitlines()]
    assert len(rows) == 6
    assert rows[0]["loss"] == pytest.approx(0.693147, abs=1e-6)
    model, before = load_model(played), load_model(first)
    assert model.maze_config == before.maze_config
    # another model in its place is found out
    assert run(["train", *TINY, "--steps", "5", "--seed", "1", "--out", str(tmp_path / "other")]) == 0
    for name in ("model.safetensors", "model.json", "checksums.json"):
        (first / name).write_bytes((tmp_path / "other" / name).read_bytes())
    again = ["train", "--start-from", str(first), *plan, "--out", str(played), "--resume"]
    assert run(again) == 2


def test_cautions_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--steps", "2", "--update-rule", "dice:classic,apply_to=grad", "--optimizer", "adamw", "--json"]
    assert run(["train", *TINY, *flags, "--out", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr().err
    assert shown.startswith("maze-rl: caution: apply_to=grad with adamw: its step does not grow with the gradient")
    assert shown.count("\n") == 1


def test_help_is_instant_and_imports_nothing_heavy() -> None:
    code = (
        "import sys; from maze_rl.cli.main import run\n"
        "try: run(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'numba', 'numpy', 'transformer_lens', 'datasets', 'matplotlib', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for command in ("generate", "show", "train", "evaluate", "solve", "report", "export", "tokenizers", "bench"):
        assert command in result.stdout


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, maze_rl; assert not {'torch', 'numba', 'numpy'} & set(sys.modules); maze_rl.generate"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_generate_writes_a_dataset_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "mazes"
    assert run(["generate", "--sizes", "3..5", "--num", "20", "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["out"], said["num"], said["seed"], said["leaks"]) == (str(out), 20, 0, 0)
    import datasets

    assert len(datasets.load_from_disk(str(out))) == 20
    assert run(["generate", "--num", "5", "--out", str(out)]) == 2
    assert "choose another --out" in capsys.readouterr().err


def test_parts_are_joined_and_the_acceptance_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wish = ["--sizes", "4x6", "--path-lengths", "7", "--num", "10", "--split", "train"]
    for first in ("0", "10"):
        assert run(["generate", *wish, "--first", first, "--out", str(tmp_path / first)]) == 0
        assert "acceptance: " in capsys.readouterr().out
    assert run(["join", str(tmp_path / "10"), str(tmp_path / "0"), "--out", str(tmp_path / "whole")]) == 0
    assert "20 mazes in" in capsys.readouterr().out
    assert run(["generate", *wish, "--num", "20", "--out", str(tmp_path / "one")]) == 0
    names = ("maze_rl.json", "data-00000-of-00001.arrow")
    whole, one = (json.loads((tmp_path / name / names[0]).read_text()) for name in ("whole", "one"))
    assert whole["content"] == one["content"]


def test_a_model_is_trained_on_a_dataset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = str(tmp_path / "mazes"), tmp_path / "run"
    assert run(["generate", "--sizes", "4,5", "--algorithm", "kruskal", "--num", "100", "--out", data]) == 0
    shape = ["--layers", "1", "--d-model", "24", "--heads", "2", "--batch-size", "8", "--steps", "2"]
    assert run(["train", "--data", data, *shape, "--num", "0", "--out", str(out)]) == 0
    config = json.loads((out / "config.json").read_text())
    phases = config["config"]["training"]["phases"] if "config" in config else config["training"]["phases"]
    assert [phase["data"]["folder"] for phase in phases] == [data]
    capsys.readouterr()
    for wish, said in ((["--sizes", "6"], "--sizes (6,) contradicts"), (["--algorithm", "prim"], "which has kruskal")):
        assert run(["train", "--data", data, *wish, "--out", str(tmp_path / "other")]) == 2
        assert said in capsys.readouterr().err
    assert (phases[0]["mazes"]["sizes"], phases[0]["mazes"]["algorithm"]) == ([4, 5], "kruskal")


def test_show_draws_the_same_maze_every_time(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["show", "--size", "5", "--algorithm", "wilson", "--seed", "3"]) == 0
    first = capsys.readouterr().out
    assert run(["show", "--size", "5", "--algorithm", "wilson", "--seed", "3"]) == 0
    assert capsys.readouterr().out == first
    assert "S" in first
    assert "E" in first
    assert run(["show", "--size", "5", "--out", str(tmp_path / "maze.png")]) == 0
    assert (tmp_path / "maze.png").read_bytes().startswith(b"\x89PNG")
    assert run(["show", "--size", "5", "--out", str(tmp_path / "maze.bmp")]) == 2


def test_tokenizers_list_build_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tokenizers", "list"]) == 0
    assert "unique_cells" in capsys.readouterr().out
    assert run(["tokenizers", "check"]) == 0
    assert run(["tokenizers", "build", "--out", str(tmp_path)]) == 0
    assert run(["tokenizers", "check", "--out", str(tmp_path)]) == 0
    (tmp_path / "edges" / "tokenizer.json").write_text("{}")
    assert run(["tokenizers", "check", "--out", str(tmp_path)]) == 1
