"""The effects of patches over pairs: ratios of sums, with intervals over layouts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float64, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown, counted, short_repr
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.interp.activations.residual_replay import Readout
from maze_rl.interp.activations.single_blocks import at_decision
from maze_rl.interp.inputs.pair_tokens import Direction, PairTokens
from maze_rl.interp.requirements import check_tokens, require_known_forward
from maze_rl.intervals import Interval, bootstrap_ratio, bootstrap_ratios

_METRICS_AT_ONCE = 128


class EffectIntervals(NamedTuple):
    """Effects with the ends of their intervals, each of the shape of the map."""

    __repr__ = short_repr

    value: Float64[ndarray, "layer *site"]
    low: Float64[ndarray, "layer *site"]
    high: Float64[ndarray, "layer *site"]


@dataclass(frozen=True, kw_only=True)
class PatchMap(Shown):
    """What patching one component did, by layer, (head) and place."""

    component: str
    """What was patched."""
    direction: Direction
    """`denoise` or `noise`."""
    places: tuple[str, ...]
    """Positions or names of groups: the last axis."""
    numerators: Float64[ndarray, "pair layer *site"]
    """LD_patched - LD_corrupt (denoise) or LD_clean - LD_patched (noise); sites are (head,) place."""
    denominators: Float64[ndarray, "pair place"]
    """LD_clean - LD_corrupt; 0 where a pair has no position in a group."""
    layouts: Int64[ndarray, " pair"] | None = None
    """Layout of each clean maze; None where each is taken to have its own."""

    def _headline(self) -> str:
        pairs, layers, *_ = self.numerators.shape
        places = f"{len(self.places)} places" if len(self.places) > 6 else ", ".join(map(str, self.places))
        heads = f" x {self.numerators.shape[2]} heads" if self.numerators.ndim == 4 else ""
        what = f"{self.component}, {self.direction}"
        return f"{what}: {counted(pairs, 'pair')}, {counted(layers, 'layer')}{heads}, places: {places}"

    @property
    def effects(self) -> Float64[ndarray, "layer *site"]:
        """Sum of numerators / sum of denominators; nan where no pair has the place."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.numerators.sum(axis=0) / self.denominators.sum(axis=0)

    def interval(self, layer: int, place: str, head: int | None = None, *, seed: int = 0) -> Interval:
        """Return one effect with its bootstrap interval over layouts.

        Raises:
            UnknownNameError: There is no such place.
            ConfigurationError: There is no such layer or head.
        """
        site = self._site(layer, place, head)
        numerators, denominators = self.numerators[(slice(None), *site)], self.denominators[:, site[-1]]
        return bootstrap_ratio(numerators, denominators, self.layouts, seed=seed)

    def effect(self, layer: int, place: str, head: int | None = None) -> float:
        """Return one effect; errors as for `interval`."""
        return float(self.effects[self._site(layer, place, head)])

    def _site(self, layer: int, place: str, head: int | None) -> tuple[int, ...]:
        if place not in self.places:
            raise unknown_name("place", place, self.places)
        layers, *heads, _ = self.numerators.shape[1:]
        known = bool(heads) == (head is not None) and (head is None or 0 <= head < heads[0])
        if not (known and 0 <= layer < layers):  # below 0 would be counted from the end
            whose = "" if head is None else f", head {head}"
            among = f" and heads 0 to {heads[0] - 1}" if heads else " and no heads"
            raise ConfigurationError(
                f"there is no effect of {self.component} at layer {layer}{whose}: there are layers 0 to {layers - 1}"
                f"{among}."
            )
        column = self.places.index(place)
        return (layer, column) if head is None else (layer, head, column)

    def intervals(self, *, seed: int = 0, draws: int = 2000) -> EffectIntervals:
        """Return all effects with bootstrap intervals over layouts."""
        pairs, *shape = self.numerators.shape
        numerators = self.numerators.reshape(pairs, -1)
        denominators = np.tile(self.denominators, numerators.shape[1] // len(self.places))
        found: list[Interval] = []
        for first in range(0, numerators.shape[1], _METRICS_AT_ONCE):
            block = slice(first, first + _METRICS_AT_ONCE)
            parts = numerators[:, block], denominators[:, block]
            found += bootstrap_ratios(*parts, self.layouts, seed=seed, draws=draws)
        return EffectIntervals(*np.array(found, dtype=np.float64).T.reshape(3, *shape))

    @classmethod
    def of(
        cls,
        model: HookedTransformer,
        pairs: PairTokens,
        component: str,
        direction: Direction,
        places: Mapping[str, Tensor],
        changes: Tensor,
    ) -> "PatchMap":
        """Build the map of the `changes` LD_patched - LD_base, [pair, layer, (head), place]."""
        total = total_effect(model, pairs)
        present = torch.stack([mask.any(dim=1) for mask in places.values()], dim=1).cpu().numpy()
        sign = 1.0 if direction == "denoise" else -1.0
        return cls(
            component=component,
            direction=direction,
            places=tuple(places),
            numerators=sign * changes.double().cpu().numpy(),
            denominators=total[:, None] * present,
            layouts=pairs.layouts,
        )


@torch.no_grad()
def total_effect(model: HookedTransformer, pairs: PairTokens) -> Float64[ndarray, " pair"]:
    """Return LD_clean - LD_corrupt of every pair.

    Raises:
        ConfigurationError: Positions of this model depend on what stands behind them, or the pairs are not written in
            its words.
    """
    require_known_forward(model, "the effect of whole runs")
    check_tokens(model, pairs.written)
    readout = Readout(model, pairs.right, pairs.wrong)
    clean, corrupt = (
        readout.of(at_decision(model(tokens.to(model.W_E.device), stop_at_layer=model.cfg.n_layers), pairs.position))
        for tokens in (pairs.clean, pairs.corrupt)
    )
    return (clean - corrupt).double().cpu().numpy()
