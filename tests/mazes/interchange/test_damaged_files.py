"""Whatever a file holds, reading it ends in one clear error or in the right mazes: every reader, at random."""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from maze_rl.errors import MazeRLError
from maze_rl.mazes.interchange.archive import read_archive, write_archive
from maze_rl.mazes.interchange.ascii import CHARACTERS, draw_ascii, from_ascii, path_of_ascii
from maze_rl.mazes.interchange.images import read_image, write_image
from maze_rl.mazes.interchange.zanj import ImportedMazes, read_zanj

FILES = Path(__file__).parent / "files"
ZANJ = [
    f"{name}.zanj" for name in ("full", "full_external", "minimal", "minimal_inline", "minimal_soln_cat", "collection")
]
EXAMPLES = 100
fuzz = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def refused(read: Callable[[], object]) -> bool:
    """Tell whether reading ends in an error of ours, of one line."""
    try:
        read()
    except MazeRLError as error:
        assert "\n" not in str(error)
        return True
    return False


# ------------------------------------------------------------------------------------------------ damaged bytes

damage = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "delete", "insert", "cut", "repeat", "move"]),
        st.integers(0, 1 << 20),
        st.integers(1, 80),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=4,
)


def damaged(content: bytes, changes: list[tuple[str, int, int, int]]) -> bytes:
    for kind, position, length, value in changes:
        position %= len(content) + 1
        before, piece, after = content[:position], content[position : position + length], content[position + length :]
        content = {
            "flip": before + bytes([piece[0] ^ (1 << value % 8)]) + piece[1:] + after if piece else content,
            "set": before + bytes([value]) + piece[1:] + after if piece else content,
            "delete": before + after,
            "insert": before + bytes((value * k) % 256 for k in range(length)) + piece + after,
            "cut": before,
            "repeat": before + piece + piece + after,
            "move": before + after + piece,
        }[kind]
    return content


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, Callable[[Path], object]]]:
    """Files of every format and how to read each as something to compare."""
    folder = tmp_path_factory.mktemp("originals")
    mazes = read_zanj(FILES / "collection.zanj").mazes
    write_archive(folder / "mazes.npz", mazes)
    write_image(folder / "maze.png", mazes[2], scale=2)
    files: dict[str, tuple[bytes, Callable[[Path], object]]] = {
        name: ((FILES / name).read_bytes(), lambda path: contents(read_zanj(path))) for name in ZANJ
    }
    files["mazes.npz"] = ((folder / "mazes.npz").read_bytes(), lambda path: list(read_archive(path)))
    files["maze.png"] = ((folder / "maze.png").read_bytes(), read_image)
    return files


def contents(imported: ImportedMazes) -> tuple[list, list, dict]:
    return list(imported.mazes), [path.tolist() for path in imported.paths], imported.configuration


@pytest.mark.parametrize("name", [*ZANJ, "mazes.npz", "maze.png"])
@fuzz
@given(changes=damage)
def test_a_damaged_file_is_refused_or_read_right(name: str, originals: dict, tmp_path: Path, changes: list) -> None:
    content, read = originals[name]
    path = tmp_path / name
    path.write_bytes(content)
    expected = read(path)
    path.write_bytes(damaged(content, changes))
    assert refused(lambda: read(path)) or read(path) == expected


@pytest.mark.parametrize("name", [*ZANJ, "mazes.npz", "maze.png"])
def test_a_file_cut_anywhere_is_refused(name: str, originals: dict, tmp_path: Path) -> None:
    content, read = originals[name]
    path = tmp_path / name
    for length in range(0, len(content) - 1, max(1, len(content) // 100)):
        path.write_bytes(content[:length])
        assert refused(lambda: read(path))


@fuzz
@given(content=st.binary(max_size=400))
def test_random_bytes_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "random"
    path.write_bytes(content)
    assert all(refused(lambda read=read: read(path)) for read in (read_zanj, read_archive, read_image))


# ------------------------------------------------------------------ right checksums, but other content under them


def repacked(content: bytes, replace: Callable[[str, bytes], bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, replace(name, old.read(name)))
    return buffer.getvalue()


@pytest.mark.parametrize("name", [*ZANJ, "mazes.npz"])
@fuzz
@given(changes=damage, choice=st.integers(0, 30))
def test_damaged_members_under_right_checksums_end_in_an_error_or_in_mazes(
    name: str, originals: dict, tmp_path: Path, changes: list, choice: int
) -> None:
    content, read = originals[name]
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    chosen = names[choice % len(names)]
    path = tmp_path / name
    path.write_bytes(repacked(content, lambda member, old: damaged(old, changes) if member == chosen else old))
    refused(lambda: check(read(path)))


def chunks(content: bytes) -> list[tuple[bytes, bytes]]:
    """List the kinds and contents of the chunks of a PNG file."""
    found, position = [], 8
    while position < len(content):
        end = position + 8 + int.from_bytes(content[position : position + 4], "big")
        found.append((content[position + 4 : position + 8], content[position + 8 : end]))
        position = end + 4
    return found


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
@fuzz
@given(changes=damage, choice=st.integers(0, 5))
def test_damaged_images_under_right_checksums_end_in_an_error_or_in_a_maze(
    mode: str, originals: dict, tmp_path: Path, changes: list, choice: int
) -> None:
    path = tmp_path / "maze.png"
    image = Image.open(io.BytesIO(originals["maze.png"][0])).convert(mode)
    image.save(path, **({"transparency": 1} if mode in "PL" else {}))
    parts = chunks(path.read_bytes())
    chosen = choice % len(parts)
    parts[chosen] = (parts[chosen][0], damaged(parts[chosen][1], changes))
    framed = [
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part)) for kind, part in parts
    ]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(framed))
    refused(lambda: read_image(path))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-2, 9) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=6,
)


def places(value: Any, path: tuple = ()) -> list[tuple]:
    """List where the parts of a JSON value lie."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [place for key, part in inside for place in places(part, (*path, key))]


@pytest.mark.parametrize("name", ZANJ)
@fuzz
@given(choices=st.lists(st.tuples(st.integers(0, 1 << 20), values), min_size=1, max_size=3))
def test_altered_documents_end_in_an_error_or_in_mazes(
    name: str, originals: dict, tmp_path: Path, choices: list
) -> None:
    content, read = originals[name]

    def alter(member: str, old: bytes) -> bytes:
        if member != "__zanj__.json":
            return old
        document = json.loads(old)
        for choice, value in choices:
            found = [place for place in places(document) if place[0] != "generation_metadata_collected"]
            if not found:
                break
            *above, last = found[choice % len(found)]
            parent = document
            for key in above:
                parent = parent[key]
            parent[last] = value
        return json.dumps(document).encode()

    path = tmp_path / name
    path.write_bytes(repacked(content, alter))
    refused(lambda: check(read(path)))


def check(result: Any) -> None:
    """The solutions of what was read are walks along open edges."""
    if not isinstance(result, tuple):
        return
    mazes, paths, _ = result
    for maze, path in zip(mazes, paths, strict=True):
        cells = [tuple(cell) for cell in path]
        assert (cells[0], cells[-1]) == (maze.origin, maze.target)
        assert all(after in maze.neighbours(before) for before, after in pairwise(cells))


@fuzz
@given(sizes=st.lists(st.integers(0, 2**32 - 1), min_size=2, max_size=2), offset=st.sampled_from([20, 24]))
def test_false_sizes_are_not_believed(sizes: list[int], offset: int, originals: dict, tmp_path: Path) -> None:
    content, read = originals["minimal.zanj"]
    entry = content.index(b"PK\x01\x02") + offset
    path = tmp_path / "sizes.zanj"
    path.write_bytes(content)
    expected = read(path)
    path.write_bytes(content[:entry] + struct.pack("<I", sizes[0]) + content[entry + 4 :])
    assert refused(lambda: read(path)) or read(path) == expected


# -------------------------------------------------------------------------------------------------------- text

DRAWINGS = [text for name in ZANJ for text in (FILES / name).with_suffix(".txt").read_text().rstrip("\n").split("\n\n")]
edits = st.lists(
    st.tuples(st.integers(0, 200), st.integers(0, 2), st.sampled_from([*CHARACTERS, "\n", "\r", "é", "##"]))
)


def as_drawn(text: str) -> str:
    """Return a drawing without what is passed over: blanks and empty lines around it, other line ends."""
    lines = [line.rstrip(" ") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    lines = "\n".join(lines).strip("\n").split("\n")
    margin = min(len(line) - len(line.lstrip(" ")) for line in lines)
    return "\n".join(line[margin:] for line in lines)


def check_text(text: str) -> None:
    """A text is refused, or drawing what was read gives it back."""
    if refused(lambda: from_ascii(text)):
        return
    plain = as_drawn(text)
    assert draw_ascii(from_ascii(text)) == plain.replace("X", " ")
    assert refused(lambda: path_of_ascii(text)) or draw_ascii(from_ascii(text), path_of_ascii(text)) == plain


@fuzz
@given(st.text() | st.text("# XSE\n") | st.lists(st.text("# XSE", min_size=5, max_size=5)).map("\n".join))
def test_any_text_is_refused_or_comes_back(text: str) -> None:
    check_text(text)


@fuzz
@given(st.sampled_from(DRAWINGS), edits)
def test_an_edited_drawing_is_refused_or_comes_back(text: str, changes: list[tuple[int, int, str]]) -> None:
    for position, removed, inserted in changes:
        position %= len(text) + 1
        text = text[:position] + inserted + text[position + removed :]
    check_text(text)


@fuzz
@given(
    st.sampled_from(DRAWINGS),
    st.lists(st.tuples(st.integers(0, 80), st.integers(0, 80), st.sampled_from(CHARACTERS)), max_size=6),
)
def test_repainted_drawings_are_refused_or_come_back(text: str, changes: list[tuple[int, int, str]]) -> None:
    lines = [list(line) for line in text.split("\n")]
    for row, col, character in changes:
        lines[row % len(lines)][col % len(lines[0])] = character
    check_text("\n".join("".join(line) for line in lines))


def test_the_damage_itself_is_seen() -> None:
    """The fuzz tests can fail: damage changes bytes, and changed cells are not equal."""
    content = bytes(range(100))
    for kind in ("flip", "delete", "insert", "cut", "repeat", "move"):
        assert damaged(content, [(kind, 30, 10, 77)]) != content
    read = contents(read_zanj(FILES / "full.zanj"))
    assert read != contents(read_zanj(FILES / "minimal.zanj")) and read == contents(read_zanj(FILES / "full.zanj"))
    assert np.unique([len(text) for text in DRAWINGS]).size > 2
