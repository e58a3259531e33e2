"""The section on what cells look at: attention as a kernel over offsets, and how it changes with the size of mazes."""

from typing import TYPE_CHECKING

from maze_rl.interp.attention.cell_kernel import CellKernel
from maze_rl.reports.content import Column, Section, Statement, Table, Value
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.search.heat_grids import draw_grid
from maze_rl.reports.search.loops.measures import middle_layers, neighbour_attention
from maze_rl.reports.search.search_result import LoopSearchResult
from maze_rl.reports.search.stated import estimate, sentence
from maze_rl.reports.vector_graphics import WIDTH

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REACH = 3
"""Rows and columns around a cell that are drawn."""


def kernel_section(result: LoopSearchResult, gallery: Gallery) -> Section:
    """Put the section together."""
    picture = gallery.picture(
        _figure(result),
        name="kernels",
        title="Attention of a cell to the cells around it",
        alt="Mean attention of every head of the middle loop by rows and columns apart.",
        reading=neighbour_reading(result),
    )
    return Section(
        name="attention",
        title="What cells look at",
        lead=Statement(
            "Mean attention in the middle loop; a head that knows the lattice and not the walls would give an open and "
            "a walled neighbour the same. Attention proposes, and decides nothing."
        ),
        pictures=[picture],
        tables=[_table(result)],
    )


def neighbour_reading(result: LoopSearchResult) -> Statement:
    """State which head looks most through openings."""
    found = neighbour_attention(_kernel(result), _loops(result), result.setting.seed)
    best = max(found, key=lambda name: found[name]["open"].value - found[name]["walled"].value)
    return sentence(
        "{head} looks most where the way is open: it gives an open neighbour {opened} of its attention and a walled "
        "one {walled}.",
        head=best,
        opened=found[best]["open"],
        walled=found[best]["walled"],
    )


def _kernel(result: LoopSearchResult) -> CellKernel:
    return result.battery.kernels[result.setting.size]


def _loops(result: LoopSearchResult) -> int:
    return result.battery.answers.moves.shape[1]


def _figure(result: LoopSearchResult) -> "Figure":
    from matplotlib.figure import Figure

    kernel, side = _kernel(result), result.setting.size
    layers, heads = middle_layers(kernel, _loops(result)), kernel.mass.shape[1]
    reach = min(_REACH, side - 1)
    window = slice(side - 1 - reach, side + reach)
    figure = Figure(figsize=(WIDTH, 1.9 * len(layers)), layout="constrained")
    for row, axes_of_layer in zip(layers, figure.subplots(len(layers), heads, squeeze=False), strict=True):
        for head, axes in enumerate(axes_of_layer):
            values = kernel.by_offset[row, head][window, window]
            blank = [""] * len(values)
            draw_grid(axes, values / values.max(), rows=blank, columns=blank, numbered=False)
            axes.set(title=f"L{row}H{head}, most {values.max():.2f}", aspect="equal")
    return figure


def _table(result: LoopSearchResult) -> Table:
    columns = [Column(key="size", title="size"), Column(key="head", title="head")]
    titles = {"own": "itself", "open": "an open neighbour", "walled": "a walled one", "other": "all further away"}
    columns += [Column(key=key, title=title, kind="decimal") for key, title in titles.items()]
    rows: list[dict[str, Value]] = []
    for side, kernel in result.battery.kernels.items():
        found = neighbour_attention(kernel, _loops(result), result.setting.seed)
        for head, shares in found.items():
            kept: dict[str, Value] = {"size": f"{side}×{side}", "head": head}
            rows.append(kept | {key: estimate(shares[key], len(kernel.shares)) for key in titles})
    caption = "Attention by size of the mazes: what the heads of the middle loop give the cells around a cell."
    return Table(name="neighbours", caption=caption, columns=columns, rows=rows, folded=True)
