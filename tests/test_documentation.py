"""Every command and snippet of every README and docstring runs, word for word, with smaller sizes and counts.

They are taken from the files when tests are collected: a new one is tested without anybody's doing. Of a network the
width is a size, and of a run the steps and the mazes of a batch. What takes minutes even then is planned only: it must
get as far as the first of its work (`PLANNED`). What a command reads is put in its place: a run, a dataset, a file.
"""

import argparse
import importlib.util
import io
import json
import re
import shlex
import shutil
import sys
from argparse import Namespace
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

import maze_rl
from maze_rl.cli.arguments import build_parser
from maze_rl.cli.main import OneLineParser, run
from maze_rl.configs import presets
from maze_rl.configs.named_plans import PLANS
from maze_rl.errors import MazeRLError
from maze_rl.workflows.vocabularies import list_tokenizers

ROOT = Path(__file__).resolve().parents[1]


def _documented() -> ModuleType:
    spec = importlib.util.spec_from_file_location("documented", ROOT / "tests" / "documented.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


DOCUMENTED = _documented()
PLANNED = {
    "search": "maze_rl.workflows.search.gather",
    "selftest": "maze_rl.calibration.selftest._results",
    "bench": "maze_rl.workflows.bench._prepare",
    "experiments run": "maze_rl.workflows.experiment._work_off",
    "studies run": "maze_rl.workflows.studies.compile",
}
"""By command, the function that begins work of minutes, in whose place the test stops."""
GROUPS = ("experiments", "studies", "tokenizers")
QUICK = ("generate", "join", "convert", "describe", "show", "export", *GROUPS, *PLANNED)
SMALLER = {"num": 4, "steps": 3, "instances": 1, "repeats": 1, "seeds": 1, "workers": 1}
"""Counts are at most this."""
ADDED = {"train": ["--num", "2"], "evaluate": ["--num", "2"], "report": ["--num", "2"]}
"""Counts of commands that name none."""


class Planned(Exception):
    """Raised in place of work that takes minutes."""


def _planned(*given: object, **named: object) -> None:
    raise Planned


def kind_of(command: str) -> str:
    words = command.split()[1:]
    return " ".join(words[: 2 if words[0] in GROUPS else 1])


def smaller(command: str) -> list[str]:
    """The words of a command with sizes and counts made smaller; `maze-rl` left out."""
    words = shlex.split(command)[1:]
    given = build_parser(OneLineParser).parse_args(words)
    for number, word in enumerate(words):
        name = word.removeprefix("--")
        if word.startswith("--") and name in SMALLER:
            words[number + 1] = str(min(int(words[number + 1]), SMALLER[name]))
        if word == "--sizes" and re.fullmatch(r"\d+\.\.\d+", words[number + 1]):
            first = words[number + 1].partition("..")[0]
            words[number + 1] = f"{first}..{int(first) + 1}"
    more = [] if "num" in given.given else ADDED.get(words[0], [])
    own = {"sizes", "data", "resume", "plan", "mazes"} & given.given  # these have sizes of their own
    sizes = ["--sizes", "4..5"] if words[0] in ("evaluate", "report", "train") and not own else []
    elsewhere = ["--out", "built"] if words[:2] == ["tokenizers", "build"] else []  # not over those of the repository
    return [*words, *more, *sizes, *elsewhere]


@pytest.fixture(autouse=True)
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the default run small, its width, steps and mazes, and evaluate with one number of loops."""
    monkeypatch.setattr("maze_rl.evaluation.by_loops.loops_to_try", lambda kept: [kept])
    tiny = replace(presets.CPU_BUDGET, steps=2, batch_size=2, model=replace(presets.SEARCHING, d_model=16, n_heads=2))
    monkeypatch.setattr(presets, "CPU_BUDGET", tiny)
    monkeypatch.setattr(presets, "CUDA_BUDGET", tiny)


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A finished run, a dataset and its parts, for what commands read."""
    home = tmp_path_factory.mktemp("stand_ins")
    shape = [
        "--canvas",
        "13",
        "--layers",
        "1",
        "--d-model",
        "16",
        "--heads",
        "2",
        "--batch-size",
        "2",
        "--device",
        "cpu",
    ]
    assert run(["train", *shape, "--sizes", "4", "--steps", "2", "--num", "0", "--out", str(home / "run")]) == 0
    assert run(["generate", "--sizes", "5..6", "--num", "40", "--out", str(home / "data")]) == 0
    for number in range(3):
        first = ["--first", str(4 * number), "--num", "4"]
        assert run(["generate", "--sizes", "5", *first, "--out", str(home / f"part{number + 1}")]) == 0
    return {path.name: path for path in home.iterdir()}


def provide(given: Namespace, stand_ins: dict[str, Path]) -> None:
    """Put what a command reads, and is not there, in its place."""
    read = [("run", name) for name in (getattr(given, "run", None), getattr(given, "start_from", None)) if name]
    read += [("run", name) for name in getattr(given, "runs", ())]
    read += [("data", name) for name in (getattr(given, "data", None), *getattr(given, "folders", ())) if name]
    read += [(f"part{number}", name) for number, name in enumerate(getattr(given, "parts", ()), 1)]
    read += [("run", name) for name in getattr(given, "names", ()) if "/" in name]
    read += [("run", given.out)] * bool(getattr(given, "resume", False))
    source = getattr(given, "source", None)
    read += [("data", source)] if source and not Path(source).suffix else []
    for kind, name in read:
        if "/" in name or kind != "run":
            shutil.copytree(stand_ins[kind], name, dirs_exist_ok=True)
    for name in filter(None, (getattr(given, part, None) for part in ("mazes", "maze", "file"))):
        if not Path(name).exists():
            maze_rl.save_mazes(maze_rl.generate(5, num=4), name)
    if source and Path(source).suffix == ".zanj":
        shutil.copy(ROOT / "tests/mazes/interchange/files/minimal.zanj", source)
    if getattr(given, "plan", None) and given.plan not in PLANS:
        (plan,) = re.findall(r"```json\n(.*?)```", (ROOT / "maze_rl/training/README.md").read_text(), re.DOTALL)
        phases = [phase | ({"steps": 2} if "steps" in phase else {}) for phase in json.loads(plan)["phases"]]
        Path(given.plan).write_text(json.dumps({"phases": phases}))
        for phase in phases:
            for folder in [phase["data"]] if isinstance(phase.get("data"), str) else phase.get("data", []):
                shutil.copytree(stand_ins["data"], folder, dirs_exist_ok=True)


def is_mention(command: str) -> bool:
    """Whether a text only names a command, as `maze-rl experiments run`: then it must be one."""
    return len(command.split()) == 1 + len(kind_of(command).split()) and not command.endswith(" list")


def _cases() -> Iterator[object]:
    for command, page in DOCUMENTED.commands():
        quick = is_mention(command) or kind_of(command) in QUICK or kind_of(command).split()[0] in QUICK
        yield pytest.param(command, id=f"{page}: {command}", marks=[] if quick else [pytest.mark.slow])


@pytest.mark.filterwarnings("ignore::maze_rl.errors.Caution")
@pytest.mark.parametrize("command", list(_cases()))
def test_every_command_runs(
    command: str,
    stand_ins: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kind = kind_of(command)
    monkeypatch.chdir(tmp_path)
    if is_mention(command):
        try:
            build_parser(OneLineParser).parse_args(command.split()[1:])
        except MazeRLError as error:
            assert "the following arguments are required" in str(error)
        return
    if command.endswith(" --help"):
        with pytest.raises(SystemExit, match=r"^0$"):
            run(command.split()[1:])
        return
    words = smaller(command)
    given = build_parser(OneLineParser).parse_args(words)
    provide(given, stand_ins)
    if kind == "experiments compare" and not any(Path(name).exists() for name in given.names):
        # the runs of a whole experiment: that there is one of this name
        assert run(["experiments", "describe", *given.names]) == 0
        return
    if kind in PLANNED:
        monkeypatch.setattr(PLANNED[kind], _planned, raising=False)
        with pytest.raises(Planned):
            run(words)
        return
    status = run(words)
    assert status == 0, capsys.readouterr().err


PRINTED = {
    "README.md": (r"torch\.Size\(\[1, 4,", r"^<Estimate: "),
    "maze_rl/mazes/README.md": (r"<PATH_END>$",),
    "maze_rl/interp/README.md": (r"torch\.Size\(", r"pairs solved in both mazes", r"'fork'"),
}
"""What the snippets of a page print, as patterns."""


@pytest.mark.parametrize("page", sorted(DOCUMENTED.snippets()))
def test_every_snippet_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the page, in one session; a block that begins with the name of a file is written there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    files: dict[str, str] = {}
    names: dict[str, object] = {"__name__": "documented"}
    printed = io.StringIO()
    for block in DOCUMENTED.snippets()[page]:
        named = re.match(r"# (\w+\.py)\n", block)
        if named:
            files[named[1]] = files.get(named[1], "") + block
            (tmp_path / named[1]).write_text(files[named[1]])
            sys.modules.pop(Path(named[1]).stem, None)
            continue
        with redirect_stdout(printed):
            exec(compile(re.sub(r"\bnum=\d{2,}", "num=10", block), page, "exec"), names)
    for pattern in PRINTED.get(page, ()):
        assert re.search(pattern, printed.getvalue().rstrip(), re.MULTILINE), pattern


@pytest.fixture
def surroundings(stand_ins: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the names in running text stand for, and the folders they speak of."""
    import datasets
    from transformers import AutoTokenizer

    def my_function(rows: int, cols: int, random) -> object:
        connections = random.random((2, rows, cols)) > 0.1
        connections[0, -1] = connections[1, :, -1] = False
        return connections

    monkeypatch.chdir(tmp_path)
    (tmp_path / "tokenizers").symlink_to(ROOT / "tokenizers")
    for name in ("wilson", "mazes"):
        shutil.copytree(stand_ins["data"], Path("data") / name)
    return {
        "maze_rl": maze_rl,
        "datasets": datasets,
        "AutoTokenizer": AutoTokenizer,
        "my_function": my_function,
        "model": maze_rl.load_model("maze-5to9-cpu"),
        "folder": "data/mazes",
        "seed": 0,
    }


@pytest.mark.filterwarnings("ignore::maze_rl.errors.Caution")
@pytest.mark.parametrize("call", [call for call, _ in DOCUMENTED.calls()])
def test_every_call_in_running_text_works(
    call: str, surroundings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maze_rl.workflows.run.evaluate_and_report", lambda *given: None)  # 500 mazes of each size
    assert eval(call, surroundings) is not None


@pytest.mark.parametrize(("script", "page"), DOCUMENTED.scripts())
def test_every_script_is_there(script: str, page: str) -> None:
    """These train for minutes; what they compute has tests of its own."""
    compile((ROOT / script).read_text(), script, "exec")


def _flags(parser: argparse.ArgumentParser) -> set[str]:
    """The flags of a command and of all below it."""
    below = [
        each
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for each in action.choices.values()
    ]
    return set(parser._option_string_actions).union(*map(_flags, below))


def test_every_flag_named_in_a_page_is_one_of_the_command_line() -> None:
    known = _flags(build_parser(OneLineParser))
    named = {
        (path, flag)
        for path, text in DOCUMENTED.pages().items()
        if path.endswith(".md")
        for flag in re.findall(r"`(--[a-z][a-z-]*)", text)
    }
    assert len(named) > 50
    assert not {(path, flag) for path, flag in named if flag not in known}


def test_no_page_holds_the_marks_of_an_unfinished_merge() -> None:
    for path, text in DOCUMENTED.pages().items():
        assert not re.search(r"^(<{7}|={7}|>{7})( |$)", text, re.MULTILINE), path


def test_the_words_of_a_folder_are_as_many_as_its_page_says() -> None:
    text = (ROOT / "tokenizers" / "README.md").read_text()
    (told,) = re.findall(r"`edges`\s+([\d,]+) of ([\d,]+)", text)
    (words,) = [row for row in list_tokenizers() if row["name"] == "edges"]
    assert told == (f"{words['own_words']:,}", f"{words['words']:,}")
