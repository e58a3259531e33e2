"""The shipped model keeps its promise on mazes it never saw."""

from pathlib import Path

import pytest

from maze_rl.models.model_files import load_model
from maze_rl.shipped import shipped
from maze_rl.workflows.evaluate import evaluate

NAME = "maze-5to9-causal"


def test_it_is_small_and_says_where_it_comes_from() -> None:
    folder = shipped("models", NAME)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 4_000_000
    card = (Path(folder) / "README.md").read_text()
    about = load_model(NAME).about
    assert about["sizes"] == [5, 6, 7, 8, 9]
    assert about["leaks"] == 0
    assert "maze-rl train --loss path_only --sizes 5..9" in card
    assert f"{about['steps']} steps" in card


@pytest.mark.slow
def test_it_does_more_than_a_heuristic_on_5x5() -> None:
    row = evaluate(NAME, sizes=5, num=1000).rows[0]
    assert row.shortest.low > row.baselines["manhattan"].value
    assert row.against_manhattan.low > 0
    assert row.solved_where_manhattan_fails is not None
    assert row.solved_where_manhattan_fails.value >= 0.15
    assert row.baselines["oracle"].value == 1.0
