"""Go on from a changed residual stream at the decision alone, up to the token that is chosen.

A change of the stream at the decision position p, the last one of its sequence, touches no other position: blocks
after the layer need p alone, with the run's own keys and values of the positions before. Rows with the same p travel
together, and changes at different layers in one batch, which grows from block to block.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown, short_repr
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.single_blocks import Earlier, SingleBlocks, at_decision
from maze_rl.models.readout import unembedded


class Change(NamedTuple):
    """Residual streams put in place of those a layer left at the decision."""

    __repr__ = short_repr

    layer: int
    """Block whose output is replaced."""
    rows: Int64[Tensor, " change"]
    """Whose run goes on."""
    streams: Float[Tensor, "change d_model"]


class DecisionStream(Shown):
    """A run on right-padded sequences, kept so that it can be continued from changes at the decision.

    Args:
        model: The network; pre-norm, attention and MLP in sequence. The decision stands after the prompt.
        tokens: Token ids.
        position: Decision position of each row.

    Raises:
        ConfigurationError: The model has hooks, or blocks of another kind, or a decision lies in a visible prompt.
    """

    @torch.no_grad()
    def __init__(
        self, model: HookedTransformer, tokens: Int64[Tensor, "row pos"], position: Int64[Tensor, " row"]
    ) -> None:
        what = "going on from a changed stream at the decision"
        device = model.W_E.device
        self._blocks = SingleBlocks(model, tokens.to(device), what)
        if any(self._blocks.first_reached(at) != at for at in position.tolist()):
            raise ConfigurationError(
                f"{what}: a decision lies in the prompt, which sees all of itself: name positions behind <PATH_START>."
            )
        self._model, self._position = model, position.to(device)
        kept: list[Tensor] = []

        def keep(stream: Tensor, hook: object) -> None:
            kept.append(at_decision(stream, self._position))

        hooks: list[Any] = [(f"blocks.{layer}.hook_resid_post", keep) for layer in range(model.cfg.n_layers)]
        with model.hooks(fwd_hooks=hooks):
            cache = model.run_with_cache(
                tokens.to(device),
                names_filter=lambda name: name.endswith(("attn.hook_k", "attn.hook_v")),
                stop_at_layer=model.cfg.n_layers,
            )[1]
        self._keys = [cache["k", layer] for layer in range(model.cfg.n_layers)]
        self._values = [cache["v", layer] for layer in range(model.cfg.n_layers)]
        self.streams: Float[Tensor, "layer row d_model"] = torch.stack(kept)
        """What leaves each block at the decision."""
        self.choices: Int64[Tensor, " row"] = self._choose(self.streams[-1])
        """The likeliest token after each row."""

    @torch.no_grad()
    def go_on(self, changes: Sequence[Change]) -> list[Int64[Tensor, " change"]]:
        """Return the likeliest token after each change, in the form of `changes`."""
        sizes = [len(change.rows) for change in changes]
        if not sum(sizes):
            return [change.rows for change in changes]
        layers = torch.cat([torch.full_like(change.rows, change.layer) for change in changes])
        rows, streams = (
            torch.cat([change.rows for change in changes]),
            torch.cat([change.streams for change in changes]),
        )
        chosen = torch.empty_like(rows)
        positions = self._position[rows]
        for position in positions.unique().tolist():
            at = torch.nonzero(positions == position)[:, 0]
            chosen[at] = self._continue(position, layers[at], rows[at], streams[at])
        return list(chosen.split(sizes))

    def _continue(self, position: int, layers: Tensor, rows: Tensor, streams: Tensor) -> Tensor:
        """Run the blocks after each change's layer at one position."""
        order = torch.argsort(layers, stable=True)
        layers, rows, streams = layers[order], rows[order], streams[order]
        for layer in range(int(layers[0]) + 1, self._model.cfg.n_layers):
            num = int((layers < layer).sum())
            ahead = rows[:num]
            earlier = Earlier(self._keys[layer][:, :position], self._values[layer][:, :position], ahead)
            entering = self._blocks.entering(layer, streams[:num, None], ahead, position)
            moved = self._blocks.through(layer, entering, ahead, position, earlier)[:, 0]
            streams = torch.cat([moved, streams[num:]])
        chosen = torch.empty_like(rows)
        chosen[order] = self._choose(streams)
        return chosen

    def _choose(self, final: Float[Tensor, "row d_model"]) -> Int64[Tensor, " row"]:
        return unembedded(self._model, final[:, None])[:, 0].argmax(dim=-1)
