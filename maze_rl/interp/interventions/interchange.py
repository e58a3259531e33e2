"""Interchange interventions (S3): swap a search's variable between two mazes and see what the choice becomes.

The mazes are those of `recombined_mazes`: groups with one fork and one target. The variable at all cells
and the residual stream at the fork are freed, inside groups, of what is linear in which cells are open neighbours of
the fork. Ridge regression then predicts the stream from the variable; the leading principal components of the
predictions, made orthonormal (Q), are where the variable is written apart from the neighbours (patterns, not the
weights of a probe, which also cancel noise: Haufe et al., 2014). With h of the base and h' of the source,
h + Q Q^T (h' - h) goes on through the layers that follow, and

    IIA = share of swaps after which the likeliest token is the step that the base's neighbours and the source's
          variable demand together

(interchange intervention accuracy: Geiger et al., Causal abstractions, 2106.02997; Finding alignments, 2303.02536).
It is neither the base's own step nor the source's, so that a swap of answers scores nothing. Bases whose own step the
model gets right are used; where these are too few for an interval, all whose choice is not the demanded step already.
Layer and rank are chosen on one half of the mazes, the effect is taken on the other: IIA less that of random subspaces
of the same rank. Beside it stands the IIA of the same regression on the variable of other mazes of the group: where
that is as large, little but the variable varies apart from the neighbours, and the swap does not tell it from another
variable that says the same of the step.

A subspace may act although nothing varies along it in the data (dormant directions: Makelov et al., 2311.17030). So
the swap is also made with no more than its part in the span of the leading principal components of the streams.

What S3 does not see: a variable that is kept at other positions, of which only the answer reaches the fork.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.activations.decision_stream import Change, DecisionStream
from maze_rl.interp.activations.probe_sites import streams_at
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.cell_features import Variable, variable_of
from maze_rl.interp.inputs.decisions import read_out
from maze_rl.interp.inputs.recombined_mazes import RecombinedMazes
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.probes.ridge_probe import RidgeProbe
from maze_rl.interp.requirements import FEWEST_MAZES, check_layers, check_tokens, require_plain_blocks
from maze_rl.intervals import Interval, bootstrap_ratio, num_clusters
from maze_rl.seeding import numpy_generator

THRESHOLD = 0.3
"""IIA beyond the control that counts as causal use."""
SHARES = (0.95, 0.9999)
"""Shares of the variance of the variable's part that give the ranks tried."""
IN_DATA = 0.999
"""Share of the variance of the streams that the data's own span holds."""
_LEAST = 1e-6
"""Share of the streams' variance under which a direction of the variable is rounding."""
_BATCH = 256

_Change = Callable[[ndarray], ndarray]
"""Differences of streams [swap, d_model] to what is added."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Interchange(Shown):
    """What swapping one variable does; rates are over swaps, one of each base, intervals over pairs of fork and target.

    Swaps of one fork and target ask for steps between the same few cells, and share the means that are taken off: they
    are drawn together.
    """

    finding: Finding
    """IIA less that of random subspaces."""
    variable: str
    layer: int
    """Block whose output was changed."""
    rank: int
    """Dimensions swapped."""
    iia: Interval
    source_answer: Interval
    """Share of swaps that bring the source's own step: the answer came along, not the variable alone."""
    random: Interval
    """IIA of random subspaces of the same rank."""
    other_labels: Interval
    """IIA of the subspace, of the same rank, for the variable of other mazes of the group."""
    complement: Interval
    """IIA where all is swapped but the subspace."""
    in_data: Interval
    """IIA where the swap keeps to the span of the data: far below `iia`, directions are dormant."""
    in_data_share: float
    """Share of the squared change that lies in that span."""
    by_layer: Float64[ndarray, " layer"]
    """IIA of the best rank on the swaps chosen with; nan for layers not tried."""
    num_swaps: int
    layouts: Int64[ndarray, " swap"]
    """Layout of each base."""
    ends: Int64[ndarray, " swap"]
    """Fork and target of each swap, as one number."""
    solved: bool
    """Whether the bases used are solved; where these are too few, all are used that need a change."""


def interchange(
    model: HookedTransformer,
    mazes: RecombinedMazes,
    *,
    variable: Variable = "distance",
    layers: Sequence[int] | None = None,
    draws: int = 8,
    threshold: float = THRESHOLD,
    seed: int = 0,
) -> Interchange:
    """Swap a variable between mazes with one fork and target.

    Args:
        model: The model.
        mazes: Mazes written in its tokenization.
        variable: What is swapped.
        layers: Blocks tried; if left out, up to 6 at equal distances that end with the last.
        draws: Random subspaces.
        threshold: IIA beyond the control that counts as use.
        seed: Seed of random subspaces and of the labels of other mazes.

    Raises:
        UnknownNameError: There is no such variable.
        ConfigurationError: The model has hooks or blocks of another kind, there is no such layer, or the mazes are not
            written in the model's words.
    """
    require_plain_blocks(model, "interchange (S3)")
    check_tokens(model, mazes.written)
    tried = spread_layers(model.cfg.n_layers) if layers is None else layers
    check_layers(model, tried, "interchange (S3)")
    sites = _Sites(model, mazes, variable, seed)
    chosen_on, judged = sites.swaps(held_out=False), sites.swaps(held_out=True)
    spaces = [(layer, space) for layer in tried for space in sites.subspaces(layer, SHARES)]
    tries = chosen_on.choices([(layer, _within(space)) for layer, space in spaces])
    rates = (tries == chosen_on.answer).mean(axis=1)
    by_layer = np.full(model.cfg.n_layers, np.nan)
    for (layer, _), iia in zip(spaces, rates, strict=True):
        by_layer[layer] = np.fmax(by_layer[layer], iia)
    # of equals the last: there most is written
    layer, space = spaces[len(spaces) - 1 - int(np.nan_to_num(rates, nan=-1.0)[::-1].argmax())]
    rank, inside = space.shape[1], data_span(sites.fitted(layer))
    random = _random_spaces(space.shape[0], rank, draws, seed)
    subspaces = [sites.other_labels(layer, rank), *random]
    changes = [_within(space), _outside(space), _inside_data(space, inside), *map(_within, subspaces)]
    choices = judged.choices([(layer, change) for change in changes])
    follows = (choices == judged.answer).astype(np.float64)
    by_chance = follows[4:].mean(axis=0)

    def mean(success: Float64[ndarray, " swap"]) -> Interval:
        return _mean(success, judged.ends)

    return Interchange(
        finding=Finding(
            name=f"swap of {variable}: IIA less the control's",
            effect=mean(follows[0] - by_chance),
            threshold=threshold,
            num_mazes=len(judged),
            num_layouts=num_clusters(judged.layouts),
            control=mean(by_chance),
            control_name="random subspaces of equal rank",
        ),
        variable=variable,
        layer=layer,
        rank=rank,
        iia=mean(follows[0]),
        source_answer=mean((choices[0] == judged.source_answer).astype(np.float64)),
        random=mean(by_chance),
        other_labels=mean(follows[3]),
        complement=mean(follows[1]),
        in_data=mean(follows[2]),
        in_data_share=_share_inside(judged.differences(layer) @ space @ space.T, inside),
        by_layer=by_layer,
        num_swaps=len(judged),
        layouts=judged.layouts,
        ends=judged.ends,
        solved=sites.enough_solved,
    )


class _Sites:
    """Streams at the forks of all mazes, and the variable there."""

    def __init__(self, model: HookedTransformer, mazes: RecombinedMazes, variable: Variable, seed: int) -> None:
        self._model, self._mazes, self._seed = model, mazes, seed
        position = torch.from_numpy(mazes.position)
        parts = zip(mazes.tokens.split(_BATCH), position.split(_BATCH), strict=True)
        streams = torch.cat([streams_at(model, tokens[:, : int(at.max()) + 1], at) for tokens, at in parts])
        self.streams: Float64[ndarray, "maze layer d_model"] = streams[:, 1:].double().numpy()
        fit = ~mazes.held_out
        self._fit, self._group = np.flatnonzero(fit), np.unique(mazes.group[fit], return_inverse=True)[1]
        self._variable = variable_of(mazes.batch, variable)[fit]
        self._local = orthonormal(self._centred(mazes.neighbours[fit].astype(np.float64)))
        choices = read_out(model, streams[:, -1]).argmax(dim=-1).numpy()[mazes.base]
        self._usable = choices == mazes.right[mazes.base]
        half = mazes.held_out[mazes.base]
        # a model that solves nothing gets a rate near 0, not nothing
        self.enough_solved = bool(min(self._usable[half].sum(), self._usable[~half].sum()) >= FEWEST_MAZES)
        if not self.enough_solved:
            self._usable = choices != mazes.answer

    def swaps(self, *, held_out: bool) -> "_Swaps":
        """Return the swaps of one half."""
        chosen = np.flatnonzero(self._usable & (self._mazes.held_out[self._mazes.base] == held_out))
        return _Swaps(self._model, self._mazes, self.streams, chosen)

    def fitted(self, layer: int) -> Float64[ndarray, "row d_model"]:
        """Return the streams that are fitted on, less the means of their groups."""
        return self._centred(self.streams[self._fit, layer])

    def subspaces(self, layer: int, shares: Sequence[float]) -> list[Float64[ndarray, "d_model rank"]]:
        """Return orthonormal bases of where the variable is written, one for each different rank."""
        directions, explained = self._written(layer, self._variable)
        ranks = sorted({min(int(np.searchsorted(explained, share)) + 1, len(explained)) for share in shares})
        return [orthonormal(directions[:, :rank]) for rank in ranks]

    def other_labels(self, layer: int, rank: int) -> Float64[ndarray, "d_model rank"]:
        """Return the same where every maze has the variable of another one of its group."""
        random, others = numpy_generator(self._seed, "other_labels"), self._variable.copy()
        for each in np.unique(self._group):
            rows = random.permutation(np.flatnonzero(self._group == each))
            others[rows] = self._variable[np.roll(rows, 1)]
        return orthonormal(self._written(layer, others)[0][:, :rank])

    def _written(self, layer: int, variable: ndarray) -> tuple[ndarray, ndarray]:
        """Return directions [d_model, k] by the variance that the variable's part has, and its cumulated shares."""
        values, fitted = self._apart(self._centred(variable)), self.fitted(layer)
        streams = self._apart(fitted)
        probe = RidgeProbe(values)
        part = values @ probe.weights(streams, probe.strength_for(streams))
        variances, components = np.linalg.eigh(part.T @ part)
        kept = int((variances > _LEAST * (fitted**2).sum()).sum())
        explained = variances[::-1][:kept].cumsum() / max(float(variances.sum()), 1e-300)
        return components[:, ::-1][:, :kept], explained

    def _apart(self, rows: Float64[ndarray, "row column"]) -> Float64[ndarray, "row column"]:
        """Take off what is linear in the neighbours: exactly, since little of it, written large, turns the choice."""
        return rows - self._local @ (self._local.T @ rows)

    def _centred(self, rows: Float64[ndarray, "row column"]) -> Float64[ndarray, "row column"]:
        sums = np.zeros((int(self._group.max()) + 1, rows.shape[1]))
        np.add.at(sums, self._group, rows)
        return rows - (sums / np.bincount(self._group)[:, None])[self._group]


class _Swaps:
    """Swaps into some bases; the runs on these are kept, to go on from."""

    def __init__(
        self, model: HookedTransformer, mazes: RecombinedMazes, streams: ndarray, chosen: Int64[ndarray, " swap"]
    ) -> None:
        base, source = mazes.base[chosen], mazes.source[chosen]
        self.answer, self.source_answer = mazes.answer[chosen], mazes.right[source]
        self.layouts: Int64[ndarray, " swap"] = layouts_of(mazes.batch)[base]
        self.ends: Int64[ndarray, " swap"] = mazes.ends[base]
        self._base, self._source = streams[base], streams[source]
        position = torch.from_numpy(mazes.position[base])
        self._run = DecisionStream(model, mazes.tokens[base][:, : int(position.max()) + 1], position)

    def __len__(self) -> int:
        return len(self.answer)

    def differences(self, layer: int) -> Float64[ndarray, "swap d_model"]:
        """Return what the sources' streams have beyond the bases'."""
        return self._source[:, layer] - self._base[:, layer]

    def choices(self, changes: list[tuple[int, _Change]]) -> Int64[ndarray, "change swap"]:
        """Return the choice after each swap: `answer` is what base and source demand together."""
        rows = torch.arange(len(self), device=self._run.choices.device)
        put = [
            Change(
                layer,
                rows,
                torch.from_numpy(self._base[:, layer] + change(self.differences(layer))).to(self._run.streams),
            )
            for layer, change in changes
        ]
        return np.stack([chosen.cpu().numpy() for chosen in self._run.go_on(put)])


def spread_layers(n_layers: int, most: int = 6) -> range:
    """Return at most `most` layers at equal distances, the last among them."""
    step = -(-n_layers // most)
    return range((n_layers - 1) % step, n_layers, step)


def data_span(streams: Float64[ndarray, "row d_model"], share: float = IN_DATA) -> Float64[ndarray, "d_model rank"]:
    """Return the leading principal components of the streams, which hold `share` of their variance."""
    squares, components = np.linalg.eigh(np.cov(streams.T))
    explained = squares[::-1].cumsum() / max(float(squares.sum()), 1e-300)
    return components[:, ::-1][:, : int(np.searchsorted(explained, share)) + 1]


def orthonormal(columns: ndarray) -> Float64[ndarray, "d_model rank"]:
    """Return an orthonormal basis of the span of columns that are not nearly dependent."""
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    return left[:, sizes > 1e-9 * max(float(sizes.max(initial=0.0)), 1e-300)]


def _random_spaces(d_model: int, rank: int, draws: int, seed: int) -> list[ndarray]:
    generator = numpy_generator(seed, "random_subspaces")
    return [orthonormal(generator.normal(size=(d_model, rank))) for _ in range(draws)]


def _mean(success: Float64[ndarray, " swap"], clusters: Int64[ndarray, " swap"]) -> Interval:
    """Return the mean over swaps, one of each base maze, with its interval over clusters."""
    if not len(success):
        return Interval(float("nan"), float("nan"), float("nan"))
    return bootstrap_ratio(success, np.ones(len(success)), clusters)


def _within(space: ndarray) -> _Change:
    return lambda difference: difference @ space @ space.T


def _outside(space: ndarray) -> _Change:
    return lambda difference: difference - difference @ space @ space.T


def _inside_data(space: ndarray, span: ndarray) -> _Change:
    return lambda difference: difference @ space @ (space.T @ span) @ span.T


def _share_inside(changes: ndarray, span: ndarray) -> float:
    total = float((changes**2).sum())
    return float(((changes @ span) ** 2).sum()) / total if total > 0 else float("nan")
