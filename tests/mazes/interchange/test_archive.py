"""Archives: nothing is lost, NumPy alone reads them, whatever is wrong is named."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.archive import read_archive, write_archive
from maze_rl.mazes.lattice import MazeBatch, MazeCollection


@pytest.fixture
def mazes() -> MazeCollection:
    return generate([3, 4, 7], "dfs_percolation", num=60, seed=2, percolation=0.2)


def assert_same(read: MazeCollection, written: MazeCollection) -> None:
    assert list(read) == list(written)
    assert (read.batch_of.tolist(), read.row_of.tolist()) == (written.batch_of.tolist(), written.row_of.tolist())
    assert [batch.shape for batch in read.batches] == [batch.shape for batch in written.batches]


def test_reads_back_what_was_written(mazes: MazeCollection, tmp_path: Path) -> None:
    assert_same(read_archive(write_archive(tmp_path / "deep" / "mazes.npz", mazes)), mazes)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["mazes.npz"]


def test_rectangles_isolated_cells_repeated_shapes_and_nothing_at_all(random_graphs: Callable, tmp_path: Path) -> None:
    parts = [random_graphs(9, 3, 6, 0.3), random_graphs(4, 1, 1, 0.0), random_graphs(5, 3, 6, 0.5, seed=1)]
    several = MazeCollection.concatenate([MazeCollection.from_batch(part) for part in parts])
    empty = MazeCollection.from_batch(parts[0].take(slice(0)))
    none = MazeCollection((), np.zeros(0, np.int64), np.zeros(0, np.int64))
    for mazes in (several, empty, none):
        assert_same(read_archive(write_archive(tmp_path / "mazes.npz", mazes)), mazes)


def test_the_same_mazes_give_the_same_bytes(mazes: MazeCollection, tmp_path: Path) -> None:
    first, second = (write_archive(tmp_path / name, mazes).read_bytes() for name in ("a.npz", "b.npz"))
    assert first == second


def test_numpy_alone_reads_it(mazes: MazeCollection, tmp_path: Path) -> None:
    with np.load(write_archive(tmp_path / "mazes.npz", mazes)) as file:
        for index, maze in enumerate(mazes):
            batch, row = file["batch_of"][index], file["row_of"][index]
            rows, cols = file[f"shape_{batch}"]
            bits = np.unpackbits(file[f"connections_{batch}"], axis=1, count=2 * rows * cols)
            assert (bits.reshape(-1, 2, rows, cols).astype(bool)[row] == maze.connections).all()
            assert tuple(file[f"origins_{batch}"][row]) == maze.origin
            assert tuple(file[f"targets_{batch}"][row]) == maze.target


def rewritten(path: Path, **changes: object) -> Path:
    """Write an archive anew with members changed, added, or left out where None."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files} | changes
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})  # type: ignore[arg-type]
    return path


FAULTS: dict[str, dict[str, object]] = {
    r"is no archive of mazes: it has no member maze_rl_version\.npy": {"maze_rl_version": None},
    r"maze_rl_version\.npy: is not 1, the version this program reads": {"maze_rl_version": 2},
    r"origins_0\.npy: is missing": {"origins_0": None},
    r"weights\.npy: does not belong into an archive of mazes": {"weights": np.ones(3, int)},
    r"connections_0\.npy: expected uint8 of shape \(num, 3\) for 3 x 3 grids, got uint8 of shape": {
        "connections_0": np.zeros((20, 4), np.uint8)
    },
    r"shape_0\.npy: expected rows and cols": {"shape_0": np.array([3, -3])},
    r"batch 0, maze 0: connections lead downward": {"connections_0": np.full((20, 3), 255, np.uint8)},
    r"origins_0\.npy: expected int16 of shape \(20, 2\), got int64": {"origins_0": np.zeros((20, 2), np.int64)},
    r"batch 0, maze 0: target \(0, 9\) lies outside|batch 0, maze 0: targets \(0, 9\) lies outside": {
        "targets_0": np.tile(np.array([0, 9], np.int16), (20, 1))
    },
    r"batch_of and row_of do not name each maze": {"row_of": np.zeros(60, np.int64)},
    r"batch_of\.npy: expected int64 of shape \(num,\), got int32": {"batch_of": np.zeros(60, np.int32)},
    r"holds values of type '\|O'": {"row_of": np.array([None, {}], object)},
    r"holds values of type '<f8'": {"row_of": np.zeros(60)},
}


@pytest.mark.parametrize("message", FAULTS)
def test_faults_are_named(message: str, random_graphs: Callable, tmp_path: Path) -> None:
    mazes = MazeCollection.concatenate(
        [MazeCollection.from_batch(random_graphs(20, size, size, 0.4)) for size in (3, 4, 5)]
    )
    path = rewritten(write_archive(tmp_path / "mazes.npz", mazes), **FAULTS[message])
    with pytest.raises(MazeRLError, match=f"mazes.npz: .*{message}") as caught:
        read_archive(path)
    assert "\n" not in str(caught.value)


def test_an_order_that_names_a_maze_twice_is_not_written(mazes: MazeCollection, tmp_path: Path) -> None:
    twice = MazeCollection(mazes.batches, mazes.batch_of, np.zeros(len(mazes), np.int64))
    with pytest.raises(MazeRLError, match="do not name each maze of the batches exactly once"):
        write_archive(tmp_path / "mazes.npz", twice)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("mazes")
    for name, message in (
        ("text.npz", "is no intact zip file"),
        ("gone.npz", "cannot be read"),
        (".", "cannot be read"),
    ):
        with pytest.raises(MazeRLError, match=message):
            read_archive(tmp_path / name)


def full_disk(*args: object, **kwargs: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_leaves_the_older_file(
    mazes: MazeCollection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write_archive(tmp_path / "mazes.npz", mazes).read_bytes()
    monkeypatch.setattr(np, "savez_compressed", full_disk)
    with pytest.raises(MazeRLError, match=r"could not be written \(No space left on device\); nothing was left behind"):
        write_archive(tmp_path / "mazes.npz", MazeCollection.from_batch(mazes.batches[0]))
    assert [path.name for path in tmp_path.iterdir()] == ["mazes.npz"]
    assert (tmp_path / "mazes.npz").read_bytes() == before


def test_a_name_that_cannot_be_written_is_one_clear_error(mazes: MazeCollection, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.npz").mkdir()
    for path in (tmp_path / "file" / "mazes.npz", tmp_path / "folder.npz"):
        with pytest.raises(MazeRLError, match="could not be written"):
            write_archive(path, mazes)
    with pytest.raises(MazeRLError, match="names no file"):
        write_archive(Path("/"), mazes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.npz"]


def test_batches_hold_kernel_ready_arrays(mazes: MazeCollection, tmp_path: Path) -> None:
    for batch in read_archive(write_archive(tmp_path / "mazes.npz", mazes)).batches:
        assert isinstance(batch, MazeBatch)
        for array in (batch.connections, batch.origins, batch.targets):
            assert array.flags.c_contiguous and array.flags.writeable
