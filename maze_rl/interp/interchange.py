"""Interchange interventions (S3): swap a search's variable between two mazes and see whether the choice follows.

Pairs of mazes (`maze_rl.interp.patching_pairs`) share everything up to a fork but one edge, and demand different next
steps there. A ridge probe predicts how the variable differs between the members, at all cells, from how the residual
stream at the fork differs (first differences: what the members share cannot enter); the directions in which the
stream moves with the first principal components of the predictions (their patterns, cov(h) W, not the weights W,
which also cancel noise: Haufe et al., 2014), made orthonormal (Q), are where the variable is written. With h of the
one maze and h' of the other, h + Q Q^T (h' - h) goes on through the layers that follow, and

    IIA = share of swaps, both ways, after which the likeliest token is the other maze's right step

(interchange intervention accuracy: Geiger et al., Causal abstractions, 2106.02997; Finding alignments, 2303.02536).
Pairs that the model solves both ways are used; where these are too few for an interval, each single swap into a
solved member. Probes, layer and rank are chosen on one half of the pairs, the effect is taken on the other: IIA less
that of random subspaces of the same rank. Beside it stands the IIA of a probe for the labels of other mazes: where
that is as large, the members differ in little else than the variable, and the swap does not tell it from other
variables of the same rank.

A subspace may act although nothing varies along it in the data (dormant directions: Makelov et al., 2311.17030). So
the swap is also made with no more than its part in the span of the leading principal components of the differences.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.interp.cell_features import Variable, of_other_mazes, split_halves, variable_of
from maze_rl.interp.decision_stream import Change, DecisionStream
from maze_rl.interp.finding import Finding
from maze_rl.interp.patching_pairs import PatchingPairs
from maze_rl.interp.requirements import FEWEST_MAZES
from maze_rl.interp.ridge_probe import RidgeProbe
from maze_rl.intervals import Interval, bootstrap_ratio
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.seeding import numpy_generator

THRESHOLD = 0.3
"""IIA beyond the control that counts as causal use."""
SHARES = (0.95, 0.9999)
"""Shares of the predictions' variance that give the ranks tried."""
IN_DATA = 0.999
"""Share of the variance of the members' differences that the data's own span holds."""

_Change = Callable[[ndarray], ndarray]
"""Differences of streams [swap, d_model] to what is added."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Interchange:
    """What swapping one variable does."""

    finding: Finding
    """IIA less the control's."""
    variable: str
    layer: int
    """Block whose output was changed."""
    rank: int
    """Dimensions swapped."""
    iia: Interval
    random: Interval
    """IIA of random subspaces of the same rank."""
    other_labels: Interval
    """IIA of the subspace of a probe for the labels of other mazes, of the same rank."""
    complement: Interval
    """IIA where all is swapped but the subspace."""
    in_data: Interval
    """IIA where the swap keeps to the span of the data: far below `iia`, directions are dormant."""
    in_data_share: float
    """Share of the squared change that lies in that span."""
    by_layer: Float64[ndarray, " layer"]
    """IIA of the best rank on the pairs chosen with; nan for layers not tried."""
    num_swaps: int
    both_solved: bool
    """Whether only pairs solved both ways are used."""


class _Swaps(NamedTuple):
    """Swaps into `rows` from `sources`; rows of clean members come first, then those of flipped ones."""

    rows: Int64[ndarray, " swap"]
    sources: Int64[ndarray, " swap"]
    answers: Int64[ndarray, " swap"]
    """Right next token of the source."""
    num_pairs: int

    def of_pairs(self, chosen: Int64[ndarray, " chosen"]) -> "_Swaps":
        """Return the swaps of some pairs."""
        kept = np.isin(self.rows % self.num_pairs, chosen)
        return _Swaps(self.rows[kept], self.sources[kept], self.answers[kept], self.num_pairs)

    def interval(self, success: Float64[ndarray, " swap"]) -> Interval:
        """Return the mean over swaps with its interval over pairs."""
        pair = self.rows % self.num_pairs
        sums, counts = np.bincount(pair, success, self.num_pairs), np.bincount(pair, minlength=self.num_pairs)
        used = counts > 0
        if not used.any():
            return Interval(float("nan"), float("nan"), float("nan"))
        return bootstrap_ratio(sums[used], counts[used].astype(np.float64))


def interchange(
    model: HookedTransformer,
    pairs: PatchingPairs,
    *,
    variable: Variable = "distance",
    layers: Sequence[int] | None = None,
    draws: int = 8,
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> Interchange:
    """Swap a variable between the members of pairs.

    Args:
        model: The model.
        pairs: Pairs written in its tokenization.
        variable: What is swapped.
        layers: Blocks tried; if left out, up to 6 at equal distances that end with the last.
        draws: Random subspaces.
        threshold: IIA beyond the control that counts as use.
        seed: Seed of halves, random subspaces and the labels of other mazes.
    """
    run = DecisionStream(model, torch.cat([pairs.clean, pairs.flipped]), pairs.position.repeat(2))
    members = (pairs.pairs.clean, pairs.pairs.flipped)
    values = np.concatenate([variable_of(at_fork(batch, pairs), variable) for batch in members])
    halves = split_halves(pairs.pairs.clean, seed)
    swaps, both_solved = _find_swaps(run, pairs)
    fit = halves.fit
    changes_of = values[fit + len(pairs)] - values[fit]
    tried = spread_layers(model.cfg.n_layers) if layers is None else layers
    spaces = [
        (layer, space) for layer in tried for space in probe_subspaces(_pair_changes(run, layer, fit), changes_of)
    ]
    by_space = _follows(run, [(layer, _within(space)) for layer, space in spaces], swaps.of_pairs(halves.fit)).mean(
        axis=1
    )
    by_layer = np.full(model.cfg.n_layers, np.nan)
    for (layer, _), iia in zip(spaces, by_space, strict=True):
        by_layer[layer] = np.fmax(by_layer[layer], iia)
    layer, space = spaces[int(np.nan_to_num(by_space, nan=-1.0).argmax())]
    others = of_other_mazes(changes_of, seed)
    controls = _control_spaces(_pair_changes(run, layer, fit), others, space.shape[1], draws, seed)
    held_out = swaps.of_pairs(halves.held_out)
    inside = data_span(_pair_changes(run, layer, fit))
    changes = [_within(space), _outside(space), _inside_data(space, inside), *map(_within, controls)]
    follows = _follows(run, [(layer, change) for change in changes], held_out).astype(np.float64)
    random, labels = follows[4:].mean(axis=0), follows[3]
    return Interchange(
        finding=Finding(
            name=f"swap of {variable}: IIA less the control's",
            effect=held_out.interval(follows[0] - random), threshold=threshold,
            num_mazes=len(np.unique(held_out.rows % len(pairs))), control=held_out.interval(random),
            control_name="random subspaces of equal rank",
        ),
        variable=variable, layer=layer, rank=space.shape[1], iia=held_out.interval(follows[0]),
        random=held_out.interval(random), other_labels=held_out.interval(labels),
        complement=held_out.interval(follows[1]), in_data=held_out.interval(follows[2]),
        in_data_share=_share_inside(_differences(run, layer, held_out) @ space @ space.T, inside),
        by_layer=by_layer, num_swaps=len(held_out.rows), both_solved=both_solved,
    )  # fmt: skip


def spread_layers(n_layers: int, most: int = 6) -> range:
    """Return at most `most` layers at equal distances, the last among them."""
    step = -(-n_layers // most)
    return range((n_layers - 1) % step, n_layers, step)


def at_fork(batch: MazeBatch, pairs: PatchingPairs) -> MazeBatch:
    """Return the mazes as seen from the fork: that is where one stands."""
    return replace(batch, origins=pairs.pairs.forks)


def probe_subspaces(
    streams: Float64[ndarray, "row d_model"], values: Float64[ndarray, "row cell"], shares: Sequence[float] = SHARES
) -> list[Float64[ndarray, "d_model rank"]]:
    """Return orthonormal bases of the directions a ridge probe reads, one for each different rank."""
    directions, explained = _reading_directions(streams, values)
    ranks = sorted({min(int(np.searchsorted(explained, share)) + 1, len(explained)) for share in shares})
    return [orthonormal(directions[:, :rank]) for rank in ranks]


def data_span(streams: Float64[ndarray, "row d_model"], share: float = IN_DATA) -> Float64[ndarray, "d_model rank"]:
    """Return the leading principal components of the streams, which hold `share` of their variance."""
    squares, components = np.linalg.eigh(np.cov(streams.T))
    explained = squares[::-1].cumsum() / max(float(squares.sum()), 1e-300)
    return components[:, ::-1][:, : int(np.searchsorted(explained, share)) + 1]


def orthonormal(columns: ndarray) -> Float64[ndarray, "d_model rank"]:
    """Return an orthonormal basis of the span of columns that are not nearly dependent."""
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, sizes > 1e-9 * max(float(sizes.max(initial=0.0)), 1e-300)]


def _reading_directions(streams: ndarray, values: ndarray) -> tuple[ndarray, ndarray]:
    """Return patterns [d_model, cell], by the variance of the predictions they belong to, and its cumulated shares."""
    probe = RidgeProbe(streams)
    weights = probe.weights(values, probe.strength_for(values))
    centred = streams - streams.mean(axis=0)
    predicted = centred @ weights
    variances, components = np.linalg.eigh(predicted.T @ predicted)
    explained = variances[::-1].cumsum() / max(float(variances.sum()), 1e-300)
    return centred.T @ (predicted @ components[:, ::-1]), explained


def _control_spaces(streams: ndarray, others: ndarray, rank: int, draws: int, seed: int) -> list[ndarray]:
    """Return the subspace of a probe for the labels of other mazes, then random ones."""
    generator = numpy_generator(seed, "random_subspaces")
    random = [orthonormal(generator.normal(size=(streams.shape[1], rank))) for _ in range(draws)]
    return [orthonormal(_reading_directions(streams, others)[0][:, :rank]), *random]


def _find_swaps(run: DecisionStream, pairs: PatchingPairs) -> tuple[_Swaps, bool]:
    """List the swaps both ways of solved pairs; where these are too few, into solved members; or else all there are."""
    num = len(pairs)
    answers = np.concatenate([pairs.right.numpy(), pairs.wrong.numpy()])
    solved = run.choices.cpu().numpy() == answers
    both = np.tile(solved[:num] & solved[num:], 2)
    enough = both.sum() >= 4 * FEWEST_MAZES
    some = solved.sum() >= 2 * FEWEST_MAZES
    # a model that solves nothing gets a rate near 0, not nothing
    rows = np.flatnonzero(both if enough else solved) if enough or some else np.arange(2 * num)
    sources = (rows + num) % (2 * num)
    return _Swaps(rows, sources, answers[sources], num), bool(enough)


def _follows(run: DecisionStream, changes: list[tuple[int, _Change]], swaps: _Swaps) -> Bool[ndarray, "change swap"]:
    """Tell after which swaps the choice is the source's right step."""
    rows = torch.from_numpy(swaps.rows).to(run.choices.device)
    put = []
    for layer, change in changes:
        moved = torch.from_numpy(change(_differences(run, layer, swaps)))
        put.append(Change(layer, rows, run.streams[layer][rows] + moved.to(run.streams)))
    return np.stack([chosen.cpu().numpy() == swaps.answers for chosen in run.go_on(put)])


def _differences(run: DecisionStream, layer: int, swaps: _Swaps) -> Float64[ndarray, "swap d_model"]:
    return _rows(run, layer, swaps.sources) - _rows(run, layer, swaps.rows)


def _rows(run: DecisionStream, layer: int, rows: ndarray) -> Float64[ndarray, "row d_model"]:
    return run.streams[layer].cpu().numpy()[rows].astype(np.float64)


def _pair_changes(run: DecisionStream, layer: int, chosen: ndarray) -> Float64[ndarray, "pair d_model"]:
    num = run.streams.shape[1] // 2
    return _rows(run, layer, chosen + num) - _rows(run, layer, chosen)


def _within(space: ndarray) -> _Change:
    return lambda difference: difference @ space @ space.T


def _outside(space: ndarray) -> _Change:
    return lambda difference: difference - difference @ space @ space.T


def _inside_data(space: ndarray, span: ndarray) -> _Change:
    return lambda difference: difference @ space @ (space.T @ span) @ span.T


def _share_inside(changes: ndarray, span: ndarray) -> float:
    total = float((changes**2).sum())
    return float(((changes @ span) ** 2).sum()) / total if total > 0 else float("nan")
