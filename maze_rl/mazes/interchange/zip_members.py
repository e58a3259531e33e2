"""The members of a zip file, read warily: JSON documents and ``.npy`` arrays of numbers.

Nothing is unpickled, no size is believed before it is checked, and the checksum of every member is verified:
a damaged or hostile file ends in one line that names the file and the member.
"""

import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import MazeRLError

MAX_BYTES = 4 << 30
"""Largest member that is unpacked."""
_MAX_RATIO = 1100  # deflate cannot pack tighter than 1032 to 1: a larger claim is false
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# exactly what numpy.save writes for plain numbers; an object array has the type |O and is refused
_NPY_HEADER = re.compile(
    r"\{'descr': '(?P<type>[^']*)', 'fortran_order': (?P<fortran>True|False), 'shape': \((?P<shape>[\d, ]*)\), \} *\n"
)
_NUMBERS = re.compile(r"[<>|][biu][1248]")


class ZipMembers(Shown):
    """The members of an open zip file; `open_zip` makes one."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = frozenset(archive.namelist())

    def read_bytes(self, member: str) -> bytes:
        """Return the content of a member.

        Raises:
            MazeRLError: There is no such member, or it is too large, encrypted or packed in an unknown way.
        """
        if member not in self.names:
            raise MazeRLError(f"has no member {member!r}.")
        about = self._archive.getinfo(member)
        if about.flag_bits & 1 or about.compress_type not in _METHODS:
            raise MazeRLError(
                f"{member}: is encrypted or packed in an unknown way; expected a stored or deflated member."
            )
        if about.file_size > min(MAX_BYTES, _MAX_RATIO * (about.compress_size + 1)):
            raise MazeRLError(f"{member}: claims {about.file_size} bytes packed into {about.compress_size}; too many.")
        with _zip_faults(f"{member}: is damaged"):
            content = self._archive.read(about)
        if len(content) != about.file_size:
            raise MazeRLError(f"{member}: holds {len(content)} bytes, not the {about.file_size} it claims.")
        return content

    def read_json(self, member: str) -> object:
        """Return the content of a JSON member.

        Raises:
            MazeRLError: The member cannot be read or is no JSON.
        """
        return parse_json(self.read_bytes(member), member)

    def read_array(self, member: str) -> ndarray:
        """Return the array of an ``.npy`` member: booleans or integers, contiguous, in the byte order of this machine.

        Raises:
            MazeRLError: The member cannot be read or is no such array.
        """
        return _parse_npy(self.read_bytes(member), member)


@contextmanager
def open_zip(path: Path) -> Iterator[ZipMembers]:
    """Open a zip file for reading; every fault within the block becomes one `MazeRLError` that names the file."""
    try:
        with path.open("rb") as file:
            with _zip_faults("is no intact zip file"):
                archive = zipfile.ZipFile(file)
            with archive:
                yield ZipMembers(archive)
    except MazeRLError as error:
        raise type(error)(f"{path}: {error}") from error
    except OSError as error:
        raise MazeRLError(f"{path}: cannot be read ({error.strerror or error}).") from error


@contextmanager
def _zip_faults(message: str) -> Iterator[None]:
    """Turn what `zipfile` raises on damaged files into a `MazeRLError`."""
    try:
        yield
    # OSError: it seeks to wherever the damaged file says
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, EOFError, RuntimeError, ValueError) as error:
        raise MazeRLError(f"{message} ({error}).") from error


def parse_json(content: bytes, place: str) -> object:
    """Return a JSON value; `place` names it in errors.

    Raises:
        MazeRLError: The content is no JSON.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MazeRLError(f"{place}: is no JSON ({error}).") from error


def _parse_npy(content: bytes, member: str) -> ndarray:
    header, data = _split_npy(content)
    match = _NPY_HEADER.fullmatch(header)
    if match is None:
        raise MazeRLError(f"{member}: is no .npy file as NumPy writes it.")
    if not _NUMBERS.fullmatch(match["type"]):
        raise MazeRLError(f"{member}: holds values of type {match['type']!r}; expected booleans or integers.")
    dtype, shape = np.dtype(match["type"]), tuple(int(side) for side in re.findall(r"\d+", match["shape"]))
    if math.prod(shape) * dtype.itemsize != len(data) or len(shape) > 8:
        raise MazeRLError(f"{member}: holds {len(data)} bytes, which is not {dtype} of shape {shape}.")
    if dtype == np.bool_ and np.frombuffer(data, np.uint8).max(initial=0) > 1:
        raise MazeRLError(f"{member}: holds booleans other than 0 and 1.")
    order = "F" if match["fortran"] == "True" else "C"
    # a copy: arrays over a bytes object cannot be written to, for which every kernel would be compiled again
    return np.frombuffer(data, dtype).reshape(shape, order=order).astype(dtype.newbyteorder("="), order="C")


def _split_npy(content: bytes) -> tuple[str, bytes]:
    """Return the header of an ``.npy`` file and its data; an empty header if there is none."""
    if content[:8] not in (b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00"):
        return "", content
    first = 10 if content[6] == 1 else 12
    end = first + int.from_bytes(content[8:first], "little")
    return content[first:end].decode("latin-1"), content[end:]
