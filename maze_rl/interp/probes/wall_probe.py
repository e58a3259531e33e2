"""Which edges are open, read from the residual stream before the path starts: a model of the world, not yet a search.

A linear probe of the stream at ``<PATH_START>`` predicts 1 for open and 0 for closed at every pair of neighbours, on
top of origin and target. Score, layer and controls are those of `maze_rl.interp.probes.distance_probe`; the control of
embeddings is the embedding at the site alone, since the prompt lists the edges. Beside the score stand the accuracy
(open where the probe says more than 1/2) and the AUROC over pairs of an open and a closed edge of one maze, where the
rate of each edge over mazes gives the baseline.
"""

from dataclasses import dataclass

import numpy as np
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.activations.probe_sites import path_start_sites
from maze_rl.interp.inputs.cell_features import one_hot, open_edges, split_halves
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.probes.distance_probe import probe_variables, site_scores
from maze_rl.interp.probes.held_variables import THRESHOLD, VariableProbe
from maze_rl.interp.probes.ridge_probe import Base, RidgeProbe, within_maze_pairs
from maze_rl.interp.requirements import check_mazes
from maze_rl.intervals import Interval, bootstrap_ratio
from maze_rl.mazes.lattice import MazeBatch


@dataclass(frozen=True, kw_only=True, eq=False)
class WallProbe(Shown):
    """How well the walls are read at the best layer."""

    probe: VariableProbe
    """Score, controls and finding."""
    accuracy: Interval
    baseline_accuracy: float
    """Of the commoner answer at each edge."""
    auroc: Interval
    baseline_auroc: float
    """Of the rate of each edge over mazes."""


def wall_probe(
    model: HookedTransformer,
    batch: MazeBatch,
    *,
    control_model: HookedTransformer | None = None,
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> WallProbe:
    """Probe a model for the open edges of its maze; arguments and faults as `distance_probe.latent_state`."""
    check_mazes(model, max(batch.shape), len(batch))
    sites = path_start_sites(model, batch, seed=seed)
    edges, halves = open_edges(batch), split_halves(batch, seed)
    base = np.concatenate([one_hot(batch, batch.origins), one_hot(batch, batch.targets)], axis=1)
    labels, untrained = {"open edges": edges}, {}
    if control_model is not None:
        untrained = site_scores(path_start_sites(control_model, batch, seed=seed), labels, base, seed)
    probes = probe_variables(sites, untrained, labels, base, with_bag=False, threshold=threshold, seed=seed)
    probe = probes["open edges"]
    stream, fit, held_out = sites.streams[:, probe.score.layer], halves.fit, halves.held_out
    ridge = RidgeProbe(stream[fit], Base(base[fit], edges[fit]))
    guesses = ridge.predict(stream[held_out], edges[fit], ridge.strength_for(edges[fit]), base[held_out])
    truth, rates = edges[held_out] > 0.5, np.tile(edges[fit].mean(axis=0), (len(held_out), 1))
    right, pairs = within_maze_pairs(guesses, truth)
    by_rate, _ = within_maze_pairs(rates, truth)
    layouts = layouts_of(batch)[held_out]
    return WallProbe(
        probe=probe,
        accuracy=bootstrap_ratio(((guesses > 0.5) == truth).mean(axis=1), np.ones(len(truth)), layouts),
        baseline_accuracy=float(((rates > 0.5) == truth).mean()),
        auroc=bootstrap_ratio(right, pairs, layouts),
        baseline_auroc=float(by_rate.sum() / pairs.sum()),
    )
