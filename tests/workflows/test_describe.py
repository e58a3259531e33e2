"""`maze-rl describe`: folders in, tables, a page and its numbers out."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maze_rl.cli.main import run
from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.mazes.generate import generate, generate_mazes
from maze_rl.mazes.storage.dataset_writer import write_dataset, write_mazes
from maze_rl.reports.dataset_tables import facts_table
from maze_rl.workflows import describe as describe_module
from maze_rl.workflows.describe import describe


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("datasets")
    specs = (MazeSpec(sizes=(3, 6)), MazeSpec(sizes=(3, 5), algorithm="dfs_percolation", options={"percolation": 0.3}))
    return [write_dataset(GenerationConfig(spec=spec, num=60, seed=2), root / spec.algorithm) for spec in specs]


def test_one_folder(folders: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "new" / "page.html"
    assert run(["describe", str(folders[0]), "--out", str(page)]) == 0
    captured = capsys.readouterr()
    assert "60 mazes" in captured.out and "6×6" in captured.out
    assert f"page: {page}" in captured.out
    assert "reading dfs: 100%" in captured.err
    values = json.loads(page.with_suffix(".json").read_text())
    assert values["datasets"][0]["summary"]["whole"]["num"] == 60
    assert "<h1>dfs</h1>" in page.read_text()


def test_several_folders_and_json(folders: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["describe", *map(str, folders), "--json"]) == 0
    captured = capsys.readouterr()
    first, second = json.loads(captured.out)["datasets"]
    assert (first["name"], second["name"]) == ("dfs", "dfs_percolation")
    assert first["summary"]["whole"]["num_several"] == 0
    assert second["summary"]["whole"]["num_several"] > 0
    assert captured.err == ""


def test_chunks_do_not_matter_and_progress_is_told(folders: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = describe(folders[:1])
    monkeypatch.setattr(describe_module, "CHUNK", 25)
    told: list[tuple[str, float]] = []
    (parts,) = describe(folders[:1], progress=lambda doing, done: told.append((doing, done)))
    assert parts.summary == whole.summary
    assert told == [("dfs", pytest.approx(share)) for share in (25 / 60, 50 / 60, 1.0)]


def test_examples_are_what_their_rules_say(folders: list[Path]) -> None:
    (account,) = describe(folders[:1])
    mazes = generate_mazes(MazeSpec(sizes=(3, 6)), np.arange(60), 2)
    for grid in account.summary.grids:
        examples = account.examples[grid.rows, grid.cols]
        assert examples == [(rule, mazes[index]) for rule, index in grid.examples.items()]


def test_equal_names_are_told_apart(folders: list[Path], tmp_path: Path) -> None:
    assert [account.name for account in describe([folders[0], folders[0]])] == ["dfs", "dfs (2)"]
    for parent in ("a", "b"):
        write_mazes(generate(4, num=5), tmp_path / parent / "mazes", "a notebook")
    accounts = describe([tmp_path / "a" / "mazes", tmp_path / "b" / "mazes"])
    assert [account.name for account in accounts] == ["a/mazes", "b/mazes"]


def test_a_dataset_from_elsewhere_can_be_described(tmp_path: Path) -> None:
    (account,) = describe([write_mazes(generate(4, num=50), tmp_path / "mazes", "a notebook")])
    assert (account.summary.num, account.algorithm, account.sizes) == (50, "unknown algorithm", "4")
    assert "split" not in {row["fact"] for row in facts_table([account]).rows}, "nobody said that it has all splits"


def test_a_specification_without_a_split_has_all_mazes(folders: list[Path]) -> None:
    facts = {row["fact"]: row["dataset_0"] for row in facts_table(describe(folders[:1])).rows}
    assert facts["split"] == "all mazes"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no/such/folder"], "no/such/folder: there is no such folder"),
        (["."], "is no maze dataset that can be read"),
        ([".", "--out", "page.pdf"], "the page is an .html file"),
        ([], "the following arguments are required: FOLDER"),
    ],
)
def test_bad_input_gets_one_clear_line(arguments: list[str], expected: str, refused: Callable) -> None:
    refused(["describe", *arguments], expected)


def test_a_folder_keeps_its_name_with_what_rich_takes_for_markup(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_mazes(generate(4, num=5), "mazes[bold]1", "a notebook")
    assert run(["describe", "mazes[bold]1"]) == 0
    assert "\nmazes[bold]1: 5 mazes" in capsys.readouterr().out
