"""What the stream of a cell holds, loop by loop: linear probes at the cells of a prompt, with controls.

For each variable y of `CELL_VARIABLES` and each loop one linear map reads y(v) from the stream of v, the same for all
cells. It stands on what is known without search (`local_features`), and

    score = 1 - sum (y - probe)^2 / sum (y - base)^2,

over held-out mazes and the cells that a look around does not settle: those that need a look-ahead min(d, h) of `BEYOND`
steps or more. 0 is no more than the base, 1 is all. Probe and base are ridge regressions, each with the strength that
is best on folds of the fitted half. The same procedure with the labels of another maze, and on an untrained model of
the same shape, are the controls. Intervals are over layouts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown, interval_text
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.cell_streams import cell_streams, kept_loops
from maze_rl.interp.inputs.algorithm_clocks import either_rounds
from maze_rl.interp.inputs.cell_features import Halves, of_other_mazes, split_halves
from maze_rl.interp.inputs.cell_variables import CELL_VARIABLES, Columns, local_features
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.probes.folded_ridge import NUM_FOLDS, FoldedRidge
from maze_rl.interp.requirements import FEWEST_MAZES, require_cells_by_loop
from maze_rl.intervals import Interval, bootstrap_ratio, num_clusters
from maze_rl.mazes.lattice import MazeBatch

BEYOND = 3
"""Least look-ahead of the cells that count."""


@dataclass(frozen=True, kw_only=True)
class CellProbe(Shown):
    """How well one variable is read after each loop."""

    scores: tuple[Interval, ...]
    other_mazes: tuple[Interval, ...]
    """Control: labels of other mazes."""
    untrained: tuple[Interval, ...]
    """Control: the untrained model; empty without one."""


@dataclass(frozen=True, kw_only=True)
class CellProbes(Shown):
    """All variables on the same mazes."""

    probes: Mapping[str, CellProbe]
    loops: tuple[int, ...]
    """The loops that were read, counted from 1."""
    num_mazes: int
    """Held-out mazes."""
    num_cells: int
    """Their cells that count."""

    def _headline(self) -> str:
        last = {name: probe.scores[-1] for name, probe in self.probes.items()}
        best = max(last, key=lambda name: last[name].value)
        return f"{best} is read best, {interval_text(last[best], 2)} after loop {self.loops[-1]}"


def probe_cells(
    model: HookedTransformer,
    mazes: MazeBatch,
    *,
    variables: Mapping[str, Callable[[MazeBatch], Columns]] = CELL_VARIABLES,
    loops: Sequence[int] | None = None,
    control_model: HookedTransformer | None = None,
    seed: int = 0,
    batch_size: int = 16,
) -> CellProbes:
    """Probe the streams of cells for what a search holds there.

    Args:
        model: A model with loops whose prompt lists cells.
        mazes: Mazes of one size without cycles; half are fitted on, half judged on.
        variables: Labels of each variable.
        loops: The loops that are read, counted from 1; None for all.
        control_model: An untrained model of the same shape; left out, this control is.
        seed: Seed of halves, folds, the order of cells, and the other mazes.
        batch_size: Mazes run at once.

    Raises:
        ConfigurationError: The model has no loops or lists no cells, the mazes have cycles or do not fit it, or one
            half of them has fewer than `FEWEST_MAZES` layouts with a cell that counts.
    """
    require_cells_by_loop(model, "probing cells by loop")
    cells = cell_rows(mazes, seed)
    labels = {name: label(mazes) for name, label in variables.items()}
    others = {name: cells_of_other_mazes(values, seed) for name, values in labels.items()}
    base = local_features(mazes)
    kept = tuple(kept_loops(int(model.maze_config.loops), loops))  # type: ignore[union-attr, arg-type]
    streams = cell_streams(model, mazes, loops=kept, seed=seed, batch_size=batch_size)
    found = cells.scores(streams, base, labels | {f"{name} of other mazes": each for name, each in others.items()})
    untrained: dict[str, list[LoopScore]] = {}
    if control_model is not None:
        streams = cell_streams(control_model, mazes, loops=kept, seed=seed, batch_size=batch_size)
        untrained = cells.scores(streams, base, labels)

    def intervals(scores: list[LoopScore]) -> tuple[Interval, ...]:
        return tuple(bootstrap_ratio(each.explained, each.total, each.layouts, seed=seed) for each in scores)

    return CellProbes(
        probes={
            name: CellProbe(
                scores=intervals(found[name]),
                other_mazes=intervals(found[f"{name} of other mazes"]),
                untrained=intervals(untrained.get(name, [])),
            )
            for name in variables
        },
        loops=kept,
        num_mazes=len(cells.halves.held_out),
        num_cells=int(cells.counted[cells.halves.held_out].sum()),
    )


@dataclass(frozen=True, eq=False)
class LoopScore(Shown):
    """How well one set of labels is read after one loop."""

    explained: Float64[ndarray, " maze"]
    """Of each held-out maze: squared errors of the base less those of the probe."""
    total: Float64[ndarray, " maze"]
    """Squared errors of the base."""
    layouts: Int64[ndarray, " maze"]
    left_out: float
    """The score on the fitted half, by folds that are left out."""


@dataclass(frozen=True, eq=False)
class CellRows(Shown):
    """Which cells are fitted on and which are judged, and the layouts they are of."""

    counted: Bool[ndarray, "maze cell"]
    halves: Halves
    layouts: Int64[ndarray, " maze"]

    def scores(
        self,
        streams: Float32[ndarray, "maze loop cell d_model"],
        base: Float64[ndarray, "maze cell feature"],
        labels: Mapping[str, ndarray],
    ) -> dict[str, list[LoopScore]]:
        """Return the score of every label, [maze, cell, column], after every loop."""
        folds = self.layouts[self.halves.fit] % NUM_FOLDS
        fit_folds = self._picked(np.broadcast_to(folds[:, None], self.counted[self.halves.fit].shape), self.halves.fit)
        ground = FoldedRidge(self._picked(base[self.halves.fit], self.halves.fit), fit_folds)
        without = {name: self._squares(ground, base, values) for name, values in labels.items()}
        layouts = self.layouts[self.halves.held_out]
        found: dict[str, list[LoopScore]] = {name: [] for name in labels}
        for loop in range(streams.shape[1]):
            features = np.concatenate([base, streams[:, loop].astype(np.float64)], axis=2)
            probe = FoldedRidge(self._picked(features[self.halves.fit], self.halves.fit), fit_folds)
            for name, values in labels.items():
                total, base_error = without[name]
                squares, error = self._squares(probe, features, values)
                found[name].append(LoopScore(total - squares, total, layouts, 1 - error / base_error))
        return found

    def _squares(
        self, probe: FoldedRidge, features: ndarray, values: ndarray
    ) -> tuple[Float64[ndarray, " held_out"], float]:
        """Fit on one half; return the squared errors of each maze of the other, and the error on folds left out."""
        fit, held_out = self.halves
        fitted = probe.fit(self._picked(values[fit], fit))
        counted = self.counted[held_out]
        errors = np.zeros(counted.shape)
        left = values[held_out][counted] - fitted.predict(features[held_out][counted])
        errors[counted] = (left**2).sum(axis=1)
        return errors.sum(axis=1), fitted.left_out

    def _picked(self, values: ndarray, rows: Int64[ndarray, " rows"]) -> ndarray:
        """Return the cells that count of some mazes, one after another."""
        return values[self.counted[rows]]


def cell_rows(mazes: MazeBatch, seed: int = 0) -> CellRows:
    """Halve mazes, and count the cells that a look around does not settle.

    Raises:
        ConfigurationError: The mazes have cycles, or one half has fewer than `FEWEST_MAZES` layouts with such a cell.
    """
    halves, layouts, counted = split_halves(mazes, seed), layouts_of(mazes), either_rounds(mazes) >= BEYOND
    if min(num_clusters(layouts[rows][counted[rows].any(axis=1)]) for rows in halves) < FEWEST_MAZES:
        raise ConfigurationError(
            f"too few of {len(mazes)} mazes have cells that need a look-ahead of {BEYOND} steps: intervals need "
            f"{FEWEST_MAZES} layouts in either half; use more mazes, or larger ones."
        )
    return CellRows(counted, halves, layouts)


def cells_of_other_mazes(values: ndarray, seed: int) -> ndarray:
    """Give the cells of every maze, [maze, cell, column], the labels of another one."""
    return of_other_mazes(values.reshape(len(values), -1), seed).reshape(values.shape)
