"""Jacobian lens: what a stream is disposed to make the model say, now and further on.

The logit lens reads a stream as if it were the last one already. Here it is first carried on as the rest of the model
would carry it, to first order and on average: for what block l leaves at the place s of a cell of the path,

    J_l = mean over walks, their cells and the places t of their steps of  d final[t] / d stream_l[s],
    logits = unembed(norm(J_l stream_l[s])).

The cell is read where the path writes it, and t is s or behind it; or where the prompt lists it, and t is any step.
Mean Jacobians in place of trained maps (the tuned lens, Belrose et al. 2023, arXiv 2303.08112) are those of Hernandez
et al. 2023 (arXiv 2308.09124) for relations.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.answers_by_loop import listed_at
from maze_rl.interp.inputs.cell_features import flat, neighbour_cells
from maze_rl.interp.inputs.decisions import Decisions, in_batches
from maze_rl.interp.requirements import (
    check_layers,
    check_tokens,
    require_cells_in_prompt,
    require_known_forward,
    require_no_hooks,
)
from maze_rl.intervals import Interval, bootstrap_ratios
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.readout import unembedded

AHEAD = 3
"""Cells of the path that a lens is asked to name."""
Lens = Literal["logit", "jacobian"]
Source = Literal["path", "prompt"]
"""Where a cell is read: where the path writes it, or where the prompt lists it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class JacobianLens(Shown):
    """The mean Jacobians of one model."""

    layers: tuple[int, ...]
    """Blocks whose outputs can be read."""
    jacobians: Float[Tensor, "layer d_model d_model"]
    """d final[i] / d stream[j] at [i, j]."""
    source: Source

    def carried(self, streams: Float[Tensor, "row layer d_model"]) -> Float[Tensor, "row layer d_model"]:
        """Return streams carried on to the end of the model."""
        return torch.einsum("rlj,lij->rli", streams, self.jacobians.to(streams))


@dataclass(frozen=True, kw_only=True, eq=False)
class NextCells(Shown):
    """Whether lenses name the next cells of the path: which of the cells 1, 2 and 3 steps on by open ways it takes."""

    layers: tuple[int, ...]
    logit: Bool[ndarray, "decision layer step"]
    """Whether the logit lens gives the cell of the path the largest logit of all cells so many steps on."""
    jacobian: Bool[ndarray, "decision layer step"]
    """The same of the Jacobian lens."""
    chance: Float[ndarray, "decision step"]
    """1 / how many cells are so many steps on; 1 where there is nothing to choose, which does not count."""
    layouts: Int64[ndarray, " decision"]

    def rates(self, lens: Lens, seed: int = 0) -> list[Interval]:
        """Return the share of choices a lens has right after each layer."""
        return self._means(self._right(lens), seed)

    def gain_at_best(self, chosen_on: "NextCells", seed: int = 0) -> Interval:
        """Return what the best layer of one lens has right beyond the best of the other, chosen on other mazes."""
        logit, jacobian = (int(np.argmax(chosen_on._right(lens).sum(axis=(0, 2)))) for lens in ("logit", "jacobian"))
        gain = self._right("jacobian")[:, jacobian] - self._right("logit")[:, logit]
        return self._means(gain[:, None], seed)[0]

    def _right(self, lens: Lens) -> Float[ndarray, "decision layer step"]:
        """Return 1 where the choice is right and counts."""
        right = self.logit if lens == "logit" else self.jacobian
        return (right & (self.chance < 1)[:, None]).astype(np.float64)

    def _means(self, values: Float[ndarray, "decision layer step"], seed: int) -> list[Interval]:
        sums = values.sum(axis=2)
        asked = np.broadcast_to((self.chance < 1).sum(axis=1).astype(np.float64)[:, None], sums.shape)
        return bootstrap_ratios(sums, asked, self.layouts, seed=seed)


def fit_jacobian_lens(
    model: HookedTransformer,
    decisions: Decisions,
    *,
    source: Source = "path",
    layers: tuple[int, ...] | None = None,
    batch_size: int = 16,
) -> JacobianLens:
    """Return the mean Jacobians over the walks of some mazes: a backward pass for every dimension of the stream.

    Args:
        model: The network.
        decisions: All decisions of the mazes.
        source: Where cells are read.
        layers: Blocks whose outputs are to be read; None for all.
        batch_size: Mazes run at once.

    Raises:
        ConfigurationError: A block is none, the decisions are written for another model, positions of this model
            depend on what stands behind them, or cells are read in the prompt, and it does not list them.
    """
    layers = _checked_layers(model, decisions, layers, source)
    d_model = model.cfg.d_model
    sums = torch.zeros(len(layers), d_model, d_model, dtype=torch.float64)
    positions = _positions(decisions, source)
    for batch in in_batches(decisions, batch_size, model.W_E.device):
        with torch.enable_grad():
            streams = _streams(model, batch.tokens, (*layers, model.cfg.n_layers - 1), with_gradients=True)
            final = streams[-1][batch.at]
            share = 1.0 / torch.from_numpy(_num_steps(decisions, source)[batch.rows]).to(final)
            at = batch.at[0], positions[batch.rows].to(final.device)
            for row in range(d_model):
                gradients = torch.autograd.grad(final[:, row].sum(), streams[:-1], retain_graph=True)
                for place, gradient in enumerate(gradients):
                    sums[place, row] += (gradient[at] * share[:, None]).sum(dim=0).double().cpu()
    return JacobianLens(layers=layers, jacobians=(sums / len(decisions)).to(model.W_E.dtype), source=source)


@torch.no_grad()
def next_cells(
    model: HookedTransformer, lens: JacobianLens, decisions: Decisions, *, batch_size: int = 64
) -> NextCells:
    """Ask both lenses, at each cell of the path with `AHEAD` more, which of the cells 1 to `AHEAD` steps on it takes.

    Args:
        model: The network the lens was fitted on.
        lens: The mean Jacobians.
        decisions: All decisions of other mazes.
        batch_size: Mazes run at once.

    Raises:
        ConfigurationError: The decisions are written for another model, or no path is as long.
    """
    _checked_layers(model, decisions, lens.layers, lens.source)
    kept = decisions.distance >= AHEAD
    if not kept.any():
        raise ConfigurationError(f"no path has {AHEAD} more cells at any place: use larger mazes.")
    cells = torch.from_numpy(_cell_words(model, decisions)).to(model.W_E.device)
    asked = decisions.take(kept)
    ways, taken, positions = _ways_on(asked), _taken(decisions, kept), _positions(asked, lens.source)
    right: dict[Lens, list[ndarray]] = {"logit": [], "jacobian": []}
    for batch in in_batches(asked, batch_size, model.W_E.device):
        at = batch.at[0], positions[batch.rows].to(batch.tokens.device)
        streams = torch.stack([stream[at] for stream in _streams(model, batch.tokens, lens.layers)], dim=1)
        open_ways = torch.from_numpy(ways[batch.rows]).to(streams.device)[:, None]
        answer = torch.from_numpy(taken[batch.rows]).to(streams.device)[:, None]
        reads: dict[Lens, Tensor] = {"logit": streams, "jacobian": lens.carried(streams)}
        for name, read in reads.items():
            logits = unembedded(model, read)[:, :, None, cells].masked_fill(~open_ways, -torch.inf)
            right[name].append((logits.argmax(dim=-1) == answer).cpu().numpy())
    return NextCells(
        layers=lens.layers,
        logit=np.concatenate(right["logit"]),
        jacobian=np.concatenate(right["jacobian"]),
        chance=1.0 / ways.sum(axis=2),
        layouts=asked.layouts,
    )


def _cell_words(model: HookedTransformer, decisions: Decisions) -> Int64[ndarray, " cell"]:
    """Return the words of the cells of a maze, row by row."""
    rows, cols = decisions.batch.shape
    return tokenization_of(model).layout.cell_ids[:rows, :cols].ravel().astype(np.int64)


def _ways_on(decisions: Decisions) -> Bool[ndarray, "decision step cell"]:
    """Return the cells that are 1 to `AHEAD` steps on by open ways, not counting the way back."""
    neighbours, legal = neighbour_cells(decisions.batch.shape), label_cells(decisions.batch).legal[decisions.maze]
    every = np.arange(len(decisions))
    at = np.zeros((len(decisions), len(neighbours)), bool)
    at[every, flat(decisions.batch, decisions.cells)] = True
    seen, begun = at.copy(), (decisions.previous >= 0).all(axis=1)
    seen[every[begun], flat(decisions.batch, decisions.previous[begun])] = True
    steps = []
    for _ in range(AHEAD):
        onward = np.zeros_like(at)
        for direction in range(neighbours.shape[1]):
            decision, cell = np.nonzero(at & legal[:, :, direction])
            onward[decision, neighbours[cell, direction]] = True
        at = onward & ~seen
        seen |= at
        steps.append(at)
    return np.stack(steps, axis=1)


def _taken(decisions: Decisions, kept: Bool[ndarray, " decision"]) -> Int64[ndarray, "chosen step"]:
    """Return the number of the cell that the walk takes 1 to `AHEAD` steps on: the next decisions', then the target."""
    rows, targets = np.flatnonzero(kept)[:, None], flat(decisions.batch, decisions.batch.targets)[decisions.maze[kept]]
    ahead = np.arange(1, AHEAD + 1)
    # of the last maze, rows behind its last decision are none's
    cells = flat(decisions.batch, decisions.cells)[np.minimum(rows + ahead, len(decisions) - 1)]
    return np.where(ahead == decisions.distance[rows], targets[:, None], cells)


def _checked_layers(
    model: HookedTransformer, decisions: Decisions, layers: tuple[int, ...] | None, source: Source
) -> tuple[int, ...]:
    require_no_hooks(model, "the Jacobian lens")
    require_known_forward(model, "the Jacobian lens")
    check_tokens(model, decisions.spans.layout)
    chosen = tuple(range(model.cfg.n_layers)) if layers is None else layers
    check_layers(model, chosen, "the Jacobian lens")
    if source == "prompt":
        require_cells_in_prompt(tokenization_of(model).layout, "the Jacobian lens at the cells of the prompt")
    return chosen


def _num_steps(decisions: Decisions, source: Source) -> Int64[ndarray, " decision"]:
    """Return of each decision how many steps of its walk the mean is over."""
    if source == "path":
        return decisions.distance.astype(np.int64)
    return np.bincount(decisions.maze, minlength=len(decisions.batch))[decisions.maze]


def _positions(decisions: Decisions, source: Source) -> Int64[Tensor, " decision"]:
    """Return where the cell of each decision is read."""
    if source == "path":
        return torch.from_numpy(decisions.position)
    listed = listed_at(decisions.spans, decisions.batch.shape)
    cells = torch.from_numpy(flat(decisions.batch, decisions.cells))
    return listed[torch.from_numpy(decisions.maze), cells]


def _streams(
    model: HookedTransformer,
    tokens: Int64[Tensor, "maze pos"],
    layers: tuple[int, ...],
    *,
    with_gradients: bool = False,
) -> list[Float[Tensor, "maze pos d_model"]]:
    """Return what some blocks leave; with gradients, through all that comes behind the embedding."""
    kept: dict[int, Tensor] = {}

    def begin(stream: Tensor, hook: Any) -> Tensor:
        return stream.detach().requires_grad_(with_gradients)

    def keep(stream: Tensor, hook: Any) -> None:
        kept[hook.layer()] = stream

    hooks = [(f"blocks.{layer}.hook_resid_post", keep) for layer in set(layers)]
    model.run_with_hooks(tokens, return_type=None, fwd_hooks=[("blocks.0.hook_resid_pre", begin), *hooks])
    return [kept[layer] for layer in layers]
