"""Attention between the cells of a prompt as a kernel: how much a cell gives to the cell at each offset from it.

Where the prompt lists cells and is visible to itself, every cell's token attends to all others. Averaged over cells
and mazes a head becomes a small map over offsets (rows, columns), and a few shares of its attention:

- to the cell itself, to lattice neighbours across an open side, to those behind a wall, to all other cells, to the
  target's token, and to what is left;
- of what it gives to one open neighbour, beside what it gives to one walled: a head that knows the lattice and not the
  walls gives both the same (the control of `adjacency_heads`, asked of all cells at once);
- its entropy, and its share at offsets that no maze of the training sizes has.

The same mazes may have any size, so that what a larger maze does to a head can be read off: attention under size shift.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.interp.activations.answers_by_loop import listed_at
from maze_rl.interp.inputs.cell_features import neighbour_cells
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.requirements import (
    LOOPED,
    analysed_tokenization,
    require_cells_in_prompt,
    require_known_forward,
)
from maze_rl.intervals import Interval, bootstrap_ratios
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.tokenization.spans import TokenSpans

GROUPS = ("own cell", "open neighbours", "walled neighbours", "other cells", "target", "other tokens")
_OWN, _OPEN, _WALLED, _OTHER = range(4)


@dataclass(frozen=True, kw_only=True, eq=False)
class CellKernel(Shown):
    """What the cells of mazes of one size attend to, by layer and head; in a model with loops layers count on."""

    mass: Float64[ndarray, "layer head rows_apart cols_apart"]
    """Mean share of a cell's attention at each offset; (rows - 1, cols - 1) is the cell itself."""
    available: Int64[ndarray, "rows_apart cols_apart"]
    """How many cells of a maze have one at that offset."""
    shares: Float64[ndarray, "maze layer head group"]
    """Mean over the cells of each maze; the groups are `GROUPS` and add up to 1."""
    pairs: Int64[ndarray, "maze 2"]
    """How many pairs of a cell and an open neighbour each maze has, and of a cell and a walled one."""
    entropy: Float64[ndarray, "maze layer head"]
    """Of a cell's attention over all it sees, in nats, mean over the cells of each maze."""
    layouts: Int64[ndarray, " maze"]

    def _headline(self) -> str:
        layers, heads, rows, cols = self.mass.shape
        return f"{len(self.shares)} mazes of {rows // 2 + 1} x {cols // 2 + 1}, {layers} layers of {heads} heads"

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the mazes."""
        return self.mass.shape[2] // 2 + 1, self.mass.shape[3] // 2 + 1

    @property
    def by_offset(self) -> Float64[ndarray, "layer head rows_apart cols_apart"]:
        """Mean attention to the cell at each offset, over the cells that have one there."""
        return self.mass * np.prod(self.shape) / np.maximum(self.available, 1)

    def beyond(self, rows: int, cols: int) -> Float64[ndarray, "layer head"]:
        """Return the share of attention at offsets that mazes of `rows` by `cols` cells do not have.

        Raises:
            ConfigurationError: A side is below 1.
        """
        check_count("rows", rows)
        check_count("cols", cols)
        apart = [np.abs(np.arange(1 - side, side)) for side in self.shape]
        outside = (apart[0][:, None] >= rows) | (apart[1] >= cols)
        return self.mass[..., outside].sum(axis=-1)

    def neighbours(self, *, seed: int = 0) -> tuple[list[Interval], list[Interval]]:
        """Return what one open and what one walled neighbour gets, of every head, layer by layer.

        Means over all such pairs, with bootstrap intervals over layouts.
        """
        cells, (num, layers, heads, _) = np.prod(self.shape), self.shares.shape
        found = []
        for group, column in ((_OPEN, 0), (_WALLED, 1)):
            given = self.shares[..., group].reshape(num, layers * heads) * cells
            counted = np.repeat(self.pairs[:, [column]], layers * heads, axis=1).astype(np.float64)
            found.append(bootstrap_ratios(given, counted, self.layouts, seed=seed))
        return found[0], found[1]

    def share(self, group: str, *, seed: int = 0) -> list[Interval]:
        """Return the mean share of a group, of every head, layer by layer, with bootstrap intervals over layouts.

        Raises:
            UnknownNameError: There is no such group.
        """
        if group not in GROUPS:
            raise unknown_name("group", group, GROUPS)
        return self._means(self.shares[..., GROUPS.index(group)], seed)

    def entropies(self, *, seed: int = 0) -> list[Interval]:
        """Return the mean entropy of every head in nats, layer by layer, with bootstrap intervals over layouts."""
        return self._means(self.entropy, seed)

    def _means(self, values: Float64[ndarray, "maze layer head"], seed: int) -> list[Interval]:
        columns = values.reshape(len(values), -1)
        return bootstrap_ratios(columns, np.ones_like(columns), self.layouts, seed=seed)


@torch.inference_mode()
def cell_kernel(model: HookedTransformer, mazes: MazeBatch, *, seed: int = 0, batch_size: int = 16) -> CellKernel:
    """Measure every head's attention between the cells of the prompt.

    Args:
        model: A model whose prompt lists cells; behind a causal prompt a cell sees those listed before it alone.
        mazes: Mazes of one size, of any beside those of training.
        seed: Seed of the order in which cells are listed.
        batch_size: Mazes run at once: the pattern of one layer takes ``heads * cells**2`` numbers for each.

    Raises:
        ConfigurationError: The prompt lists no cells, the mazes are none or do not fit the canvas, or `batch_size` is
            below 1.
    """
    tokenization = tokenization_of(model)
    require_known_forward(model, "reading the attention of padded sequences", LOOPED)
    require_cells_in_prompt(tokenization.layout, "attention between the cells of a prompt")
    check_count("batch_size", batch_size)
    if len(mazes) == 0:
        raise ConfigurationError("there are no mazes to look at: give at least one.")
    encoded = analysed_tokenization(tokenization).encode_batch(
        mazes, streams=np.arange(len(mazes)), seed=seed, prompt_only=True
    )
    rows, cols = mazes.shape
    sums = _Sums(mazes, encoded.spans, model.cfg.n_layers, model.cfg.n_heads)
    device = next(model.parameters()).device
    with parametrize.cached():
        for first in range(0, len(mazes), batch_size):
            chosen = slice(first, first + batch_size)
            hooks: list[Any] = [
                (f"blocks.{layer}.attn.hook_pattern", partial(sums.add, layer, chosen))
                for layer in range(model.cfg.n_layers)
            ]
            model.run_with_hooks(encoded.tokens[chosen].to(device), fwd_hooks=hooks, stop_at_layer=model.cfg.n_layers)
    across = [side - np.abs(np.arange(1 - side, side)) for side in (rows, cols)]
    return CellKernel(
        mass=sums.mass / (len(mazes) * rows * cols),
        available=np.outer(*across),
        shares=sums.shares,
        pairs=sums.pairs,
        entropy=sums.entropy,
        layouts=layouts_of(mazes),
    )


class _Sums:
    """Takes the patterns of some mazes, one layer at a time, and keeps sums."""

    def __init__(self, mazes: MazeBatch, spans: TokenSpans, layers: int, heads: int) -> None:
        (rows, cols), num = mazes.shape, len(mazes)
        cells = rows * cols
        self._listed = listed_at(spans, mazes.shape)
        self._target = spans.target_start
        self._apart = _offset_numbers(rows, cols)
        self._group = torch.from_numpy(_cell_groups(mazes))
        self.mass = np.zeros((layers, heads, 2 * rows - 1, 2 * cols - 1))
        self.shares = np.zeros((num, layers, heads, len(GROUPS)))
        self.entropy = np.zeros((num, layers, heads))
        counts = [(self._group == group).sum(dim=(1, 2)).numpy() for group in (_OPEN, _WALLED)]
        self.pairs: Int64[ndarray, "maze 2"] = np.stack(counts, axis=1).astype(np.int64)
        self._cells = cells

    def add(self, layer: int, mazes: slice, pattern: Float[Tensor, "maze head query key"], hook: object) -> None:
        """Add up one layer of some mazes."""
        num, heads = pattern.shape[:2]
        device, maze = pattern.device, torch.arange(num, device=pattern.device)
        listed = self._listed[mazes].to(device)
        # of the cells, in their order on the lattice
        seen = pattern[maze[:, None], :, listed].permute(0, 2, 1, 3).double()
        between = torch.gather(seen, 3, listed[:, None, None].expand(num, heads, self._cells, self._cells))
        flat = between.flatten(2)
        bins = flat.new_zeros(num, heads, self.mass[layer, 0].size)
        bins.scatter_add_(2, self._apart.to(device).flatten().expand_as(flat), flat)
        self.mass[layer] += bins.sum(dim=0).reshape(self.mass[layer].shape).cpu().numpy()
        group = self._group[mazes].to(device).flatten(1)[:, None].expand_as(flat)
        shares = flat.new_zeros(num, heads, len(GROUPS)).scatter_add_(2, group, flat)
        shares[..., GROUPS.index("target")] = seen[maze, :, :, self._target[mazes].to(device)].sum(dim=-1)
        shares /= self._cells
        shares[..., -1] = 1 - shares[..., :-1].sum(dim=-1)
        self.shares[mazes, layer] = shares.cpu().numpy()
        self.entropy[mazes, layer] = torch.special.entr(seen).sum(dim=-1).mean(dim=-1).cpu().numpy()


def _offset_numbers(rows: int, cols: int) -> Int64[Tensor, "cell cell"]:
    """Return the offset of each cell from each other, numbered row by row."""
    row, col = torch.arange(rows * cols) // cols, torch.arange(rows * cols) % cols
    return (row[None] - row[:, None] + rows - 1) * (2 * cols - 1) + (col[None] - col[:, None] + cols - 1)


def _cell_groups(mazes: MazeBatch) -> Int64[ndarray, "maze cell cell"]:
    """Return what each cell is to each other: itself, a neighbour across an open side or a wall, or none of these."""
    legal, neighbours = label_cells(mazes).legal, neighbour_cells(mazes.shape)
    num = len(neighbours)
    groups = np.full((len(mazes), num, num), _OTHER, np.int64)
    groups[:, np.arange(num), np.arange(num)] = _OWN
    for direction, other in enumerate(neighbours.T):
        cell = np.flatnonzero(other >= 0)
        groups[:, cell, other[cell]] = np.where(legal[:, cell, direction], _OPEN, _WALLED)
    return groups
