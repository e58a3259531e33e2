"""Attribution patching: a linear estimate of every patch at once, to choose which ones to run.

The effect of putting activation a_source in place of a_base is estimated by (a_source - a_base) . dLD/da, the gradient
taken on the base run (Nanda 2023; Syed et al. 2023, arXiv 2310.10348; pitfalls: Kramar et al. 2024, AtP*, arXiv
2403.00745). With `steps` the gradient is the mean over runs whose input embeddings lie between base and source, at
(k - 1/2) / steps, as in integrated gradients (Hanna et al. 2024, EAP-IG, arXiv 2403.17806): saturated nodes are found
too. Estimates are a shortlist only: `confirm` patches for real, on other pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.interp.activations.residual_replay import Readout
from maze_rl.interp.activations.single_blocks import at_decision
from maze_rl.interp.inputs.pair_tokens import Direction, PairTokens
from maze_rl.interp.interventions.activation_patching import (
    PAIRS_AT_ONCE,
    Component,
    check_names,
    patch_map,
    single_positions,
)
from maze_rl.interp.interventions.patch_effects import PatchMap
from maze_rl.interp.requirements import check_tokens, require_known_forward, require_mlps
from maze_rl.intervals import Interval

COMPONENTS: tuple[Component, ...] = ("resid_pre", "head", "mlp_out")


@dataclass(frozen=True)
class Node(Shown):
    """An activation at a place."""

    component: Component
    layer: int
    place: str
    head: int | None = None

    def __str__(self) -> str:
        head = "" if self.head is None else f" {self.head}"
        return f"{self.component}{head} of layer {self.layer} at {self.place}"


@dataclass(frozen=True, kw_only=True)
class Confirmation(Shown):
    """Estimated and exact effects of the same nodes."""

    nodes: tuple[Node, ...]
    """The shortlist, strongest estimate first."""
    attribution: Float64[ndarray, " node"]
    """Estimates on the pairs the shortlist was made with."""
    exact: tuple[Interval, ...]
    """Effects of real patches on the other pairs."""
    num_pairs: int
    """How many those are."""

    @property
    def spearman(self) -> float:
        """Rank correlation of estimates and exact effects; nan with fewer than three nodes or constant values."""
        from scipy.stats import spearmanr

        values = np.array([effect.value for effect in self.exact])
        if len(values) < 3 or np.ptp(values) == 0 or np.ptp(self.attribution) == 0:
            return float("nan")
        result: Any = spearmanr(self.attribution, values)
        return float(result.statistic)


def attribution_maps(
    model: HookedTransformer,
    pairs: PairTokens,
    *,
    components: Sequence[Component] = COMPONENTS,
    direction: Direction = "denoise",
    groups: Mapping[str, Bool[Tensor, "pair pos"]] | None = None,
    steps: int | None = None,
) -> dict[str, PatchMap]:
    """Estimate the effects `patch_map` would measure.

    Args:
        model: The network.
        pairs: Clean and corrupt tokens.
        components: What is patched.
        direction: `denoise` or `noise`.
        groups: Named sets of positions, whose estimates add up; None for single positions.
        steps: None for the gradient on the base run; else the number of runs on the way to the source.

    Raises:
        UnknownNameError: There is no such component or direction.
        ConfigurationError: Positions of this model depend on what stands behind them, it has no MLPs to patch, `steps`
            is below 1, there are no pairs, components or groups, or the pairs are not written in the model's words.
    """
    require_known_forward(model, "attribution patching")
    for component in components:
        check_names(component, direction, "run")
    if steps is not None:
        check_count("steps", steps)
    if "mlp_out" in components:
        require_mlps(model, "attribution patching of mlp_out")
    check_tokens(model, pairs.written)
    places = single_positions(pairs) if groups is None else groups
    if not (len(pairs) and places and components):
        raise ConfigurationError("there is nothing to patch: give at least one pair, one component and one group.")
    masks = torch.stack(list(places.values()), dim=-1)
    parts = []
    for first, chunk in zip(range(0, len(pairs), PAIRS_AT_ONCE), pairs.chunks(PAIRS_AT_ONCE), strict=True):
        chosen = masks[first : first + len(chunk)].to(model.W_U)
        estimates = _estimates(model, chunk, components, direction, steps)
        parts.append([torch.einsum("lbp...,bpg->bl...g", estimate, chosen) for estimate in estimates])
    return {
        component: PatchMap.of(model, pairs, component, direction, places, torch.cat([part[i] for part in parts]))
        for i, component in enumerate(components)
    }


def _estimates(
    model: HookedTransformer,
    pairs: PairTokens,
    components: Sequence[Component],
    direction: Direction,
    steps: int | None,
) -> list[Tensor]:
    """Return for each component the estimated change of LD [layer, pair, pos, (head)]."""
    base, source = (tokens.to(model.W_E.device) for tokens in pairs.base_and_source(direction))
    names = [_hook_names(model, component) for component in components]
    flat = [name for group in names for name in group]
    with torch.no_grad():
        base_cache, source_cache = (
            model.run_with_cache(tokens, names_filter=[*flat, "hook_embed"], stop_at_layer=model.cfg.n_layers)[1]
            for tokens in (base, source)
        )
    start, end = base_cache["hook_embed"], source_cache["hook_embed"]
    shares = [0.0] if steps is None else [(step + 0.5) / steps for step in range(steps)]
    total = dict.fromkeys(flat, 0.0)
    for share in shares:
        gradients = _gradients(model, pairs, base, torch.lerp(start, end, share), flat)
        total = {name: total[name] + gradient / len(shares) for name, gradient in zip(flat, gradients, strict=True)}
    return [
        torch.stack([((source_cache[name] - base_cache[name]) * total[name]).sum(dim=-1) for name in group])
        for group in names
    ]


def _gradients(
    model: HookedTransformer, pairs: PairTokens, tokens: Tensor, embedded: Tensor, names: Sequence[str]
) -> tuple[Tensor, ...]:
    """Return dLD/da of the named activations where the tokens' embeddings are `embedded`."""
    activations: dict[str, Tensor] = {}
    leaf = embedded.detach().requires_grad_()
    keep = [(name, lambda value, hook: activations.__setitem__(hook.name, value)) for name in names]
    with torch.enable_grad():
        final = model.run_with_hooks(
            tokens, fwd_hooks=[("hook_embed", lambda value, hook: leaf), *keep], stop_at_layer=model.cfg.n_layers
        )
        readout = Readout(model, pairs.right, pairs.wrong)
        difference = readout.of(at_decision(final, pairs.position)).sum()
        return torch.autograd.grad(difference, [activations[name] for name in names])


def _hook_names(model: HookedTransformer, component: Component) -> list[str]:
    name = "attn.hook_z" if component == "head" else f"hook_{component}"
    return [f"blocks.{layer}.{name}" for layer in range(model.cfg.n_layers)]


def shortlist(maps: Mapping[str, PatchMap], top: int) -> list[Node]:
    """Return the nodes with the largest estimates in size, at most `top`, the largest first."""
    ranked = []
    for component, patch in maps.items():
        for index, value in np.ndenumerate(patch.effects):
            head = index[1] if len(index) == 3 else None
            ranked.append((abs(value), Node(component, index[0], patch.places[index[-1]], head)))  # type: ignore[arg-type]
    ranked = [entry for entry in ranked if entry[0] > 0]  # neither nan nor without effect
    return [node for _, node in sorted(ranked, key=lambda entry: -entry[0])[:top]]


def confirm(
    model: HookedTransformer,
    maps: Mapping[str, PatchMap],
    nodes: Sequence[Node],
    pairs: PairTokens,
    *,
    groups: Mapping[str, Bool[Tensor, "pair pos"]] | None = None,
    seed: int = 0,
) -> Confirmation:
    """Patch the nodes for real.

    Args:
        model: The network.
        maps: The estimates the nodes were chosen by.
        nodes: The shortlist.
        pairs: Other pairs than those of the estimates.
        groups: The groups of these pairs, under the same names; None where places are positions.
        seed: Seed of the intervals.

    Raises:
        UnknownNameError: A node's component or place has no estimate, or its place is none of these pairs.
        ConfigurationError: The estimates have no such layer or head; and as for `patch_map`.
    """
    for node in nodes:
        if node.component not in maps:
            raise unknown_name("component of the estimates", node.component, maps)
    # a node that there is not is told before anything is patched
    estimates = [maps[n.component].effect(n.layer, n.place, n.head) for n in nodes]
    length = pairs.clean.shape[1]
    here = [str(place) for place in range(length)] if groups is None else groups
    if unknown := next((node for node in nodes if node.place not in here), None):
        raise unknown_name("place of these pairs", unknown.place, here)
    exact: dict[Component, PatchMap] = {}
    chosen: list[Component] = list(dict.fromkeys(node.component for node in nodes))
    for component in chosen:
        wanted = dict.fromkeys(node.place for node in nodes if node.component == component)
        places = single_positions(pairs, [int(place) for place in wanted]) if groups is None else groups
        exact[component] = patch_map(
            model,
            pairs,
            component=component,
            direction=maps[component].direction,
            groups={place: places[place] for place in wanted},
        )
    intervals = [exact[n.component].interval(n.layer, n.place, n.head, seed=seed) for n in nodes]
    return Confirmation(
        nodes=tuple(nodes),
        attribution=np.array(estimates, dtype=np.float64),
        exact=tuple(intervals),
        num_pairs=len(pairs.clean),
    )
