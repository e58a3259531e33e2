"""The same name for the same thing, on the command line and in Python."""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import fields
from inspect import signature
from typing import Any

import pytest

import maze_rl
from maze_rl.calibration.selftest import selftest
from maze_rl.cli.arguments import build_parser
from maze_rl.configs.changes import FLAG_NAMES
from maze_rl.configs.endpoints import Endpoints
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import TrainingConfig
from maze_rl.errors import UnknownNameError
from maze_rl.workflows.bench import bench
from maze_rl.workflows.compare import compare
from maze_rl.workflows.convert import convert
from maze_rl.workflows.describe import describe
from maze_rl.workflows.experiment import run_experiment
from maze_rl.workflows.export import export
from maze_rl.workflows.generate import generate_dataset, join
from maze_rl.workflows.own_mazes import read_own, rows_from
from maze_rl.workflows.show import draw_picture, show_mazes
from maze_rl.workflows.solve import draw_maze, solve_with_model
from maze_rl.workflows.studies import export_study, run_study
from maze_rl.workflows.vocabularies import build_tokenizers, check_tokenizers

IN_PYTHON: dict[str, tuple[Callable[..., Any] | type, ...]] = {
    "generate": (maze_rl.generate, MazeSpec, Endpoints, generate_dataset),
    "join": (join,),
    "convert": (convert,),
    "describe": (describe,),
    "show": (MazeSpec, show_mazes, draw_picture, read_own, rows_from),
    "train": (maze_rl.train, TrainingConfig, TokenizationConfig, ModelConfig),
    "evaluate": (maze_rl.evaluate, read_own),
    "solve": (solve_with_model, draw_maze, rows_from),
    "report": (maze_rl.report,),
    "search": (maze_rl.search,),
    "selftest": (selftest,),
    "export": (export,),
    "experiments": (run_experiment, compare),
    "studies": (run_study, export_study),
    "tokenizers": (build_tokenizers, check_tokenizers),
    "bench": (bench,),
}
"""What a command calls: where there are several, its flags are spread over them. A class stands for its fields."""
ONLY_FLAGS = {
    ("every", "json"): "how the command prints",
    ("every", "help"): "how the command prints",
    ("evaluate", "out"): "Python has the result itself, with to_json()",
    ("selftest", "out"): "Python has the result itself",
    ("bench", "out"): "Python has the rows themselves",
    ("solve", "out"): "Python has the walk itself; maze_rl.mazes.pictures draws it",
    ("show", "size"): "one size of `MazeSpec.sizes`: the command draws mazes of one kind",
}
"""(command, flag) that has no argument of its name, and why."""


def commands() -> Iterator[tuple[str, list[argparse.Action]]]:
    parser = build_parser(argparse.ArgumentParser)
    (found,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for name, command in found.choices.items():
        yield name, [each for each in command._actions if each.option_strings and each.help != argparse.SUPPRESS]


def names_in(target: Callable[..., Any] | type) -> set[str]:
    if isinstance(target, type):
        return {field.name for field in fields(target)}  # pyright: ignore[reportArgumentType]
    return set(signature(target).parameters)


@pytest.mark.parametrize(("command", "flags"), list(commands()), ids=[name for name, _ in commands()])
def test_every_flag_is_an_argument_of_the_same_name(command: str, flags: list[argparse.Action]) -> None:
    known = set().union(*map(names_in, IN_PYTHON[command]))
    if command == "train":
        known |= set(FLAG_NAMES)
    missing = {flag.dest for flag in flags} - known
    excused = {name for where, name in ONLY_FLAGS if where in (command, "every")}
    assert missing - excused == set()
    assert {name for where, name in ONLY_FLAGS if where == command} <= missing, "an excuse that is not needed"


@pytest.mark.parametrize(("command", "flags"), list(commands()), ids=[name for name, _ in commands()])
def test_flags_are_spelled_as_they_are_stored(command: str, flags: list[argparse.Action]) -> None:
    for flag in flags:
        spelled = {text.lstrip("-").replace("-", "_") for text in flag.option_strings}
        several = {f"{name}s" for name in spelled} if isinstance(flag, argparse._AppendAction) else set()
        assert flag.dest in spelled | several, f"{command} {flag.option_strings}"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: maze_rl.generate(5, min_length=3), "'min_length'. Did you mean 'min_path_length'?"),
        (lambda: maze_rl.generate(5, n=3), "'n'. Did you mean 'num'?"),
        (lambda: maze_rl.train(5, n_mazes=3), "'n_mazes'. Did you mean 'num'?"),
        (lambda: maze_rl.train(5, evaluation_mazes=3), "'evaluation_mazes'. Did you mean 'num'?"),
        (lambda: maze_rl.train(5, tokenization="cells"), "'tokenization'. Did you mean 'tokenizer'"),
        (lambda: maze_rl.train(5, num_layers=2), "'num_layers'. Did you mean 'n_layers'"),
        (lambda: maze_rl.train(5, epochs=2), "'epochs'. Did you mean 'steps'?"),
        (lambda: maze_rl.train(5, xyzzy=2), "'xyzzy'. Choices: accumulation, act_fn, algorithm,"),
        (lambda: maze_rl.load_tokenization("cells", canvass=5), "'canvass'. Did you mean 'canvas'?"),
        (lambda: maze_rl.load_tokenization("cells").with_options(canvass=5), "'canvass'. Did you mean 'canvas'?"),
    ],
)
def test_an_unknown_name_gets_the_one_that_means_it(call: Callable[[], object], said: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        call()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
