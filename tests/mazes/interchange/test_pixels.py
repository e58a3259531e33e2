"""Mazes as arrays of pixels and as PNG images, and back."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from maze_rl.errors import InvalidMazeError, MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.mazes.interchange import images
from maze_rl.mazes.interchange.images import read_image, read_pixels, write_image
from maze_rl.mazes.interchange.pixels import from_pixels, path_of_pixels, to_pixels
from maze_rl.mazes.lattice import Maze
from maze_rl.mazes.solve import solve

K, W, B, G, R = (0, 0, 0), (255, 255, 255), (0, 0, 255), (0, 255, 0), (255, 0, 0)
PATH = [(0, 0), (0, 1), (1, 1)]


@pytest.fixture
def hook() -> Maze:
    """Two by two cells, closed on the left between the rows."""
    return Maze(np.array([[[0, 1], [0, 0]], [[1, 0], [1, 0]]], np.bool_), (0, 0), (1, 1))


def test_a_picture_by_hand(hook: Maze) -> None:
    picture = np.array([[K, K, K, K, K], [K, G, B, B, K], [K, K, K, B, K], [K, W, W, R, K], [K, K, K, K, K]], np.uint8)
    assert (to_pixels(hook, PATH) == picture).all()
    assert (from_pixels(picture), path_of_pixels(picture)) == (hook, PATH)
    assert path_of_pixels(to_pixels(hook)) == []


def test_generated_mazes_and_rectangles_come_back(random_graphs: Callable) -> None:
    mazes = [*generate([2, 5, 8], "dfs_percolation", num=30, percolation=0.3), *random_graphs(30, 4, 7, 0.5)]
    for maze in [maze for maze in mazes if maze.origin != maze.target]:
        picture = to_pixels(maze, path := solve(maze).path)
        assert (from_pixels(picture), path_of_pixels(picture)) == (maze, path)


def test_faults_are_named_by_pixel(hook: Maze) -> None:
    for pixel, colour, message in (
        ((3, 1), (7, 7, 7), r"pixel row 3, column 1: colour \(7, 7, 7\) is none of black"),
        ((2, 2), W, "pixel row 2, column 2: expected a wall"),
        ((3, 1), K, "pixel row 3, column 1: expected a cell"),
        ((3, 1), G, "pixel row 3, column 1: a second start; the first is at pixel row 1, column 1"),
        ((2, 3), K, "pixel row 3, column 3: this end cannot be reached"),
    ):
        picture = to_pixels(hook)
        picture[pixel] = colour
        with pytest.raises(InvalidMazeError, match=message):
            from_pixels(picture)


@pytest.mark.parametrize("shape", [(5, 5), (5, 5, 4), (4, 5, 3), (1, 3, 3), (0, 0, 3)])
def test_arrays_that_are_no_pictures_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InvalidMazeError, match="a picture"):
        from_pixels(np.zeros(shape, np.uint8))
    with pytest.raises(InvalidMazeError, match=r"expected a picture as UInt8.*, got float64"):
        from_pixels(np.zeros((5, 5, 3)))


@pytest.mark.parametrize("scale", [1, 2, 3, 10])
def test_images_come_back(scale: int, hook: Maze, tmp_path: Path) -> None:
    file = write_image(tmp_path / "deep" / "maze.PNG", hook, PATH, scale)
    with Image.open(file) as image:
        assert (image.format, image.size) == ("PNG", (5 * scale, 5 * scale))
    assert read_image(file) == hook
    assert path_of_pixels(read_pixels(file)) == PATH
    assert [path.name for path in file.parent.iterdir()] == ["maze.PNG"]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA"])
def test_other_kinds_of_png_are_read(mode: str, hook: Maze, tmp_path: Path) -> None:
    picture = np.repeat(np.repeat(to_pixels(hook, PATH), 4, axis=0), 4, axis=1)
    text = PngImagePlugin.PngInfo()
    text.add_text("comment", "a maze", zip=True)
    Image.fromarray(picture).convert(mode).save(tmp_path / "maze.png", pnginfo=text)
    assert read_image(tmp_path / "maze.png") == hook
    assert path_of_pixels(read_pixels(tmp_path / "maze.png")) == PATH


def save(file: Path, picture: np.ndarray, **settings: object) -> Path:
    Image.fromarray(picture).save(file, **settings)  # type: ignore[arg-type]
    return file


def test_images_that_are_no_mazes_are_refused(hook: Maze, tmp_path: Path) -> None:
    picture = to_pixels(hook)
    transparent = np.concatenate([picture, np.full((5, 5, 1), 254, np.uint8)], axis=2)
    uneven = np.repeat(np.repeat(picture, 3, axis=0), 3, axis=1)
    for array, message in (
        (transparent, "has transparent pixels"),
        (uneven[:, :-1], "is not enlarged evenly: by its corner 3 x 3 pixels make one"),
        (np.roll(uneven, 1, axis=1), "is not enlarged evenly"),
        (np.zeros((5, 5, 3), np.uint8), "no wall is in its upper left corner, or no cell inside it"),
        (np.full((5, 5, 3), 255, np.uint8), "no wall is in its upper left corner"),
        (np.full((5, 5), 70, np.uint16), "is an image of mode I;16"),
        (picture[:, :-1], "a picture of 5 x 4"),
        (picture // 2, r"colour \(0, 127, 0\) is none of"),
    ):
        with pytest.raises(MazeRLError, match=f"maze.png: .*{message}"):
            read_image(save(tmp_path / "maze.png", array))


def test_what_is_no_png_is_refused(hook: Maze, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("#####")
    save(tmp_path / "photo.png", to_pixels(hook), format="JPEG")
    for name, message in (
        ("text.png", "is no PNG image"),
        ("photo.png", "is no PNG image; JPEG and other formats are not read"),
        ("gone.png", "cannot be read"),
        (".", "cannot be read"),
    ):
        with pytest.raises(MazeRLError, match=message):
            read_image(tmp_path / name)


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def test_damage_is_found_though_the_image_still_opens(hook: Maze, tmp_path: Path) -> None:
    file = write_image(tmp_path / "maze.png", hook)
    content = file.read_bytes()
    header, rest = content[:33], content[33:]
    large = chunk(b"IHDR", (1 << 15).to_bytes(4, "big") * 2 + header[24:29])
    for damaged, message in (
        (
            content[:-20] + bytes([content[-20] ^ 1]) + content[-19:],
            "is no intact PNG image: its part at byte 33 is damaged",
        ),
        (content[:40], "is no intact PNG image: it ends early"),
        (header + header[8:] + rest, "is no intact PNG image: its part at byte 33 is damaged"),
        (header[:8] + large + rest, "is 32768 x 32768 pixels large"),
        (header + chunk(b"IDAT", b"none"), "is no intact PNG image: it ends early"),
        (header + chunk(b"IDAT", b"none") + chunk(b"IEND", b""), "is no intact PNG image"),
    ):
        file.write_bytes(damaged)
        with pytest.raises(MazeRLError, match=f"maze.png: {message}"):
            read_image(file)


def test_chunks_beside_the_image_are_passed_over(hook: Maze, tmp_path: Path) -> None:
    file = write_image(tmp_path / "maze.png", hook)
    content = file.read_bytes()
    file.write_bytes(content[:33] + chunk(b"acTL", b"x") + chunk(b"zTXt", zlib.compress(bytes(1 << 22))) + content[33:])
    assert read_image(file) == hook


def test_images_that_cannot_be_written_are_refused(hook: Maze, tmp_path: Path) -> None:
    for name in ("maze.jpg", "maze.jpeg", "maze.gif", "maze"):
        with pytest.raises(MazeRLError, match=r"mazes are written as \.png images"):
            write_image(tmp_path / name, hook)
    for scale in (0, -1, 10_000):
        with pytest.raises(MazeRLError, match=f"scale is {scale}; expected at least 1 and an image of at most"):
            write_image(tmp_path / "maze.png", hook, scale=scale)
    with pytest.raises(MazeRLError, match=r"origin and target are both \(0, 0\)"):
        write_image(tmp_path / "maze.png", Maze(hook.connections, (0, 0), (0, 0)))
    (tmp_path / "file").write_text("")
    with pytest.raises(MazeRLError, match="could not be written"):
        write_image(tmp_path / "file" / "maze.png", hook)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_shades_of_grey_are_those_of_pillow() -> None:
    colours = np.array([[K, W, B, G, R]], np.uint8)
    assert np.asarray(Image.open(io.BytesIO(png(colours))).convert("L")).tolist() == [images._GREYS.tolist()]


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, format="PNG")
    return buffer.getvalue()
