"""Which sizes are tested when none are named, and the further tests of a looped model."""

import json
from pathlib import Path

import pytest

import maze_rl
from maze_rl.cli.main import run
from maze_rl.configs.model import ModelConfig
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows import evaluate as workflow


def looped_model(canvas: int = 14, **about: object) -> MazeTransformer:
    config = ModelConfig(
        n_layers=1, loops=2, d_model=8, n_heads=2, embedding="waves", unembedding="path", prompt="visible"
    )
    model = build_model(config, load_tokenization("cells", canvas=canvas, origin="path")).eval()
    model.about = dict(about)
    return model


@pytest.mark.parametrize(
    ("canvas", "about", "expected"),
    [
        (14, {"sizes": [5, 6, 7, 8, 9]}, range(4, 13)),
        (11, {"sizes": [5, 9]}, range(4, 12)),
        (6, {}, range(4, 7)),
        (3, {"sizes": [3]}, range(3, 4)),
    ],
)
def test_three_sizes_beyond_those_trained_on_are_tested(canvas: int, about: dict[str, object], expected: range) -> None:
    assert workflow.test_sizes(looped_model(canvas, **about), None) == tuple(expected)


def test_loops_and_algorithms_are_measured_at_a_few_sizes() -> None:
    told: list[float] = []
    stages: list[str] = []

    def tell(doing: str, done: float) -> None:
        told.append(done)
        stages.append(doing)

    model = looped_model(6, sizes=[4, 5], algorithm="dfs", options={})
    result = workflow.evaluate(model, (4, 5, 6), 9, progress=tell)
    assert [row.loops for row in result.by_loops if row.size == 6] == [1, 2, 3, 4, 6]
    assert {row.size for row in result.by_loops} == {4, 5, 6}
    assert {row.shortest.num for row in result.by_loops} == {2}, "an eighth of the mazes: the loops cost eight walks"
    own = [row for row in result.by_algorithm if row.algorithm == "dfs"]
    assert [row.shortest for row in own] == [row.shortest for row in result.rows]
    assert [row.trained_on for row in own] == [True] * 3
    assert {row.algorithm for row in result.by_algorithm} == {"dfs", "wilson", "dfs_percolation"}
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert {"6 x 6: wilson", "6 x 6: 6 loops", "4 x 4: 1 loops"} <= set(stages)


def test_a_model_without_loops_has_no_stage_of_loops() -> None:
    config = ModelConfig(n_layers=1, d_model=8, n_heads=2)
    model = build_model(config, load_tokenization("edges", canvas=4)).eval()
    model.about = {"sizes": [4]}
    told: list[tuple[str, float]] = []
    workflow.evaluate(model, 4, 3, progress=lambda doing, done: told.append((doing, done)))
    assert not [doing for doing, _ in told if "loops" in doing]
    assert told[-1] == ("done", 1.0)


def test_on_one_layout_the_json_has_null_where_nothing_bounds_an_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    maze = generate(5, num=1, seed=0)[0]
    targets = [(row, col) for row in range(5) for col in range(5) if (row, col) != maze.origin]
    maze_rl.save_mazes([Maze(maze.connections, maze.origin, target) for target in targets[:6]], tmp_path / "one.npz")
    out = tmp_path / "result.json"
    assert run(["evaluate", "maze-4to5-unique-cells", "--mazes", f"{tmp_path}/one.npz", "--json", f"--out={out}"]) == 0
    for text in (capsys.readouterr().out, out.read_text()):
        assert json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert json.loads(out.read_text())["teacher_forced"][0]["optimal_nll"]["high"] is None
