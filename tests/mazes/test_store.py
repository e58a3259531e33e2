"""Datasets on disk: nothing is lost, nothing half-written stays, other tools can read them."""

import json
from pathlib import Path

import datasets
import numpy as np
import pytest
from datasets.arrow_writer import ArrowWriter

from maze_rl.configs.mazes import MazeSpec, spec_from_json
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes import store
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.solve import solve
from maze_rl.mazes.store import read_dataset, write_dataset

SPEC = MazeSpec(sizes=(3, 4, 7), algorithm="dfs_percolation", percolation=0.2)


def test_reads_back_what_was_written(tmp_path: Path) -> None:
    progress: list[float] = []
    folder = write_dataset(SPEC, 150, 3, tmp_path / "deep" / "mazes", progress.append)
    mazes = read_dataset(folder)
    assert list(mazes) == list(generate_mazes(SPEC, np.arange(150), 3))
    assert {batch.shape for batch in mazes.batches} == {(3, 3), (4, 4), (7, 7)}
    assert all(batch.origins.dtype == np.int16 for batch in mazes.batches)
    assert progress[-1] == 1.0
    assert sorted(path.name for path in folder.parent.iterdir()) == ["mazes"]
    about = json.loads((folder / store.SPECIFICATION).read_text())
    assert (spec_from_json(about["spec"]), about["num"], about["seed"]) == (SPEC, 150, 3)


def test_can_be_read_without_our_code(tmp_path: Path) -> None:
    loaded = datasets.load_from_disk(str(write_dataset(SPEC, 40, 0, tmp_path / "mazes")))
    assert isinstance(loaded, datasets.Dataset)
    mazes = generate_mazes(SPEC, np.arange(40), 0)
    solutions = solve(mazes)
    for index, row in enumerate(loaded.to_list()):
        bits = np.unpackbits(np.frombuffer(row["connections"], np.uint8), count=2 * row["rows"] * row["cols"])
        assert (bits.reshape(2, row["rows"], row["cols"]) == mazes[index].connections).all()
        assert (tuple(row["origin"]), tuple(row["target"])) == (mazes[index].origin, mazes[index].target)
        assert (row["distance"], row["index"]) == (solutions[index].distance, index)


def test_shards_hold_the_same_mazes_as_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(read_dataset(write_dataset(SPEC, 50, 1, tmp_path / "whole")))
    monkeypatch.setattr(store, "SHARD", 20)
    monkeypatch.setattr(store, "CHUNK", 7)
    sharded = write_dataset(SPEC, 50, 1, tmp_path / "sharded")
    assert len(list(sharded.glob("*.arrow"))) == 3
    assert list(read_dataset(sharded)) == whole


def full_disk(*args: object, **kwargs: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(("owner", "name"), [(ArrowWriter, "write_table"), (datasets.Dataset, "save_to_disk")])
def test_a_full_disk_leaves_nothing_behind(
    owner: type, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, full_disk)
    with pytest.raises(MazeRLError, match=r"could not be written \(No space left on device\); nothing was left behind"):
        write_dataset(SPEC, 20, 0, tmp_path / "mazes")
    assert list(tmp_path.iterdir()) == []


def test_an_impossible_specification_leaves_nothing_behind(tmp_path: Path) -> None:
    spec = MazeSpec(sizes=(3,), algorithm="dfs_percolation", percolation=1.0, min_path_length=5)
    with pytest.raises(ConfigurationError, match="no 3 x 3 dfs_percolation maze"):
        write_dataset(spec, 5, 0, tmp_path / "mazes")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("keep me")
    for out in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(ConfigurationError, match="is not an empty folder: choose another --out"):
            write_dataset(SPEC, 5, 0, out)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "keep me"


def test_an_empty_folder_is_used(tmp_path: Path) -> None:
    (tmp_path / "mazes").mkdir()
    assert len(read_dataset(write_dataset(SPEC, 5, 0, tmp_path / "mazes"))) == 5


def test_a_parent_that_is_a_file_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MazeRLError, match="could not be written"):
        write_dataset(SPEC, 5, 0, tmp_path / "file" / "mazes")


def test_no_mazes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="num is 0"):
        write_dataset(SPEC, 0, 0, tmp_path / "mazes")


def test_writing_leaves_the_progress_bars_of_datasets_alone(tmp_path: Path) -> None:
    before = datasets.are_progress_bars_disabled()
    datasets.enable_progress_bars()
    try:
        write_dataset(SPEC, 5, 0, tmp_path / "mazes")
        assert not datasets.are_progress_bars_disabled()
    finally:
        if before:
            datasets.disable_progress_bars()


@pytest.mark.parametrize("content", ["missing", "empty", "another dataset"])
def test_what_is_no_maze_dataset_is_refused(content: str, tmp_path: Path) -> None:
    folder = tmp_path / "mazes"
    if content == "empty":
        folder.mkdir()
    if content == "another dataset":
        datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(folder)
    with pytest.raises(MazeRLError, match="is no maze dataset that can be read"):
        read_dataset(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": [9, 9]}, r"its 3 x 3 mazes: maze 0: targets \(9, 9\) lies outside the 3 x 3 grid"),
        ({"connections": b"\x00"}, r"its 3 x 3 mazes: maze 0: connections hold 1 bytes, not 3"),
    ],
)
def test_a_broken_maze_is_refused(change: dict, message: str, tmp_path: Path) -> None:
    spec = MazeSpec(sizes=(3,))
    rows = datasets.load_from_disk(str(write_dataset(spec, 3, 0, tmp_path / "good")))
    rows.map(lambda row: row | change, load_from_cache_file=False).save_to_disk(tmp_path / "bad")
    with pytest.raises(MazeRLError, match=message):
        read_dataset(tmp_path / "bad")
