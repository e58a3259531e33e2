"""Activation patching: which activations, put from one run into another, carry the decision over.

Denoising puts clean activations into the corrupt run: effect (LD_patched - LD_corrupt) / (LD_clean - LD_corrupt), is it
enough? Noising puts corrupt activations into the clean run: (LD_clean - LD_patched) / (LD_clean - LD_corrupt), is it
needed? (Heimersheim & Nanda 2024, arXiv 2404.15255; metric: Zhang & Nanda 2023, arXiv 2309.16042.) Effects are ratios
of sums over pairs, so that a pair whose runs hardly differ has little say. Values are those of
`transformer_lens.patching`; only what a patch can reach is computed (`ResidualReplay`). Where both runs' activations
are equal, and after the decision position, the effect is exactly 0.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.interp.activations.residual_replay import Entering, ResidualReplay
from maze_rl.interp.inputs.pair_tokens import Direction, PairTokens, check_direction
from maze_rl.interp.interventions.patch_effects import PatchMap
from maze_rl.interp.requirements import check_tokens, require_mlps, require_plain_blocks
from maze_rl.seeding import numpy_generator

Component = Literal["resid_pre", "attn_out", "mlp_out", "head"]
Source = Literal["run", "random_vector", "random_step"]
_Positions = Sequence[int] | Int64[ndarray, " place"] | None
PAIRS_AT_ONCE = 64


def patch_map(
    model: HookedTransformer,
    pairs: PairTokens,
    *,
    component: Component = "resid_pre",
    direction: Direction = "denoise",
    positions: _Positions = None,
    groups: Mapping[str, Bool[Tensor, "pair pos"]] | None = None,
    source: Source = "run",
    seed: int = 0,
) -> PatchMap:
    """Patch every layer (and head) at every place, one at a time.

    Args:
        model: The network.
        pairs: Clean and corrupt tokens.
        component: What is patched; `head` is a head's output z.
        direction: `denoise` or `noise`.
        positions: The positions patched, one at a time; None for all, or where `groups` are given.
        groups: Named sets of positions patched together. A pair whose set is empty does not count in that group.
        source: `run` patches the other run's activations. Controls: `random_vector` a random vector of the same norm,
            `random_step` a random step away from the present activation, as long as the one to the other run's.
        seed: Seed of the controls.

    Raises:
        UnknownNameError: There is no such component, direction or source.
        ConfigurationError: There are no pairs or no places, a position lies outside the sequences, both positions
            and groups are given, the pairs are not written in the model's words, or the model has hooks or blocks of
            another kind.
    """
    require_plain_blocks(model, "activation patching (patch_map)")
    check_names(component, direction, source)
    check_tokens(model, pairs.written)
    _check_places(pairs, positions, groups)
    named = groups if groups is not None else single_positions(pairs, positions)
    changes, present = [], torch.stack(list(named.values()), dim=1)
    for first, chunk in zip(range(0, len(pairs), PAIRS_AT_ONCE), pairs.chunks(PAIRS_AT_ONCE), strict=True):
        patcher = Patcher(model, chunk, component, direction)
        if source != "run":
            patcher.randomize(source, seed, first)
        masks = present[first : first + len(chunk)]
        changes.append(torch.stack([patcher.change(masks[:, place]) for place in range(masks.shape[1])], dim=-1))
    return PatchMap.of(model, pairs, component, direction, named, torch.cat(changes))


def single_positions(pairs: PairTokens, positions: _Positions = None) -> dict[str, Bool[Tensor, "pair pos"]]:
    """Return each of the positions (None for all) as a group of its own, named after it."""
    columns = torch.arange(pairs.clean.shape[1], device=pairs.clean.device)
    chosen = range(len(columns)) if positions is None else positions
    return {str(position): (columns == position).expand(len(pairs), -1) for position in chosen}


def check_names(component: str, direction: str, source: str) -> None:
    """Check the names that `patch_map` takes.

    Raises:
        UnknownNameError: One of them is unknown.
    """
    check_direction(direction)
    for what, name, known in (("component", component, get_args(Component)), ("source", source, get_args(Source))):
        if name not in known:
            raise unknown_name(what, name, known)


def _check_places(
    pairs: PairTokens, positions: _Positions, groups: Mapping[str, Bool[Tensor, "pair pos"]] | None
) -> None:
    if positions is not None and groups is not None:
        raise ConfigurationError("positions and groups are both given: patch one or the other.")
    length = pairs.clean.shape[1]
    if outside := [position for position in (() if positions is None else positions) if not 0 <= position < length]:
        raise ConfigurationError(
            f"position {outside[0]} lies outside sequences of {length} tokens: use 0 to {length - 1}."
        )
    if len(pairs) == 0 or (groups is not None and not groups) or (positions is not None and not len(positions)):
        raise ConfigurationError("there is nothing to patch: give at least one pair and one position or group.")


class Patcher(Shown):
    """Both runs of some pairs, ready to patch one component at any layer and set of positions."""

    def __init__(self, model: HookedTransformer, pairs: PairTokens, component: Component, direction: Direction) -> None:
        if component == "mlp_out":
            require_mlps(model, "activation patching of mlp_out")
        base, source = (tokens.to(model.W_E.device) for tokens in pairs.base_and_source(direction))
        self.replay = ResidualReplay(model, base, pairs.position, pairs.right, pairs.wrong)
        self.component, self.layers = component, model.cfg.n_layers
        self.head_axis = component == "head"
        name = "z" if self.head_axis else component
        with torch.no_grad():
            other = model.run_with_cache(
                source, names_filter=lambda full: full.endswith(f"hook_{name}"), stop_at_layer=self.layers
            )[1]
        self.base = [self.replay.cache[name, layer] for layer in range(self.layers)]
        self.source = [other[name, layer] for layer in range(self.layers)]
        reached = torch.arange(base.shape[1], device=base.device) <= self.replay.position[:, None]
        self.differs = [
            reached & (one != two).flatten(2).any(dim=-1) for one, two in zip(self.base, self.source, strict=True)
        ]

    def randomize(self, source: Source, seed: int, first: int) -> None:
        """Put random vectors in place of the source's; `first` is the index of the first pair among all of them."""
        for row in range(len(self.base[0])):
            # Position first, so that padding does not change what a pair draws.
            shape = (self.base[0].shape[1], self.layers, *self.base[0].shape[2:])
            drawn = torch.from_numpy(numpy_generator(seed, "patching_control", first + row).standard_normal(shape))
            for layer in range(self.layers):
                base, other = self.base[layer][row], self.source[layer][row]
                arrow = drawn[:, layer].to(base)
                arrow /= arrow.norm(dim=-1, keepdim=True)
                origin = torch.zeros_like(base) if source == "random_vector" else base
                self.source[layer][row] = origin + arrow * (other - origin).norm(dim=-1, keepdim=True)

    @torch.no_grad()
    def change(self, mask: Bool[Tensor, "pair pos"]) -> Tensor:
        """Return LD_patched - LD_base [pair, layer, (head)]: patched where `mask`, one layer at a time."""
        heads = self.replay.model.cfg.n_heads
        result = self.replay.logit_difference.new_zeros(self.layers, heads if self.head_axis else 1, len(mask))
        mask = mask.to(self.replay.position.device)
        sites = [mask & differs for differs in self.differs]
        touched = torch.stack(sites).any(dim=0)
        rows = touched.any(dim=1).nonzero()[:, 0]
        if len(rows) > 0:
            start = self.replay.blocks.first_reached(int(touched.any(dim=0).nonzero()[0]))
            stop = int(self.replay.position[rows].max()) + 1
            entering = [self._entering(layer, sites[layer], slice(start, stop)) for layer in range(self.layers)]
            nothing = Entering(rows[:0], self.replay.streams[0][:0, start:stop])
            later = self.component != "resid_pre"
            read = self.replay.go_on([nothing, *entering] if later else [*entering, nothing], start)
            for layer, (changed, values) in enumerate(zip(entering, read[later:], strict=False)):
                differences = (values - self.replay.logit_difference[changed.rows]).view(result.shape[1], -1)
                result[layer][:, changed.rows[: differences.shape[1]]] = differences
        result = result.permute(2, 0, 1)
        return result if self.head_axis else result[..., 0]

    def _entering(self, layer: int, site: Bool[Tensor, "pair pos"], span: slice) -> Entering:
        """Return the streams patched at `layer`: as they enter it (resid_pre) or, worked on, as they leave it."""
        rows = site.any(dim=1).nonzero()[:, 0]
        pair, pos = site[rows][:, span].nonzero(as_tuple=True)
        at = (rows[pair], pos + span.start)
        if self.component == "resid_pre":
            stream = self.replay.streams[layer][rows, span]
            stream[pair, pos] = self.source[layer][at]
            return Entering(rows, stream)
        stream = self.replay.left[layer][rows, span]
        if self.head_axis:
            every = stream.repeat(self.replay.model.cfg.n_heads, 1, 1, 1)
            every[:, pair, pos] = self._patched_heads(layer, at)
            rows, stream = rows.repeat(len(every)), every.flatten(0, 1)
        else:
            stream[pair, pos] = self._patched(layer, at)
        return Entering(rows, self.replay.blocks.entering(layer + 1, stream, rows, span.start))

    def _patched(self, layer: int, at: tuple[Tensor, Tensor]) -> Tensor:
        """Return the stream that leaves the layer at the patched positions, [site, d_model]."""
        source = self.source[layer][at]
        if self.component == "mlp_out":
            return self.replay.left[layer][at] - self.base[layer][at] + source
        return self.replay.after_attention(layer, self.replay.streams[layer][at] + source)

    def _patched_heads(self, layer: int, at: tuple[Tensor, Tensor]) -> Tensor:
        """Return the stream that leaves the layer with one head patched at a time, [head, site, d_model]."""
        step = torch.einsum(
            "shd,hdm->hsm", self.source[layer][at] - self.base[layer][at], self.replay.model.blocks[layer].attn.W_O
        )
        present = self.replay.streams[layer][at] + self.replay.cache["attn_out", layer][at]
        return self.replay.after_attention(layer, (present + step).flatten(0, 1)).unflatten(0, step.shape[:2])
