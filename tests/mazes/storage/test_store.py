"""Datasets read: memory-mapped, lossless, and never a wrong maze from a damaged file."""

import json
import random
import shutil
from pathlib import Path

import datasets
import numpy as np
import pytest

from maze_rl.configs.mazes import GenerationConfig, spec_from_arguments
from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate, generate_mazes
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.mazes.solve import solve
from maze_rl.mazes.splits import count_outside
from maze_rl.mazes.storage.dataset_writer import write_dataset
from maze_rl.mazes.storage.store import MANIFEST, open_dataset

SPEC = spec_from_arguments(sizes=(3, (4, 6), 7), algorithm="dfs_percolation", percolation=0.2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = GenerationConfig(spec=SPEC, num=150, seed=3)
    return write_dataset(config, tmp_path_factory.mktemp("data") / "mazes", shard=40)


@pytest.fixture(scope="module")
def original() -> list:
    return list(generate_mazes(SPEC, np.arange(150), 3))


def test_nothing_is_lost(folder: Path, original: list) -> None:
    stored = open_dataset(folder)
    assert len(stored) == 150
    assert list(stored) == original
    assert list(stored.all()) == original
    assert [stored[index] for index in (0, 39, 40, 149, -1)] == [original[index] for index in (0, 39, 40, 149, -1)]
    assert list(stored[35:45]) == original[35:45]
    rows = np.array([141, 3, 3, 40])
    assert list(stored.take(rows)) == [original[row] for row in rows]
    assert [len(chunk) for chunk in stored.chunks(64)] == [64, 64, 22]
    assert list(stored.take(np.array([-1, 0, 39, 40]))) == [original[row] for row in (-1, 0, 39, 40)]
    assert list(stored.take(np.arange(0))) == []
    with pytest.raises(IndexError):
        stored[150]
    for outside in (np.arange(145, 155), np.array([0, 150]), np.array([-151, 3])):
        with pytest.raises(IndexError, match="among 150: they are numbered 0 to 149"):
            stored.take(outside)


def test_the_content_names_the_order(folder: Path, tmp_path: Path) -> None:
    loaded = datasets.load_from_disk(str(folder))
    loaded.save_to_disk(tmp_path / "same")
    loaded.shuffle(seed=1).save_to_disk(tmp_path / "shuffled")
    contents = [open_dataset(place).content for place in (folder, tmp_path / "same", tmp_path / "shuffled")]
    assert contents[0] == contents[1] != contents[2]


def test_reading_writes_nothing_and_keeps_nothing(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "part"
    datasets.load_from_disk(str(folder)).select(range(3, 60)).save_to_disk(place)
    before = sorted(path.name for path in place.iterdir())
    assert len(open_dataset(place)) == 57
    assert sorted(path.name for path in place.iterdir()) == before


def test_what_is_known_of_it(folder: Path, original: list) -> None:
    stored = open_dataset(folder)
    assert stored.spec == SPEC
    assert stored.shapes == [(3, 3), (4, 6), (7, 7)]
    card = stored.card
    assert (card["num"], card["seed"], card["first"], card["leaks"], card["shared_classes"]) == (150, 3, 0, 0, 0)
    assert sum(card["splits"].values()) == sum(card["sizes"].values()) == 150
    for name, count in card["splits"].items():
        mine = [maze for maze in original if count_outside(maze.as_batch(), name) == 0]
        assert len(mine) == count
        assert list(stored.take(stored.rows_of(name))) == mine


def test_other_tools_read_it_without_our_code(folder: Path, original: list) -> None:
    loaded = datasets.load_from_disk(str(folder))
    assert isinstance(loaded, datasets.Dataset)
    assert loaded.features["split"].names == ["train", "validation", "test"]
    for index, row in enumerate(loaded.to_list()):
        maze, solution = original[index], solve(original[index])
        bits = np.unpackbits(np.frombuffer(row["connections"], np.uint8), count=2 * row["rows"] * row["cols"])
        assert (bits.reshape(2, row["rows"], row["cols"]) == maze.connections).all()
        assert (tuple(row["origin"]), tuple(row["target"])) == (maze.origin, maze.target)
        assert (row["distance"], row["shortest_paths"], row["index"]) == (solution.distance, solution.path_count, index)
        assert count_outside(maze.as_batch(), loaded.features["split"].int2str(row["split"])) == 0


def test_connections_are_compact(tmp_path: Path) -> None:
    config = GenerationConfig(spec=spec_from_arguments(sizes=(10,)), num=10)
    row = datasets.load_from_disk(str(write_dataset(config, tmp_path / "mazes")))[0]
    assert len(row["connections"]) == 25


def test_a_dataset_filtered_and_saved_by_datasets_is_read(folder: Path, original: list, tmp_path: Path) -> None:
    loaded = datasets.load_from_disk(str(folder))
    loaded.filter(lambda row: row["distance"] > 5).save_to_disk(tmp_path / "far")
    stored = open_dataset(tmp_path / "far")
    assert list(stored) == [maze for maze in original if solve(maze).distance > 5]
    assert stored.spec is None
    assert list(stored.take(stored.rows_of("train"))) == [
        maze for maze in stored if count_outside(maze.as_batch(), "train") == 0
    ]
    loaded.remove_columns(["split", "index", "distance"]).save_to_disk(tmp_path / "bare")
    assert list(open_dataset(tmp_path / "bare")) == original


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"target": [9, 9]}, r"its 3 x 3 mazes: maze 0: targets \(9, 9\) lies outside the 3 x 3 grid"),
        ({"connections": b"\x00"}, r"its 3 x 3 mazes: maze 0: connections hold 1 bytes, not 3"),
        ({"connections": b"\xff\xff\xff"}, "connections lead downward from the last row"),
        ({"rows": 0}, "a grid of 0 x 3 has no cells"),
        ({"origin": None}, "column 'origin' lacks a value"),
        ({"origin": ["a", "b"]}, "column 'origin' is .*, which does not fit"),
        ({"cols": 70_000}, "column 'cols' is int64, which does not fit int16"),
    ],
)
def test_a_broken_maze_is_refused(change: dict, message: str, tmp_path: Path) -> None:
    config = GenerationConfig(spec=spec_from_arguments(sizes=(3,)), num=3)
    rows = datasets.load_from_disk(str(write_dataset(config, tmp_path / "good"))).to_list()
    datasets.Dataset.from_list([row | change for row in rows]).save_to_disk(tmp_path / "bad")
    with pytest.raises(MazeRLError, match=message):
        open_dataset(tmp_path / "bad").all()


@pytest.mark.parametrize("content", ["missing", "empty", "another dataset", "several", "file"])
def test_what_is_no_maze_dataset_is_refused(content: str, tmp_path: Path) -> None:
    place = tmp_path / "mazes"
    if content == "empty":
        place.mkdir()
    if content == "file":
        place.write_text("mazes")
    if content == "another dataset":
        datasets.Dataset.from_dict({"text": ["a"]}).save_to_disk(place)
    if content == "several":
        one = datasets.Dataset.from_dict({"text": ["a"]})
        datasets.DatasetDict(train=one, test=one).save_to_disk(place)
    with pytest.raises(MazeRLError) as caught:
        open_dataset(place).all()
    assert "\n" not in str(caught.value)
    assert str(place) in str(caught.value)


def test_a_missing_shard_is_named(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "mazes")
    gone = tmp_path / "mazes" / "data-00002-of-00004.arrow"
    gone.unlink()
    with pytest.raises(MazeRLError, match=f"{gone.name}: the file is missing"):
        open_dataset(tmp_path / "mazes")


@pytest.mark.parametrize("name", ["data-00001-of-00004.arrow", MANIFEST])
def test_damaged_bytes_never_become_mazes(name: str, folder: Path, original: list, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "mazes")
    path = tmp_path / "mazes" / name
    whole = path.read_bytes()
    chance = random.Random(0)
    for _ in range(150):
        data = bytearray(whole)
        kind = chance.randrange(3)
        if kind == 0:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del data[chance.randrange(len(data)) :]
        else:
            at = chance.randrange(len(data))
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        path.write_bytes(data)
        try:
            found = list(open_dataset(tmp_path / "mazes"))
        except MazeRLError as error:
            assert name in str(error)
            assert "\n" not in str(error)
        else:
            assert found == original  # as where only white space of the manifest changed
    path.unlink()
    if name == MANIFEST:
        assert list(open_dataset(tmp_path / "mazes")) == original


def test_a_collection_can_be_taken_apart() -> None:
    mazes = generate((3, 5, 4), num=40)
    rows = np.array([7, 7, 0, 39, 12])
    assert list(mazes.take(rows)) == [mazes[row] for row in rows.tolist()]
    assert len(MazeCollection.concatenate([mazes.take(rows), mazes]).take(np.arange(3))) == 3


def test_the_manifest_is_plain_json(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    assert [about["rows"] for about in manifest["files"].values()] == [40, 40, 40, 30]
