"""Far counterfactual sensitivity (S1): one far edge is changed; does the choice follow?

On flip pairs (`patching_pairs`) of depth K, over the pairs the model solves in the clean maze (its
likeliest of all tokens is w):

    F(K)  = rate at which it answers w' in the flipped maze, as the oracle demands,
    F0(K) = rate at which it leaves w in the control maze, where the oracle demands w still,
    S1    = F - F0 over all K >= far, with Newcombe's interval for paired rates, over layouts.

The control writes another edge into the same kind of slot, so that a model that answers differently whenever any token
changes has F0 = F and no score. The condition keeps S1 apart from accuracy: a searcher of short reach is not taken for
a heuristic because of the mazes it fails. Where fewer than `FEWEST_MAZES` pairs are solved there is nothing to
condition on, and S1 is taken over all pairs, P(right in clean and flipped) - P(right in clean, wrong in control): near
0, with a narrow interval, for a model that solves nothing, so that the verdict is `no` and not `unclear`.

B2: the logit difference LD = l(w) - l(w'), clean minus flipped, by K and by the layer it is read after (logit lens), in
units of |LD_clean| + |LD_flipped|: 1 where the preference turns round, 0 where nothing changes. A model of shallow
sensitivity has a dLD that falls off with K.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.logit_lens import logit_lens
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, pair_logits
from maze_rl.interp.maze_draws import percentile_interval, redrawn_sums, sums_by_layout
from maze_rl.interp.requirements import FEWEST_MAZES, check_tokens
from maze_rl.intervals import Interval, bootstrap_ratios, clustered_wilson, num_clusters, paired_difference

FAR = 4
"""Depth K from which on a change counts as far."""
THRESHOLD = 0.5


@dataclass(frozen=True, kw_only=True)
class FlipRates(Shown):
    """How choices follow the changes; every row counts pairs, one from each maze."""

    depth: Int64[ndarray, " pair"]
    """K."""
    solved: Bool[ndarray, " pair"]
    """Right in the clean maze."""
    flips: Bool[ndarray, " pair"]
    """Solved, and answers w' in the flipped maze."""
    leaves: Bool[ndarray, " pair"]
    """Solved, and answers anything but w in the control maze."""
    far: int
    finding: Finding
    """S1."""
    layouts: Int64[ndarray, " pair"] | None = None
    """Layout of each clean maze; None where each is taken to have its own."""

    @property
    def solved_text(self) -> str:
        """How many pairs the rates stand on."""
        return f"{int(self.solved.sum())} of {len(self.solved)} pairs solved in the clean maze"

    @property
    def depths(self) -> list[int]:
        """The values of K there are."""
        return np.unique(self.depth).tolist()

    def num_solved(self, depth: int) -> int:
        """Return the number of solved pairs of one K."""
        return int((self.solved & (self.depth == depth)).sum())

    def num_layouts(self, depth: int) -> int | None:
        """Return the number of layouts among the solved pairs of one K; None where they were not counted."""
        return None if self.layouts is None else num_clusters(self.layouts[self.solved & (self.depth == depth)])

    def flip_rate(self, depth: int) -> Interval:
        """Return F(K) with its Wilson interval."""
        return self._rate(self.flips, self.depth == depth)

    def false_flip_rate(self, depth: int) -> Interval:
        """Return F0(K) with its Wilson interval."""
        return self._rate(self.leaves, self.depth == depth)

    @property
    def far_flip_rate(self) -> Interval:
        """F over K >= far."""
        return self._rate(self.flips, self.depth >= self.far)

    def _rate(self, what: Bool[ndarray, " pair"], among: Bool[ndarray, " pair"]) -> Interval:
        """Return a rate among the solved, over layouts."""
        layouts, rows = np.arange(len(what)) if self.layouts is None else self.layouts, self.solved & among
        return clustered_wilson(what[rows], layouts[rows])


def flip_rates(model: HookedTransformer, pairs: PatchingPairs, *, far: int = FAR, batch_size: int = 256) -> FlipRates:
    """Ask the model at the forks of clean, flipped and control mazes.

    Args:
        model: The network.
        pairs: Flip pairs; S1 needs some with K >= far.
        far: Smallest K that counts for S1.
        batch_size: Sequences run at once.

    Raises:
        ConfigurationError: There are no pairs, they are not written in the model's words, or `batch_size` is below 1.
    """
    _check_pairs(model, pairs, batch_size)
    solved = _answers(model, pairs, pairs.clean, np.arange(len(pairs)), batch_size) == pairs.right.numpy()
    flips, leaves = np.zeros_like(solved), np.zeros_like(solved)
    # all rates are among the solved: the others need not be run
    if len(rows := np.flatnonzero(solved)):
        flips[rows] = _answers(model, pairs, pairs.flipped, rows, batch_size) == pairs.wrong.numpy()[rows]
        leaves[rows] = _answers(model, pairs, pairs.control, rows, batch_size) != pairs.right.numpy()[rows]
    depth, layouts = np.asarray(pairs.depth), pairs.layouts
    return FlipRates(
        depth=depth,
        solved=solved,
        flips=flips,
        leaves=leaves,
        far=far,
        layouts=layouts,
        finding=_finding(solved, flips, leaves, depth >= far, layouts),
    )


def _check_pairs(model: HookedTransformer, pairs: PatchingPairs, batch_size: int) -> None:
    check_count("batch_size", batch_size)
    if len(pairs) == 0:
        raise ConfigurationError("there are no pairs to ask the model about: give at least one.")
    check_tokens(model, pairs.spans.layout)


def _answers(
    model: HookedTransformer, pairs: PatchingPairs, tokens: Tensor, rows: ndarray, batch_size: int
) -> Int64[ndarray, " chosen"]:
    chosen = torch.from_numpy(rows)
    logits = pair_logits(model, tokens[chosen], pairs.position[chosen], batch_size)
    return logits.argmax(dim=-1).cpu().numpy()


def _finding(solved: ndarray, flips: ndarray, leaves: ndarray, is_far: ndarray, layouts: ndarray) -> Finding:
    conditional = int((solved & is_far).sum()) >= FEWEST_MAZES
    chosen = is_far & solved if conditional else is_far
    among = "the pairs solved in the clean maze" if conditional else "all pairs, as too few are solved"
    effect = Interval(float("nan"), float("nan"), float("nan"))
    if int(chosen.sum()) >= FEWEST_MAZES:
        difference = paired_difference(flips[chosen], leaves[chosen], layouts[chosen])
        effect = Interval(difference.value, difference.low, difference.high)
    return Finding(
        name=f"rate of right flips less false ones at far changes, of {among}",
        effect=effect,
        threshold=THRESHOLD,
        num_mazes=int(chosen.sum()),
        num_layouts=num_clusters(layouts[chosen]),
        control=clustered_wilson(leaves[chosen], layouts[chosen]),
        control_name="false flips where another edge changes; subtracted",
    )


@dataclass(frozen=True, kw_only=True)
class LogitSensitivity(Shown):
    """dLD = LD_clean - LD_flipped by depth and layer, in units of |LD_clean| + |LD_flipped|; all pairs count."""

    layers: tuple[str, ...]
    """After which part it is read: the embedding, layer 0, ..."""
    depths: tuple[int, ...]
    change: tuple[Interval, ...]
    """Final dLD at each of the depths: sum over pairs / sum of units, over layouts."""
    num_mazes: tuple[int, ...]
    by_layer: Float64[ndarray, "layer depth"]
    """Mean dLD read after each layer, in mean final units of all pairs."""
    slope: Interval
    """Slope of the final dLD, in mean units of all pairs, over K; 0 for a change that counts alike at any depth."""


def logit_sensitivity(
    model: HookedTransformer, pairs: PatchingPairs, *, batch_size: int = 128, seed: int = 0
) -> LogitSensitivity:
    """Read how far the logit difference moves, after every layer, with one cached run of each maze.

    Args:
        model: The network.
        pairs: Flip pairs.
        batch_size: Pairs run at once.
        seed: Seed of the draws of layouts.

    Raises:
        ConfigurationError: There are no pairs, they are not written in the model's words, or `batch_size` is below 1.
    """
    _check_pairs(model, pairs, batch_size)
    names: tuple[str, ...] = ()
    parts: list[ndarray] = []
    units: list[ndarray] = []
    device = next(model.parameters()).device
    for rows in torch.arange(len(pairs)).split(batch_size):
        at, right, wrong = (each[rows].to(device) for each in (pairs.position, pairs.right, pairs.wrong))
        longest = int(at.max()) + 1
        clean, flipped = (
            logit_lens(model, _cut(tokens, rows, longest, device), at, right, wrong)
            for tokens in (pairs.clean, pairs.flipped)
        )
        names = clean.names
        parts.append(clean.logit_differences - flipped.logit_differences)
        units.append(abs(clean.logit_differences[:, -1]) + abs(flipped.logit_differences[:, -1]))
    changes, unit, depth = np.concatenate(parts), np.concatenate(units), np.asarray(pairs.depth)
    final, depths = changes[:, -1], np.unique(depth)
    at_depth = (depth[:, None] == depths).astype(np.float64)
    scale, layouts = float(unit.mean()) or float("nan"), pairs.layouts
    ratios = bootstrap_ratios(at_depth * final[:, None], at_depth * unit[:, None], layouts, seed=seed, draws=1000)
    return LogitSensitivity(
        layers=names,
        depths=tuple(depths.tolist()),
        change=tuple(ratios),
        num_mazes=tuple(at_depth.sum(axis=0).astype(int).tolist()),
        by_layer=(changes.T @ at_depth) / at_depth.sum(axis=0) / scale,
        slope=_slope(depth, final / scale, layouts, seed),
    )


def _cut(tokens: Tensor, rows: Tensor, longest: int, device: torch.device) -> Tensor:
    return tokens[rows, :longest].to(device)


def _slope(x: ndarray, y: ndarray, layouts: ndarray, seed: int) -> Interval:
    """Return the least-squares slope of y over x with its interval over layouts."""
    sums = sums_by_layout(layouts, np.stack([np.ones(len(x)), x, y, x * x, x * y], axis=1))

    def slope(drawn: ndarray) -> ndarray:
        n, sx, sy, sxx, sxy = drawn.T
        spread = n * sxx - sx**2
        return np.divide(n * sxy - sx * sy, spread, out=np.full(len(drawn), np.nan), where=spread > 1e-9)

    replicates = slope(redrawn_sums(sums, seed=seed))
    return percentile_interval(slope(sums.sum(axis=0)[None])[0], replicates, layouts=len(sums))
