"""A mistyped name or path is answered before anything heavy is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

MISTYPED = [
    (["evaluate", "maze-5to9-cpv"], "Did you mean 'maze-5to9-cpu'?"),
    (["evaluate", "maze-5to9-cpu", "--algorithm", "wilsn"], "Did you mean 'wilson'?"),
    (["evaluate", "maze-5to9-cpu", "--device", "mps"], "device 'mps' cannot be used: take cpu, cuda"),
    (["solve", "maze-5to9-cpv"], "Did you mean 'maze-5to9-cpu'?"),
    (["solve", "maze-5to9-cpu", "--algorithm", "wilsn"], "Did you mean 'wilson'?"),
    (["solve", "maze-5to9-cpu", "--maze", "no.txt"], "no.txt: there is no such file"),
    (["solve", "maze-5to9-cpu", "--out", "walk.bmp"], "--out walk.bmp: drawings are"),
    (["report", "maze-5to9-cpv"], "Did you mean 'maze-5to9-cpu'?"),
    (["search", "maze-5to9-cpv"], "Did you mean 'maze-5to9-cpu'?"),
    (["search", "maze-5to9-cpu", "--algorithm", "wilsn"], "Did you mean 'wilson'?"),
    (["search", "maze-5to9-cpu", "--size", "1"], "maze size 1 is out of bounds"),
    (["export", "maze-5to9-cpv", "--out", "new"], "Did you mean 'maze-5to9-cpu'?"),
    (["export", "maze-5to9-cpu", "--out", "full"], "full is not an empty folder"),
    (["studies", "run", "calibration_tuor"], "Did you mean 'calibration_tour'?"),
    (["studies", "run", "calibration_tour", "--run", "maze-5to9-cpv"], "Did you mean 'maze-5to9-cpu'?"),
    (["studies", "export", "calibration_tuor"], "Did you mean 'calibration_tour'?"),
    (["experiments", "run", "dise"], "Did you mean 'dice'?"),
    (["experiments", "describe", "dise"], "Did you mean 'dice'?"),
    (["generate", "--algorithm", "wilsn"], "Did you mean 'wilson'?"),
    (["generate", "--out", "full"], "full is not an empty folder"),
    (["show", "--algorithm", "wilsn"], "Did you mean 'wilson'?"),
    (["show", "--mark", "solutoin"], "Did you mean 'solution'?"),
    (["show", "--out", "maze.bmp"], "--out maze.bmp: drawings are"),
    (["join", "no", "--out", "whole"], "no: there is no such folder"),
    (["join", "full", "--out", "full"], "full is not an empty folder"),
    (["describe", "no"], "no: there is no such folder"),
    (["convert", "no.npz", "--out", "new"], "no.npz: there is no such file or folder"),
    (["convert", "full", "--out", "mazes.xyz"], ".xyz is no kind of maze file"),
    (["convert", "full/file", "--out", "new"], "no suffix is no kind of maze file"),
    (["convert", "full", "--out", "new.tokens", "--tokenizer", "edgs"], "Did you mean 'edges'?"),
    (["train", "--device", "mps"], "device 'mps' cannot be used"),
    (["train", "--device", "gpu"], "device 'gpu' cannot be used"),
    (["train", "--out", "full"], "full is not empty and holds no run"),
    (["train", "--resume", "--out", "no"], "no/config.json: the file is missing"),
    (["train", "--start-from", "maze-5to9-cpv"], "Did you mean 'maze-5to9-cpu'?"),
    (["train", "--start-from", "maze-5to9-cpu", "--optimizer", "moun"], "Did you mean 'muon'?"),
    (["train", "--data", "no"], "no: there is no such folder"),
    (["train", "--loss", "pathonly"], "Did you mean 'path_only'?"),
    (["trian"], "Did you mean 'train'?"),
    (["selftest", "--instances", "0"], "selftest needs at least one instance"),
]
CODE = """
import contextlib, io, json, sys
from maze_rl.cli.main import run
for words in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        status = run(words)
    heavy = {"torch", "numba", "datasets", "matplotlib", "transformer_lens"} & set(sys.modules)
    print(json.dumps([status, said.getvalue(), sorted(heavy)]))
    if heavy:
        break  # what is imported by now says nothing of the next
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, str, list[str]]]:
    """Return status, message and heavy modules imported so far, for each of `MISTYPED`."""
    place = tmp_path_factory.mktemp("mistyped")
    (place / "full").mkdir()
    (place / "full" / "file").touch()
    words = json.dumps([words for words, _ in MISTYPED])
    code = [sys.executable, "-c", CODE, words]
    root = str(Path(__file__).parents[2])
    result = subprocess.run(code, cwd=place, env={"PYTHONPATH": root, "PATH": ""}, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return [tuple(json.loads(line)) for line in result.stdout.splitlines()]


@pytest.mark.parametrize("number", range(len(MISTYPED)), ids=[" ".join(words) for words, _ in MISTYPED])
def test_a_mistyped_word_costs_no_import(number: int, answers: list[tuple[int, str, list[str]]]) -> None:
    assert number < len(answers), f"not asked, as {MISTYPED[len(answers) - 1][0]} imported {answers[-1][2]}"
    status, said, heavy = answers[number]
    assert (status, heavy) == (2, [])
    assert MISTYPED[number][1] in said
    assert said.count("\n") == 1
