"""Which search's variable do the cells of a prompt hold, loop by loop? Score S2 of models with loops.

Variables are read from the streams of cells as in `maze_rl.interp.probes.cell_probes`: d(v), the steps to the target
(a wave); h(v), the depth of the dead ends behind v (dead-end filling); and the smaller of both (the two at once). The
next step is none of them: it is the answer. Where a model is judged within a reach of K steps, values count up to
K + 1, for a search that ends there knows no more.
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.interp.activations.cell_streams import cell_streams, spread_loops
from maze_rl.interp.inputs.cell_variables import CELL_VARIABLES, local_features
from maze_rl.interp.probes.cell_probes import CellRows, LoopScore, cell_rows, cells_of_other_mazes
from maze_rl.interp.probes.held_variables import THRESHOLD, LatentState, ProbeScore, beyond_controls
from maze_rl.interp.requirements import require_cells_by_loop
from maze_rl.mazes.lattice import MazeBatch

VARIABLES = ("distance", "dead-end depth", "look-ahead")
_MOST_LOOPS = 6


def cell_state(
    model: HookedTransformer,
    mazes: MazeBatch,
    *,
    untrained: Mapping[str, ProbeScore] | None = None,
    steps: int | None = None,
    threshold: float = THRESHOLD,
    seed: int = 0,
    batch_size: int = 16,
) -> LatentState:
    """Probe the cells for the variables of the named searches, after up to 6 loops at equal distances.

    Args:
        model: A model with loops whose prompt lists cells.
        mazes: Mazes of one size without cycles; half are fitted on, half judged on.
        untrained: What `untrained_cell_scores` gave on the same mazes and seed; left out, this control is.
        steps: Steps that a search sees: larger values all count as one more; None for no limit.
        threshold: Effect beyond which a variable counts as found.
        seed: Seed of halves, the order of cells, and the other mazes.
        batch_size: Mazes run at once.

    Raises:
        ConfigurationError: The model has no loops or lists no cells, or the mazes do not fit it, have cycles, or are
            too few.
    """
    require_cells_by_loop(model, "probing cells by loop")
    rows, labels = cell_rows(mazes, seed), _labels(mazes, steps)
    every = labels | {f"{name} of other mazes": cells_of_other_mazes(each, seed) for name, each in labels.items()}
    scores = _scores(model, mazes, rows, every, seed, batch_size)
    probes = {}
    for name in labels:
        controls = {"of other mazes": scores[f"{name} of other mazes"]}
        if untrained is not None:
            controls["untrained"] = untrained[name]
        probes[name] = beyond_controls(name, scores[name], controls, threshold=threshold)
    return LatentState(probes=probes)


def untrained_cell_scores(
    model: HookedTransformer, mazes: MazeBatch, *, steps: int | None = None, seed: int = 0, batch_size: int = 16
) -> dict[str, ProbeScore]:
    """Return how well each variable is read from an untrained model; arguments and faults as for `cell_state`."""
    require_cells_by_loop(model, "probing cells by loop")
    return _scores(model, mazes, cell_rows(mazes, seed), _labels(mazes, steps), seed, batch_size)


def _labels(mazes: MazeBatch, steps: int | None) -> dict[str, Float64[ndarray, "maze cell column"]]:
    values = {name: CELL_VARIABLES[name](mazes) for name in VARIABLES}
    return values if steps is None else {name: np.minimum(each, steps + 1) for name, each in values.items()}


def _scores(
    model: HookedTransformer,
    mazes: MazeBatch,
    rows: CellRows,
    labels: Mapping[str, ndarray],
    seed: int,
    batch_size: int,
) -> dict[str, ProbeScore]:
    loops = int(model.maze_config.loops)  # type: ignore[union-attr, arg-type]
    streams = cell_streams(model, mazes, loops=spread_loops(loops, _MOST_LOOPS), seed=seed, batch_size=batch_size)
    found = rows.scores(streams, local_features(mazes), labels)
    return {name: _at_best(each) for name, each in found.items()}


def _at_best(scores: list[LoopScore]) -> ProbeScore:
    """Return the score after the loop that is best on the fitted half."""
    left_out = np.array([each.left_out for each in scores])
    best = int(left_out.argmax())
    chosen = scores[best]
    return ProbeScore(chosen.explained, chosen.total, best, left_out, chosen.layouts)
