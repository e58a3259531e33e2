"""Is a search's variable in the residual stream before the path starts, beyond what is known without search? Score S2.

For each cell v a linear probe of the stream at ``<PATH_START>`` predicts the variable: d(v), the steps to the target
(a breadth-first wave), or whether v is left by dead-end filling. The probe stands on the base features (origin,
target and with it Manhattan(v, t), each cell's open sides; `maze_rl.interp.probes.ridge_probe`), and

    score = 1 - sum (y - probe)^2 / sum (y - base)^2 = (R2_full - R2_base) / (1 - R2_base)

over the held-out mazes and all cells. The layer is the one whose left-out score on the fitted half is best. The same
procedure with nothing to find gives the controls: the labels of another maze, a control task (1909.03368), an
untrained model of the same shape, the mean of the prompt's embeddings. The effect is the score less the largest
control, or less 0 where all controls are below. The interval draws layouts again; of a control with other labels, sums
are scaled to the same total.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int64
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.probe_sites import ProbeSites, path_start_sites
from maze_rl.interp.inputs.cell_features import (
    Halves,
    Variable,
    base_features,
    control_values,
    of_other_mazes,
    split_halves,
    variable_of,
)
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.probes.held_variables import THRESHOLD, LatentState, ProbeScore, VariableProbe, beyond_controls
from maze_rl.interp.probes.ridge_probe import Base, RidgeProbe
from maze_rl.interp.requirements import check_mazes, require_origin_in_prompt
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.attached_tokenization import tokenization_of

VARIABLES: tuple[Variable, ...] = ("distance", "alive")


def latent_state(
    model: HookedTransformer,
    batch: MazeBatch,
    *,
    control_model: HookedTransformer | None = None,
    untrained: Mapping[str, ProbeScore] | None = None,
    variables: tuple[Variable, ...] = VARIABLES,
    steps: int | None = None,
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> LatentState:
    """Probe a model for the variables of the named searches.

    Args:
        model: The model.
        batch: Mazes of one shape, trees if `alive` is asked for; half are fitted on, half judged on.
        control_model: An untrained model of the same shape; left out, this control is.
        untrained: What `untrained_scores` gave for it on the same mazes and seed: spares probing it again.
        variables: What is probed for, at least one.
        steps: Steps that a search sees (`variable_of`); None for no limit.
        threshold: Effect beyond which a variable counts as found.
        seed: Seed of halves, edge order and control labels.

    Raises:
        ConfigurationError: The model or the mazes cannot be analysed, `alive` is asked for where the origin is not in
            the prompt, or `distance` where cells are out of reach.
    """
    check_mazes(model, max(batch.shape), len(batch))
    _check_known(model, variables)
    sites = path_start_sites(model, batch, seed=seed)
    labels = {variable: variable_of(batch, variable, steps) for variable in variables}
    if untrained is None and control_model is not None:
        untrained = untrained_scores(control_model, batch, variables=variables, steps=steps, seed=seed)
    return LatentState(
        probes=probe_variables(sites, untrained or {}, labels, base_features(batch), threshold=threshold, seed=seed)
    )


def untrained_scores(
    model: HookedTransformer,
    batch: MazeBatch,
    *,
    variables: tuple[Variable, ...] = VARIABLES,
    steps: int | None = None,
    seed: int = 0,
) -> dict[str, ProbeScore]:
    """Return how well each variable is read from an untrained model; arguments and faults as for `latent_state`."""
    _check_known(model, variables)
    labels = {variable: variable_of(batch, variable, steps) for variable in variables}
    return site_scores(path_start_sites(model, batch, seed=seed), labels, base_features(batch), seed)


def _check_known(model: HookedTransformer, variables: tuple[Variable, ...]) -> None:
    if not variables:
        raise ConfigurationError(f"variables is empty: name at least one of {', '.join(VARIABLES)}.")
    if "alive" in variables:
        require_origin_in_prompt(
            tokenization_of(model).layout, "a probe at <PATH_START> for the cells that lead on (alive)"
        )


def site_scores(sites: ProbeSites, labels: dict[str, ndarray], base: ndarray, seed: int) -> dict[str, ProbeScore]:
    """Score labels on the streams of some sites."""
    halves, layouts = split_halves(sites.batch, seed), layouts_of(sites.batch)
    return score_labels(sites.streams.swapaxes(0, 1), labels, base, halves, layouts=layouts)


def probe_variables(
    sites: ProbeSites,
    untrained: Mapping[str, ProbeScore],
    labels: dict[str, ndarray],
    base: ndarray,
    *,
    with_bag: bool = True,
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> dict[str, VariableProbe]:
    """Score some labels and all their controls.

    Args:
        sites: Streams of the model.
        untrained: Scores of the untrained model by label; empty leaves this control out.
        labels: Name to numbers [maze, column].
        base: What the labels are freed of, [maze, feature].
        with_bag: Whether the control of embeddings is the mean of the prompt's, or that of the site alone.
        threshold: See `latent_state`.
        seed: Seed of halves and control labels.
    """
    halves, layouts = split_halves(sites.batch, seed), layouts_of(sites.batch)
    every = dict(labels)
    for name, values in labels.items():
        every[f"{name} of other mazes"] = of_other_mazes(values, seed)
        every[f"{name} control task"] = control_values(sites.batch, values.shape[1], seed) * values.std()
    streams = sites.streams.swapaxes(0, 1)
    scores = score_labels(streams, every, base, halves, layouts=layouts)
    embedded = np.concatenate([streams[0], sites.bag], axis=1) if with_bag else streams[0]
    shallow = score_labels(embedded[None], labels, base, halves, layouts=layouts)
    probes = {}
    for name in labels:
        controls = {short: scores[f"{name} {short}"] for short in ("of other mazes", "control task")}
        controls["embeddings"] = shallow[name]
        if untrained:
            controls["untrained"] = untrained[name]
        probes[name] = beyond_controls(name, scores[name], controls, threshold=threshold)
    return probes


def score_labels(
    streams: ndarray,
    labels: dict[str, ndarray],
    base: ndarray,
    halves: Halves,
    *,
    layouts: Int64[ndarray, " maze"] | None = None,
) -> dict[str, ProbeScore]:
    """Score each set of labels at the layer best for it.

    Args:
        streams: [layer, maze, feature].
        labels: Name to numbers [maze, column].
        base: What streams and labels are freed of, [maze, feature].
        halves: Rows to fit on and to judge on.
        layouts: Layout of each maze, which intervals count; None where each is taken to have its own.
    """
    fit, held_out = halves
    ground = Base(base[fit], next(iter(labels.values()))[fit])
    left_out = {name: np.empty(len(streams)) for name in labels}
    errors = {name: np.empty((len(streams), len(held_out))) for name in labels}
    for layer, stream in enumerate(streams):
        probe = RidgeProbe(stream[fit], ground)
        for name, values in labels.items():
            strength = probe.strength_for(values[fit])
            squares = (probe.left_out(values[fit], strength) ** 2).sum()
            left_out[name][layer] = 1 - squares / (ground.left_out(values[fit]) ** 2).sum()
            predicted = probe.predict(stream[held_out], values[fit], strength, base[held_out])
            errors[name][layer] = ((values[held_out] - predicted) ** 2).sum(axis=1)
    scores, judged = {}, None if layouts is None else layouts[held_out]
    for name, values in labels.items():
        layer = int(left_out[name].argmax())
        without = ((values[held_out] - ground.expected(base[held_out], values[fit], len(held_out))) ** 2).sum(axis=1)
        scores[name] = ProbeScore(without - errors[name][layer], without, layer, left_out[name], judged)
    return scores
