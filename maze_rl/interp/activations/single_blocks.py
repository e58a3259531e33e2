"""One block of a model at a time, on changed streams of known sequences, as a whole run would apply it.

Between two blocks a model with loops norms the stream and adds the embedding again; a visible prompt decides who sees
what by the tokens. A pass of the whole model takes care of both. Whoever goes on from the middle of a run, with some
rows and positions alone, does so here.
"""

from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from transformer_lens import HookedTransformer
from transformer_lens.cache.key_value_cache_entry import TransformerLensKeyValueCacheEntry

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.requirements import require_no_hooks, require_plain_blocks
from maze_rl.models.readout import begins_loop, recalled
from maze_rl.models.visibility import Sight, prompt_positions, sight_of


class SingleBlocks(Shown):
    """The blocks of a model on some sequences.

    Args:
        model: The network; pre-norm, attention and MLP in sequence. Loops and a visible prompt are taken care of.
        tokens: Token ids, right-padded, on the model's device.
        what: What relies on going on block by block, as a refusal begins.

    Raises:
        ConfigurationError: The model has hooks, or blocks of another kind.
    """

    def __init__(self, model: HookedTransformer, tokens: Int64[Tensor, "row pos"], what: str) -> None:
        require_plain_blocks(model, what)
        require_no_hooks(model, what)
        self._model, self._tokens = model, tokens
        config = getattr(model, "maze_config", None)
        visible = config is not None and config.prompt == "visible"
        self._sight = sight_of(tokens, prompt_visible=True) if visible else None
        self._prompt = int(prompt_positions(tokens).sum(dim=1).max()) if visible else 0

    @cached_property
    def _embedding(self) -> Float[Tensor, "row pos d_model"]:
        """What loops recall."""
        return self._model.input_to_embed(self._tokens)[0]

    def first_reached(self, start: int) -> int:
        """Return the first position that a change at position `start` reaches in later blocks.

        It is the first of all where the prompt sees itself and the change lies in one, else `start` itself.
        """
        return 0 if start < self._prompt else start

    def entering(
        self,
        layer: int,
        left: Float[Tensor, "change late_pos d_model"],
        rows: Int64[Tensor, " change"],
        start: int,
    ) -> Float[Tensor, "change late_pos d_model"]:
        """Return what enters a block (or, for the number of blocks, the final norm) of what the one before left.

        Args:
            layer: The block that is entered.
            left: Streams at positions `start` and those after it.
            rows: The sequence of each.
            start: First position.
        """
        if not begins_loop(self._model, layer):
            return left
        return recalled(self._model, left, self._embedding[rows, start : start + left.shape[1]])

    def through(
        self,
        layer: int,
        stream: Float[Tensor, "change late_pos d_model"],
        rows: Int64[Tensor, " change"],
        start: int,
        earlier: TransformerLensKeyValueCacheEntry | None = None,
    ) -> Float[Tensor, "change late_pos d_model"]:
        """Return what a block leaves.

        Args:
            layer: The block.
            stream: What enters it at positions `start` and those after it; all that `first_reached` names.
            rows: The sequence of each.
            start: First position.
            earlier: The rows' keys and values at the positions before `start`, where there are any.
        """
        block: Any = self._model.blocks[layer]
        shared: Any = getattr(self._model, "shared", None)
        if shared is None:
            return block(stream, past_kv_cache_entry=earlier)
        with shared.open():
            shared.entered = block  # what enters it has been recalled
            if self._sight is not None and start == 0:  # after the prompt a causal mask says the same
                stop = stream.shape[1]
                shared.sight = Sight(self._sight.visible[rows, :stop, :stop])
            return block(stream, past_kv_cache_entry=earlier)


class Earlier(TransformerLensKeyValueCacheEntry, Shown):
    """Keys and values of some rows at the positions before, as attention expects them."""

    def __init__(
        self,
        keys: Float[Tensor, "row pos head d_head"],
        values: Float[Tensor, "row pos head d_head"],
        rows: Int64[Tensor, " change"],
    ) -> None:
        super().__init__(keys[rows], values[rows], frozen=True)


def at_decision(
    activation: Float[Tensor, "row pos *rest"], position: Int64[Tensor, " row"]
) -> Float[Tensor, "row *rest"]:
    """Return each row's activation at its decision position."""
    device = activation.device
    return activation[torch.arange(len(position), device=device), position.to(device)]
