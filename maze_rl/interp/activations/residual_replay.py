"""Go on with a finished run from a changed residual stream: only later layers and positions are computed again.

Activations below layer l do not depend on layer l. Behind a causal prompt those before position p do not depend on
what happens at p, so a change of the residual stream at (l, p) needs blocks l, l + 1, ... on positions p, p + 1, ...
alone, with the run's own keys and values for the positions before. A visible prompt sees all of itself: a change in it
needs all positions of those blocks, one behind it only the positions from there. Of the logits two are read, at the
decision. Changes at different layers that start at the same position travel in one batch, which grows from block to
block.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformer_lens import HookedTransformer
from transformer_lens.utilities.activation_functions import softcap_enabled

from maze_rl.displays.short_repr import Shown, short_repr
from maze_rl.interp.activations.single_blocks import Earlier, SingleBlocks, at_decision
from maze_rl.models.readout import normalized, unembedded

_STREAMS = ("hook_resid_pre", "hook_resid_post")
_KEPT = (*_STREAMS, "attn.hook_k", "attn.hook_v", "attn.hook_z", "hook_attn_out", "hook_mlp_out")


class Entering(NamedTuple):
    """Changed residual streams that enter a layer; each goes on the run of one row."""

    __repr__ = short_repr

    rows: Int64[Tensor, " change"]
    stream: Float[Tensor, "change late_pos d_model"]


class Readout(Shown):
    """logit(right) - logit(wrong) of each row as a function of its final residual stream."""

    def __init__(self, model: HookedTransformer, right: Int64[Tensor, " row"], wrong: Int64[Tensor, " row"]) -> None:
        self._model, self._ids = model, torch.stack([right, wrong]).to(model.W_U.device)
        both = model.unembed.W_U[:, self._ids]
        self.direction: Tensor = (both[:, 0] - both[:, 1]).T
        """What the normalised stream is multiplied with, [row, d_model]: the difference, but for a cap on logits."""
        self.bias: Tensor = model.unembed.b_U[self._ids[0]] - model.unembed.b_U[self._ids[1]]
        """[row]."""

    def at(self, final: Float[Tensor, "change d_model"], rows: Int64[Tensor, " change"]) -> Float[Tensor, " change"]:
        """Return the logit differences of streams, each belonging to the row named."""
        if softcap_enabled(self._model.cfg.output_logits_soft_cap):
            right, wrong = unembedded(self._model, final[None])[0].gather(1, self._ids[:, rows].T).unbind(1)
            return right - wrong
        return (normalized(self._model, final[None])[0] * self.direction[rows]).sum(dim=-1) + self.bias[rows]

    def of(self, final: Float[Tensor, "row d_model"]) -> Float[Tensor, " row"]:
        """Return the logit difference of every row."""
        return self.at(final, torch.arange(len(final), device=final.device))


class ResidualReplay(Shown):
    """One run of the model on right-padded tokens, kept so that it can be continued with changes.

    Args:
        model: The network; pre-norm, attention and MLP in sequence. Loops and a visible prompt are taken care of.
        tokens: Token ids.
        position: Where the logits of each row are read.
        right: The token whose logit counts.
        wrong: The token whose logit is subtracted.

    Raises:
        ConfigurationError: The model has hooks, or blocks of another kind.
    """

    @torch.no_grad()
    def __init__(
        self,
        model: HookedTransformer,
        tokens: Int64[Tensor, "row pos"],
        position: Int64[Tensor, " row"],
        right: Int64[Tensor, " row"],
        wrong: Int64[Tensor, " row"],
    ) -> None:
        device = model.W_E.device
        tokens, position = tokens.to(device), position.to(device)
        self.blocks = SingleBlocks(model, tokens, "going on from a changed stream")
        self.model, self.tokens, self.position = model, tokens, position
        final: Any
        final, cache = model.run_with_cache(
            tokens, names_filter=lambda name: name.endswith(_KEPT), stop_at_layer=model.cfg.n_layers
        )
        layers = range(model.cfg.n_layers)
        self.cache = cache
        self.streams: list[Tensor] = [*(cache["resid_pre", layer] for layer in layers), final]
        """What enters each layer, and at last the unembedding; each [row, pos, d_model]."""
        self.left: list[Tensor] = [cache["resid_post", layer] for layer in layers]
        """What each layer leaves: what enters the next one, but where a loop begins; each [row, pos, d_model]."""
        self._readout = Readout(model, right, wrong)
        self.logit_difference: Tensor = self._readout.of(at_decision(final, position))
        """Of the run as it is, [row]."""

    def read(self, final: Float[Tensor, "change d_model"], rows: Int64[Tensor, " change"]) -> Float[Tensor, " change"]:
        """Return the logit differences of final residual streams at the decision positions of `rows`."""
        return self._readout.at(final, rows)

    @torch.no_grad()
    def after_attention(
        self, layer: int, resid_mid: Float[Tensor, "change d_model"]
    ) -> Float[Tensor, "change d_model"]:
        """Return what leaves a layer at positions where its residual stream after attention is `resid_mid`."""
        block: Any = self.model.blocks[layer]
        if self.model.cfg.attn_only:
            return resid_mid
        return resid_mid + block.apply_mlp(block.ln2(resid_mid[None]))[0]

    @torch.no_grad()
    def go_on(self, entering: Sequence[Entering], start: int) -> list[Float[Tensor, " change"]]:
        """Continue the run with changes, all at once.

        Args:
            entering: For every layer, and at last for the unembedding, the changed streams from position `start` to the
                last decision position among the rows of all of them; before `start` they must be as in the run.
            start: First position that is computed again: the first that a change reaches (`SingleBlocks`).

        Returns:
            The logit differences, in the form of `entering`.
        """
        rows, stream = entering[0]
        for layer in range(self.model.cfg.n_layers):
            if len(rows):
                earlier = Earlier(self.cache["k", layer][:, :start], self.cache["v", layer][:, :start], rows)
                stream = self.blocks.through(layer, stream, rows, start, earlier)
                stream = self.blocks.entering(layer + 1, stream, rows, start)
            rows = torch.cat([rows, entering[layer + 1].rows])
            stream = torch.cat([stream, entering[layer + 1].stream])
        changes = torch.arange(len(rows), device=rows.device)
        read = self.read(stream[changes, self.position[rows] - start], rows)
        return list(read.split([len(change.rows) for change in entering]))
