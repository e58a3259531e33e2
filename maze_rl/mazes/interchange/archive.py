"""Mazes in one ``.npz`` file that NumPy alone can read: lossless, packed bits, every maze checked on reading.

Members of an archive, format version 1:

===================  ====================  =======================================================================
``maze_rl_version``  Int64[]               1
``batch_of``         Int64[num]            maze i is row ``row_of[i]`` of batch ``batch_of[i]``
``row_of``           Int64[num]
``shape_K``          Int64[2]              rows and cols of batch K = 0, 1, ...
``connections_K``    UInt8[batch, bytes]   ``numpy.packbits`` of Bool[2, rows, cols], one row a maze
``origins_K``        Int16[batch, 2]       start cells (row, col)
``targets_K``        Int16[batch, 2]       goal cells
===================  ====================  =======================================================================

The connections of batch K without this package::

    file = numpy.load("mazes.npz")
    rows, cols = file["shape_0"]
    bits = numpy.unpackbits(file["connections_0"], axis=1, count=2 * rows * cols)
    connections = bits.reshape(-1, 2, rows, cols).astype(bool)
"""

from os import PathLike
from pathlib import Path

import numpy as np
from numpy import ndarray

from maze_rl.errors import InvalidMazeError, MazeRLError
from maze_rl.mazes.interchange.whole_files import written_whole
from maze_rl.mazes.interchange.zip_members import ZipMembers, open_zip
from maze_rl.mazes.lattice import LARGEST_SIDE, MazeBatch, MazeCollection

FORMAT_VERSION = 1
_VERSION, _ORDER, _FIELDS = "maze_rl_version", ("batch_of", "row_of"), ("shape", "connections", "origins", "targets")


def write_archive(path: str | PathLike[str], mazes: MazeCollection) -> Path:
    """Write `mazes` to one ``.npz`` file, in place of what is there.

    Args:
        path: The file; its folder is made if need be.
        mazes: What to write; batches and order are kept.

    Raises:
        MazeRLError: The file cannot be written, or the order names a maze twice or leaves one out.
    """
    path = Path(path)
    batch_of, row_of = mazes.batch_of.astype(np.int64), mazes.row_of.astype(np.int64)
    _check_order(batch_of, row_of, [len(batch) for batch in mazes.batches])
    arrays: dict[str, ndarray] = {_VERSION: np.array(FORMAT_VERSION, np.int64), "batch_of": batch_of, "row_of": row_of}
    for index, batch in enumerate(mazes.batches):
        arrays[f"shape_{index}"] = np.array(batch.shape, np.int64)
        arrays[f"connections_{index}"] = np.packbits(_flat(batch), axis=1)
        arrays[f"origins_{index}"], arrays[f"targets_{index}"] = batch.origins, batch.targets
    with written_whole(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    return path


def read_archive(path: str | PathLike[str]) -> MazeCollection:
    """Read mazes that `write_archive` wrote; every maze is checked.

    Raises:
        MazeRLError: The file is no such archive, is damaged, or holds a broken maze; names the member.
    """
    path = Path(path)
    with open_zip(path) as members:
        if f"{_VERSION}.npy" not in members.names:
            raise MazeRLError(f"is no archive of mazes: it has no member {_VERSION}.npy.")
        version = members.read_array(f"{_VERSION}.npy")
        if version.shape != () or version != FORMAT_VERSION:
            raise MazeRLError(f"{_VERSION}.npy: is not {FORMAT_VERSION}, the version this program reads.")
        batch_of, row_of = (_read_order(members, name) for name in _ORDER)
        num_batches = sum(name.startswith("shape_") for name in members.names)
        expected = {f"{name}.npy" for name in (_VERSION, *_ORDER)}
        expected |= {f"{field}_{index}.npy" for field in _FIELDS for index in range(num_batches)}
        if odd := sorted(expected ^ members.names):
            state = "is missing" if odd[0] in expected else "does not belong into an archive of mazes"
            raise MazeRLError(f"{odd[0]}: {state}.")
        batches = tuple(_read_batch(members, index) for index in range(num_batches))
        _check_order(batch_of, row_of, [len(batch) for batch in batches])
    return MazeCollection(batches, batch_of, row_of)


def _flat(batch: MazeBatch) -> ndarray:
    return batch.connections.reshape(len(batch), 2 * batch.shape[0] * batch.shape[1])


def _read_order(members: ZipMembers, name: str) -> ndarray:
    order = members.read_array(f"{name}.npy")
    if order.ndim != 1 or order.dtype != np.int64:
        raise MazeRLError(f"{name}.npy: expected int64 of shape (num,), got {order.dtype} of shape {order.shape}.")
    return order


def _read_batch(members: ZipMembers, index: int) -> MazeBatch:
    shape, packed, origins, targets = (members.read_array(f"{field}_{index}.npy") for field in _FIELDS)
    if shape.shape != (2,) or shape.dtype != np.int64 or shape.min() < 1 or shape.max() > LARGEST_SIDE:
        raise MazeRLError(f"shape_{index}.npy: expected rows and cols as two int64 from 1 to {LARGEST_SIDE}.")
    rows, cols = map(int, shape)
    num_bytes = (2 * rows * cols + 7) // 8
    if packed.dtype != np.uint8 or packed.ndim != 2 or packed.shape[1] != num_bytes:
        raise MazeRLError(
            f"connections_{index}.npy: expected uint8 of shape (num, {num_bytes}) for {rows} x {cols} grids,"
            f" got {packed.dtype} of shape {packed.shape}."
        )
    for field, cells in (("origins", origins), ("targets", targets)):
        if cells.dtype != np.int16 or cells.shape != (len(packed), 2):
            raise MazeRLError(
                f"{field}_{index}.npy: expected int16 of shape ({len(packed)}, 2),"
                f" got {cells.dtype} of shape {cells.shape}."
            )
    bits = np.unpackbits(packed, axis=1, count=2 * rows * cols)
    try:
        return MazeBatch(bits.reshape(len(packed), 2, rows, cols).astype(np.bool_), origins, targets)
    except InvalidMazeError as error:
        raise InvalidMazeError(f"batch {index}, {error}") from error


def _check_order(batch_of: ndarray, row_of: ndarray, sizes: list[int]) -> None:
    """Every row of every batch stands in the order exactly once."""
    batches = np.repeat(np.arange(len(sizes)), sizes)
    rows = np.arange(len(batches)) - np.repeat(np.cumsum([0, *sizes])[:-1], sizes)
    if len(batch_of) == len(row_of):
        sorting = np.lexsort((row_of, batch_of))
        if np.array_equal(batch_of[sorting], batches) and np.array_equal(row_of[sorting], rows):
            return
    raise MazeRLError("batch_of and row_of do not name each maze of the batches exactly once.")
