"""Steering: does the model act on an edge that is written into its activations, or taken out of them?

The feature of an edge e at layer l is a difference of means over mazes,

    f_l(e) = mean residual at the last token of the slot that names e - mean residual at <ADJLIST_END>.

*Add*: in M, f(x, y) times a strength is added at <ADJLIST_END>, which so becomes one more slot, behind all edges and
before the path. Success: the model takes w', which the oracle demands once (x, y) is open (M+).
*Remove*: in M+, f(a, b) times a strength is subtracted at the last token of the slot of (a, b) (the `;` of a spelled
edge: what later layers read an edge from). Success: the model takes w', which the oracle demands once (a, b) is closed.

M, M+ and M' are those of `tree_and_cycle_edits`. Only pairs count where the edit changes the one right
step, the model answers both mazes rightly as written in tokens, and the edge was seen in discovery. Layer and strength
are chosen on the first half of the pairs, where the features are measured too; rates are of the other half. Controls:
the feature with its sign flipped, and a random direction of the same norm. A slot is more easily spoilt than written:
in models with sharp attention a random direction, too, often removes an edge, so removing stands out less from its
control than adding. Spies et al. 2024 (arXiv 2412.11867) found adding easier than removing; the two are reported side
by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int16, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.cell_features import split_halves
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, pair_logits
from maze_rl.interp.inputs.tree_and_cycle_edits import open_added_edges
from maze_rl.interp.requirements import (
    check_layers,
    check_tokens,
    require_causal_prompt,
    require_edges_in_prompt,
    require_known_forward,
    require_plain_stream,
)
from maze_rl.intervals import Interval, clustered_wilson, num_clusters, paired_difference
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.readout import unembedded
from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.layouts import ADJLIST_END

THRESHOLD = 0.3
"""What success must exceed the better control by."""
STRENGTHS = (0.5, 1.0, 2.0, 4.0)
_ROWS_AT_ONCE = 128
Features = dict[int, Float[Tensor, "2 rows cols d_model"]]
"""f_l(e) by layer; nan for edges no maze had."""


@dataclass(frozen=True, kw_only=True)
class SteeringEffect(Shown):
    """One of the two edits, at the layer and strength that did best on the discovery pairs."""

    edit: Literal["add", "remove"]
    layer: int
    """The residual stream is changed as it leaves this layer."""
    strength: float
    success: Interval
    """Share of confirmation pairs where the model takes the step right in the edited maze; Wilson interval of the
    effective number of mazes, as they may share layouts."""
    sign_flipped: Interval
    random_direction: Interval
    beyond_control: Interval
    """Success minus the better control, paired (Newcombe's interval)."""
    num_asked: int
    """Pairs whose edit changes the one right step."""
    num_qualified: int
    """Those among them that the model solves before and after the edit, written as tokens, and whose edge some
    discovery maze has, so that there is a feature of it."""
    num_confirmation: int
    """Qualified pairs the rates are over."""
    num_layouts: int
    """Layouts of their clean mazes."""
    discovery_rates: dict[tuple[int, float], float]
    """Success on the discovery pairs for each (layer, strength)."""

    @property
    def finding(self) -> Finding:
        """Success beyond the better control."""
        return Finding(
            name=f"decisions turned by steering ({self.edit} an edge), beyond the better control",
            effect=self.beyond_control,
            threshold=THRESHOLD,
            num_mazes=self.num_confirmation,
            num_layouts=self.num_layouts,
            control=max(self.sign_flipped, self.random_direction, key=lambda rate: rate.value),
            control_name="sign-flipped feature or random direction of its norm, whichever succeeds more often",
        )


@dataclass(frozen=True, kw_only=True)
class SteeringResult(Shown):
    """Adding and removing, side by side."""

    add: SteeringEffect
    remove: SteeringEffect
    num_pairs: int

    @property
    def findings(self) -> tuple[Finding, Finding]:
        """Those of adding and of removing."""
        return self.add.finding, self.remove.finding


@dataclass(frozen=True, eq=False)
class _Edit:
    """What is steered: one place of each sequence, along the feature of one edge, towards one answer."""

    tokens: Int64[Tensor, "pair pos"]
    position: Int64[Tensor, " pair"]
    site: Int64[Tensor, " pair"]
    edges: Int16[ndarray, "pair 3"]
    layouts: Int64[ndarray, " pair"]
    answer: Int64[Tensor, " pair"]
    sign: float
    asked: Bool[ndarray, " pair"]
    solved: Bool[ndarray, " pair"]


def steer_edges(
    model: HookedTransformer,
    pairs: PatchingPairs,
    *,
    layers: Sequence[int] | None = None,
    strengths: Sequence[float] = STRENGTHS,
    seed: int = 0,
) -> SteeringResult:
    """Add and remove edges in a model's activations.

    Args:
        model: The network.
        pairs: Flip pairs in the model's tokenization; half are discovery pairs, those of one layout on one side.
        layers: Layers tried; None for all but the last, or for the only one.
        strengths: Multiples of the feature tried.
        seed: Seed of halves, of the edge order of M+ and of the random directions.

    Raises:
        ConfigurationError: The model has loops or a visible prompt, there are fewer than 4 pairs or no strengths, the
            pairs are not written in the model's words, or a layer does not exist.
    """
    require_plain_stream(model, "steering")
    # else other tokens of the prompt may have read the edge already, or hold it too
    require_causal_prompt(model, "steering")
    check_tokens(model, pairs.spans.layout)
    tried = range(max(1, model.cfg.n_layers - 1)) if layers is None else layers
    check_layers(model, tried, "steering")
    if len(pairs) < 4 or not len(strengths):
        raise ConfigurationError(
            f"{len(pairs)} pairs, strengths {list(strengths)}: steering needs 4 pairs or more, and one strength."
        )
    fit = split_halves(pairs.pairs.clean, seed).fit
    half = np.isin(np.arange(len(pairs)), fit)
    features = edge_features(model, pairs.take(fit), tried)
    adding, removing = _edits(model, pairs, seed)
    return SteeringResult(
        add=_steered(model, adding, "add", features, half, strengths, seed),
        remove=_steered(model, removing, "remove", features, half, strengths, seed),
        num_pairs=len(pairs),
    )


@torch.no_grad()
def edge_features(model: HookedTransformer, pairs: PatchingPairs, layers: Sequence[int]) -> Features:
    """Return f_l(e) of every edge of the lattice, measured on the clean mazes of the pairs.

    Raises:
        ConfigurationError: Positions of this model depend on what stands behind them, a layer does not exist, the
            prompts list no edges, or the pairs are not written in the model's words.
    """
    require_edges_in_prompt(pairs.spans.layout, "a feature of each edge")
    require_known_forward(model, "reading the streams of padded sequences")
    check_layers(model, layers, "features of edges")
    check_tokens(model, pairs.spans.layout)
    device, kind, shape = model.W_U.device, model.W_U.dtype, pairs.pairs.clean.connections.shape[1:]
    edges = pairs.spans.edges
    ends = (edges >= 0).all(dim=-1)
    ends[:, :-1] &= (edges[:, :-1] != edges[:, 1:]).any(dim=-1)
    code = torch.from_numpy(np.arange(np.prod(shape)).reshape(shape))[tuple(edges.clamp(min=0).long().unbind(-1))]
    closing = pairs.clean == ADJLIST_END
    sums = {layer: torch.zeros(int(np.prod(shape)), model.cfg.d_model, dtype=kind, device=device) for layer in layers}
    at_end = {layer: torch.zeros(model.cfg.d_model, dtype=kind, device=device) for layer in layers}
    names = {f"blocks.{layer}.hook_resid_post": layer for layer in layers}
    for rows in torch.arange(len(pairs)).split(_ROWS_AT_ONCE):
        _, cache = model.run_with_cache(
            pairs.clean[rows].to(device), names_filter=lambda name: name in names, stop_at_layer=max(layers) + 1
        )
        for name, layer in names.items():
            sums[layer].index_add_(0, code[rows][ends[rows]].to(device), cache[name][ends[rows].to(device)])
            at_end[layer] += cache[name][closing[rows].to(device)].sum(dim=0)
    counts = torch.bincount(code[ends], minlength=int(np.prod(shape)))[:, None].to(device)
    return {
        layer: (sums[layer] / counts - at_end[layer] / closing.sum().to(device)).unflatten(0, shape) for layer in layers
    }


def _edits(model: HookedTransformer, pairs: PatchingPairs, seed: int) -> tuple[_Edit, _Edit]:
    """Return what is added and what is removed."""
    cyclic = open_added_edges(tokenization_of(model), pairs, seed=seed)

    def chosen(tokens: Tensor, position: Tensor) -> Tensor:
        return pair_logits(model, tokens, position).argmax(dim=-1).cpu()

    clean, flipped = chosen(pairs.clean, pairs.position), chosen(pairs.flipped, pairs.position)
    both = chosen(cyclic.tokens, cyclic.position)
    right_on = {"M": clean == pairs.right, "M'": flipped == pairs.wrong}
    list_end = (pairs.clean == ADJLIST_END).int().argmax(dim=1)
    adding = _Edit(
        pairs.clean,
        pairs.position,
        list_end,
        pairs.pairs.added,
        pairs.layouts,
        pairs.wrong,
        1.0,
        cyclic.now_wrong,
        (right_on["M"] & (both == pairs.wrong)).numpy(),
    )
    removing = _Edit(
        cyclic.tokens,
        cyclic.position,
        cyclic.slot_end,
        pairs.pairs.removed,
        pairs.layouts,
        pairs.wrong,
        -1.0,
        cyclic.still_right,
        (right_on["M'"] & (both == pairs.right)).numpy(),
    )
    return adding, removing


def _steered(
    model: HookedTransformer,
    edit: _Edit,
    name: Literal["add", "remove"],
    features: Features,
    half: Bool[ndarray, " pair"],
    strengths: Sequence[float],
    seed: int,
) -> SteeringEffect:
    """Choose layer and strength on one half, and measure on the other."""
    at = tuple(torch.from_numpy(edit.edges.astype(np.int64)).T)
    arrows = {layer: edit.sign * feature[at] for layer, feature in features.items()}
    known = ~next(iter(arrows.values())).isnan().any(dim=1).cpu().numpy()
    qualified = edit.asked & edit.solved & known
    discovery, confirmation = np.flatnonzero(qualified & half), np.flatnonzero(qualified & ~half)
    rates = {
        (layer, float(strength)): float(np.mean(_turned(model, edit, discovery, layer, strength * arrow)))
        if len(discovery)
        else 0.0
        for layer, arrow in arrows.items()
        for strength in strengths
    }
    layer, strength = max(rates, key=lambda key: rates[key])
    arrow = strength * arrows[layer]
    turned, flipped, random = (
        _turned(model, edit, confirmation, layer, each) for each in (arrow, -arrow, _random_like(arrow, seed))
    )
    better = max(flipped, random, key=lambda control: int(control.sum()))
    nothing, layouts = Interval(float("nan"), float("nan"), float("nan")), edit.layouts[confirmation]
    return SteeringEffect(
        edit=name,
        layer=layer,
        strength=strength,
        success=clustered_wilson(turned, layouts),
        sign_flipped=clustered_wilson(flipped, layouts),
        random_direction=clustered_wilson(random, layouts),
        beyond_control=Interval(*paired_difference(turned, better, layouts)[:3]) if len(confirmation) else nothing,
        num_asked=int(edit.asked.sum()),
        num_qualified=int(qualified.sum()),
        num_confirmation=len(confirmation),
        num_layouts=num_clusters(layouts),
        discovery_rates=rates,
    )


@torch.no_grad()
def _turned(
    model: HookedTransformer,
    edit: _Edit,
    rows: Int64[ndarray, " chosen"],
    layer: int,
    arrow: Float[Tensor, "pair d_model"],
) -> Bool[ndarray, " chosen"]:
    """Tell where the model takes the edited maze's step once `arrow` is added as the stream leaves `layer`."""
    parts = [np.zeros(0, np.bool_)]
    for some in torch.from_numpy(rows).split(_ROWS_AT_ONCE) if len(rows) else ():
        order = torch.arange(len(some), device=arrow.device)
        position = edit.position[some].to(arrow.device)
        tokens = edit.tokens[some, : int(position.max()) + 1].to(arrow.device)
        stream = model(tokens, stop_at_layer=layer + 1)
        stream[order, edit.site[some].to(arrow.device)] += arrow[some.to(arrow.device)]
        final = model(stream, start_at_layer=layer + 1, stop_at_layer=model.cfg.n_layers)[order, position]
        logits = unembedded(model, final[:, None])[:, 0]
        parts.append((logits.argmax(dim=-1).cpu() == edit.answer[some]).numpy())
    return np.concatenate(parts)


def _random_like(arrow: Float[Tensor, "pair d_model"], seed: int) -> Float[Tensor, "pair d_model"]:
    """Return random directions of the same norms."""
    drawn = numpy_generator(seed, "steering_control").standard_normal(tuple(arrow.shape))
    other = torch.from_numpy(drawn).to(arrow)
    return other * arrow.norm(dim=1, keepdim=True) / other.norm(dim=1, keepdim=True)
