"""What a set of mazes is like: path lengths, forks, path counts, detours, duplicates, by grid size.

Mazes are measured chunk by chunk and forgotten; about 50 bytes of numbers are kept of each, so a million
mazes take 50 MB and quartiles are exact. A quartile is the smallest measured value that at least a quarter
of the mazes do not exceed, so it is always a value that occurs.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from maze_rl.displays.short_repr import Shown, counted
from maze_rl.errors import MazeRLError
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.mazes.measures import MazeMeasures, measure
from maze_rl.mazes.splits import BUCKETS, bucket_of
from maze_rl.mazes.summary_table import summary_html

_SHARES = {"least": 0.0, "low": 0.05, "lower": 0.25, "median": 0.5, "upper": 0.75, "high": 0.95, "most": 1.0}
EXAMPLES = ("shortest", "median", "longest")
"""By which path length the examples of a grid size are chosen."""


@dataclass(frozen=True, kw_only=True)
class Spread(Shown):
    """How one number is distributed over mazes."""

    mean: float
    least: int | float
    low: int | float
    """One maze in twenty has at most this."""
    lower: int | float
    """A quarter of the mazes have at most this."""
    median: int | float
    upper: int | float
    """Three quarters of the mazes have at most this."""
    high: int | float
    """All but one maze in twenty have at most this."""
    most: int | float

    def _brief(self) -> str:
        return f"{self.least:g} to {self.most:g}, median {self.median:g}"


@dataclass(frozen=True, kw_only=True)
class Statistics(Shown):
    """What a set of mazes is like."""

    num: int
    distance: Spread
    """Steps on a shortest path."""
    detour: Spread
    """Distance over Manhattan distance."""
    path_count: Spread
    """Number of shortest paths; `maze_rl.mazes.measures.MOST_PATHS` stands for itself or more."""
    decisions: Spread
    """Positions of a shortest path with a choice."""
    forks: Spread
    """Cells with three or four open steps."""
    dead_ends: Spread
    """Cells with one open step."""
    loops: Spread
    """Independent cycles; 0 for a tree."""
    num_several: int
    """Mazes with more than one shortest path."""
    num_distinct: int
    """Different walls, up to the 8 rotations and reflections, whatever the endpoints."""
    num_reached: int
    """Cells of all mazes from which the target can be reached."""
    num_cells: int
    """Cells of all mazes."""

    def _headline(self) -> str:
        steps = f"{self.distance._brief()} steps"
        return f"{counted(self.num, 'maze')}, {steps}, {self.num_several:,} with several shortest paths"

    def _brief(self) -> str:
        return f"{counted(self.num, 'maze')}, median {self.distance.median:g} steps"

    @property
    def share_several(self) -> float:
        """Share of mazes with more than one shortest path."""
        return self.num_several / self.num

    @property
    def share_duplicates(self) -> float:
        """Share of mazes whose walls an earlier maze has, rotated or mirrored or as they are."""
        return 1 - self.num_distinct / self.num


@dataclass(frozen=True, kw_only=True)
class GridSummary(Shown):
    """The mazes of one grid size."""

    rows: int
    cols: int
    statistics: Statistics
    lengths: tuple[tuple[int, int], ...]
    """(distance, number of mazes), in order of distance."""
    path_counts: tuple[tuple[int, int, int], ...]
    """(least, most, number of mazes) of bins of path counts: 1, 2, 3 to 4, 5 to 8, and so on."""
    examples: Mapping[str, int]
    """`EXAMPLES` -> index of a maze with that path length, the first there is."""

    def _headline(self) -> str:
        return f"{self.name}, {self.statistics._headline()}"

    @property
    def name(self) -> str:
        """How people write the size: ``9×9``."""
        return f"{self.rows}×{self.cols}"


@dataclass(frozen=True, kw_only=True)
class DatasetSummary(Shown):
    """What a dataset is like, as a whole and by grid size."""

    whole: Statistics
    grids: tuple[GridSummary, ...]
    """In order of the number of cells."""
    buckets: Mapping[str, int]
    """Split -> number of mazes whose walls belong to it, whatever the dataset calls them."""

    def _headline(self) -> str:
        sizes = ", ".join(dict.fromkeys([self.grids[0].name, self.grids[-1].name])) if self.grids else ""
        return f"{sizes}: {self.whole._headline()}"

    def _repr_html_(self) -> str:
        return summary_html(self)

    @property
    def num(self) -> int:
        """Number of mazes."""
        return self.whole.num

    def to_json(self) -> dict[str, Any]:
        """Return all numbers as plain JSON values."""
        values = asdict(self)
        return values | {
            "grids": [
                grid
                | {
                    "lengths": [list(pair) for pair in grid["lengths"]],
                    "path_counts": [list(row) for row in grid["path_counts"]],
                }
                for grid in values["grids"]
            ]
        }


def summarise(chunks: Iterable[MazeCollection]) -> DatasetSummary:
    """Summarise mazes that come in chunks, in order; no chunk is kept.

    Raises:
        MazeRLError: There is no maze.
    """
    parts: dict[tuple[int, int], list[MazeMeasures]] = defaultdict(list)
    places: dict[tuple[int, int], list[ndarray]] = defaultdict(list)
    start = 0
    for chunk in chunks:
        for position, batch in enumerate(chunk.batches):
            indices = start + chunk.indices_of(position)
            parts[batch.shape].append(measure(batch, indices))
            places[batch.shape].append(indices)
        start += len(chunk)
    if start == 0:
        raise MazeRLError("there is no maze to summarise: the dataset is empty.")
    shapes = sorted(parts, key=lambda shape: (shape[0] * shape[1], shape))
    measures = {shape: MazeMeasures.concatenate(parts.pop(shape)) for shape in shapes}
    grids = tuple(_summarise_grid(shape, measures[shape], np.concatenate(places[shape])) for shape in shapes)
    every = MazeMeasures.concatenate(list(measures.values()))
    num_cells = sum(grid.statistics.num_cells for grid in grids)
    return DatasetSummary(whole=_statistics(every, num_cells), grids=grids, buckets=_buckets(every))


def _summarise_grid(shape: tuple[int, int], measures: MazeMeasures, indices: ndarray) -> GridSummary:
    rows, cols = shape
    order = np.argsort(indices)
    statistics = _statistics(measures, rows * cols * len(measures))
    values, counts = np.unique(measures.distance, return_counts=True)
    spread = statistics.distance
    wanted = zip(EXAMPLES, (spread.least, spread.median, spread.most), strict=True)
    in_order = measures.distance[order]
    return GridSummary(
        rows=rows,
        cols=cols,
        statistics=statistics,
        lengths=tuple(zip(values.tolist(), counts.tolist(), strict=True)),
        path_counts=_bin_by_doubling(measures.path_count),
        examples={rule: int(indices[order[np.argmax(in_order == length)]]) for rule, length in wanted},
    )


def _statistics(measures: MazeMeasures, num_cells: int) -> Statistics:
    names = ("distance", "detour", "path_count", "decisions", "forks", "dead_ends", "loops")
    return Statistics(
        num=len(measures),
        num_several=int((measures.path_count > 1).sum()),
        num_distinct=len(np.unique(measures.hashes)),
        num_reached=int(measures.reached.sum(dtype=np.int64)),
        num_cells=num_cells,
        **{name: _spread(getattr(measures, name)) for name in names},
    )


def _spread(values: ndarray) -> Spread:
    points = np.quantile(values, list(_SHARES.values()), method="inverted_cdf").tolist()
    return Spread(mean=float(values.mean(dtype=np.float64)), **dict(zip(_SHARES, points, strict=True)))


def _bin_by_doubling(counts: Int64[ndarray, " num"]) -> tuple[tuple[int, int, int], ...]:
    """Count values in the bins 1, 2, 3..4, 5..8, ..., up to the last that holds one."""
    levels = np.searchsorted(1 << np.arange(63, dtype=np.int64), counts)
    numbers = np.bincount(levels).tolist()
    return tuple(((1 << level >> 1) + 1 if level else 1, 1 << level, number) for level, number in enumerate(numbers))


def _buckets(measures: MazeMeasures) -> dict[str, int]:
    buckets = bucket_of(measures.hashes)
    return {name: int(((buckets >= first) & (buckets < last)).sum()) for name, (first, last) in BUCKETS.items()}
