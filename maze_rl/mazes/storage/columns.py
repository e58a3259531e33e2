"""Mazes as columns of an Arrow table, one row per maze, and back.

`rows`, `cols`, `connections` (the bits of Bool[2, rows, cols], packed as `numpy.packbits` does), `origin`, `target`,
`distance` (steps between them), `shortest_paths` (how many there are; -1 for 2^62 and more), `split`, `index`. Only the
first five are needed to read mazes; other tools get the rest for nothing.
"""

from typing import no_type_check

import numpy as np
import pyarrow as pa
from jaxtyping import Int64
from numba import njit
from numpy import ndarray

from maze_rl.configs.mazes import SPLITS
from maze_rl.errors import MazeRLError
from maze_rl.mazes.counter_random import mix64
from maze_rl.mazes.lattice import MazeBatch, MazeCollection
from maze_rl.mazes.solve import count_batch
from maze_rl.mazes.splits import maze_hashes, split_numbers

NEEDED = ("rows", "cols", "connections", "origin", "target")
_DIGESTED_AT_ONCE = 10_000
_CELL = pa.list_(pa.int16(), 2)
TYPES = {
    "rows": pa.int16(),
    "cols": pa.int16(),
    "connections": pa.binary(),
    "origin": _CELL,
    "target": _CELL,
    "distance": pa.int32(),
    "shortest_paths": pa.int64(),
    "split": pa.int64(),
    "index": pa.int64(),
}


def table_of(mazes: MazeCollection, indices: Int64[ndarray, " num"], schema: pa.Schema) -> pa.Table:
    """Return the table of `mazes`, which are numbers `indices` of their dataset; `schema` has the `TYPES`."""
    num = len(mazes)
    shape, ends = np.empty((num, 2), np.int16), np.empty((2, num, 2), np.int16)
    distance, paths, split = np.empty(num, np.int32), np.empty(num, np.int64), np.empty(num, np.int64)
    for position, batch in enumerate(mazes.batches):
        where = mazes.indices_of(position)
        shape[where] = batch.shape
        ends[0, where], ends[1, where] = batch.origins, batch.targets
        counts, exact, distance[where] = count_batch(batch.connections, batch.origins, batch.targets)
        paths[where] = np.where(exact, counts, -1)
        split[where] = split_numbers(maze_hashes(batch))
    columns = [
        pa.array(shape[:, 0]),
        pa.array(shape[:, 1]),
        _packed(mazes),
        *(pa.FixedSizeListArray.from_arrays(pa.array(cells.ravel()), 2) for cells in ends),
        pa.array(distance),
        pa.array(paths),
        pa.array(split),
        pa.array(indices),
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _packed(mazes: MazeCollection) -> pa.Array:
    """Return the packed connections of every maze, in the collection's order."""
    packed = [np.packbits(batch.connections.reshape(len(batch), -1), axis=1) for batch in mazes.batches]
    widths = np.array([bits.shape[1] for bits in packed], np.int32)
    offsets = np.zeros(len(mazes) + 1, np.int32)
    np.cumsum(widths[mazes.batch_of], out=offsets[1:])
    data = np.empty(offsets[-1], np.uint8)
    for position, bits in enumerate(packed):
        starts = offsets[:-1][mazes.indices_of(position)]
        data[starts[:, None] + np.arange(widths[position])] = bits
    return pa.Array.from_buffers(pa.binary(), len(mazes), [None, pa.py_buffer(offsets), pa.py_buffer(data)])


def checked_table(table: pa.Table) -> pa.Table:
    """Return the columns of a table from elsewhere that mazes are read from, cast to their `TYPES`.

    Raises:
        MazeRLError: A column is missing, of another kind, damaged, or lacks a value.
    """
    columns = {}
    for name in NEEDED:
        if table.column_names.count(name) != 1:
            raise MazeRLError(f"column {name!r} is missing or not the only one: a dataset has {', '.join(NEEDED)}.")
        column = table.column(name)
        try:
            columns[name] = column.cast(TYPES[name])
        except pa.ArrowException as error:
            raise MazeRLError(f"column {name!r} is {column.type}, which does not fit {TYPES[name]}.") from error
        inner = (part.flatten().null_count for part in columns[name].chunks) if TYPES[name] == _CELL else ()
        if column.null_count or any(inner):
            raise MazeRLError(f"column {name!r} lacks a value.")
    checked = pa.table(columns)
    try:
        checked.validate(full=True)
    except pa.ArrowException as error:
        raise MazeRLError(f"its columns are damaged ({str(error).splitlines()[0]}).") from error
    return checked


def mazes_of(table: pa.Table) -> MazeCollection:
    """Return the mazes of a table, in its order; every one is checked.

    Raises:
        MazeRLError: A maze is broken; names the first of its shape.
    """
    rows, cols = (_column(table, name).to_numpy() for name in ("rows", "cols"))
    ends = [_column(table, name).flatten().to_numpy().reshape(-1, 2) for name in ("origin", "target")]
    offsets, data = _binary(_column(table, "connections"))
    batches, batch_of, row_of = [], np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    for shape in sorted(set(zip(rows.tolist(), cols.tolist(), strict=True))):
        where = np.flatnonzero((rows == shape[0]) & (cols == shape[1]))
        batch_of[where], row_of[where] = len(batches), np.arange(len(where))
        try:
            batches.append(MazeBatch(_unpack(data, offsets, where, shape), ends[0][where], ends[1][where]))
        except MazeRLError as error:
            raise MazeRLError(f"its {shape[0]} x {shape[1]} mazes: {error}") from error
    return MazeCollection(tuple(batches), batch_of, row_of)


def _column(table: pa.Table, name: str) -> pa.Array:
    """Return one column as one array that begins at the start of its buffers."""
    chunks = table.column(name).chunks
    whole = chunks[0] if len(chunks) == 1 else pa.concat_arrays([pa.array([], TYPES[name]), *chunks])
    return whole if whole.offset == 0 else pa.concat_arrays([whole, whole[:0]])


def _binary(column: pa.Array) -> tuple[ndarray, ndarray]:
    """Return the Int32[num + 1] offsets and the bytes of a binary column."""
    _, offsets, data = column.buffers()
    if len(column) == 0:
        return np.zeros(1, np.int32), np.empty(0, np.uint8)
    return np.frombuffer(offsets, np.int32)[: len(column) + 1], np.frombuffer(data or b"", np.uint8)


def _unpack(data: ndarray, offsets: ndarray, where: ndarray, shape: tuple[int, int]) -> ndarray:
    if min(shape) < 1:
        raise MazeRLError(f"a grid of {shape[0]} x {shape[1]} has no cells.")
    size = 2 * shape[0] * shape[1]
    expected = (size + 7) // 8
    lengths = offsets[where + 1] - offsets[where]
    if (lengths != expected).any():
        first = int(np.argmax(lengths != expected))
        raise MazeRLError(f"maze {first}: connections hold {lengths[first]} bytes, not {expected}.")
    one_shape = len(where) == len(offsets) - 1
    bits = data[offsets[0] : offsets[-1]] if one_shape else data[offsets[where][:, None] + np.arange(expected)]
    return (
        np.unpackbits(bits.reshape(len(where), expected), axis=1, count=size)
        .view(np.bool_)
        .reshape(len(where), 2, *shape)
    )


def content_digest(table: pa.Table, first: int = 0) -> int:
    """Return 64 bits that name the mazes, their endpoints and their order; row 0 is maze `first` of the whole.

    The digests of the parts of a dataset add up (modulo 2^64) to that of the whole.
    """
    total = 0
    for batch in table.to_batches(max_chunksize=_DIGESTED_AT_ONCE):
        part = pa.Table.from_batches([batch])
        offsets, data = _binary(_column(part, "connections"))
        numbers = [_column(part, name).to_numpy() for name in ("rows", "cols")]
        numbers.append(np.arange(first, first + len(batch)))
        ends = (_column(part, name).flatten().to_numpy().reshape(-1, 2) for name in ("origin", "target"))
        numbers += [cells[:, axis] for cells in ends for axis in (0, 1)]
        facts = np.stack([column.astype(np.int64) for column in numbers], axis=1).astype(np.uint64)
        total += int(_digest(data, offsets.astype(np.int64), facts))
        first += len(batch)
    return total % 2**64


@njit(cache=True, nogil=True)
@no_type_check
def _digest(data, offsets, facts):
    total = np.uint64(0)
    for row in range(len(facts)):
        value = np.uint64(0)
        for position in range(offsets[row], offsets[row + 1]):
            value = mix64(value + np.uint64(data[position]) + np.uint64(1))
        for fact in facts[row]:
            value = mix64(value + fact + np.uint64(257))
        total += value
    return total


def count_splits(numbers: Int64[ndarray, " num"]) -> dict[str, int]:
    """Count the rows of each split."""
    return {name: int((numbers == position).sum()) for position, name in enumerate(SPLITS)}
