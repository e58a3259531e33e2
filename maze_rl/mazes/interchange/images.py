"""Mazes as PNG images, in the colours of `pixels` enlarged by a whole number; both ways, lossless."""

import io
import zlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy import ndarray
from PIL import Image

from maze_rl.errors import InvalidMazeError, MazeRLError
from maze_rl.mazes.interchange.pixels import PALETTE, from_pixels, to_pixels
from maze_rl.mazes.interchange.whole_files import written_whole
from maze_rl.mazes.lattice import Cell, Maze

MAX_PIXELS = 1 << 26
"""Images of more pixels are neither written nor read."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
# what becomes of the five colours in an image saved as shades of grey (ITU-R 601 luma, as Pillow rounds it)
_GREYS = np.array([0, 255, 29, 150, 76], np.uint8)


def write_image(file: str | PathLike[str], maze: Maze, path: Sequence[Cell] = (), scale: int = 1) -> Path:
    """Write a maze as a PNG image, in place of what is there.

    Args:
        file: The image, ``.png``.
        maze: What to draw.
        path: Cells to mark, with the openings between them.
        scale: Width in image pixels of a cell, a wall, an opening.

    Raises:
        MazeRLError: The name ends otherwise, the image would be too large or could not be read back, or the file
            cannot be written.
    """
    file = Path(file)
    if file.suffix.lower() != ".png":
        raise MazeRLError(
            f"{file}: mazes are written as .png images; other formats may change colours or are not read."
        )
    if maze.origin == maze.target:
        raise MazeRLError(f"{file}: origin and target are both {maze.origin}, which a picture cannot show.")
    picture = to_pixels(maze, path)
    if scale < 1 or picture.shape[0] * picture.shape[1] * scale**2 > MAX_PIXELS:
        raise MazeRLError(f"{file}: scale is {scale}; expected at least 1 and an image of at most {MAX_PIXELS} pixels.")
    enlarged = np.repeat(np.repeat(picture, scale, axis=0), scale, axis=1)
    with written_whole(file) as out:
        Image.fromarray(enlarged).save(out, format="PNG")
    return file


def read_image(file: str | PathLike[str]) -> Maze:
    """Return the maze of a PNG image; marks of a path count as open (`path_of_pixels` finds them).

    Raises:
        MazeRLError: The file cannot be read, is no intact PNG image, or shows no maze; names the pixel at fault.
    """
    picture = read_pixels(file)
    try:
        return from_pixels(picture)
    except InvalidMazeError as error:
        raise InvalidMazeError(f"{file}: {error}") from error


def read_pixels(file: str | PathLike[str]) -> UInt8[ndarray, "height width 3"]:
    """Return the picture in a PNG image, its enlargement undone and shades of grey turned back into colours.

    Raises:
        MazeRLError: The file cannot be read, is no intact PNG image, or is no picture enlarged by a whole number.
    """
    file = Path(file)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise MazeRLError(f"{file}: cannot be read ({error.strerror or error}).") from error
    try:
        with Image.open(io.BytesIO(_image_chunks(content)), formats=["PNG"]) as image:
            return _reduced(_opaque(image))
    except MazeRLError as error:
        raise type(error)(f"{file}: {error}") from error
    except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises on damaged files
        raise MazeRLError(f"{file}: is no intact PNG image ({error}).") from error


def _image_chunks(content: bytes) -> bytes:
    """Return a PNG file without the chunks that do not bear on its pixels.

    Signature, size and checksums are checked here: Pillow passes over the checksums of the pixels.
    """
    if not content.startswith(_SIGNATURE):
        raise MazeRLError("is no PNG image; JPEG and other formats are not read, as they may change colours.")
    kept, position, kind = [_SIGNATURE], len(_SIGNATURE), b""
    while kind != b"IEND":
        start, kind = position + 8, content[position + 4 : position + 8]
        end = start + int.from_bytes(content[position : position + 4], "big")
        if len(content) < end + 4:
            raise MazeRLError("is no intact PNG image: it ends early.")
        checksum = int.from_bytes(content[end : end + 4], "big")
        if zlib.crc32(content[position + 4 : end]) != checksum or (kind == b"IHDR") != (len(kept) == 1):
            raise MazeRLError(f"is no intact PNG image: its part at byte {position} is damaged.")
        if kind == b"IHDR":
            width, height = (int.from_bytes(content[at : at + 4], "big") for at in (start, start + 4))
            if width * height > MAX_PIXELS:
                raise MazeRLError(f"is {width} x {height} pixels large; at most {MAX_PIXELS} pixels are read.")
        if kind in _CHUNKS:
            kept.append(content[position : end + 4])
        position = end + 4
    return b"".join(kept)


def _opaque(image: Image.Image) -> ndarray:
    """Return RGB values; any transparency is refused."""
    if image.mode not in ("1", "L", "LA", "P", "RGB", "RGBA"):
        raise MazeRLError(f"is an image of mode {image.mode}; expected 8 bits of colour or grey per channel.")
    pixels = np.asarray(image.convert("RGBA"))
    if (pixels[:, :, 3] != 255).any():
        raise MazeRLError("has transparent pixels: expected opaque colours.")
    return pixels[:, :, :3]


def _reduced(picture: ndarray) -> ndarray:
    """Return the picture at one pixel a cell.

    The corner of the border is a wall and the pixel diagonally next to it is a cell: where the diagonal first
    leaves black is the scale.
    """
    diagonal = np.flatnonzero(np.diagonal(picture).any(axis=0))
    scale = int(diagonal[0]) if len(diagonal) else 0
    if scale == 0:
        raise InvalidMazeError(
            "no wall is in its upper left corner, or no cell inside it: images in pixels are read, which are "
            "written as .pixels.png, not pictures for people."
        )
    height, width = picture.shape[:2]
    small = picture[::scale, ::scale]
    if height % scale or width % scale or (picture != np.repeat(np.repeat(small, scale, 0), scale, 1)).any():
        raise InvalidMazeError(
            f"is not enlarged evenly: by its corner {scale} x {scale} pixels make one, elsewhere not."
        )
    small = small.copy()
    for colour, grey in zip(PALETTE, _GREYS, strict=True):
        small[(small == grey).all(axis=2)] = colour
    return small
