"""How far ahead a model's choices at forks look, by size of the maze: a part of `maze-rl evaluate`."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError
from maze_rl.evaluation.results import Estimate, LookAheadRow
from maze_rl.interp.behaviour.look_ahead import LookAhead, look_ahead
from maze_rl.interp.inputs.decisions import Decisions, find_decisions, in_batches, read_out, right_choices
from maze_rl.interp.requirements import require_known_forward
from maze_rl.intervals import Interval
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.attached_tokenization import tokenization_of


def look_ahead_by_size(
    model: HookedTransformer,
    mazes: Mapping[int, MazeBatch],
    *,
    seed: int,
    training_sizes: Sequence[int] = (),
    progress: Callable[[str, float], None] = lambda doing, done: None,
) -> list[LookAheadRow]:
    """Fit the effective look-ahead at the forks of mazes of every size; see `maze_rl.interp.behaviour.look_ahead`.

    Args:
        model: The model, with its `tokenization`.
        mazes: Mazes by cells per side.
        seed: Seed of prompts, of the choice among shortest paths and of draws of layouts.
        training_sizes: Sizes the model trained on.
        progress: Called with (what, share done).

    Returns:
        A row per size; none for a model whose single decisions the analyses do not read, as it writes a step in
        several tokens, or looks ahead of the position it writes.
    """
    rows, done, whole = [], 0, sum(size**3 for size in mazes)
    for size, batch in mazes.items():
        progress(f"{size} x {size}: look-ahead", done / whole)
        done += size**3
        try:
            require_known_forward(model, "asking for decisions")
            decisions = find_decisions(tokenization_of(model), batch, seed=seed)
        except ConfigurationError:
            return []
        curve = look_ahead(decisions, _right(model, decisions), seed=seed)
        rows.append(_row(size, size in training_sizes if training_sizes else None, curve))
    return rows


@torch.inference_mode()
def _right(model: HookedTransformer, decisions: Decisions) -> Bool[ndarray, " decision"]:
    """Tell where the likeliest token is an optimal next cell, with no more logits in memory than a batch has."""
    right = np.zeros(len(decisions), np.bool_)
    for batch in in_batches(decisions, 64, model.W_U.device):
        final = model(batch.tokens, stop_at_layer=model.cfg.n_layers)
        right[batch.rows] = right_choices(decisions.take(batch.rows), read_out(model, final[batch.at]))
    return right


def _row(size: int, in_training_range: bool | None, curve: LookAhead) -> LookAheadRow:
    fit, forks = curve.joint, sum(curve.num_forks)
    return LookAheadRow(
        size=size,
        in_training_range=in_training_range,
        forks=forks,
        most=max(curve.steps, default=0),
        where=fit.where,
        look_ahead=_estimate(fit.look_ahead, forks) if fit.where == "within" else None,
        lapse=fit.lapse,
        fallback=fit.fallback,
        steps_seen=_estimate(curve.steps_seen, forks),
    )


def _estimate(interval: Interval, num: int) -> Estimate:
    return Estimate(value=interval.value, low=interval.low, high=interval.high, num=num)
