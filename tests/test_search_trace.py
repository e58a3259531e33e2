"""The search-trace script: its traces against networkx, what each arm writes before the path, and that it trains."""

from collections.abc import Callable
from typing import Any

import networkx
import pytest
import torch

from maze_rl.errors import ConfigurationError
from maze_rl.tokenization.layouts import PATH_END, PATH_START, SEPARATOR
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.arms_script import drawn

TINY = ["--layers", "1", "--d-model", "16", "--batch-size", "4", "--test", "5", "--seeds", "1"]


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("search_trace")


def test_a_trace_is_a_breadth_first_search_from_the_target_up_to_the_origin(script: Any) -> None:
    solution = drawn(5, 20, 0, 0, "train")
    for row in range(20):
        maze, pairs = solution.batch[row], script.trace_of(solution, row)
        graph = networkx.Graph()
        cells = [(row, col) for row in range(5) for col in range(5)]
        graph.add_edges_from((cell, other) for cell in cells for other in maze.neighbours(cell))
        layers = networkx.single_source_shortest_path_length(graph, maze.target)
        assert [layers[cell] for cell, _ in pairs] == sorted(layers[cell] for cell, _ in pairs)
        assert all(graph.has_edge(cell, before) and layers[before] == layers[cell] - 1 for cell, before in pairs)
        assert pairs[-1][0] == maze.origin
        nearer = {cell for cell, steps in layers.items() if 0 < steps < layers[maze.origin]}
        assert nearer <= {cell for cell, _ in pairs}
        back, cell = dict(pairs), maze.origin
        walked = [cell]
        while cell != maze.target:
            cell = back[cell]
            walked.append(cell)
        assert walked == networkx.shortest_path(graph, maze.origin, maze.target), "the path follows the pairs"


def test_arms_differ_in_what_stands_before_the_path_alone(script: Any) -> None:
    tokenization = script.tokens_of(load_tokenization("cells", canvas=script.CANVAS))
    solution = drawn(4, 6, 0, 0, "train")
    plain, traced, other = (script.write(tokenization, solution, arm, 3) for arm in script.ARMS)
    assert torch.equal(plain.given, traced.given) and torch.equal(plain.given, other.given)
    for row in range(6):
        given = int(plain.given[row])
        prompt = plain.tokens[row, :given].tolist()
        assert prompt[-2] == PATH_START
        path = plain.tokens[row, given : plain.lengths[row]].tolist()
        for sequences in (traced, other):
            whole = sequences.tokens[row, : sequences.lengths[row]].tolist()
            assert whole[:given] == prompt and whole[-1] == PATH_END
            mark = whole.index(SEPARATOR, given)
            assert whole[mark + 1 :] == [prompt[-1], *path]
            searched = row if sequences is traced else (row + 1) % 6
            assert mark - given == 2 * len(script.trace_of(solution, searched))
        own = traced.tokens[row, given : given + 2].tolist()
        assert own[1] == path[-2], "the first cell was reached from the target"


def test_it_trains_every_arm_and_refuses_what_is_out_of_range(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = script.main([*TINY, "--steps", "2"])
    assert [row["arm"] for row in rows] == list(script.ARMS)
    assert all(0 <= row["low@5"] <= row["shortest@5"] <= row["high@5"] <= 1 for row in rows)
    assert [("trace@5" in row) for row in rows] == [False, True, True]
    assert '"arm": "corrupted"' in capsys.readouterr().out
    for flag in ("--seeds", "--layers", "--test"):
        with pytest.raises(ConfigurationError, match=flag):
            script.main([flag, "0"])


def test_a_model_that_copies_the_right_answer_is_right(script: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenization = script.tokens_of(load_tokenization("cells", canvas=script.CANVAS))
    solution = drawn(5, 8, 1, 0, "test")
    for arm, traced in (("path", None), ("trace", 1.0), ("corrupted", 1.0)):
        right = script.write(tokenization, solution, arm, 0)
        answers = [right.tokens[row, right.given[row] :].tolist() for row in range(8)]
        width = max(map(len, answers))
        tokens = torch.tensor([answer + [10] * (width - len(answer)) for answer in answers])
        monkeypatch.setattr(script, "decode_paths", lambda *given, tokens=tokens: tokens)
        found = script.measure(None, tokenization, arm, solution, 5)
        assert found["shortest@5"] == 1.0 and found.get("trace@5") == traced
        broken = tokens.clone()
        broken[:4, : right.lengths[:4].max() - right.given.min()] = PATH_END
        monkeypatch.setattr(script, "decode_paths", lambda *given, tokens=broken: tokens)
        assert script.measure(None, tokenization, arm, solution, 5)["shortest@5"] == 0.5
