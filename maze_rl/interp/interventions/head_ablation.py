"""Ablation of attention heads: how many right choices at forks are lost, and how many with random heads instead.

The output z of the chosen heads is replaced at every position, by what carries nothing about this maze:

- `mean`: its mean over the reference mazes' positions of the same kind, decisions or all others;
- `resample`: its value in the run of another maze at the same token position (prompts of one size are aligned; where
  the other sequence is shorter, at its last decision).

    drop = right rate of the whole model - right rate of the ablated one, over forks,

set against the drops of random sets with as many heads in each layer (`random_head_sets`). The verdict
is `yes` where the drop beyond their mean exceeds the threshold and 95 % of them lose less; where fewer than 20 such
sets exist the second cannot be told, and what would be a yes is `unclear`, as the control's name says. So is a verdict
on too few layouts. A search that runs in these heads is lost where much look-ahead k* is needed, a local rule
everywhere alike: that is reported, and no part of the verdict. Mean ablation as in Wang et al. 2022 (arXiv 2211.00593),
resampling as in Chan et al. 2022 (causal scrubbing).

All sets go through the model together, one layer after another: sets that agree up to a layer, or
whose heads there make no difference, share its computation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.interp.finding import Finding, Verdict
from maze_rl.interp.inputs.decisions import Decisions, in_batches, right_choices
from maze_rl.interp.interventions.random_head_sets import Heads, random_head_sets
from maze_rl.interp.maze_draws import rates_over_layouts
from maze_rl.interp.requirements import FEWEST_MAZES, check_tokens, require_plain_blocks
from maze_rl.intervals import NUM_DRAWS, Interval, num_clusters
from maze_rl.models.readout import begins_loop, unembedded
from maze_rl.seeding import numpy_generator, stream_key

How = Literal["mean", "resample"]
THRESHOLD = 0.1
"""Share of right choices that must be lost beyond what random heads lose."""
LEAST_PERCENTILE = 0.95
"""Share of the random sets that must lose less than the chosen one."""
FEWEST_SETS = 20
"""Random sets under which such a share says nothing."""


@dataclass(frozen=True, kw_only=True)
class BeyondRandom(Finding):
    """The drop beyond that of random heads; `yes` needs a place among them, too."""

    percentile: float
    """Share of the random sets that lose less, in [0, 1]; nan where they are too few to tell."""

    @property
    def verdict(self) -> Verdict:
        """As for any finding, but `unclear` on fewer than `FEWEST_MAZES` layouts.

        So is a drop that random sets reach too often, or that these are too few to tell of.
        """
        if self.num_layouts is not None and self.num_layouts < FEWEST_MAZES:
            return "unclear"
        verdict = super().verdict
        placed = self.percentile >= LEAST_PERCENTILE  # nan is no place
        return verdict if placed or verdict != "yes" else "unclear"


@dataclass(frozen=True, kw_only=True)
class AblationResult(Shown):
    """What was lost with the chosen heads, and with random ones; rates are over forks, intervals over layouts."""

    heads: Heads
    how: How
    right_rate: Interval
    """Of the whole model."""
    ablated_rate: Interval
    """Without the chosen heads."""
    drop: Interval
    """The first minus the second, paired."""
    random_drops: Float64[ndarray, " set"]
    """Drop with each random set."""
    beyond_random: Interval
    """Drop minus the mean drop of the random sets, paired; nan where there is no other set."""
    percentile: float
    """Share of the random sets that lose less than the chosen one, in [0, 1]; nan without any. Of fewer than
    `FEWEST_SETS` it is no significance."""
    split_at: int
    """Forks with k* up to this are `shallow`, those beyond `deep`."""
    shallow_drop: Interval
    deep_drop: Interval
    drop_by_look_ahead: dict[int, tuple[float, int]]
    """For each k*: the drop, and the number of forks."""
    num_mazes: int
    num_layouts: int
    num_forks: int

    @property
    def finding(self) -> BeyondRandom:
        """The drop beyond that of random heads."""
        num = len(self.random_drops)
        control = float(self.random_drops.mean()) if num else float("nan")
        spread = np.quantile(self.random_drops, [0.025, 0.975]) if num else (control, control)
        note = "" if num >= FEWEST_SETS else ", too few for a percentile"
        return BeyondRandom(
            name=f"right choices at forks lost by {self.how} ablation of {len(self.heads)} heads, beyond random heads",
            effect=self.beyond_random,
            threshold=THRESHOLD,
            num_mazes=self.num_mazes,
            num_layouts=self.num_layouts,
            control=Interval(control, float(spread[0]), float(spread[1])),
            control_name=f"{num} random sets with as many heads in each layer (95 % of them){note}",
            percentile=self.percentile if num >= FEWEST_SETS else float("nan"),
        )


def ablate_heads(
    model: HookedTransformer,
    decisions: Decisions,
    heads: Sequence[tuple[int, int]],
    *,
    how: How = "mean",
    reference: Decisions | None = None,
    num_random: int = 200,
    split_at: int | None = None,
    seed: int = 0,
    batch_size: int = 64,
) -> AblationResult:
    """Ablate a set of heads, and random sets like it.

    Args:
        model: The network.
        decisions: All decisions of the mazes asked about (`find_decisions`); forks among them count.
        heads: (layer, head) of the heads taken out together; in a model with loops every loop's layers count on.
        how: What takes the place of their output.
        reference: Mazes that give it, of the same shape and number of edges; None takes the very mazes, where
            `resample` gives each maze another's.
        num_random: Random sets; fewer where fewer exist.
        split_at: Largest k* of a shallow fork; None for the median.
        seed: Seed of the random sets, of the mazes that are paired, and of the bootstrap.
        batch_size: Mazes run at once.

    Raises:
        UnknownNameError: There is no such way to ablate.
        ConfigurationError: The model has blocks of another kind, the mazes are not written in its words, a head does
            not exist, there are no forks, prompts to resample from differ in length, or there is no other maze to
            resample from.
    """
    require_plain_blocks(model, "head ablation layer by layer")
    given = decisions if reference is None else reference
    for each in (decisions, given):
        check_tokens(model, each.spans.layout)
    if how not in get_args(How):
        raise unknown_name("ablation", how, get_args(How))
    chosen = _checked_heads(model, heads)
    sets: list[Heads] = [(), chosen, *random_head_sets(chosen, model.cfg.n_heads, num=num_random, seed=seed)]
    forks = decisions.take(decisions.is_fork)
    if len(forks) == 0:
        raise ConfigurationError("no decision is a fork: ablation needs mazes with branches on their paths.")
    check_count("batch_size", batch_size)
    right = _right_by_set(model, decisions, forks, sets, how, given, seed, batch_size)
    cut = int(np.median(forks.look_ahead)) if split_at is None else split_at
    return _summarised(forks, right, chosen, how, cut, seed)


def _checked_heads(model: HookedTransformer, heads: Sequence[tuple[int, int]]) -> Heads:
    layers, per_layer = model.cfg.n_layers, model.cfg.n_heads
    for layer, head in heads:
        if not (0 <= layer < layers and 0 <= head < per_layer):
            raise ConfigurationError(
                f"there is no head {head} in layer {layer}: the model has layers 0 to {layers - 1} with heads 0 to "
                f"{per_layer - 1}."
            )
    if not heads:
        raise ConfigurationError("heads is empty: name at least one (layer, head).")
    return tuple(sorted(set(heads)))


@torch.inference_mode()
def _right_by_set(
    model: HookedTransformer,
    decisions: Decisions,
    forks: Decisions,
    sets: Sequence[Heads],
    how: How,
    reference: Decisions,
    seed: int,
    batch_size: int,
) -> Bool[ndarray, "set fork"]:
    """Tell for each set of heads taken out where the choice is right."""
    device = next(model.parameters()).device
    right = np.zeros((len(sets), len(forks)), np.bool_)
    used = sorted({layer for each in sets for layer, _ in each})
    with parametrize.cached():
        source = _Replacement(model, used, how, decisions, reference, seed, batch_size)
        for batch in in_batches(forks, batch_size, device):
            ablation = _LayerwiseAblation(model, batch.tokens, sets, source.at(batch.mazes, batch.tokens.shape[1]))
            for numbers, final in ablation.finals(0, ablation.embedding, range(len(sets))):
                logits = unembedded(model, final[batch.at][:, None])[:, 0].cpu()
                right[np.array(numbers)[:, None], batch.rows] = right_choices(forks.take(batch.rows), logits)
    return right


class _LayerwiseAblation:
    """Runs one batch with many sets of heads taken out, as a walk down the layers that branches where sets differ."""

    def __init__(
        self, model: HookedTransformer, tokens: Tensor, sets: Sequence[Heads], instead: dict[int, Tensor]
    ) -> None:
        self.model, self.tokens, self.sets, self.instead = model, tokens, sets, instead
        self.embedding: Tensor = model(tokens, stop_at_layer=0)

    def finals(self, layer: int, stream: Tensor, numbers: Sequence[int]) -> Iterator[tuple[Sequence[int], Tensor]]:
        """Yield sets, by number, and the final residual stream [maze, pos, d_model] they share."""
        if layer == self.model.cfg.n_layers:
            yield numbers, stream
            return
        branches: dict[tuple[int, ...], list[int]] = {}
        for number in numbers:
            heads = tuple(head for at, head in self.sets[number] if at == layer)
            branches.setdefault(heads, []).append(number)
        ran: list[tuple[list[int], Tensor]] = []
        for heads, members in branches.items():
            after = self._through(layer, stream, heads)
            # heads that write nothing make no difference, and their sets go on as one
            for same, other in ran:
                if torch.equal(after, other):
                    same.extend(members)
                    break
            else:
                ran.append((members, after))
        for members, after in ran:
            yield from self.finals(layer + 1, self._entering(layer + 1, after), members)

    def _entering(self, layer: int, left: Tensor) -> Tensor:
        """Return what enters a layer: what the one before left, or what recall makes of it where a loop begins."""
        if not begins_loop(self.model, layer):
            return left
        model: Any = self.model  # by its own module, so that hooks on what is recalled act
        with model.shared.open():
            model.shared.embedded = self.embedding
            return model.blocks[layer].recall(left)

    def _through(self, layer: int, stream: Tensor, heads: tuple[int, ...]) -> Tensor:
        def replace(z: Tensor, hook: object) -> Tensor:
            changed = z.clone()
            for head in heads:
                changed[:, :, head] = self.instead[layer][:, :, head]
            return changed

        hooks: list[Any] = [(f"blocks.{layer}.attn.hook_z", replace)] if heads else []
        # what a visible prompt shows is read off the tokens
        return self.model.run_with_hooks(
            stream, start_at_layer=layer, stop_at_layer=layer + 1, fwd_hooks=hooks, tokens=self.tokens
        )


class _Replacement:
    """What takes the place of z, for any rows of the decisions' mazes."""

    def __init__(
        self,
        model: HookedTransformer,
        layers: Sequence[int],
        how: How,
        decisions: Decisions,
        reference: Decisions,
        seed: int,
        batch_size: int,
    ) -> None:
        self.model, self.layers, self.how, self.reference = model, layers, how, reference
        self.device = next(model.parameters()).device
        self.decided = _decision_mask(decisions)
        if how == "mean":
            self.means = self._means(batch_size)
            return
        if len(set(reference.spans.path_start.tolist()) | set(decisions.spans.path_start.tolist())) > 1:
            raise ConfigurationError("resample needs prompts of one length: use trees of one shape for both.")
        if len(reference.batch) < 1 + (reference is decisions):
            raise ConfigurationError(
                "resample gives each maze another's values, and there is one: use two mazes or more, or a reference."
            )
        self.donors = _donors(len(decisions.batch), len(reference.batch), reference is decisions, seed)

    def at(self, rows: Int64[ndarray, " maze"], length: int) -> dict[int, Float[Tensor, "maze pos head d_head"]]:
        """Return the replacement in each layer at the first `length` positions."""
        if self.how == "mean":
            kind = self.decided[rows, :length].long()
            return {layer: mean[kind] for layer, mean in self.means.items()}
        given = self.donors[rows]
        last = torch.from_numpy(_last_position(self.reference))[given].to(self.device)
        positions = torch.minimum(torch.arange(length, device=self.device), last[:, None])
        values = self._z(given, int(positions.max()) + 1)
        pick = torch.arange(len(rows), device=self.device)[:, None]
        return {layer: z[pick, positions] for layer, z in values.items()}

    def _z(self, rows: Int64[ndarray, " maze"], length: int) -> dict[int, Tensor]:
        names = {f"blocks.{layer}.attn.hook_z": layer for layer in self.layers}
        tokens = self.reference.tokens[rows, :length].to(self.device)
        stop = max(self.layers, default=-1) + 1
        _, cache = self.model.run_with_cache(tokens, names_filter=lambda name: name in names, stop_at_layer=stop)
        return {layer: cache[name] for name, layer in names.items()}

    def _means(self, batch_size: int) -> dict[int, Float[Tensor, "2 head d_head"]]:
        """Return the mean z at other positions (0) and at decisions (1), padding and the path's end left out."""
        decided, last = _decision_mask(self.reference), torch.from_numpy(_last_position(self.reference))
        counted = torch.arange(decided.shape[1]) <= last[:, None]
        weights = torch.stack([~decided & counted, decided & counted]).float()
        length, sums = int(last.max()) + 1, dict.fromkeys(self.layers, torch.tensor(0.0))
        for start in range(0, len(decided), batch_size):
            rows = np.arange(start, min(start + batch_size, len(decided)))
            kinds = weights[:, rows, :length].to(self.device)
            for layer, z in self._z(rows, length).items():
                sums[layer] = sums[layer].to(self.device) + torch.einsum("kmp,mphd->khd", kinds.to(z.dtype), z)
        num = weights.sum(dim=(1, 2)).clamp(min=1)[:, None, None].to(self.device)
        return {layer: total / num for layer, total in sums.items()}


def _decision_mask(decisions: Decisions) -> Bool[Tensor, "maze pos"]:
    mask = torch.zeros(decisions.tokens.shape, dtype=torch.bool)
    mask[decisions.maze, decisions.position] = True
    return mask


def _last_position(decisions: Decisions) -> Int64[ndarray, " maze"]:
    """Return the position of each maze's last decision, that of ``<PATH_START>`` where it has none."""
    last = decisions.spans.path_start.numpy().copy()
    np.maximum.at(last, decisions.maze, decisions.position)
    return last


def _donors(num: int, num_reference: int, same: bool, seed: int) -> Int64[ndarray, " maze"]:
    """Draw the maze each maze gets its values from; never itself where both are the same mazes."""
    generator = numpy_generator(seed, "ablation_donors")
    if not same:
        return generator.integers(0, num_reference, num)
    order = generator.permutation(num)
    donors = np.empty(num, np.int64)
    donors[order] = np.roll(order, 1)
    return donors


def _summarised(
    forks: Decisions, right: Bool[ndarray, "set fork"], chosen: Heads, how: How, cut: int, seed: int
) -> AblationResult:
    whole, ablated, controls = right[0].astype(np.float64), right[1].astype(np.float64), right[2:]
    lost = whole - ablated
    random_drops = whole.mean() - controls.mean(axis=1)
    nothing = Interval(float("nan"), float("nan"), float("nan"))
    draws, layouts = stream_key(seed, "head_ablation"), forks.layouts

    def over(values: ndarray, kept: ndarray | slice = slice(None), least: float = -1.0) -> Interval:
        return _over_layouts(layouts[kept], values[kept], draws, least)

    deep = forks.look_ahead > cut
    return AblationResult(
        heads=chosen,
        how=how,
        right_rate=over(whole, least=0.0),
        ablated_rate=over(ablated, least=0.0),
        drop=over(lost),
        random_drops=random_drops,
        beyond_random=over(controls.mean(axis=0) - ablated) if len(controls) else nothing,
        percentile=float((random_drops < lost.mean() - 1e-12).mean()) if len(controls) else float("nan"),
        split_at=cut,
        shallow_drop=over(lost, ~deep) if (~deep).any() else nothing,
        deep_drop=over(lost, deep) if deep.any() else nothing,
        drop_by_look_ahead={
            int(k): (float(lost[forks.look_ahead == k].mean()), int((forks.look_ahead == k).sum()))
            for k in np.unique(forks.look_ahead)
        },
        num_mazes=num_clusters(forks.maze),
        num_layouts=num_clusters(layouts),
        num_forks=len(forks),
    )


def _over_layouts(
    layouts: Int64[ndarray, " fork"], values: Float64[ndarray, " fork"], seed: int, least: float
) -> Interval:
    """Return the mean over forks, of values from `least` to 1, with its bootstrap interval over layouts."""
    columns = values[:, None], np.ones((len(values), 1))
    return rates_over_layouts(layouts, *columns, least=least, seed=seed, draws=NUM_DRAWS)[0]
