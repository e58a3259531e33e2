"""Paths as people give them: a text, a `Path`, or any other path object, wherever one is asked for."""

import argparse
import ast
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

import maze_rl
from maze_rl.cli.arguments import build_parser
from maze_rl.cli.main import OneLineParser, run
from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.mazes.interchange.images import read_image, write_image
from maze_rl.mazes.interchange.parquet import read_parquet, write_parquet
from maze_rl.mazes.storage.dataset_writer import write_dataset, write_mazes
from maze_rl.mazes.storage.store import open_dataset
from maze_rl.models.model_files import checkpoint_steps, save_model
from maze_rl.reports.saved_figure import keep
from maze_rl.tokenization.definitions import stale_definitions, write_definition
from maze_rl.training.checkpoints import checkpoint_steps as steps_in
from maze_rl.workflows.compare import compare
from maze_rl.workflows.convert import convert
from maze_rl.workflows.describe import describe
from maze_rl.workflows.experiment_files import find_experiment
from maze_rl.workflows.export import export
from maze_rl.workflows.generate import generate_dataset, join
from maze_rl.workflows.own_mazes import read_own
from maze_rl.workflows.run_folder import RunFolder
from maze_rl.workflows.show import draw_picture, show_mazes
from maze_rl.workflows.solve import solve_with_model
from maze_rl.workflows.studies import export_study
from maze_rl.workflows.vocabularies import build_tokenizers, check_tokenizers

PACKAGE = Path(maze_rl.__file__).parent
TINY: dict[str, Any] = {
    "steps": 2,
    "batch_size": 4,
    "layers": 1,
    "heads": 2,
    "d_model": 16,
    "loops": None,
    "canvas": 5,
    "device": "cpu",
    "starts": 0,
    "stray_tokens": 0,
    "progress": False,
}
MAZES = maze_rl.generate(4, num=6)
SMALL = GenerationConfig(spec=MazeSpec(sizes=(3,)), num=4)


class Place(os.PathLike):
    """A path that is neither a text nor a `Path`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what paths may name: a run, two parts of a dataset, files of mazes, a plan, a script."""
    folder = tmp_path_factory.mktemp("given")
    maze_rl.train(4, out=folder / "run", num=2, **TINY)
    for first in (0, 4):
        write_dataset(GenerationConfig(spec=MazeSpec(sizes=(4,)), num=4, first=first), folder / f"part{first}", shard=4)
    for name in ("mazes.npz", "mazes.tokens", "mazes.parquet"):
        maze_rl.save_mazes(MAZES, folder / name)
    write_image(folder / "maze.png", MAZES[0])
    model = maze_rl.load_model(folder / "run")
    (folder / "maze.txt").write_text(model.tokenization.with_options(random_offsets=False).to_text(MAZES[0]))
    (folder / "plan.json").write_text(json.dumps({"phases": [{"steps": 2, "sizes": "4"}]}))
    (folder / "one.py").write_text('"""One?"""\nfrom maze_rl.configs.experiment import *\ndef experiment(): ...\n')
    write_definition("cells", folder / "words")
    return folder


ONE_STEP: dict[str, Any] = {"num": 0, "steps": 1, "device": "cpu", "progress": False}
PLAIN = {name: value for name, value in TINY.items() if name != "steps"}
USES: dict[str, Callable[[Callable[[str], Any], Callable[[str], Any]], object]] = {
    "load_mazes folder": lambda at, new: maze_rl.load_mazes(at("part0")),
    "load_mazes file": lambda at, new: maze_rl.load_mazes(at("mazes.npz")),
    "load_mazes tokens": lambda at, new: maze_rl.load_mazes(at("mazes.tokens"), grid=4),
    "save_mazes": lambda at, new: maze_rl.save_mazes(MAZES, new("mazes.npz")),
    "save_mazes folder": lambda at, new: maze_rl.save_mazes(MAZES, new("mazes")),
    "load_model": lambda at, new: maze_rl.load_model(at("run")),
    "evaluate": lambda at, new: maze_rl.evaluate(at("run"), 4, 2),
    "report one": lambda at, new: maze_rl.report(at("run"), new("report")),
    "report several": lambda at, new: maze_rl.report([at("run"), at("run")], new("report")),
    "train data": lambda at, new: maze_rl.train(data=at("part0"), out=new("run"), num=0, **TINY),
    "train plan": lambda at, new: maze_rl.train(plan=at("plan.json"), out=new("run"), num=0, **PLAIN),
    "train start_from": lambda at, new: maze_rl.train(start_from=at("run"), out=new("run"), **ONE_STEP),
    "convert": lambda at, new: convert(at("mazes.npz"), new("mazes.txt")),
    "join one": lambda at, new: join(at("part0"), new("mazes")),
    "join several": lambda at, new: join([at("part0"), at("part4")], new("mazes")),
    "describe one": lambda at, new: describe(at("part0"), new("page.html")),
    "describe several": lambda at, new: describe([at("part0"), at("part4")]),
    "compare one": lambda at, new: compare(at("run"), out=new("comparison")),
    "compare several": lambda at, new: compare([at("run"), at("run")], out=new("comparison")),
    "export": lambda at, new: export(at("run"), new("export")),
    "generate_dataset": lambda at, new: generate_dataset(SMALL, new("mazes")),
    "write_dataset": lambda at, new: write_dataset(SMALL, new("mazes")),
    "write_mazes": lambda at, new: write_mazes(MAZES, new("mazes"), "a test"),
    "open_dataset": lambda at, new: open_dataset(at("part0")),
    "solve_with_model": lambda at, new: solve_with_model(at("run"), MAZES[0]),
    "read_own": lambda at, new: read_own(at("maze.txt"), maze_rl.load_model(at("run")).tokenization, (4, 4)),
    "checkpoint_steps": lambda at, new: checkpoint_steps(at("run")),
    "checkpoints": lambda at, new: steps_in(at("run/checkpoints")),
    "save_model": lambda at, new: save_model(maze_rl.load_model(at("run")), new("model"), {}),
    "RunFolder": lambda at, new: RunFolder(at("run")).open(),
    "read_image": lambda at, new: read_image(at("maze.png")),
    "write_image": lambda at, new: write_image(new("maze.png"), MAZES[0]),
    "read_parquet": lambda at, new: read_parquet(at("mazes.parquet")),
    "write_parquet": lambda at, new: write_parquet(new("mazes.parquet"), MAZES),
    "draw_picture": lambda at, new: draw_picture(show_mazes(SMALL.spec), "solution", new("maze.png")),
    "keep": lambda at, new: keep(plt.figure(), new("figures"), "one"),
    "export_study": lambda at, new: export_study("calibration_tour", new("tour.ipynb")),
    "find_experiment": lambda at, new: find_experiment(at("one.py")),
    "build_tokenizers": lambda at, new: build_tokenizers(new("words")),
    "check_tokenizers": lambda at, new: check_tokenizers(at("words")),
    "write_definition": lambda at, new: write_definition("cells", new("words")),
    "stale_definitions": lambda at, new: stale_definitions(at("words")),
}


HEAVY = ("evaluate", "report", "train", "compare", "describe", "export", "solve_with_model", "draw_picture", "build")
"""What takes long: read from one kind of path and written to the other, in turn."""
CASES = [
    *((name, kind, kind) for name in USES if not name.startswith(HEAVY) for kind in (str, Place)),
    *((name, Place, str) for name in USES if name.startswith(HEAVY) and not name.endswith("several")),
    *((name, str, Place) for name in USES if name.startswith(HEAVY) and not name.endswith(("one", "data", "plan"))),
]


@pytest.mark.parametrize(("name", "read", "written"), CASES)
def test_a_path_may_be_a_text_or_any_path_object(
    name: str, read: type, written: type, given: Path, tmp_path: Path
) -> None:
    USES[name](lambda place: read(given / place), lambda place: written(tmp_path / place))
    plt.close("all")


INTERNAL = {
    "mazes/interchange/leftovers.py": "names of files half-written",
    "mazes/interchange/whole_files.py": "files half-written",
    "mazes/interchange/zip_members.py": "archives that a reader has opened",
    "mazes/storage/dataset_folder.py": "a dataset half-written",
    "mazes/storage/dataset_writer.py": "a dataset half-written",
    "mazes/storage/shards.py": "parts of a dataset",
    "mazes/storage/store.py": "parts of a dataset",
    "models/verified_files.py": "files of a folder that is open",
    "mazes/storage/free_place.py": "a place that is about to be written",
    "workflows/comparison_folder.py": "places of reports",
    "workflows/experiment_files.py": "a file that was found",
    "workflows/export_loader.py": "a file that stands alone and stays short",
    "workflows/run_card.py": "a run that is open",
    "workflows/run_folder.py": "what differs in a run that is open",
    "workflows/run_place.py": "a place that is about to be written",
}
"""Modules that get `Path`s from other modules of ours alone, and what these are."""


def bare_paths() -> Iterator[tuple[str, str]]:
    """Yield (module, function) where a parameter of a public function is annotated as a `Path` alone."""
    for module in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
                kinds = [arg.annotation for arg in (*node.args.args, *node.args.kwonlyargs) if arg.annotation]
                if any(re.search(r"\bPath\b", ast.unparse(kind)) for kind in kinds):
                    yield str(module.relative_to(PACKAGE)), node.name


def test_no_function_for_users_asks_for_a_path_object() -> None:
    found = [f"{module}: {function}" for module, function in bare_paths() if module not in INTERNAL]
    assert found == [], "take str | PathLike[str]"


PATH_WORDS = ("DIR", "FILE", "PATH", "PAGE.html", "FOLDER", "MODEL", "RUN")
"""What stands for a path in the help."""


def flags_of_paths() -> Iterator[tuple[str, argparse.Action]]:
    """Yield (command, flag) of whatever takes a path."""
    parser = build_parser(OneLineParser)
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        for action in command._actions:
            named = action.metavar in PATH_WORDS or action.dest in ("source", "run", "plan", "names")
            if named and action.nargs != 0:
                yield name, action


def test_every_path_of_the_command_line_may_begin_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    found = list(flags_of_paths())
    assert {(name, action.dest) for name, action in found} >= {
        *((name, "out") for name in ("solve", "show", "describe", "evaluate", "convert", "train", "studies", "bench")),
        *(("train", "data"), ("evaluate", "mazes"), ("solve", "maze"), ("report", "runs"), ("search", "run")),
    }
    for name, action in found:
        assert callable(action.type), f"{name} {action.dest} takes its path as it is typed"
        assert action.type("~/new.png") == str(tmp_path / "new.png"), f"{name} {action.dest}"
        assert action.type("runs/x") == "runs/x"


def test_a_drawing_may_be_written_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert run(["show", "--size", "4", "--out=~/new/maze.txt"]) == 0
    assert (tmp_path / "new" / "maze.txt").is_file()
