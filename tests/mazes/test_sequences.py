"""Batches, collections and stored datasets are sequences of mazes: one behaviour, checked against a plain list."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeBatch, MazeCollection, as_collection, collect
from maze_rl.mazes.maze_sequence import MazeSequence
from maze_rl.mazes.solve import solve
from maze_rl.mazes.storage.dataset_writer import write_mazes
from maze_rl.mazes.storage.store import open_dataset

NUM = 60
KINDS = ["batch", "collection", "joined", "stored"]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], MazeSequence]:
    mixed = generate([3, (4, 6), 5], "dfs_percolation", num=NUM)
    folder = write_mazes(mixed, tmp_path_factory.mktemp("mazes") / "mixed", "a test", shard=25)
    kinds = {
        "batch": generate(4, num=NUM).batches[0],
        "collection": mixed,
        "joined": MazeCollection.concatenate([mixed[:20], list(mixed[20:41]), mixed[41:]]),
        "stored": open_dataset(folder),
    }
    return kinds.__getitem__


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_taken_is_what_a_list_gives(kind: str, make: Callable[[str], MazeSequence]) -> None:
    mazes = make(kind)
    listed = list(mazes)
    assert len(mazes) == len(listed) == NUM
    assert [mazes[row] for row in (0, 31, NUM - 1, -1, np.int64(-NUM))] == [listed[row] for row in (0, 31, -1, -1, 0)]
    for part in (slice(None), slice(10, 50, 7), slice(None, None, -1), slice(40, 10), slice(-5, None)):
        assert list(mazes[part]) == listed[part]
    rows = [47, 3, 3, -1, 0]
    for same in (rows, np.array(rows), tuple(rows)):
        assert list(mazes[same]) == list(mazes.take(same)) == [listed[row] for row in rows]
    mask = np.array([maze.origin[0] == 0 for maze in listed])
    assert 0 < mask.sum() < NUM
    assert list(mazes[mask]) == list(mazes[mask.tolist()]) == [maze for maze in listed if maze.origin[0] == 0]
    assert list(reversed(mazes)) == listed[::-1]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_there_is_told(kind: str, make: Callable[[str], MazeSequence]) -> None:
    mazes = make(kind)
    for outside in (NUM, -NUM - 1, [0, NUM], np.arange(NUM - 3, NUM + 3)):
        with pytest.raises(IndexError, match="among 60: they are numbered 0 to 59"):
            mazes[outside]
    with pytest.raises(IndexError, match="a mask of 59 values for 60 mazes"):
        mazes[np.ones(NUM - 1, np.bool_)]
    with pytest.raises(TypeError, match="not by str"):
        mazes["3"]


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_a_sequence_too(kind: str, make: Callable[[str], MazeSequence]) -> None:
    nothing = make(kind)[[]]
    assert len(nothing) == 0
    assert list(nothing) == list(nothing[::-1]) == list(nothing.unique()) == []
    assert nothing == [] and nothing == make("batch")[:0]
    assert make(kind)[0] not in nothing


@pytest.mark.parametrize("kind", KINDS)
def test_mazes_are_found_in_it(kind: str, make: Callable[[str], MazeSequence]) -> None:
    mazes = make(kind)
    listed = list(mazes)
    for row in (0, 17, 59):
        maze = listed[row]
        same = Maze(maze.connections.copy(), maze.origin, maze.target)
        assert same in mazes
        assert (mazes.index(same), mazes.count(same)) == (listed.index(same), listed.count(same))
    again = mazes[[5, 9, 5, 5]]
    assert (again.count(listed[5]), again.index(listed[5], 1), again.index(listed[5], -1)) == (3, 2, 3)
    strange = generate(7, num=1)[0]
    turned = Maze(listed[3].connections, listed[3].target, listed[3].origin)
    for other in (strange, turned, "maze", None):
        assert (other in mazes, mazes.count(other)) == (other in listed, listed.count(other))
    with pytest.raises(ValueError, match="is not among these mazes"):
        mazes.index(strange)


def test_equal_are_the_same_mazes_in_the_same_order(make: Callable[[str], MazeSequence]) -> None:
    mixed, joined, stored, batch = (make(kind) for kind in ("collection", "joined", "stored", "batch"))
    for one in (mixed, joined, stored):
        for other in (mixed, joined, stored, list(mixed), tuple(mixed)):
            assert one == other
            assert other == one
    assert batch == MazeCollection.from_batch(batch) == list(batch)
    assert mixed != mixed[::-1]
    assert mixed != mixed[1:]
    assert mixed != batch
    assert mixed != [*mixed[:-1], mixed[0]]
    assert mixed != ["maze"] * NUM
    assert mixed != "mazes"
    swapped = [Maze(maze.connections, maze.target, maze.origin) for maze in mixed]
    assert mixed != swapped


def test_what_has_no_lasting_content_has_no_hash(make: Callable[[str], MazeSequence]) -> None:
    for kind in KINDS:
        with pytest.raises(TypeError, match="unhashable"):
            hash(make(kind))


def test_a_batch_that_is_taken_lies_in_one_piece() -> None:
    batch = generate(5, num=10).batches[0]
    for part in (batch[::2], batch[::-1], batch[[3, 1]], batch[2:5]):
        assert isinstance(part, MazeBatch)
        assert all(array.flags.c_contiguous for array in part.arrays)
    assert np.shares_memory(batch[2:5].connections, batch.connections)  # a slice copies nothing


def test_whatever_holds_mazes_is_a_collection(make: Callable[[str], MazeSequence]) -> None:
    mixed, stored = make("collection"), make("stored")
    for mazes in (mixed, stored, list(mixed), tuple(mixed), iter(list(mixed))):
        assert as_collection(mazes) == mixed
    assert as_collection(mixed[7]) == [mixed[7]]
    assert as_collection([]) == []
    joined = MazeCollection.concatenate([mixed[3], stored, [mixed[4], mixed[9]], make("batch"), []])
    assert joined == [mixed[3], *stored, mixed[4], mixed[9], *make("batch")]
    assert MazeCollection.concatenate([]) == []


def test_joined_collections_have_one_batch_for_each_shape() -> None:
    parts = [generate([3, 4], num=9, seed=seed) for seed in range(5)]
    joined = MazeCollection.concatenate(parts)
    assert [batch.shape for batch in joined.batches] == [(3, 3), (4, 4)]
    assert list(joined) == [maze for part in parts for maze in part]


def test_mazes_by_shape_stand_in_order(make: Callable[[str], MazeSequence]) -> None:
    mixed = make("collection")[np.random.default_rng(0).permutation(NUM)]
    found = mixed.by_shape()
    assert list(found) == [(3, 3), (4, 6), (5, 5)]
    for shape, (places, batch) in found.items():
        assert places.tolist() == [place for place, maze in enumerate(mixed) if maze.shape == shape]
        assert batch == mixed[places]


def test_what_is_no_maze_is_named() -> None:
    maze = generate(3, num=1)[0]
    with pytest.raises(MazeRLError, match=r"^expected mazes, got str at place 1: maze_rl.load_mazes reads them"):
        collect(iter([maze, "mazes.npz"]))
    with pytest.raises(MazeRLError, match="got str at place 0"):
        as_collection(iter("mazes.npz"))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_solved(kind: str, make: Callable[[str], MazeSequence]) -> None:
    mazes = make(kind)
    solved, expected = solve(mazes, seed=3), solve(list(mazes), seed=3)
    assert [one.path for one in solved] == [one.path for one in expected]
    assert list(solved.lengths) == [one.distance for one in expected]
    assert solved.path_counts == [one.path_count for one in expected]


@pytest.mark.parametrize("kind", ["batch", "collection"])
def test_solutions_are_a_sequence_too(kind: str, make: Callable[[str], MazeSequence]) -> None:
    solved = solve(make(kind))
    listed = list(solved)
    rows = [47, 3, 3, -1, 0]
    for some in (rows, slice(10, 50, 7), solved.lengths > 4, np.arange(0)):
        wanted = [listed[row] for row in np.arange(NUM)[some]]
        assert [one.path for one in solved[some]] == [one.path for one in wanted]
        assert [one.maze for one in solved[some]] == [one.maze for one in wanted]
    some = solved[rows]
    assert list(some.lengths) == [listed[row].distance for row in rows]
    assert all((one.distances == listed[row].distances).all() for one, row in zip(some, rows, strict=True))
    with pytest.raises(IndexError, match="no maze 60 among 60"):
        solved[NUM]


def test_a_dataset_on_disk_equals_what_was_written(tmp_path: Path) -> None:
    mazes = generate([4, 6], num=30)
    stored = open_dataset(write_mazes(mazes, tmp_path / "mazes", "a test"))
    assert stored == mazes
    assert stored.unique() == mazes.unique()
    assert (stored.duplicated() == mazes.duplicated()).all()
