"""Batched path generation with a key/value cache, for prompts of different lengths in one batch.

Prompts are shifted to end in one column (padding left, masked), so every row's next token is the last
position; position embeddings follow the mask, so a row's logits do not depend on its neighbours. Rows that
have written ``<PATH_END>`` leave the batch when half of it is done.
"""

import torch
from jaxtyping import Int64
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.tokenization.layouts import PADDING, PATH_END


class CacheEntry:
    """Keys and values of one layer, written into room set aside once; stands in for TransformerLens's entry."""

    def __init__(self, batch: int, room: int, model: HookedTransformer, device: torch.device) -> None:
        shape = (batch, room, model.cfg.n_heads, model.cfg.d_head)
        self._keys = torch.empty(shape, device=device, dtype=model.cfg.dtype)
        self._values = torch.empty_like(self._keys)
        self._length = 0

    @property
    def past_keys(self) -> Tensor:
        """Keys so far, [batch, pos_so_far, head_index, d_head]."""
        return self._keys[:, : self._length]

    @property
    def past_values(self) -> Tensor:
        """Values so far, [batch, pos_so_far, head_index, d_head]."""
        return self._values[:, : self._length]

    def append(self, new_keys: Tensor, new_values: Tensor) -> tuple[Tensor, Tensor]:
        """Add the keys and values of new positions; return all."""
        end = self._length + new_keys.shape[1]
        self._keys[:, self._length : end], self._values[:, self._length : end] = new_keys, new_values
        self._length = end
        return self.past_keys, self.past_values

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but `rows`."""
        self._keys, self._values = self._keys[rows], self._values[rows]


class Cache:
    """The entries of all layers and the mask of padding; what `HookedTransformer` expects of a cache."""

    def __init__(self, batch: int, room: int, model: HookedTransformer, device: torch.device) -> None:
        self.entries = [CacheEntry(batch, room, model, device) for _ in range(model.cfg.n_layers)]
        self.mask = torch.empty((batch, 0), dtype=torch.int64, device=device)

    def __getitem__(self, layer: int) -> CacheEntry:
        return self.entries[layer]

    def append_attention_mask(self, attention_mask: Tensor) -> Tensor:
        """Add the mask of new positions; return the whole mask."""
        self.mask = torch.cat([self.mask, attention_mask], dim=1)
        return self.mask

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but `rows`."""
        self.mask = self.mask[rows]
        for entry in self.entries:
            entry.keep(rows)


@torch.no_grad()
def decode_paths(
    model: HookedTransformer,
    prompts: Int64[Tensor, "batch pos"],
    lengths: Int64[Tensor, " batch"],
    budget: Int64[Tensor, " batch"],
    *,
    temperature: float = 0.0,
    generator: torch.Generator | None = None,
) -> Int64[Tensor, "batch new"]:
    """Continue each prompt until ``<PATH_END>`` or its budget.

    Args:
        model: The network.
        prompts: Token ids, right-padded; each ends with ``<PATH_START>``.
        lengths: Tokens of each prompt before the padding.
        budget: Most tokens to write for each row, at least 1.
        temperature: 0 takes the most likely token; above, samples from softmax(logits / temperature).
        generator: Source of randomness when sampling.

    Returns:
        The written ids, ``<PATH_END>`` included, padded with ``<PADDING>``.
    """
    tokens, mask = _align_right(prompts, lengths)
    written = torch.full((len(prompts), int(budget.max())), PADDING, device=prompts.device)
    cache = Cache(len(prompts), tokens.shape[1] + written.shape[1], model, prompts.device)
    rows = torch.arange(len(prompts), device=prompts.device)
    alive = torch.ones(len(prompts), dtype=torch.bool, device=prompts.device)
    for position in range(written.shape[1]):
        residual = model(tokens, attention_mask=mask, past_kv_cache=cache, stop_at_layer=model.cfg.n_layers)
        logits = model.unembed(model.ln_final(residual[:, -1:]))[:, 0]
        chosen = _choose(logits, temperature, generator)
        written[rows[alive], position] = chosen[alive]
        alive = alive & (chosen != PATH_END) & (position + 1 < budget[rows])
        remaining = int(alive.sum())
        if remaining == 0:
            return written[:, : position + 1]
        if 2 * remaining <= len(rows):
            keep = alive.nonzero()[:, 0]
            cache.keep(keep)
            rows, chosen, alive = rows[keep], chosen[keep], alive[keep]
        tokens, mask = chosen[:, None], torch.ones_like(chosen)[:, None]
    return written


def _align_right(prompts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Shift right-padded prompts to the right; return them with the mask of real tokens."""
    longest = int(lengths.max())
    source = torch.arange(longest, device=prompts.device) - (longest - lengths[:, None])
    tokens = prompts.gather(1, source.clamp(min=0))
    real = source >= 0
    return torch.where(real, tokens, PADDING), real.long()


def _choose(logits: Tensor, temperature: float, generator: torch.Generator | None) -> Tensor:
    if temperature == 0:
        return logits.argmax(dim=-1)
    # Sampled on the generator's own device, so that a seed means the same rows on any device.
    probabilities = torch.softmax(logits.float() / temperature, dim=-1).cpu()
    return torch.multinomial(probabilities, 1, generator=generator)[:, 0].to(logits.device)
