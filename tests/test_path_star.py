"""The path-star script: its graphs against networkx, its answers in three orders, a case that is learned, faults."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest

from maze_rl.errors import ConfigurationError

SCRIPT = Path(__file__).parents[1] / "experiments" / "path_star.py"
TINY = shlex.split(
    "--degree 2 --length 1 --nodes 4 --layers 1 --d-model 32 --batch-size 64 --rate 0.003 --test 200 --seeds 1"
)


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("path_star")


@pytest.mark.parametrize("order", ["forward", "backward", "scratchpad"])
def test_the_answer_is_the_arm_from_the_centre_to_the_leaf(script: Any, order: str) -> None:
    settings = script.Settings(degree=3, length=4, nodes=17)
    for row in script.draw(settings, 20, np.random.default_rng(0), order):
        edges, (mark, centre, leaf, end), answer = row[:24].reshape(-1, 2), row[24:28], row[28:].tolist()
        graph = networkx.Graph(edges.tolist())
        assert (mark, end) == (17, 18)
        assert len(graph) == 13
        assert graph.degree[int(centre)] == 3
        path = networkx.shortest_path(graph, int(centre), int(leaf))
        assert len(path) == 5
        assert answer == {"forward": path, "backward": path[::-1], "scratchpad": path[::-1] + path}[order]


def test_no_two_graphs_list_their_edges_alike(script: Any) -> None:
    drawn = script.draw(script.Settings(), 50, np.random.default_rng(0), "forward")
    assert len(np.unique(drawn[:, :24], axis=0)) == 50
    # The arm asked for is as likely the first listed as any other.
    first = [np.flatnonzero((row[:24:2] == row[25]) & (row[1:24:2] == row[29]))[0] for row in drawn]
    assert len(set(first)) > 5


def test_arms_of_one_edge_are_copied_from_the_query(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = script.main([*TINY, "--steps", "150", "--orders", "forward", "backward"])
    assert [row["order"] for row in rows] == ["forward", "backward"]
    assert all(row["solved"] > 0.9 for row in rows)
    untaught = script.main([*TINY, "--steps", "0", "--orders", "forward"])
    assert untaught[0]["solved"] < 0.6
    assert '"order": "backward"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flag", "value", "said"),
    [
        ("--nodes", "12", "12 names are too few for 3 arms of 4"),
        ("--degree", "0", "--degree is 0: 1 or more"),
        ("--length", "0", "--length is 0: 1 or more"),
        ("--test", "0", "--test is 0: 1 or more"),
        ("--d-model", "30", "no multiple of 4 heads"),
        ("--rate", "nan", "--rate is nan: 0 or more"),
        ("--seeds", "0", "--seeds is 0: 1 or more"),
    ],
)
def test_what_cannot_be_trained_is_refused(script: Any, flag: str, value: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        script.main([flag, value])


def test_a_fault_is_one_line() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "--nodes", "5"], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "5 names are too few for 3 arms of 4.\n"
