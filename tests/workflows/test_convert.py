"""Conversions: every kind of file there and back, and one clear line for what is none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import Maze, MazeCollection
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.convert import convert, load_mazes, save_mazes

FILES = Path(__file__).parents[1] / "mazes" / "interchange" / "files"


@pytest.fixture(scope="module")
def mazes() -> MazeCollection:
    return generate([5, (3, 6)], "dfs_percolation", num=40, seed=4, percolation=0.3)


@pytest.mark.parametrize("name", ["folder", "mazes.npz", "mazes.parquet", "mazes.txt"])
def test_mazes_survive_every_kind(name: str, mazes: MazeCollection, tmp_path: Path) -> None:
    saved = save_mazes(mazes, tmp_path / name)
    assert list(load_mazes(saved)) == list(mazes)
    through, num = convert(saved, tmp_path / "other")
    assert num == 40
    assert list(load_mazes(through)) == list(mazes)
    assert list(load_mazes(convert(through, tmp_path / "back.npz")[0])) == list(mazes)


@pytest.mark.parametrize("tokenizer", ["unique_cells", "edges"])
def test_token_text_with_the_size_given(tokenizer: str, tmp_path: Path) -> None:
    mazes = generate([(3, 6)], "dfs_percolation", num=30)
    saved = save_mazes(mazes, tmp_path / "mazes.tokens", tokenizer=tokenizer, seed=2)
    assert len(saved.read_text().splitlines()) == 30
    assert list(load_mazes(saved, tokenizer=tokenizer, grid=(3, 6))) == list(mazes)
    with pytest.raises(ConfigurationError, match="give it, as --grid 5"):
        load_mazes(saved, tokenizer=tokenizer)
    other = save_mazes(mazes, tmp_path / "other.tokens", tokenizer=load_tokenization(tokenizer), seed=3)
    assert other.read_text() != saved.read_text()


def test_one_maze_as_a_picture(mazes: MazeCollection, tmp_path: Path) -> None:
    one = generate(7, num=1)
    assert list(load_mazes(save_mazes(one, tmp_path / "maze.png"))) == list(one)
    with pytest.raises(ConfigurationError, match=r"a .png holds one maze, not 40"):
        save_mazes(mazes, tmp_path / "mazes.png")


def test_single_mazes_lists_and_folders_with_a_dot(tmp_path: Path, mazes: MazeCollection) -> None:
    assert list(load_mazes(save_mazes(mazes[3], tmp_path / "one.npz"))) == [mazes[3]]
    assert list(load_mazes(save_mazes([mazes[3], mazes[0]], tmp_path / "two.txt"))) == [mazes[3], mazes[0]]
    saved = save_mazes(mazes, f"{tmp_path / 'data.v2'}/")
    assert list(load_mazes(saved)) == list(mazes)
    convert(saved, tmp_path / "copy")
    assert "data.v2 (a dataset folder)" in (tmp_path / "copy" / "README.md").read_text()
    with pytest.raises(ConfigurationError, match="cannot show a maze whose origin is its target"):
        save_mazes(Maze(mazes[0].connections, (0, 0), (0, 0)), tmp_path / "dot.txt")


def test_a_file_of_maze_dataset_becomes_a_dataset(tmp_path: Path) -> None:
    source = FILES / "minimal_inline.zanj"
    out, num = convert(source, tmp_path / "mazes")
    stored = load_mazes(out)
    assert list(stored) == list(load_mazes(source))
    assert len(stored) == num > 0
    assert "minimal_inline.zanj (maze-dataset)" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no/such.zanj", "--out", "d"], "no/such.zanj: there is no such file or folder"),
        (["notes.md", "--out", "d"], "notes.md: .md is no kind of maze file: use .parquet"),
        (["notes.txt", "--out", "d"], "notes.txt, maze 1: "),
        (["empty.txt", "--out", "d"], "empty.txt: holds no mazes"),
        (["binary.txt", "--out", "d"], "binary.txt: is no text that can be read"),
        (["lines.tokens", "--out", "d"], "give it, as --grid 5"),
        (["lines.tokens", "--grid", "5", "--out", "d"], "lines.tokens, maze 1: token text"),
        (["lines.tokens", "--grid", "5,6", "--out", "d"], "--grid is '5,6': expected one size"),
        (["maze.txt", "--out", "d.bmp"], "d.bmp: .bmp is no kind of maze file"),
        (["maze.txt", "--tokenizer", "edge", "--out", "d.tokens"], "Did you mean 'edges'"),
    ],
)
def test_bad_input_gets_one_clear_line(arguments: list[str], expected: str, refused: Callable) -> None:
    for name, text in (
        ("notes.md", "#"),
        ("notes.txt", "to do"),
        ("empty.txt", "\n"),
        ("lines.tokens", "<PATH_START>"),
    ):
        Path(name).write_text(text)
    Path("binary.txt").write_bytes(b"\xff\xfe\xff")
    Path("maze.txt").write_text("#####\n#S E#\n#####\n")
    refused(["convert", *arguments], expected)


def test_a_failed_conversion_leaves_the_older_file(tmp_path: Path, mazes: MazeCollection) -> None:
    out = save_mazes(mazes, tmp_path / "mazes.npz")
    (tmp_path / "broken.txt").write_text("#####\n#S  #\n#####\n")
    with pytest.raises(MazeRLError):
        convert(tmp_path / "broken.txt", out)
    assert list(load_mazes(out)) == list(mazes)
