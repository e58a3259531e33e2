"""In which layer each distance is first known: a wave gets one step further with every layer.

Linear probes of the residual stream at ``<PATH_START>`` predict d(v) from each layer's output, fitted on one half of
the mazes. What a layer cannot know yet must not blur what it knows, so the distance is censored: the target is
min(d(v), c), a cell counts as known where d(v) < c and the prediction is right (|error| < 1/2), and each layer gets
the c with which most cells of the fitted half, left out one maze at a time, are known. On the other half e(v) is the
first layer in which v is known and stays so to the last layer; cells never known are left out, and counted. Of e(v)
and d(v) the Spearman correlation is taken, and the slope of d(v) on e(v), in steps per layer. The reach of layer l is
the largest distance up to which at least half of the cells of every distance are right in l; a search by doubling
paths would show in its growth. Intervals draw layouts again, with ranks as they were in all mazes.

Where not even the target's neighbours are known, the correlation is 0: a probe that answers nearly the same everywhere
is right at the cells of that distance, and these tell no order. With another maze's labels there should be nothing: the
same measure, 0 by the same rule, is subtracted where it is above 0, draw by draw.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.activations.probe_sites import ProbeSites, path_start_sites
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.cell_features import of_other_mazes, split_halves, variable_of
from maze_rl.interp.maze_draws import layouts_of, percentile_interval, redrawn_sums, sums_by_layout
from maze_rl.interp.probes.ridge_probe import RidgeProbe
from maze_rl.interp.requirements import check_mazes
from maze_rl.intervals import Interval, bootstrap_ratio, num_clusters
from maze_rl.mazes.lattice import MazeBatch

NEVER = -1
_LEAST_CELLS = 20
"""Cells known under which a correlation is not told."""
_DRAWS = 2000


@dataclass(frozen=True, kw_only=True, eq=False)
class Emergence(Shown):
    """When distances become known."""

    finding: Finding
    """Spearman correlation of e(v) and d(v) over cells that become known, less the control's; it must exceed 0."""
    slope: Interval
    """Steps per layer."""
    known: Interval
    """Share of the cells that are known in the end."""
    reach: Int64[ndarray, " layer"]
    """Reach after each block; -1 where not even the target is known."""
    first_layer: Int64[ndarray, "maze cell"]
    """e(v) of the held-out mazes, counted in blocks; 0 is the embedding, -1 never."""
    distance: Int64[ndarray, "maze cell"]
    """d(v) of the held-out mazes."""


def emergence(model: HookedTransformer, batch: MazeBatch, *, threshold: float = 0.0, seed: int = 0) -> Emergence:
    """Find the layer in which each cell's distance becomes known.

    Args:
        model: The model.
        batch: Mazes of one shape without cells out of reach; half are fitted on, half judged on.
        threshold: Correlation that must be exceeded.
        seed: Seed of halves, edge order and the control's labels.

    Raises:
        ConfigurationError: The model or the mazes cannot be analysed.
    """
    check_mazes(model, max(batch.shape), len(batch))
    sites = path_start_sites(model, batch, seed=seed)
    distance = variable_of(batch, "distance")
    right, held_out = _right_by_layer(sites, distance, seed)
    others = of_other_mazes(distance, seed)
    first, steps = first_right(right), distance[held_out].astype(np.int64)
    others_right, others_steps = _right_by_layer(sites, others, seed)[0], others[held_out].astype(np.int64)
    layouts = layouts_of(batch)[held_out]
    effect, control = _beyond_control(
        correlations(right, steps, seed, layouts=layouts),
        np.nan_to_num(correlations(others_right, others_steps, seed, layouts=layouts)),
    )
    return Emergence(
        finding=Finding(
            name="layer of emergence and distance: Spearman correlation, less that with distances of other mazes",
            effect=effect,
            threshold=threshold,
            num_mazes=len(held_out),
            num_layouts=num_clusters(layouts),
            control=control,
            control_name="distances of other mazes; subtracted where above 0",
        ),
        slope=_slope(first, steps, layouts),
        known=bootstrap_ratio((first != NEVER).mean(axis=1), np.ones(len(first)), layouts),
        reach=reach_by_layer(right[1:], steps),
        first_layer=first,
        distance=steps,
    )


def first_right(right: Bool[ndarray, "layer maze cell"]) -> Int64[ndarray, "maze cell"]:
    """Return the first layer from which on all are right, -1 where the last is wrong."""
    stays = np.logical_and.accumulate(right[::-1])[::-1]
    return np.where(stays[-1], stays.argmax(axis=0), NEVER).astype(np.int64)


def reach_by_layer(
    right: Bool[ndarray, "layer maze cell"], distance: Int64[ndarray, "maze cell"]
) -> Int64[ndarray, " layer"]:
    """Return how far each layer is right for at least half of the cells of every distance up to there; -1 for none."""
    reach = np.full(len(right), -1)
    for steps in range(int(distance.max()) + 1):
        at = distance == steps
        if at.any():
            reach[(right[:, at].mean(axis=1) >= 0.5) & (reach == steps - 1)] = steps
    return reach


def _right_by_layer(sites: ProbeSites, values: Float64[ndarray, "maze cell"], seed: int) -> tuple[ndarray, ndarray]:
    """Return which cells of the held-out mazes each layer knows, [layer, maze, cell], and their rows."""
    fit, held_out = split_halves(sites.batch, seed)
    censors = range(1, int(values[fit].max()) + 2)
    known = []
    for layer in range(sites.num_layers + 1):
        probe, others = RidgeProbe(sites.streams[fit, layer]), sites.streams[held_out, layer]
        most, best = -1, (values[fit], 0.0, 1)
        for censor in censors:
            targets = np.minimum(values[fit], censor)
            strength = probe.strength_for(targets)
            right = (np.abs(probe.left_out(targets, strength)) < 0.5) & (values[fit] < censor)
            if right.sum() > most:
                most, best = right.sum(), (targets, strength, censor)
        targets, strength, censor = best
        error = np.abs(probe.predict(others, targets, strength) - values[held_out])
        known.append((error < 0.5) & (values[held_out] < censor))
    return np.stack(known), held_out


def correlations(
    right: Bool[ndarray, "layer maze cell"],
    steps: Int64[ndarray, "maze cell"],
    seed: int,
    *,
    layouts: Int64[ndarray, " maze"] | None = None,
) -> Float64[ndarray, " draw"]:
    """Return Spearman's correlation of e(v) and d(v): of all mazes first, then of layouts drawn again.

    Args:
        right: Whether each layer knows each cell.
        steps: d(v).
        seed: Seed of the draws.
        layouts: Layout of each maze; None where each is taken to have its own.

    Returns:
        0 where not even the target's neighbours are known in most mazes; nan where too few cells stay known.
    """
    from scipy.stats import rankdata

    first = first_right(right)
    known = first != NEVER
    if reach_by_layer(right[1:], steps).max() < 1:
        return np.zeros(_DRAWS + 1)
    if known.sum() < _LEAST_CELLS:
        return np.full(_DRAWS + 1, np.nan)
    x, y = np.zeros(first.shape), np.zeros(first.shape)
    x[known], y[known] = rankdata(first[known]), rankdata(steps[known])
    sums = np.stack([each.sum(axis=1) for each in (known, x, y, x * x, y * y, x * y)], axis=1)
    sums = sums_by_layout(np.arange(len(sums)) if layouts is None else layouts, sums)
    return _pearson(np.concatenate([sums.sum(axis=0)[None], redrawn_sums(sums, seed=seed, draws=_DRAWS)]))


def _beyond_control(found: ndarray, control: ndarray) -> tuple[Interval, Interval]:
    """Return what is beyond the control, and the control; both drew the same mazes."""
    beyond = found - np.maximum(control, 0)
    return percentile_interval(beyond[0], beyond[1:]), percentile_interval(control[0], control[1:])


def _pearson(sums: Float64[ndarray, "draw 6"]) -> Float64[ndarray, " draw"]:
    num, x, y, xx, yy, xy = sums.T
    spread = np.sqrt(np.maximum(num * xx - x * x, 0) * np.maximum(num * yy - y * y, 0))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spread > 0, (num * xy - x * y) / spread, 0.0)


def _slope(first: ndarray, steps: ndarray, layouts: ndarray) -> Interval:
    """Least squares of d(v) on e(v), both about their means."""
    known = first != NEVER
    if known.sum() < _LEAST_CELLS:
        return Interval(float("nan"), float("nan"), float("nan"))
    x = np.where(known, first - first[known].mean(), 0.0)
    return bootstrap_ratio((x * (steps - steps[known].mean())).sum(axis=1), (x * x).sum(axis=1), layouts)
