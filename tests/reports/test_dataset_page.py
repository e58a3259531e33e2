"""The page of a dataset: self-contained, complete, safe, small, and the same numbers as its JSON."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maze_rl.configs.mazes import spec_from_arguments, spec_to_json
from maze_rl.mazes.generate import Attempts, generate
from maze_rl.mazes.lattice import Maze, MazeBatch, MazeCollection
from maze_rl.mazes.measures import MOST_PATHS
from maze_rl.mazes.summary import summarise
from maze_rl.reports.dataset_account import DatasetAccount, acceptance_text, options_text, spread_evenly
from maze_rl.reports.dataset_figures import path_shares
from maze_rl.reports.dataset_page import write_dataset_page
from maze_rl.reports.dataset_tables import path_count_text

HOSTILE = "<script>alert(1)</script>\"'&$x_1$ {0} | #0072b2"


def account(mazes: MazeCollection, name: str, **card: Any) -> DatasetAccount:
    summary = summarise([mazes])
    examples = {
        (grid.rows, grid.cols): [(rule, mazes[index]) for rule, index in grid.examples.items()]
        for grid in summary.grids
    }
    return DatasetAccount(name=name, folder=f"data/{name}", card=card, summary=summary, examples=examples)


@pytest.fixture(scope="module")
def trees() -> DatasetAccount:
    spec = spec_to_json(spec_from_arguments(sizes=(4, 6), split="train", max_path_length=20))
    mazes = generate([4, 6], num=80, split="train")
    return account(
        mazes, "trees", spec=spec, seed=0, first=0, num=80, splits={"train": 70, "test": 10}, content="f00d", leaks=0
    )


@pytest.fixture(scope="module")
def loops() -> DatasetAccount:
    return account(generate([4, 7], "dfs_percolation", num=80, percolation=0.4), "loops")


class Page(HTMLParser):
    """Collects the tags, and the text outside styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.inside:
            self.text += data


def written(accounts: list[DatasetAccount], folder: Path) -> tuple[str, dict[str, Any]]:
    page = write_dataset_page(accounts, folder / "page.html")
    return page.read_text(), json.loads((folder / "page.json").read_text())


def test_the_page_needs_nothing_else(trees: DatasetAccount, loops: DatasetAccount, tmp_path: Path) -> None:
    text, _ = written([trees, loops], tmp_path)
    page = Page(text)
    loading = {"script", "link", "img", "iframe", "object", "embed", "image"}
    assert not loading & {tag for tag, _ in page.tags}
    urls = [value for _, attrs in page.tags for key, value in attrs.items() if key in ("href", "src") and value]
    assert all(url.startswith("#") for url in urls)
    assert "@import" not in text and not re.search(r"url\((?!#)", text)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert len(text.encode()) < 1_000_000


def test_what_the_card_says_is_on_the_page(trees: DatasetAccount, tmp_path: Path) -> None:
    text, values = written([trees], tmp_path)
    page = Page(text)
    for expected in ("trees", "train 70, test 10", "f00d", "4,6", "0 mazes, counted by their walls", "load_from_disk"):
        assert expected in page.text, expected
    facts = {row["fact"]: row["dataset_0"] for row in values["setup"]["rows"]}
    assert (facts["algorithm"], facts["leaks"], facts["indices"]) == ("dfs", "0", "0 to 79")
    assert facts["options"] == "accessible_cells 1, max_depth none, forks yes"
    assert facts["endpoints"] == "a path of 1 to 20 steps"


def test_the_json_holds_the_numbers_of_the_tables(trees: DatasetAccount, tmp_path: Path) -> None:
    _, values = written([trees], tmp_path)
    sections = {section["name"]: section for section in values["sections"]}
    (table,) = sections["lengths"]["tables"]
    for row, grid in zip(table["rows"], trees.summary.grids, strict=True):
        assert (row["num"], row["median"]) == (grid.statistics.num, grid.statistics.distance.median)
    assert values["datasets"][0]["summary"] == json.loads(json.dumps(trees.summary.to_json()))
    assert not sections["path-counts"]["figures"], "trees have one shortest path each; there is nothing to draw"
    assert "exactly one shortest path" in sections["path-counts"]["lead"]["text"]


def test_several_datasets_have_a_row_each(trees: DatasetAccount, loops: DatasetAccount, tmp_path: Path) -> None:
    text, values = written([trees, loops], tmp_path)
    sections = {section["name"]: section for section in values["sections"]}
    rows = sections["lengths"]["tables"][0]["rows"]
    assert [(row["size"], row["dataset"]) for row in rows] == [
        ("4×4", "trees"),
        ("4×4", "loops"),
        ("6×6", "trees"),
        ("7×7", "loops"),
    ]
    share = loops.summary.whole.share_several
    assert f"loops: {share:.1%} of the mazes have more than one" in Page(text).text
    counts = sections["path-counts"]["tables"][0]
    assert [(row["size"], row["dataset"]) for row in counts["rows"]] == [("4×4", "loops"), ("7×7", "loops")]
    assert "dataset" in [column["key"] for column in counts["columns"]]


def test_hostile_names_stay_text(loops: DatasetAccount, trees: DatasetAccount, tmp_path: Path) -> None:
    hostile = account(generate(3, "dfs_percolation", num=20), HOSTILE, spec={"algorithm": HOSTILE}, content=HOSTILE)
    for accounts in ([hostile], [hostile, trees, loops]):
        text, _ = written(accounts, tmp_path)
        assert "<script" not in text
        assert HOSTILE in Page(text).text


def test_odd_datasets(tmp_path: Path) -> None:
    """One maze; a corridor without a decision; an open grid with more paths than can be counted."""
    corridor = np.zeros((2, 1, 3), np.bool_)
    corridor[1, 0, :2] = True
    field = np.ones((1, 2, 40, 40), np.bool_)
    field[:, 0, -1], field[:, 1, :, -1] = False, False
    ends = np.array([[[0, 0]], [[39, 39]]], np.int16)
    mazes = [Maze(corridor, (0, 0), (0, 2)).as_batch(), MazeBatch(field, ends[0], ends[1])]
    text, _ = written([account(MazeCollection.from_batch(batch), "odd") for batch in mazes[:1]], tmp_path)
    assert "no shortest path meets a decision" in Page(text).text
    text, _ = written([account(MazeCollection.from_batch(mazes[1]), "field")], tmp_path)
    assert "2^62 or more" in Page(text).text


def test_path_shares_add_up(loops: DatasetAccount) -> None:
    for grid in loops.summary.grids:
        shares = path_shares(grid)
        assert sum(shares) == pytest.approx(1)
        assert shares[0] == pytest.approx(1 - grid.statistics.share_several)


def test_words() -> None:
    assert [path_count_text(count) for count in (1, 2_000, 3 * 10**9, MOST_PATHS)] == [
        "1",
        "2,000",
        "3.0e+09",
        "2^62 or more",
    ]
    assert options_text({}) is None
    assert (
        options_text({"options": {"accessible_cells": 0.5, "max_depth": None}})
        == "accessible_cells 0.5, max_depth none"
    )
    assert acceptance_text(None) is None
    assert acceptance_text(asdict(Attempts(accepted=5, carved=5, pairs=5))) is None
    assert acceptance_text(asdict(Attempts(accepted=5, carved=30, outside_split=10, pairs=50))) == (
        "25.0% of the mazes of its split, 10.0% of the pairs drawn"
    )
    assert spread_evenly(range(10), 4) == [0, 3, 6, 9]
    assert spread_evenly([5, 6], 4) == [5, 6]


def test_the_figures_have_no_faults(
    trees: DatasetAccount,
    loops: DatasetAccount,
    tmp_path: Path,
    faults_of_page: Callable[[Callable[[], object]], list[str]],
) -> None:
    for number, accounts in enumerate(([trees], [loops], [trees, loops])):
        assert faults_of_page(lambda: write_dataset_page(accounts, tmp_path / f"{number}.html")) == []  # noqa: B023
