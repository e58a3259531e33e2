"""The script on other mazes: a row for each kind that fits, right walks counted, loops where there are any."""

from collections.abc import Callable
from typing import Any

import pytest

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.evaluation.baselines import walk_oracle
from maze_rl.models.build import build_model
from maze_rl.models.model_files import save_model
from maze_rl.tokenization.tokenization import load_tokenization


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("carries_over")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """An untrained model with two loops, and one without."""
    tokens = load_tokenization("cells", canvas=6, origin="path")
    places = []
    for name, loops in (("looped", 2), ("plain", None)):
        shape = ModelConfig(n_layers=1, d_model=16, n_heads=2, loops=loops, prompt="visible", embedding="free")
        place = tmp_path_factory.mktemp("models") / name
        save_model(build_model(shape, tokens), place, {"sizes": [4], "algorithm": "dfs"})
        places.append(str(place))
    return places[0], places[1]


def test_it_has_a_row_for_each_kind_that_fits_and_each_number_of_loops(
    script: Any, models: tuple[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(script, "OTHER_MAZES", (("dfs", ((4, 6), (6, 7))), ("wilson", (4, 7))))
    monkeypatch.setattr(script, "SQUARES", (4,))
    script.main([*models, "--num", "5", "--loop-num", "5"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line]
    of_mazes = [line for line in lines if line.startswith(("| dfs", "| wilson"))]
    assert [line.split(" | ")[1] for line in of_mazes] == ["4x6", "4x4"] * 2, "7 cells are more than the canvas has"
    assert [line.split(" | ")[0] for line in lines if line[2].isdigit()] == ["| 1", "| 2 (kept)", "| 3", "| 4"]


def test_walks_of_an_oracle_are_right_on_rectangles(
    script: Any, models: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "OTHER_MAZES", (("dfs", ((4, 6),)),))
    monkeypatch.setattr(script, "roll_out", lambda model, solution, **settings: walk_oracle(solution))
    (row,) = script.on_other_mazes(script.load_model(models[0]), 20)
    assert row.startswith("| dfs | 4x6 | 1.000 ")


def test_no_mazes_are_refused(script: Any) -> None:
    with pytest.raises(ConfigurationError, match="--loop-num is 0"):
        script.main(["maze-5to9-cpu", "--loop-num", "0"])
