"""Conversions: every kind of file there and back, and one clear line for what is none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maze_rl.cli.main import run
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange.cell_grids import from_cell_grid
from maze_rl.mazes.lattice import Maze, MazeCollection
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.convert import convert, load_mazes, save_mazes

FILES = Path(__file__).parents[1] / "mazes" / "interchange" / "files"


@pytest.fixture(scope="module")
def mazes() -> MazeCollection:
    return generate([5, (3, 6)], "dfs_percolation", num=40, seed=4, percolation=0.3)


@pytest.mark.parametrize("name", ["folder", "mazes.npz", "mazes.parquet", "mazes.txt", "MAZES.TXT"])
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


def test_one_maze_as_an_image_in_pixels(mazes: MazeCollection, tmp_path: Path) -> None:
    one = generate(7, num=1)
    assert list(load_mazes(save_mazes(one, tmp_path / "maze.pixels.png"))) == list(one)
    assert list(load_mazes(save_mazes(one, tmp_path / "maze.png", format="pixels"))) == list(one), "any .png is read so"
    with pytest.raises(ConfigurationError, match=r"an image in pixels holds one maze, not 40"):
        save_mazes(mazes, tmp_path / "mazes.pixels.png")


@pytest.mark.parametrize("name", ["maze.png", "maze.svg"])
def test_pictures_are_for_people(name: str, mazes: MazeCollection, tmp_path: Path) -> None:
    assert run(["show", "--size", "7", "--seed", "2", "--out", str(tmp_path / "shown" / name)]) == 0
    saved = save_mazes(generate(7, num=1, seed=2), tmp_path / name)
    if name.endswith(".png"):  # matplotlib's ids in an .svg are random
        assert saved.read_bytes() == (tmp_path / "shown" / name).read_bytes(), "as `show` draws it"
        with pytest.raises(MazeRLError, match="not pictures for people"):
            load_mazes(saved)
        with Image.open(saved) as one, Image.open(save_mazes(list(mazes)[:6], tmp_path / "six.png")) as six:
            assert six.width > one.width
    with pytest.raises(ConfigurationError, match="a picture of 101 mazes: give 1 to 100 of them"):
        save_mazes([mazes[0]] * 101, tmp_path / name)


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
    assert "minimal_inline.zanj (a file of maze-dataset)" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["no/such.zanj", "--out", "d"], "no/such.zanj: there is no such file or folder"),
        (["notes.md", "--out", "d"], "notes.md: .md is no kind of maze file: use .parquet"),
        (["notes.txt", "--out", "d"], "notes.txt, maze 1: "),
        (
            ["notes.txt", "--source-format", "cells", "--out", "d"],
            "notes.txt, maze 1: line 1, column 4: 'd' is none of",
        ),
        (["maze.txt", "--source-format", "wals", "--out", "d"], "unknown format 'wals'. Did you mean 'walls'"),
        (["maze.txt", "--format", "picture", "--out", "d.bmp"], "d.bmp: pictures are .png or .svg files"),
        (["maze.txt", "--format", "zanj", "--out", "d"], "unknown format 'zanj'"),
        (["maze.txt", "--source-format", "dataset", "--out", "d"], "maze.txt: is a file, not a dataset folder"),
        (["empty.txt", "--out", "d"], "empty.txt: holds no mazes"),
        (["binary.txt", "--out", "d"], "binary.txt: is no text that can be read"),
        (["lines.tokens", "--out", "d"], "give it, as --grid 5"),
        (["lines.tokens", "--grid", "5", "--out", "d"], "lines.tokens, maze 1: line 1: token text"),
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


ROOMS = ["S     \n # ## \n #  G \n      ", "######\n#S  G#\n#    #\n######"]


def test_grids_of_free_cells_go_round_in_every_form(tmp_path: Path) -> None:
    rooms = [from_cell_grid(text) for text in ROOMS]
    for name in ("rooms.cells.txt", "rooms.npz", "rooms.txt", "rooms.parquet", "rooms"):
        assert list(load_mazes(save_mazes(rooms, tmp_path / name))) == rooms
    assert (tmp_path / "rooms.cells.txt").read_text() == "\n\n".join(ROOMS) + "\n"
    square = [
        from_cell_grid(text) for text in ("S    \n #   \n  G  \n#### \n     ", "S    \n #   \n #   \n  G# \n     ")
    ]
    for name in ("rooms.csv", "rooms.flat.txt"):
        assert list(load_mazes(save_mazes(square, tmp_path / name))) == square
    (tmp_path / "plain.txt").write_text("\n\n".join(ROOMS))
    assert list(load_mazes(tmp_path / "plain.txt")) == rooms
    assert list(load_mazes(tmp_path / "rooms.txt", format="cells")) != rooms
    with pytest.raises(ConfigurationError, match="maze 1: a wall stands between the cells"):
        save_mazes(generate(5, num=1), tmp_path / "walled.cells.txt")
    with pytest.raises(ConfigurationError, match="maze 1: is 4 x 6: a flat grid is square"):
        save_mazes(rooms, tmp_path / "rooms.flat.txt")


@pytest.mark.parametrize("marks", ["solution", "none", "solution,distances,all_paths,forks,dead_ends"])
def test_what_show_writes_is_read_back(marks: str, tmp_path: Path) -> None:
    out = str(tmp_path / "shown.txt")
    assert run(["show", "--size", "6", "--num", "7", "--mark", marks, "--seed", "4", "--out", out]) == 0
    through, num = convert(out, tmp_path / "mazes.npz")
    assert num == 7
    assert list(load_mazes(through)) == list(generate(6, num=7, seed=4))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_of_every_system_is_read(encoding: str, tmp_path: Path) -> None:
    out = str(tmp_path / "shown.txt")
    assert run(["show", "--size", "5", "--out", out]) == 0
    text = Path(out).read_text(encoding="utf-8")
    for name, kind, written in (("a.txt", "text", text), ("b.txt", "walls", "#####\n#s G#\n#####\n")):
        (tmp_path / name).write_bytes(written.replace("\n", "\r\n").encode(encoding))
        assert len(load_mazes(tmp_path / name, format=kind)) == 1


def test_token_text_in_files_lies_at_the_corner(tmp_path: Path) -> None:
    """A line has no place for an offset; a file whose mazes lie elsewhere is read where its cells tell the place."""
    mazes = generate([(3, 4)], "dfs_percolation", num=20)
    anywhere = load_tokenization("unique_cells", canvas=12, random_offsets=True)
    saved = save_mazes(mazes, tmp_path / "corner.tokens", tokenizer=anywhere)
    assert list(load_mazes(saved, tokenizer="unique_cells", grid=(3, 4))) == list(mazes)
    assert list(load_mazes(saved, tokenizer=anywhere, grid=(3, 4))) == list(mazes)
    texts = [anywhere.to_text(maze, seed=number) for number, maze in enumerate(mazes)]
    assert len({text.offset for text in texts}) > 10
    (tmp_path / "anywhere.tokens").write_text("\n".join(texts))
    assert list(load_mazes(tmp_path / "anywhere.tokens", tokenizer=anywhere, grid=(3, 4))) == list(mazes)
    with pytest.raises(MazeRLError, match=r"anywhere.tokens, maze 1: line 1: token text: cell .* lies outside"):
        load_mazes(tmp_path / "anywhere.tokens", grid=(3, 4))


@pytest.mark.parametrize("tokenizer", ["unique_cells", "edges", "cells"])
@pytest.mark.parametrize("shape", [(1, 6), (3, 1)])
def test_token_text_of_a_single_row_or_column_is_read_back(
    tokenizer: str, shape: tuple[int, int], tmp_path: Path
) -> None:
    connections = np.zeros((2, *shape), np.bool_)
    connections[0, :-1], connections[1, :, :-1] = True, True
    corridor = Maze(connections, (0, 0), (shape[0] - 1, shape[1] - 1))
    saved = save_mazes(corridor, tmp_path / "corridor.tokens", tokenizer=tokenizer)
    for grid in (shape, f"{shape[0]}x{shape[1]}"):
        assert list(load_mazes(saved, tokenizer=tokenizer, grid=grid)) == [corridor]
    given = ["--grid", f"{shape[0]}x{shape[1]}", "--tokenizer", tokenizer]
    assert run(["convert", str(saved), *given, "--out", str(tmp_path / "corridor.npz")]) == 0
    assert list(load_mazes(tmp_path / "corridor.npz")) == [corridor]


def test_token_text_takes_a_canvas_as_large_as_its_mazes(tmp_path: Path) -> None:
    mazes = generate([30, (4, 64)], num=4)
    saved = save_mazes(mazes[[maze.shape == (30, 30) for maze in mazes]], tmp_path / "large.tokens", tokenizer="cells")
    assert run(["convert", str(saved), "--grid", "30", "--tokenizer", "cells", "--out", str(tmp_path / "large")]) == 0
    assert all(maze in mazes for maze in load_mazes(tmp_path / "large"))
    wide = mazes[[maze.shape == (4, 64) for maze in mazes]]
    assert load_mazes(save_mazes(wide, tmp_path / "wide.tokens"), grid=(4, 64)) == wide
    assert (
        save_mazes(generate(5, num=9), tmp_path / "small.tokens").read_text()
        == save_mazes(
            generate(5, num=9), tmp_path / "own.tokens", tokenizer=load_tokenization("unique_cells")
        ).read_text()
    )
    with pytest.raises(ConfigurationError, match="does not fit on the 64 x 64 canvas"):
        save_mazes(generate(65, num=1), tmp_path / "huge.tokens")


@pytest.mark.parametrize("name", ["no.txt", "no.cells.txt", "no.flat.txt", "no.csv", "no.tokens", "no.png", "folder"])
def test_no_mazes_are_not_written_to_what_could_not_be_read_back(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}: there is no maze to write"):
        save_mazes([], tmp_path / name)
    assert not (tmp_path / name).exists()
    for empty in ("no.npz", "no.parquet"):
        assert len(load_mazes(save_mazes([], tmp_path / empty))) == 0


@pytest.mark.parametrize("name", ["folder", "mazes.npz", "mazes.parquet", "mazes.txt", "mazes.tokens"])
def test_a_tilde_is_the_home_for_reading_and_writing(
    name: str, mazes: MazeCollection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    one = mazes[[maze.shape == (5, 5) for maze in mazes]]
    save_mazes(one, f"~/{name}")
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert load_mazes(f"~/{name}", grid=5) == one
    grid = ["--grid", "5"] if name.endswith(".tokens") else []
    assert run(["convert", f"~/{name}", *grid, "--out", "~/copy.npz"]) == 0
    assert load_mazes(tmp_path / "home" / "copy.npz") == one
    if name == "folder":
        assert run(["describe", "~/folder"]) == 0
        assert run(["show", "~/copy.npz"]) == 0
