"""Which earlier and later positions a position sees: the rule of a visible prompt and of segments, in one place.

The prompt is everything before the first ``<PATH_START>``, read off the tokens. Under a visible prompt its positions
see all of it (a prefix mask, Raffel et al. 2020, section 3.1.2); the positions behind see the prompt and what is
earlier in their own segment. Padding is seen by nothing but itself.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int, Int64
from torch import Tensor

from maze_rl.displays.short_repr import Shown
from maze_rl.tokenization.layouts import PADDING, PATH_START


@dataclass(frozen=True, eq=False)
class Sight(Shown):
    """What every position of a batch sees."""

    visible: Bool[Tensor, "batch query_pos key_pos"]

    @cached_property
    def additive(self) -> Float[Tensor, "batch 1 query_pos key_pos"]:
        """0 where a key is seen and -inf elsewhere: made once per forward pass, for all layers and heads."""
        hidden = torch.zeros(self.visible.shape, device=self.visible.device)
        return hidden.masked_fill_(~self.visible, float("-inf"))[:, None]


def prompt_positions(tokens: Int64[Tensor, "batch pos"]) -> Bool[Tensor, "batch pos"]:
    """Mark the positions before the first ``<PATH_START>`` of each row that are no padding."""
    return ((tokens == PATH_START).cumsum(dim=1) == 0) & (tokens != PADDING)


def sight_of(
    tokens: Int64[Tensor, "batch pos"],
    *,
    prompt_visible: bool,
    segments: Int[Tensor, "batch pos"] | None = None,
    attention_mask: Int[Tensor, "batch pos"] | None = None,
) -> Sight:
    """Return what each position sees.

    Args:
        tokens: Whole sequences, prompts included.
        prompt_visible: Whether the positions of a prompt see all of it, or only what is earlier.
        segments: Number of the segment of each position, 0 for the prompt (``<PATH_START>`` included); None where
            all that follows the prompt is one segment.
        attention_mask: 0 for padding; None where only ``<PADDING>`` is padding.
    """
    position = torch.arange(tokens.shape[1], device=tokens.device)
    visible = (position <= position[:, None])[None]
    if segments is not None:
        own = segments[:, None] == segments[:, :, None]
        visible = visible & (own | (segments == 0)[:, None])
    if prompt_visible:
        prompt = prompt_positions(tokens)
        visible = visible | (prompt[:, None] & prompt[:, :, None])
    real = tokens != PADDING
    if attention_mask is not None:
        real = real & attention_mask.bool()
    itself = torch.eye(tokens.shape[1], dtype=torch.bool, device=tokens.device)
    return Sight((visible & real[:, None]) | itself)
