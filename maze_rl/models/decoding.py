"""Batched path generation with a key/value cache, for prompts of different lengths in one batch.

Prompts are shifted to end in one column (padding left, masked), so every row's next token is the last
position; position embeddings follow the mask, so a row's logits do not depend on its neighbours. Rows that
have written ``<PATH_END>`` leave the batch when half of it is done. A visible prompt is computed once, whole.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer
from transformer_lens.cache.key_value_cache_entry import TransformerLensKeyValueCacheEntry

from maze_rl.displays.short_repr import Shown
from maze_rl.models.readout import unembedded
from maze_rl.models.threads import one_thread
from maze_rl.tokenization.layouts import PADDING, PATH_END

GoesOn = Callable[[Int64[ndarray, " rows"], Int64[ndarray, " rows"]], Bool[ndarray, " rows"]]
"""(rows of the batch, their newest tokens) -> which of them to go on with."""


class CacheEntry(TransformerLensKeyValueCacheEntry, Shown):
    """Keys and values of one layer, [batch, pos_so_far, head_index, d_head], in room set aside once."""

    def __init__(self, batch: int, room: int, model: HookedTransformer, device: torch.device) -> None:
        shape = (batch, room, model.cfg.n_key_value_heads or model.cfg.n_heads, model.cfg.d_head)
        # the weights' own: `model.double()` and other views of them change it without the configuration
        self._keys = torch.empty(shape, device=device, dtype=next(model.parameters()).dtype)
        self._values = torch.empty_like(self._keys)
        super().__init__(self._keys[:, :0], self._values[:, :0])

    def append(self, new_keys: Tensor, new_values: Tensor) -> tuple[Tensor, Tensor]:
        """Add the keys and values of new positions; return all."""
        start = self.past_keys.shape[1]
        end = start + new_keys.shape[1]
        self._keys[:, start:end], self._values[:, start:end] = new_keys, new_values
        self.past_keys, self.past_values = self._keys[:, :end], self._values[:, :end]
        return self.past_keys, self.past_values

    def keep(self, rows: Tensor) -> None:
        """Drop all rows but `rows`."""
        length = self.past_keys.shape[1]
        self._keys, self._values = self._keys[rows], self._values[rows]
        self.past_keys, self.past_values = self._keys[:, :length], self._values[:, :length]


class Cache(Shown):
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
    uniforms: Float64[Tensor, "batch most_new"] | None = None,
    goes_on: GoesOn | None = None,
) -> Int64[Tensor, "batch new"]:
    """Continue each prompt until ``<PATH_END>`` or its budget.

    Args:
        model: The network.
        prompts: Token ids, right-padded; each ends with ``<PATH_START>``.
        lengths: Tokens of each prompt before the padding.
        budget: Most tokens to write for each row, at least 1.
        temperature: 0 takes the most likely token; above, samples from softmax(logits / temperature).
        generator: Source of randomness when sampling; what a row draws depends on the rows beside it.
        uniforms: Random numbers in [0, 1) to sample with instead: token t of row i is where the probabilities, added
            up in the order of ids, pass ``uniforms[i, t]``. So a row is a function of its prompt and its numbers
            alone (as far as its logits are: their last bits may change with the batch).
        goes_on: Tells which rows are worth going on with; None for all. A row that is not ends without an end.

    Returns:
        The written ids, ``<PATH_END>`` included, padded with ``<PADDING>``.
    """
    tokens, mask = _align_right(prompts, lengths)
    written = torch.full((len(prompts), int(budget.max())), PADDING, device=prompts.device)
    cache = Cache(len(prompts), tokens.shape[1] + written.shape[1], model, prompts.device)
    rows = torch.arange(len(prompts), device=prompts.device)
    alive = torch.ones(len(prompts), dtype=torch.bool, device=prompts.device)
    last = _last_residual(model, tokens, mask, cache)  # of whole prompts: worth all threads
    with one_thread():
        for position in range(written.shape[1]):
            logits = unembedded(model, last)[:, 0]
            if uniforms is None or temperature == 0:
                chosen = _choose(logits, temperature, generator)
            else:
                chosen = choose_at(logits, temperature, uniforms[rows, position])
            written[rows[alive], position] = chosen[alive]
            alive = alive & (chosen != PATH_END) & (position + 1 < budget[rows])
            if goes_on is not None:
                alive = alive & torch.from_numpy(goes_on(rows.cpu().numpy(), chosen.cpu().numpy())).to(alive.device)
            remaining = int(alive.sum())
            if remaining == 0:
                return written[:, : position + 1]
            if 2 * remaining <= len(rows):
                keep = alive.nonzero()[:, 0]
                cache.keep(keep)
                rows, chosen, alive = rows[keep], chosen[keep], alive[keep]
            last = _last_residual(model, chosen[:, None], torch.ones_like(chosen)[:, None], cache)
    return written


def _last_residual(model: HookedTransformer, tokens: Tensor, mask: Tensor, cache: Cache) -> Tensor:
    """Run the network on new tokens; return the residual stream at the last position of each row."""
    settings = {"attention_mask": mask, "past_kv_cache": cache, "stop_at_layer": model.cfg.n_layers}
    return model(tokens, **settings)[:, -1:]


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


def choose_at(
    logits: Float[Tensor, "rows words"], temperature: float, uniform: Float64[Tensor, " rows"]
) -> Int64[Tensor, " rows"]:
    """Sample softmax(logits / temperature): invert its distribution function at each row's number in [0, 1)."""
    cumulative = torch.softmax(logits.double() / temperature, dim=-1).cumsum(dim=-1)
    passed = cumulative <= uniform[:, None] * cumulative[:, -1:]
    return passed.sum(dim=-1).clamp(max=logits.shape[-1] - 1)
