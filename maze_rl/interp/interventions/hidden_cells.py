"""Cells hidden from attention: does what lies far away help a cell to find its way, or mislead it?

In larger mazes a cell sees cells at offsets that no maze of the training sizes has. Here all heads, in all loops, are
kept from looking from a cell (or from a start's own token) at cells `limit` rows or columns away or more, and all cells
are asked again. The control hides as many cells from each, drawn among all but the cell itself and those beside it. If
right answers come back with far cells hidden and not with the others, they were lost to what is far away; if they get
fewer, attention that far is used.

Cells are counted by the look-ahead they need, min(d, h) (`algorithm_clocks`), those with one open side left out. Rates
and differences, paired by cell, have intervals over layouts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import LoopAnswers, answers_by_loop
from maze_rl.interp.inputs.algorithm_clocks import either_rounds
from maze_rl.interp.inputs.cell_features import degrees
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.intervals import Interval, bootstrap_ratios
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.random_streams import torch_generator

BINS = ((1, 4), (5, 8), (9, 16), (17, 400))
"""Look-ahead in steps, both ends included."""


@dataclass(frozen=True, kw_only=True)
class Seen(Shown):
    """Share of cells that are right in the end, of one range of look-ahead."""

    plain: Interval
    hidden: Interval
    """Far cells hidden, less `plain`."""
    control: Interval
    """As many others hidden, less `plain`."""
    num_cells: int


@dataclass(frozen=True, kw_only=True, eq=False)
class HiddenCells(Shown):
    """The answers of the same mazes, with everything in sight and with something hidden."""

    limit: int
    plain: LoopAnswers
    hidden: LoopAnswers
    control: LoopAnswers

    def by_look_ahead(self, *, seed: int = 0) -> Mapping[tuple[int, int], Seen]:
        """Return the rates after the last loop by the look-ahead that cells need; ranges without cells are left out."""
        mazes = self.plain.mazes
        rounds, counted = either_rounds(mazes), self.plain.asked & (degrees(mazes) >= 2)
        plain, hidden, control = (each.right[:, -1] for each in (self.plain, self.hidden, self.control))
        found = {}
        for low, high in BINS:
            where = counted & (rounds >= low) & (rounds <= high)
            if not where.any():
                continue
            gains = (plain, hidden.astype(int) - plain, control.astype(int) - plain)
            sums = np.stack([np.where(where, each, 0).sum(axis=1) for each in gains], axis=1).astype(np.float64)
            cells = np.repeat(where.sum(axis=1, keepdims=True), 3, axis=1).astype(np.float64)
            rates = bootstrap_ratios(sums, cells, layouts_of(mazes), seed=seed)
            found[low, high] = Seen(plain=rates[0], hidden=rates[1], control=rates[2], num_cells=int(where.sum()))
        return found


def hide_far_cells(
    model: HookedTransformer,
    mazes: MazeBatch,
    *,
    limit: int,
    loops: int | None = None,
    seed: int = 0,
    batch_size: int = 8,
) -> HiddenCells:
    """Ask all cells with everything in sight, with far cells hidden, and with as many others hidden.

    Args:
        model: A model with loops whose prompts list cells and do not name the origin.
        mazes: Mazes of one size.
        limit: Rows or columns apart from which on a cell is hidden.
        loops: How often the block is applied; None for as often as it is built.
        seed: Seed of the prompts and of what the control hides.
        batch_size: Mazes run at once; what the control hides is drawn for each such batch.

    Raises:
        ConfigurationError: No two cells lie so far apart, `limit` is below 1, or the model lacks what `answers_by_loop`
            needs.
    """
    check_count("limit", limit)
    if limit >= max(mazes.shape):
        raise ConfigurationError(
            f"limit is {limit}: no cells of a {mazes.shape[0]} x {mazes.shape[1]} maze lie so far apart; hide nearer "
            "ones or take larger mazes."
        )

    def far(rows: slice, about: Int64[Tensor, "maze pos 2"]) -> Bool[Tensor, "maze query_pos key_pos"]:
        apart, both = _apart(about)
        return both & (apart >= limit)

    def others(rows: slice, about: Int64[Tensor, "maze pos 2"]) -> Bool[Tensor, "maze query_pos key_pos"]:
        apart, both = _apart(about)
        hidden = (both & (apart >= limit)).sum(dim=2, keepdim=True)
        ranks = torch.rand(apart.shape, generator=torch_generator(seed + rows.start, "hidden cells"))
        ranks = torch.where(both & (apart > 1), ranks, 2.0)
        return ranks.argsort(dim=2).argsort(dim=2) < hidden

    asked = {
        name: answers_by_loop(model, mazes, loops=loops, hidden=hidden, seed=seed, batch_size=batch_size)
        for name, hidden in (("plain", None), ("hidden", far), ("control", others))
    }
    return HiddenCells(limit=limit, **asked)


def _apart(
    about: Int64[Tensor, "maze pos 2"],
) -> tuple[Int64[Tensor, "maze pos pos"], Bool[Tensor, "maze pos pos"]]:
    """Return how many rows or columns lie between the cells of two positions, and whether both are about one."""
    known = about[..., 0] >= 0
    apart = (about[:, :, None] - about[:, None]).abs().amax(dim=-1)
    return apart, known[:, :, None] & known[:, None]
