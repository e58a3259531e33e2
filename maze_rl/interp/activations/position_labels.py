"""The oracle's labels at every position of encoded mazes, as tensors with one row per position.

Cells are labelled by table (`maze_rl.mazes.cell_labels`) and looked up by each position's cell; on the path itself,
dead-end depth and k* are those of the path as written (`maze_rl.mazes.oracle`), which may differ where the maze has
cycles. An edge is labelled by its farther end: ``edge_distance = max(d(a), d(b))``.

Controls (Hewitt and Liang 2019, "Designing and Interpreting Probes with Control Tasks"): labels without meaning, that a
probe can fit only by memorising. `control_cell` is a random function of the cell alone, `control_per_maze` one of maze
and cell, both uniform on [0, 1), which `control_labels` turns into labels distributed as given ones;
`control_distance` is the distance of another cell, by a permutation fixed per grid shape and seed: in every maze its
values are those of the distances, in other places.
"""

from dataclasses import dataclass, fields

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int, Int8, Int16, Int64, Shaped
from numpy import ndarray
from torch import Tensor

from maze_rl.displays.short_repr import Shown
from maze_rl.mazes.cell_labels import label_cells, random_cell_values, shuffled_cells
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.mazes.oracle import label_paths
from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.spans import Region, TokenSpans


@dataclass(frozen=True, eq=False, kw_only=True)
class PositionLabels(Shown):
    """Labels of positions, row for row; directions are 0 down, 1 right, 2 up, 3 left.

    What is said of a cell is -1 or False at positions without one: delimiters, and edges of format `edges`.
    """

    maze: Int64[Tensor, " position"]
    """Index of the maze."""
    position: Int16[Tensor, " position"]
    """Place in the sequence, from 0."""
    region: Int8[Tensor, " position"]
    """A `Region`."""
    cell: Int16[Tensor, "position 2"]
    """(row, col) in the maze; -1 without a cell."""
    distance: Int16[Tensor, " position"]
    """Steps from the cell to the target; -1 also where the target cannot be reached."""
    manhattan: Int16[Tensor, " position"]
    """Rows plus columns between the cell and the target."""
    frontier: Int16[Tensor, " position"]
    """Steps from the origin to the cell; -1 also where it cannot be reached."""
    on_path: Bool[Tensor, " position"]
    """Whether some shortest path from origin to target passes the cell."""
    legal: Bool[Tensor, "position 4"]
    """Open sides of the cell; the others are walls."""
    optimal: Bool[Tensor, "position 4"]
    """Directions one step nearer to the target."""
    num_options: Int8[Tensor, " position"]
    """Moves from the cell other than back towards the origin; -1 without a cell."""
    is_fork: Bool[Tensor, " position"]
    """More than one such move, and not at the target: False at a cell means forced."""
    look_ahead: Int16[Tensor, " position"]
    """k*: how far one must see to choose rightly at the cell; -1 without a cell."""
    dead_end_depth: Int16[Tensor, " position"]
    """Steps to the deepest cell of the cell's wrong branches; -1 without a cell or where one never closes."""
    edge: Int16[Tensor, "position 3"]
    """(direction, row, col) of the edge the position lists; -1 outside the adjacency list."""
    edge_open: Bool[Tensor, " position"]
    """Whether that edge is open."""
    edge_distance: Int16[Tensor, " position"]
    """Steps from the edge's farther end to the target; -1 without an edge or a way to the target."""
    edge_frontier: Int16[Tensor, " position"]
    """Steps from the origin to the edge's farther end; -1 without an edge or a way from the origin."""
    edge_on_path: Bool[Tensor, " position"]
    """Whether some shortest path from origin to target takes the edge."""
    control_cell: Float32[Tensor, " position"]
    """A random number of the cell on the canvas, uniform on [0, 1); nan without a cell."""
    control_per_maze: Float32[Tensor, " position"]
    """A random number of maze and cell, uniform on [0, 1); nan without a cell."""
    control_distance: Int16[Tensor, " position"]
    """Distance of another cell of the maze, by a permutation of the grid's cells; -1 without a cell."""

    def __len__(self) -> int:
        return len(self.maze)

    @property
    def nbytes(self) -> int:
        """Bytes of all labels: `LABEL_BYTES` per position."""
        return sum(getattr(self, field.name).nbytes for field in fields(self))


LABEL_BYTES = 58
"""Bytes the labels of one position take."""


def control_labels(
    uniform: Float32[Tensor, " position"], labels: Shaped[Tensor, " position"]
) -> Shaped[Tensor, " position"]:
    """Turn control numbers into labels distributed as `labels`: the quantiles of these at those numbers."""
    places = (uniform * len(labels)).long().clamp(max=len(labels) - 1)
    return labels.sort().values[places]


def label_positions(
    mazes: MazeCollection,
    spans: TokenSpans,
    *,
    indices: Int64[ndarray, " maze"] | None = None,
    chosen: Bool[Tensor, "maze pos"] | None = None,
    seed: int = 0,
) -> PositionLabels:
    """Label positions of encoded mazes, sequence after sequence.

    Args:
        mazes: The mazes the sequences are of, in their order.
        spans: What `Tokenization.encode` says of the sequences.
        indices: Number of each maze, for `PositionLabels.maze` and the controls; 0, 1, 2, ... without it.
        chosen: The positions wanted; all that are no padding without it.
        seed: Seed of the control labels.
    """
    streams = np.arange(len(mazes)) if indices is None else indices
    row, position = torch.where(spans.real if chosen is None else chosen)
    tables = _Tables.build(mazes, streams, seed)
    cell, edge = spans.cells[row, position], spans.edges[row, position]
    offsets, region = spans.offsets[row], spans.regions[row, position]
    labels = {
        "maze": torch.from_numpy(streams)[row],
        "position": position.to(torch.int16),
        "region": region,
        **_of_cells(tables, row, cell, cell + offsets, spans.layout.canvas, seed),
        **_of_edges(tables, row, edge),
    }
    _relabel_path(labels, mazes, spans, row, position)
    return PositionLabels(**labels)


@dataclass(frozen=True, eq=False)
class _Tables:
    """Labels of all cells of all mazes, one maze's cells after another's, and a last row for "no cell"."""

    first: Int64[Tensor, " maze"]
    cols: Int64[Tensor, " maze"]
    targets: Int16[Tensor, "maze 2"]
    of_cell: dict[str, Tensor]

    @classmethod
    def build(cls, mazes: MazeCollection, streams: Int64[ndarray, " maze"], seed: int) -> "_Tables":
        first, cols = torch.empty(len(mazes), dtype=torch.int64), torch.empty(len(mazes), dtype=torch.int64)
        targets, parts, filled = torch.empty((len(mazes), 2), dtype=torch.int16), [], 0
        for place, batch in enumerate(mazes.batches):
            where, size = mazes.indices_of(place), batch.shape[0] * batch.shape[1]
            first[where] = filled + size * torch.arange(len(batch))
            cols[where], targets[where] = batch.shape[1], torch.from_numpy(batch.targets)
            labels = vars(label_cells(batch))
            labels["per_maze"] = random_cell_values(streams[where], size, seed)
            labels["shuffled"] = labels["distances"][:, shuffled_cells(batch.shape, seed)]
            parts.append({name: values.reshape(len(batch) * size, -1) for name, values in labels.items()})
            filled += size * len(batch)
        of_cell = {name: _joined([part[name] for part in parts]) for name in parts[0]}
        return cls(first, cols, targets, of_cell)

    def rows_of(
        self, maze: Int64[Tensor, " position"], cell: Int16[Tensor, "position 2"]
    ) -> Int64[Tensor, " position"]:
        """Return the row of each cell; the last one for a cell of -1."""
        rows = self.first[maze] + cell[:, 0] * self.cols[maze] + cell[:, 1]
        return torch.where(cell[:, 0] >= 0, rows, len(self.of_cell["distances"]) - 1)


def _joined(parts: list[ndarray]) -> Tensor:
    """Join tables, append the row for "no cell" and make the numbers small."""
    values = np.concatenate(parts)
    nothing = {"b": False, "i": -1, "f": np.nan}[values.dtype.kind]
    table = torch.from_numpy(np.concatenate([values, np.full((1, values.shape[1]), nothing, values.dtype)]))
    table = table.to(torch.int16) if table.dtype == torch.int32 else table
    return table[:, 0].contiguous() if table.shape[1] == 1 else table


def _of_cells(
    tables: _Tables,
    maze: Int64[Tensor, " position"],
    cell: Int16[Tensor, "position 2"],
    on_canvas: Int16[Tensor, "position 2"],
    canvas: int,
    seed: int,
) -> dict[str, Tensor]:
    """Look up the labels of each position's cell."""
    rows, has_cell = tables.rows_of(maze, cell), cell[:, 0] >= 0
    names = {"distances": "distance", "per_maze": "control_per_maze", "shuffled": "control_distance"}
    labels = {names.get(name, name): table[rows] for name, table in tables.of_cell.items()}
    manhattan = (cell - tables.targets[maze]).abs().sum(dim=1, dtype=torch.int16)
    words = np.append(numpy_generator(seed, "control_cell").random(canvas * canvas, np.float32), np.float32(np.nan))
    word = torch.where(has_cell, on_canvas[:, 0].long() * canvas + on_canvas[:, 1], canvas * canvas)
    return labels | {
        "cell": cell,
        "manhattan": torch.where(has_cell, manhattan, -1),
        "control_cell": torch.from_numpy(words)[word],
    }


def _of_edges(
    tables: _Tables, maze: Int64[Tensor, " position"], edge: Int16[Tensor, "position 3"]
) -> dict[str, Tensor]:
    """Label each position's edge by what its two cells are."""
    direction, near = edge[:, 0].long(), edge[:, 1:]
    step = torch.tensor([[1, 0], [0, 1]], dtype=torch.int16)
    ends = [tables.rows_of(maze, near), tables.rows_of(maze, torch.where(near >= 0, near + step[direction], -1))]
    distance, frontier = (
        [table[rows] for rows in ends] for table in (tables.of_cell["distances"], tables.of_cell["frontier"])
    )
    # down and right are the first two directions of a cell too
    is_open = tables.of_cell["legal"][ends[0], direction.clamp(min=0)]
    used = is_open & (distance[0] != distance[1])
    for rows in ends:
        used &= tables.of_cell["on_path"][rows]
    return {
        "edge": edge,
        "edge_open": is_open,
        "edge_distance": _farther(distance),
        "edge_frontier": _farther(frontier),
        "edge_on_path": used,
    }


def _farther(steps: list[Int16[Tensor, " position"]]) -> Int16[Tensor, " position"]:
    """Return the larger of two numbers of steps; -1 if one of them is."""
    return torch.where(torch.minimum(*steps) < 0, -1, torch.maximum(*steps))


def _relabel_path(
    labels: dict[str, Tensor],
    mazes: MazeCollection,
    spans: TokenSpans,
    row: Int64[Tensor, " position"],
    position: Int64[Tensor, " position"],
) -> None:
    """Put the labels of the path as written in place of those of its cells."""
    on_path = torch.nonzero(labels["region"] == int(Region.PATH))[:, 0]
    if len(on_path) == 0:
        return
    paths, num_cells = _paths(mazes, spans)
    maze, moves = row[on_path], int(spans.layout.path_as_moves)
    place = (position[on_path] - spans.path_start[maze] - 1) // spans.layout.tokens_per_step + moves
    shape = paths.shape[:2]
    written = {name: np.zeros(shape, np.int16) for name in ("dead_end_depth", "look_ahead")}
    for number, batch in enumerate(mazes.batches):
        where = mazes.indices_of(number)
        of_batch = label_paths(batch, paths[where], num_cells[where])
        for name, values in written.items():
            values[where] = getattr(of_batch, name)
    for name, values in written.items():
        labels[name][on_path] = torch.from_numpy(values)[maze, place]


def _paths(mazes: MazeCollection, spans: TokenSpans) -> tuple[Int16[ndarray, "maze length 2"], Int[ndarray, " maze"]]:
    """Read the path of each sequence: its cells, and how many they are."""
    size, moves = spans.layout.tokens_per_step, int(spans.layout.path_as_moves)
    num_cells = (spans.lengths - spans.path_start - 2).clamp(min=0) // size + moves
    place = spans.path_start[:, None] + 1 + size * (torch.arange(int(num_cells.max())) - moves)
    rows = torch.arange(len(place))[:, None]
    paths = spans.cells[rows, place.clamp(max=spans.tokens.shape[1] - 1)].numpy().copy()
    if moves:
        for number, batch in enumerate(mazes.batches):
            paths[mazes.indices_of(number), 0] = batch.origins
    return paths, num_cells.numpy()
