"""Mazes out of the ``.zanj`` files of maze-dataset, read without its packages.

A ``.zanj`` file is a zip file of ``__zanj__.json`` and what that document refers to. Its layouts, told apart by
``__muutils_format__``: "MazeDataset" (one JSON object a maze, in a list or in ``mazes.jsonl``),
"MazeDataset:minimal" (arrays over all mazes, solutions padded), "MazeDataset:minimal_soln_cat" (solutions end to
end) and "MazeDatasetCollection" (several of these). Arrays lie in the document or in ``.npy`` members.

The grid is that of the stored connections, so isolated rows and columns stay; the solutions are the file's own,
and every one is checked to be a walk along open edges.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int16
from numpy import ndarray

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import InvalidMazeError, MazeRLError
from maze_rl.mazes.interchange.zip_members import ZipMembers, open_zip, parse_json
from maze_rl.mazes.lattice import LARGEST_SIDE, MazeBatch, MazeCollection
from maze_rl.mazes.solve import solve_batch

_DOCUMENT, _FORMAT = "__zanj__.json", "__muutils_format__"


@dataclass(frozen=True, eq=False)
class ImportedMazes(Shown):
    """What a ``.zanj`` file holds."""

    mazes: MazeCollection
    paths: tuple[Int16[ndarray, "_ 2"], ...]
    """The file's own solution of each maze: its cells (row, col) from origin to target, both included."""
    configuration: dict[str, Any]
    """The file's own configuration, plain JSON."""

    @cached_property
    def shortest(self) -> Bool[ndarray, " num"]:
        """Tell of each solution of the file whether it is a shortest path."""
        steps = np.array([len(path) - 1 for path in self.paths], np.int64)
        least = np.empty(len(self.mazes), np.int64)
        for index, batch in enumerate(self.mazes.batches):
            least[self.mazes.indices_of(index)] = solve_batch(batch).lengths
        return steps == least


@dataclass(frozen=True, eq=False)
class _Part:
    """Mazes of one shape that follow one another, their solutions end to end; integers of any size."""

    place: str
    connections: ndarray  # Bool[num, 2, rows, cols]
    cells: ndarray  # Int[sum of lengths, 2]
    lengths: ndarray  # Int[num]
    ends: ndarray | None  # Int[num, 2, 2], where the file states them once more


def read_zanj(path: str | PathLike[str]) -> ImportedMazes:
    """Read the mazes of a maze-dataset file, their solutions and its configuration.

    Args:
        path: A file that ``MazeDataset.save`` or ``MazeDatasetCollection.save`` wrote.

    Raises:
        MazeRLError: The file cannot be read, is in no known layout, or holds a broken maze or solution; names
            the file, the member and what is wrong.
    """
    path = Path(path)
    with open_zip(path) as members:
        document = members.read_json(_DOCUMENT)
        configuration = _entry(document, "cfg", dict, _DOCUMENT)
        checked = [_check_part(part) for part in _parts(document, members)]
    collections = [MazeCollection.from_batch(batch) for batch, _ in checked]
    nothing = MazeCollection((), np.zeros(0, np.int64), np.zeros(0, np.int64))
    mazes = MazeCollection.concatenate(collections) if collections else nothing
    return ImportedMazes(mazes, tuple(path for _, paths in checked for path in paths), configuration)


def _parts(document: object, members: ZipMembers) -> Iterator[_Part]:
    if _entry(document, _FORMAT, str, _DOCUMENT) != "MazeDatasetCollection":
        yield from _dataset_parts(document, members, _DOCUMENT)
        return
    for dataset, place in _items(document, "maze_datasets", members, _DOCUMENT):
        yield from _dataset_parts(dataset, members, place)


def _dataset_parts(dataset: object, members: ZipMembers, place: str) -> Iterator[_Part]:
    layout = _entry(dataset, _FORMAT, str, place)
    if layout == "MazeDataset":
        yield from _full_parts(dataset, members, place)
    elif layout in ("MazeDataset:minimal", "MazeDataset:minimal_soln_cat"):
        yield _minimal_part(dataset, members, place, padded=layout == "MazeDataset:minimal")
    else:
        raise MazeRLError(f"{place}: is in the layout {layout[:60]!r}, which is none of maze-dataset's.")


def _full_parts(dataset: object, members: ZipMembers, place: str) -> Iterator[_Part]:
    mazes = [_full_maze(maze, members, where) for maze, where in _items(dataset, "mazes", members, place)]
    num = 0
    for _, group in groupby(mazes, key=lambda maze: maze[0].shape):
        connections, solutions, ends = zip(*group, strict=True)
        lengths = np.array([len(solution) for solution in solutions])
        where = f"{place}, mazes" + (f" from {num} on" if num else "")
        yield _Part(where, np.stack(connections), np.concatenate(solutions), lengths, np.stack(ends))
        num += len(lengths)


def _full_maze(maze: object, members: ZipMembers, place: str) -> tuple[ndarray, ndarray, ndarray]:
    """Return the connections of one maze, its solution, and its start and end."""
    connections = _array(maze, "connection_list", "b", members, place)
    solution, start, end = (_array(maze, field, "iu", members, place) for field in ("solution", "start_pos", "end_pos"))
    if solution.ndim != 2 or {solution.shape[1:], start.shape, end.shape} != {(2,)}:
        shapes = f"{solution.shape}, {start.shape} and {end.shape}"
        raise MazeRLError(
            f"{place}: solution, start and end have shapes {shapes}; expected (length, 2), (2,) and (2,)."
        )
    return connections, solution, np.stack([start, end])


def _minimal_part(dataset: object, members: ZipMembers, place: str, padded: bool) -> _Part:
    connections = _array(dataset, "maze_connection_lists", "b", members, place)
    lengths = _array(dataset, "maze_solution_lengths", "iu", members, place)
    field = "maze_solutions" if padded else "maze_solutions_concat"
    cells = _array(dataset, field, "iu", members, place)
    if lengths.ndim != 1 or lengths.shape != connections.shape[:1]:
        raise MazeRLError(f"{place}, maze_solution_lengths: shape {lengths.shape} is not one length a maze.")
    if not padded:
        return _Part(place, connections, cells, lengths, _array(dataset, "maze_endpoints", "iu", members, place))
    if cells.ndim != 3 or len(cells) != len(lengths) or lengths.max(initial=0) > cells.shape[1]:
        raise MazeRLError(
            f"{place}, {field}: shape {cells.shape} cannot hold {len(lengths)} solutions of these lengths."
        )
    return _Part(place, connections, cells[np.arange(cells.shape[1]) < lengths[:, None]], lengths, None)


def _check_part(part: _Part) -> tuple[MazeBatch, list[ndarray]]:
    """Return the mazes of a part and their solutions, everything checked."""
    shape = part.connections.shape
    if len(shape) != 4 or shape[1] != 2 or not 1 <= min(shape[2:]) <= max(shape[2:]) <= LARGEST_SIDE:
        raise MazeRLError(f"{part.place}: connections of shape {shape} are not (num, 2, rows, cols).")
    if part.cells.ndim != 2:
        raise MazeRLError(f"{part.place}: solutions of shape {part.cells.shape} are not cells (row, col).")
    num_cells = len(part.cells)
    if part.lengths.min(initial=1) < 1 or part.lengths.max(initial=1) > max(num_cells, 1):
        raise MazeRLError(f"{part.place}: lengths of solutions must lie between 1 and the number of cells stored.")
    lengths = part.lengths.astype(np.int64)
    if part.cells.shape != (lengths.sum(), 2):
        raise MazeRLError(
            f"{part.place}: solutions of shape {part.cells.shape}; the lengths add up to {lengths.sum()}."
        )
    first = np.cumsum(lengths) - lengths
    _check_walks(part, first)
    cells = part.cells.astype(np.int16)
    origins, targets = cells[first], cells[first + lengths - 1]
    if part.ends is not None and not np.array_equal(part.ends, np.stack([origins, targets], axis=1)):
        raise MazeRLError(f"{part.place}: start and end of a maze are not those of its solution.")
    try:
        batch = MazeBatch(part.connections, origins, targets)
    except InvalidMazeError as error:
        raise InvalidMazeError(f"{part.place}, {error}") from error
    return batch, np.split(cells, first[1:]) if len(first) else []


def _check_walks(part: _Part, first: ndarray) -> None:
    """Every solution lies in the grid, and every step of it goes through an open edge."""
    cells, maze_of = part.cells, np.repeat(np.arange(len(first)), part.lengths.astype(np.int64))
    outside = ((cells < 0) | (cells >= part.connections.shape[2:])).any(axis=1)
    if outside.any():
        fault = int(np.argmax(outside))
        cell = tuple(cells[fault].tolist())
        raise InvalidMazeError(f"{part.place}, maze {maze_of[fault]}: its solution leaves the grid at {cell}.")
    start, end = cells[:-1].astype(np.int64), cells[1:].astype(np.int64)
    row, col = np.minimum(start, end).T
    along = np.abs(end - start)
    is_open = part.connections[maze_of[:-1], along[:, 1] % 2, row, col] & (along.sum(axis=1) == 1)
    is_open[first[1:] - 1] = True  # these lead from one solution to the next
    if not is_open.all():
        fault = int(np.argmin(is_open))
        cell, next_cell = tuple(start[fault].tolist()), tuple(end[fault].tolist())
        raise InvalidMazeError(
            f"{part.place}, maze {maze_of[fault]}: its solution steps from {cell} to {next_cell}: no open edge."
        )


def _entry(value: object, key: str, kind: type | tuple[type, ...], place: str) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get(key), kind):
        raise MazeRLError(f"{place}: {key} is missing or of another type than maze-dataset writes.")
    return value[key]


def _items(value: object, key: str, members: ZipMembers, place: str) -> Iterator[tuple[object, str]]:
    """Yield the items of a list in the document, or of one kept as a ``.jsonl`` member, and their places."""
    items, place = _entry(value, key, (list, dict), place), f"{place}, {key}"
    if isinstance(items, list):
        yield from ((item, f"{place}[{index}]") for index, item in enumerate(items))
        return
    if _entry(items, _FORMAT, str, place) != "list:external":
        raise MazeRLError(f"{place}: is neither a list nor a reference to one.")
    member = _entry(items, "$ref", str, place)
    lines = members.read_bytes(member).splitlines()
    if items.get("len(data)", len(lines)) != len(lines):
        raise MazeRLError(f"{member}: has {len(lines)} lines, not as many as {place} states.")
    for number, line in enumerate(lines, start=1):
        yield parse_json(line, f"{member}, line {number}"), f"{member}, line {number}"


def _array(value: object, key: str, kinds: str, members: ZipMembers, place: str) -> ndarray:
    """Return an array from the document or from an ``.npy`` member; `kinds` are NumPy's, "b" or "iu"."""
    about, place = _entry(value, key, dict, place), f"{place}, {key}"
    layout, shape = _entry(about, _FORMAT, str, place), _entry(about, "shape", list, place)
    if layout == "numpy.ndarray:external":
        place = _entry(about, "$ref", str, place)
        array = members.read_array(place)
    elif layout == "numpy.ndarray:array_list_meta":
        array = _listed(_entry(about, "data", list, place))
    else:
        raise MazeRLError(f"{place}: the array is kept as {layout[:60]!r}, which is not read.")
    if array.dtype.kind not in kinds or list(array.shape) != shape:
        wanted = "booleans" if kinds == "b" else "integers"
        raise MazeRLError(
            f"{place}: expected {wanted} of shape {str(shape)[:40]}, got {array.dtype} of shape {list(array.shape)}."
        )
    # unsigned 64-bit integers would turn to floats among signed ones; too large a number turns negative, as invalid
    return array.astype(np.int64) if array.dtype == np.uint64 else array


def _listed(data: list) -> ndarray:
    """Return nested lists as an array; what type the values have is for the caller to check."""
    try:
        return np.array(data)
    except ValueError:  # ragged
        return np.array(None)
