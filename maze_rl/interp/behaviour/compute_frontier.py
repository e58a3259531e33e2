"""Compute frontier (S4): how many steps ahead the choice reaches when it is read out after each layer.

The residual stream at each fork goes, after every layer, through the final layer norm and the unembedding (logit lens),
and the likeliest *option* is the choice. Over the forks where Manhattan greedy is wrong, so that no heuristic gets
credit, the steps seen after layer l are

    S(l) = sum over k = 1 .. K of the least skill at forks that need up to k steps, cut to 0 .. 1,

with skill = (right rate - chance) / (1 - chance): k0 for one who is right where k <= k0, whatever comes after, and
0 for one who draws, whose luck at single k a plain sum would collect. Neighbouring k are pooled until 20 layouts
have one. A search of one step each layer has S grow by up to one a layer; a heuristic has none to grow.

    S4 = mean of S over the last third of the layers - mean over the first third, after the largest rise of S from one
         layer to the next has been taken out of S,

beside Spearman's correlation of S with the layer. Without its largest rise, a model whose choice becomes readable all
at once, however late and however right, gains nothing: what has grown must have grown over several layers. Intervals
are over layouts. The layers of a looped model count as they are unrolled.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.behaviour.look_ahead import skills, widths
from maze_rl.interp.behaviour.simple_rules import manhattan
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.decisions import Decisions, decision_streams, read_out
from maze_rl.interp.inputs.within_reach import Axis, check_axis, steps_at
from maze_rl.interp.maze_draws import percentile_interval, redrawn_sums, sums_by_layout
from maze_rl.interp.requirements import FEWEST_MAZES, check_tokens
from maze_rl.intervals import Interval, num_clusters

THRESHOLD = 1.25
"""Steps by which what is seen must grow beyond its largest rise. Calibrated: on 200 mazes each, the intervals of ten
waves and ten dead-end fillings of 10 to 12 layers begin at 1.4 or above, and those of forty models that do not search
end at 1.1 or below."""


@dataclass(frozen=True, kw_only=True)
class ComputeFrontier(Shown):
    """Steps seen layer by layer; layer 0 is the embedding, layer l what block l - 1 leaves."""

    axis: Axis
    layers: tuple[str, ...]
    steps: tuple[int, ...]
    """The largest k of each pool; the last stands for all beyond, too."""
    right_rate: Float64[ndarray, "layer step"]
    """Rate of right choices at forks that need k steps."""
    chance: Float64[ndarray, " step"]
    steps_seen: tuple[Interval, ...]
    """S after each layer."""
    trend: Interval
    """Spearman's correlation of S with the layer."""
    finding: Finding
    """S4."""


def compute_frontier(
    model: HookedTransformer,
    decisions: Decisions,
    *,
    streams: Float[Tensor, "decision layer d_model"] | None = None,
    axis: Axis = "look_ahead",
    seed: int = 0,
) -> ComputeFrontier:
    """Read the choices out after every layer.

    Args:
        model: The network.
        decisions: Decisions along shortest paths; the forks where Manhattan greedy is wrong are used.
        streams: `decision_streams` of them, where they are there already.
        axis: What k is, as for `look_ahead`.
        seed: Seed of the draws of layouts.

    Raises:
        UnknownNameError: There is no such axis.
        ConfigurationError: The decisions are not written in the model's words; and as for `decision_streams`.
    """
    check_axis(axis)
    check_tokens(model, decisions.spans.layout)
    greedy_fails = ~(manhattan(decisions) & decisions.optimal).any(axis=1)
    asked = np.flatnonzero(decisions.is_fork & greedy_fails)
    decisions = decisions.take(asked)
    names = ("embedding", *(f"layer {layer}" for layer in range(model.cfg.n_layers)))
    layouts = decisions.layouts
    counted = num_clusters(decisions.maze), num_clusters(layouts)
    if counted[1] < FEWEST_MAZES:
        return _nothing(names, axis, counted)
    right = right_by_layer(model, decisions, decision_streams(model, decisions) if streams is None else streams[asked])
    steps, column = pooled(layouts, steps_at(decisions, axis))
    at = (column[:, None] == np.arange(len(steps))).astype(np.float64)
    counts = [at, at * decisions.chance[:, None], *(at * layer[:, None] for layer in right.T)]
    sums = sums_by_layout(layouts, np.concatenate(counts, axis=1))
    totals = sums.sum(axis=0).reshape(-1, len(steps))
    seen, redrawn = (_seen(rows, steps) for rows in (sums.sum(axis=0)[None], redrawn_sums(sums, seed=seed)))
    return ComputeFrontier(
        axis=axis,
        layers=names,
        steps=tuple(steps.tolist()),
        right_rate=totals[2:] / totals[0],
        chance=totals[1] / totals[0],
        steps_seen=tuple(percentile_interval(seen[0, row], redrawn[:, row]) for row in range(len(names))),
        trend=percentile_interval(_spearman(seen)[0], _spearman(redrawn)),
        finding=_finding(percentile_interval(float(_growth(seen)[0]), _growth(redrawn)), counted),
    )


def right_by_layer(
    model: HookedTransformer, decisions: Decisions, streams: Float[Tensor, "decision layer d_model"]
) -> Bool[ndarray, "decision layer"]:
    """Tell whether the likeliest option is right, read from the stream after the embedding and after every layer."""
    ids, closed = torch.from_numpy(decisions.next_ids).clamp(min=0), torch.from_numpy(~decisions.options)
    right = np.empty(streams.shape[:2], bool)
    for layer in range(streams.shape[1]):
        logits = read_out(model, streams[:, layer]).gather(1, ids).masked_fill(closed, -torch.inf)
        picked = logits.argmax(dim=-1, keepdim=True).numpy()
        right[:, layer] = np.take_along_axis(decisions.optimal, picked, axis=1)[:, 0]
    return right


def pooled(
    layouts: Int64[ndarray, " decision"], k: Int64[ndarray, " decision"]
) -> tuple[Int64[ndarray, " step"], Int64[ndarray, " decision"]]:
    """Pool neighbouring k, from the smallest on, until `FEWEST_MAZES` layouts have one; the rest joins the last pool.

    Returns:
        The largest k of each pool, and each decision's pool.
    """
    tops: list[int] = []
    low = -1
    for top in np.unique(k):
        if len(np.unique(layouts[(k > low) & (k <= top)])) >= FEWEST_MAZES:
            tops.append(int(top))
            low = int(top)
    tops = tops or [int(k.max())]
    steps = np.array(tops)
    return steps, np.minimum(np.searchsorted(steps, k), len(steps) - 1)


def _seen(rows: Float64[ndarray, "draw column"], steps: ndarray) -> Float64[ndarray, "draw layer"]:
    """Return S of each layer from sums of counts, chance, and right choices after every layer."""
    counts = rows.reshape(len(rows), -1, len(steps))
    each = skills(counts[:, 2:], np.broadcast_to(counts[:, 1:2], counts[:, 2:].shape), counts[:, :1])
    # a drawn set of mazes without forks of some k says nothing against them
    each[np.broadcast_to(counts[:, :1] == 0, each.shape)] = 1.0
    return np.minimum.accumulate(np.clip(each, 0, 1), axis=2) @ widths(steps)


def _growth(seen: Float64[ndarray, "draw layer"]) -> Float64[ndarray, " draw"]:
    """Return the mean of the last third less that of the first, without the largest rise."""
    rises = np.diff(seen, axis=1)
    largest = rises.argmax(axis=1)[:, None]
    np.put_along_axis(rises, largest, np.minimum(np.take_along_axis(rises, largest, axis=1), 0), axis=1)
    grown = np.concatenate([np.zeros((len(seen), 1)), rises.cumsum(axis=1)], axis=1)
    third = max(1, seen.shape[1] // 3)
    return grown[:, -third:].mean(axis=1) - grown[:, :third].mean(axis=1)


def _spearman(seen: Float64[ndarray, "draw layer"]) -> Float64[ndarray, " draw"]:
    """Return the rank correlation of each row with its index; 0 for a constant one."""
    from scipy.stats import rankdata

    ranks = rankdata(np.round(seen, 9), axis=1) - (seen.shape[1] + 1) / 2
    order = np.arange(seen.shape[1]) - (seen.shape[1] - 1) / 2
    spread = np.sqrt((ranks**2).sum(axis=1) * (order**2).sum())
    return np.divide(ranks @ order, spread, out=np.zeros(len(seen)), where=spread > 0)


def _finding(effect: Interval, counted: tuple[int, int]) -> Finding:
    return Finding(
        name="growth of the steps seen from the first to the last third of the layers, the largest rise left out",
        effect=effect,
        threshold=THRESHOLD,
        num_mazes=counted[0],
        num_layouts=counted[1],
        control=Interval(0.0, 0.0, 0.0),
        control_name="one who draws among the options; subtracted",
    )


def _nothing(names: tuple[str, ...], axis: Axis, counted: tuple[int, int]) -> ComputeFrontier:
    none = Interval(float("nan"), float("nan"), float("nan"))
    return ComputeFrontier(
        axis=axis,
        layers=names,
        steps=(),
        right_rate=np.empty((len(names), 0)),
        chance=np.empty(0),
        steps_seen=(none,) * len(names),
        trend=none,
        finding=_finding(none, counted),
    )
