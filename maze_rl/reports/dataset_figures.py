"""Figures of a dataset: spreads by grid size, distributions of path length, numbers of paths, examples."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from maze_rl.mazes.pictures.mark_layers import MarkColours
from maze_rl.mazes.pictures.marks import marks_of
from maze_rl.mazes.pictures.plotting import GalleryItem, MazeColours, plot_gallery
from maze_rl.mazes.solve import solve
from maze_rl.mazes.summary import GridSummary, Spread, Statistics
from maze_rl.reports.dataset_account import DatasetAccount, all_grids, grid_label, spread_evenly
from maze_rl.reports.palette import RUN_COLOURS, light
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_RIDGES = 8
"""Grid sizes whose distributions are drawn; of more, some are chosen."""
MOST_EXAMPLES = 6
"""Grid sizes with examples."""
LARGEST_EXAMPLE = 80
"""Cells per side of the largest maze that is drawn: the page must stay small."""
PATH_BINS = ((1, "one"), (2, "2"), (4, "3–4"), (8, "5–8"), (16, "9–16"), (None, "more"))
"""Most paths of each class, and what it is called."""
_PATH_COLOURS = ("void", "ramp-6", "ramp-9", "ramp-12", "ramp-16", "ramp-20")
_BINS = 48


def dataset_colour(index: int) -> str:
    """Return the light colour of the dataset at `index`."""
    return light(RUN_COLOURS[index % len(RUN_COLOURS)])


def spread_by_grid(
    accounts: Sequence[DatasetAccount], spread_of: Callable[[Statistics], Spread], label: str, from_zero: bool = True
) -> "Figure":
    """Draw how a number is spread, by grid size: 90 % (thin), the middle half (thick), the median (dot)."""
    figure, axes = _half_width_axes(len(accounts))
    shapes = all_grids(accounts)
    step = 0.74 / len(accounts)
    top = 0.0
    for index, account in enumerate(accounts):
        colour = dataset_colour(index)
        for grid in account.summary.grids:
            spread = spread_of(grid.statistics)
            x = shapes.index((grid.rows, grid.cols)) + step * (index - (len(accounts) - 1) / 2)
            axes.plot([x, x], [spread.low, spread.high], color=colour, linewidth=1.2)
            thick = min(9.0, 150 * step / len(shapes))
            ends = [spread.lower, spread.upper]
            axes.plot([x, x], ends, color=colour, linewidth=thick, solid_capstyle="butt")
            dot = {"markersize": min(5.0, 0.75 * thick), "markeredgecolor": colour, "markeredgewidth": 1.2}
            axes.plot([x], [spread.median], marker="o", color=light("paper"), clip_on=False, zorder=4, **dot)
            top = max(top, spread.high)
    _grid_axis(axes, accounts)
    axes.set(ylim=(0 if from_zero else 0.9, 1.05 * max(top, 1)), ylabel=label)
    _name_datasets(axes, accounts)
    return figure


def _half_width_axes(num: int) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / 2 - 0.1, 3.1 + (0.2 * num if num > 1 else 0)))
    figure.subplots_adjust(left=0.125, right=0.99, bottom=0.145, top=0.97 if num == 1 else 0.94 - 0.05 * num)
    return figure, figure.subplots()


def _grid_axis(axes: "Axes", accounts: Sequence[DatasetAccount]) -> None:
    labels = {(g.rows, g.cols): grid_label(g) for account in accounts for g in account.summary.grids}
    shapes = all_grids(accounts)
    places = spread_evenly(range(len(shapes)), 12)
    axes.set_xticks(places, [labels[shapes[place]] for place in places])
    square = all(rows == cols for rows, cols in shapes)
    axes.set(xlim=(-0.6, len(shapes) - 0.4), xlabel="cells per side" if square else "rows × columns")


def _name_datasets(axes: "Axes", accounts: Sequence[DatasetAccount]) -> None:
    """Write the names of the datasets in their colours above the axes, where there are several."""
    if len(accounts) == 1:
        return
    for index, account in enumerate(accounts):
        name = account.name if len(account.name) <= 40 else account.name[:39] + "…"
        axes.annotate(
            name,
            (0, 1),
            (0, 5 + 11 * (len(accounts) - 1 - index)),
            xycoords="axes fraction",
            textcoords="offset points",
            color=dataset_colour(index),
            fontsize=8.5,
            fontweight="bold",
            va="bottom",
        )


def length_ridges(accounts: Sequence[DatasetAccount]) -> "Figure":
    """Draw the distribution of path lengths: one row per grid size, one outline per dataset, each to its own height."""
    from matplotlib.figure import Figure

    shapes = spread_evenly(all_grids(accounts), MOST_RIDGES)
    head = 0.17 * len(accounts) if len(accounts) > 1 else 0
    height = 0.75 + 0.52 * len(shapes) + head
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.subplots()
    figure.subplots_adjust(left=0.07, right=0.985, bottom=0.48 / height, top=1 - (0.1 + head) / height)
    grids = [(index, grid) for index, account in enumerate(accounts) for grid in account.summary.grids]
    longest = max(grid.statistics.distance.most for _, grid in grids if (grid.rows, grid.cols) in shapes)
    width = max(1, -(-int(longest) // (_BINS * 2)))
    for index, grid in grids:
        if (grid.rows, grid.cols) in shapes:
            base = shapes.index((grid.rows, grid.cols))
            _plot_ridge(axes, grid, base, width, dataset_colour(index), fill=len(accounts) == 1)
    labels = {(grid.rows, grid.cols): grid_label(grid) for _, grid in grids}
    axes.set_yticks(range(len(shapes)), [labels[shape] for shape in shapes])
    square = all(rows == cols for rows, cols in shapes)
    axes.set(xlim=(0, longest + width), ylim=(-0.12, len(shapes) + 0.05), xlabel="length of the shortest path, steps")
    axes.set_ylabel("cells per side" if square else "rows × columns")
    axes.spines["left"].set_visible(False)
    _name_datasets(axes, accounts)
    return figure


def _plot_ridge(axes: "Axes", grid: GridSummary, base: int, width: int, colour: str, fill: bool) -> None:
    """Draw the histogram of path lengths of one grid size as an outline that stands on `base`."""
    lengths, numbers = np.array(grid.lengths).T
    histogram = np.bincount(lengths // width, weights=numbers, minlength=2)
    heights = base + 0.92 * histogram / histogram.max()
    edges = (np.arange(len(histogram) + 1)) * width - 0.5
    if fill:
        axes.stairs(heights, edges, baseline=base, fill=True, facecolor=colour, alpha=0.22, linewidth=0)
    axes.stairs(heights, edges, baseline=base, color=colour, linewidth=1.2)
    median = grid.statistics.distance.median
    axes.plot([median, median], [base - 0.09, base], color=colour, linewidth=1.8)


def path_count_shares(accounts: Sequence[DatasetAccount]) -> "Figure":
    """Draw the shares of mazes with one, two and more shortest paths, by grid size.

    Each dataset with a maze that has several has a panel; there must be one.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    shown = [(index, each) for index, each in enumerate(accounts) if each.summary.whole.num_several]
    num = len(shown)
    columns = min(num, 3)
    rows = -(-num // columns)
    height = 0.45 + 2.75 * rows
    figure = Figure(figsize=(WIDTH, height))
    panels = figure.subplots(rows, columns, squeeze=False, sharey=True)
    figure.subplots_adjust(left=0.065, right=0.99, bottom=0.5 / height, top=1 - 0.6 / height, hspace=0.4, wspace=0.08)
    for panel in panels.flat[num:]:
        panel.set_axis_off()
    for axes, (index, account) in zip(panels.flat, shown, strict=False):
        _plot_shares(axes, account)
        if len(accounts) > 1:
            axes.set_title(account.name, color=dataset_colour(index), fontsize=8.5, fontweight="bold")
    for axes in panels[:, 0]:
        axes.set_ylabel("mazes, %")
    handles = [
        Patch(facecolor=light(colour), label=name) for (_, name), colour in zip(PATH_BINS, _PATH_COLOURS, strict=True)
    ]
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.06, 1.0),
        ncols=len(handles),
        frameon=False,
        fontsize=8.5,
        labelcolor=light("muted"),
        handlelength=1.2,
        columnspacing=1.3,
        handletextpad=0.5,
    )
    return figure


def path_shares(grid: GridSummary) -> list[float]:
    """Return the share of mazes in each class of `PATH_BINS`."""
    limits = [most for most, _ in PATH_BINS if most is not None]
    numbers = [0] * len(PATH_BINS)
    for _, most, number in grid.path_counts:
        numbers[int(np.searchsorted(limits, most))] += number
    return [number / grid.statistics.num for number in numbers]


def _plot_shares(axes: "Axes", account: DatasetAccount) -> None:
    grids = account.summary.grids
    shares = 100 * np.array([path_shares(grid) for grid in grids]).T
    floor = np.zeros(len(grids))
    for share, colour in zip(shares, _PATH_COLOURS, strict=True):
        axes.bar(range(len(grids)), share, 0.82, floor, color=light(colour))
        floor += share
    _grid_axis(axes, [account])
    axes.set(ylim=(0, 100))


def example_gallery(account: DatasetAccount) -> "Figure":
    """Draw the examples of a dataset, three of a grid size: the shortest, the median and the longest path."""
    colours = MazeColours(
        wall=light("ink"),
        text=light("muted"),
        marks=MarkColours(path=light("blue"), casing=light("paper"), ink=light("ink"), text=light("muted")),
    )
    items = [
        GalleryItem(
            maze=maze, title=f"{rows}×{cols}, {rule}: {solution.distance}", marks=marks_of(solution, ["solution"])
        )
        for (rows, cols), examples in account.examples.items()
        for rule, maze in examples
        for solution in [solve(maze)]
    ]
    wide = max(max(item.maze.shape) for item in items) <= 15 and len(items) > 3
    columns = 6 if wide else 3
    return plot_gallery(items, columns=columns, side=WIDTH / columns, colours=colours)
