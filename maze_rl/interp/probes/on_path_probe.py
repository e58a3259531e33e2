"""Is the path known before it starts? Cells of the path, far from both its ends, read from the residual stream.

A linear probe of the stream at ``<PATH_START>`` predicts whether v lies on the path; it is judged at cells at least a
few steps (4 unless told) from origin and from target, by the AUROC over pairs of a cell on and a cell off the path of
one maze. The baseline is the straight corridor: -(Manhattan(v, s) + Manhattan(v, t)), largest inside the rectangle
that s and t span. The effect is the AUROC gained over the baseline or over an untrained model's, whichever is better.
Strength and layer are chosen on the fitted half: the strength by squared error, the layer by the AUROC of left-out
predictions.
"""

from dataclasses import dataclass

import numpy as np
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.activations.probe_sites import path_start_sites
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.cell_features import far_cells, manhattan, split_halves
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.probes.ridge_probe import RidgeProbe, within_maze_pairs
from maze_rl.interp.requirements import check_mazes, require_origin_in_prompt
from maze_rl.intervals import Interval, bootstrap_ratio, num_clusters
from maze_rl.mazes.cell_labels import label_cells
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.attached_tokenization import tokenization_of

THRESHOLD = 0.1
"""AUROC beyond the baseline that counts."""
LEAST_STEPS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class OnPathProbe(Shown):
    """AUROCs at cells far from both ends."""

    finding: Finding
    auroc: Interval
    baseline: Interval
    """Of the straight corridor."""
    untrained: Interval | None
    layer: int
    """Place in `ProbeSites.streams` that was chosen."""
    num_pairs: int
    """Pairs of cells judged; nan stands for effects without any."""


def on_path_probe(
    model: HookedTransformer,
    batch: MazeBatch,
    *,
    control_model: HookedTransformer | None = None,
    least_steps: int = LEAST_STEPS,
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> OnPathProbe:
    """Probe a model for the cells of the path.

    Args:
        model: The model.
        batch: Mazes of one shape.
        control_model: An untrained model of the same shape; left out, this control is.
        least_steps: Steps from origin and from target under which cells are left out.
        threshold: AUROC gained that counts as found.
        seed: Seed of halves and edge order.

    Raises:
        ConfigurationError: The model or the mazes cannot be analysed.
    """
    check_mazes(model, max(batch.shape), len(batch))
    require_origin_in_prompt(tokenization_of(model).layout, "a probe at <PATH_START> for the path")
    on_path, far = label_cells(batch).on_path, far_cells(batch, least_steps)
    right, layer = _ordered(path_start_sites(model, batch, seed=seed).streams, batch, on_path, far, seed)
    rows = split_halves(batch, seed).held_out
    corridor = -(manhattan(batch, batch.origins) + manhattan(batch, batch.targets)).astype(np.float64)
    straight, pairs = within_maze_pairs(corridor[rows], on_path[rows], far[rows])
    controls = {"straight corridor": straight}
    if control_model is not None:
        streams = path_start_sites(control_model, batch, seed=seed).streams
        controls["untrained"] = _ordered(streams, batch, on_path, far, seed)[0]
    name = max(controls, key=lambda each: controls[each].sum())
    untrained, layouts = controls.get("untrained"), layouts_of(batch)[rows]
    return OnPathProbe(
        finding=Finding(
            name="cells of the path: AUROC less the better control's",
            effect=bootstrap_ratio(right - controls[name], pairs, layouts),
            threshold=threshold,
            num_mazes=len(rows),
            num_layouts=num_clusters(layouts),
            control=bootstrap_ratio(controls[name], pairs, layouts),
            control_name=name,
        ),
        auroc=bootstrap_ratio(right, pairs, layouts),
        baseline=bootstrap_ratio(straight, pairs, layouts),
        untrained=None if untrained is None else bootstrap_ratio(untrained, pairs, layouts),
        layer=layer,
        num_pairs=int(pairs.sum()),
    )


def _ordered(streams: ndarray, batch: MazeBatch, on_path: ndarray, far: ndarray, seed: int) -> tuple[ndarray, int]:
    """Return the pairs of each held-out maze that the probe orders rightly, and the layer chosen."""
    fit, held_out = split_halves(batch, seed)
    targets = on_path.astype(np.float64)
    best, chosen, layer = -1.0, np.zeros(len(held_out)), 0
    for place in range(streams.shape[1]):
        probe = RidgeProbe(streams[fit, place])
        strength = probe.strength_for(targets[fit])
        guesses = targets[fit] - probe.left_out(targets[fit], strength)
        right = float(within_maze_pairs(guesses, on_path[fit], far[fit])[0].sum())
        if right > best:
            predicted = probe.predict(streams[held_out, place], targets[fit], strength)
            best, layer = right, place
            chosen = within_maze_pairs(predicted, on_path[held_out], far[held_out])[0]
    return chosen, layer
