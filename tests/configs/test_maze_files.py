"""Which suffix means which kind of file."""

from pathlib import Path

import pytest

from maze_rl.configs.maze_files import FORMATS, READ, WRITTEN, format_to_read, format_to_write
from maze_rl.errors import MazeRLError, UnknownNameError


def test_the_longest_suffix_decides() -> None:
    for name, expected in (
        ("a.png", "picture"),
        ("a.pixels.png", "pixels"),
        ("A.PIXELS.PNG", "pixels"),
        ("a.txt", "walls"),
        ("a.cells.txt", "cells"),
        ("v1.cells.npz", "npz"),
        ("folder", "dataset"),
        ("folder.npz/", "dataset"),
    ):
        assert format_to_write(name) == expected
    assert format_to_write("a.png", "pixels") == "pixels"


def test_what_is_written_is_read_by_its_suffix_but_for_pictures(tmp_path: Path) -> None:
    for suffix, written in WRITTEN.items():
        file = tmp_path / f"mazes{suffix}"
        file.touch()
        if suffix != ".svg":
            expected = {"picture": "pixels", "walls": "text"}.get(written, written)
            assert format_to_read(file) == expected
    assert format_to_read(tmp_path) == "dataset"
    assert {*READ.values(), *WRITTEN.values(), "dataset"} == FORMATS.keys()


def test_what_is_unknown_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.doc").touch()
    with pytest.raises(MazeRLError, match=r"a.doc: .doc is no kind of maze file: use .parquet, .npz, .txt"):
        format_to_read(tmp_path / "a.doc")
    with pytest.raises(MazeRLError, match="there is no such file or folder"):
        format_to_read(tmp_path / "b")
    with pytest.raises(UnknownNameError, match="Did you mean 'pixels'"):
        format_to_write("a.png", "pixel")
    with pytest.raises(UnknownNameError, match="unknown format 'picture'"):
        format_to_read(tmp_path, "picture")
