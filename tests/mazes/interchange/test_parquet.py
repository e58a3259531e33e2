"""Parquet files: lossless, readable by others, and never a wrong maze from a damaged one."""

import random
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.parquet import read_parquet, write_parquet
from maze_rl.mazes.lattice import MazeCollection


@pytest.fixture(scope="module")
def mazes() -> MazeCollection:
    return generate([3, (4, 6)], "dfs_percolation", num=80, seed=1)


@pytest.fixture
def file(mazes: MazeCollection, tmp_path: Path) -> Path:
    return write_parquet(tmp_path / "deep" / "mazes.parquet", mazes)


def test_nothing_is_lost(file: Path, mazes: MazeCollection) -> None:
    stored = read_parquet(file)
    assert list(stored) == list(mazes)
    again = write_parquet(file.with_name("again.parquet"), stored)
    assert read_parquet(again).content == stored.content


def test_other_tools_read_it(file: Path, tmp_path: Path, mazes: MazeCollection) -> None:
    loaded = datasets.load_dataset("parquet", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    assert [tuple(row["origin"]) for row in loaded] == [maze.origin for maze in mazes]


def test_a_file_that_others_wrote_is_read(file: Path, mazes: MazeCollection) -> None:
    table = pq.read_table(file).select(["target", "origin", "connections", "cols", "rows"]).slice(5, 20)
    pq.write_table(table.replace_schema_metadata(None), file.with_name("part.parquet"))
    assert list(read_parquet(file.with_name("part.parquet"))) == list(mazes)[5:25]


def test_rows_exchanged_under_the_old_digest_are_noticed(file: Path) -> None:
    whole = pq.ParquetFile(file)
    with pq.ParquetWriter(file.with_name("turned.parquet"), whole.schema_arrow) as writer:
        table = whole.read()
        writer.write_table(table.set_column(3, "origin", table.column("target")))
        writer.add_key_value_metadata(whole.metadata.metadata)
    with pytest.raises(MazeRLError, match="the file is altered"):
        read_parquet(file.with_name("turned.parquet"))


@pytest.mark.parametrize("kind", ["missing", "folder", "text", "truncated", "other columns"])
def test_what_is_no_such_file_is_one_clear_error(kind: str, file: Path) -> None:
    path = file.with_name("bad.parquet")
    if kind == "folder":
        path.mkdir()
    if kind == "text":
        path.write_text("mazes")
    if kind == "truncated":
        path.write_bytes(file.read_bytes()[:-50])
    if kind == "other columns":
        pq.write_table(pq.read_table(file).select(["rows", "cols"]), path)
    with pytest.raises(MazeRLError) as caught:
        list(read_parquet(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_damaged_bytes_never_become_mazes(file: Path, mazes: MazeCollection) -> None:
    whole, original = file.read_bytes(), list(mazes)
    chance = random.Random(0)
    for _ in range(300):
        data = bytearray(whole)
        kind = chance.randrange(4)
        at = chance.randrange(len(data))
        if kind < 2:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 2:
            del data[at:]
        else:
            data[at:at] = chance.randbytes(chance.randrange(1, 9))
        file.write_bytes(data)
        try:
            found = list(read_parquet(file))
        except MazeRLError as error:
            assert "\n" not in str(error)
        else:
            assert found == original
