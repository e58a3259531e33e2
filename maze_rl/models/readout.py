"""From the final residual stream to logits; where a loss is taken, and nowhere else."""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from transformer_lens import HookedTransformer
from transformer_lens.utilities.activation_functions import apply_softcap

from maze_rl.errors import ConfigurationError


def logits_at(
    model: HookedTransformer,
    tokens: Int64[Tensor, "batch pos"],
    chosen: Bool[Tensor, "batch pos"],
    *,
    segments: Int64[Tensor, "batch pos"] | None = None,
    loops: int | None = None,
    gradient_loops: int | None = None,
    words: Int64[Tensor, " words"] | None = None,
    begun: Float[Tensor, "batch pos d_model"] | None = None,
) -> Float[Tensor, "rows words"]:
    """Return the next-token logits at the `chosen` positions, in row-major order of (batch, pos).

    Args:
        model: The network.
        tokens: What it reads.
        chosen: Where logits are asked for.
        segments: As `maze_rl.models.maze_transformer.MazeTransformer.forward` takes them.
        loops: How often the block of a model with loops is applied, at most as often as it is built; None for that.
        gradient_loops: The last loops, of those applied, that gradients go through; None for all.
        words: The words whose logits are asked for; None for all.
        begun: The stream that the first loop begins with, the embedding in it; None for the embedding alone.

    Raises:
        ConfigurationError: More loops than the model has.
    """
    last = model.cfg.n_layers if loops is None else _blocks_of(model, loops)
    settings: dict[str, Any] = {} if segments is None else {"segments": segments}
    learns_from = 0 if gradient_loops is None else last - gradient_loops * model.maze_config.n_layers  # type: ignore[operator, union-attr]
    if learns_from > 0:
        settings["learns_from"] = learns_from
    if begun is not None:
        settings |= {"start_at_layer": 0, "tokens": tokens}
    residual = model(tokens if begun is None else begun, stop_at_layer=last, **settings)
    return logits_of(model, residual[chosen], words)


def logits_of(
    model: HookedTransformer,
    final: Float[Tensor, "rows d_model"],
    words: Int64[Tensor, " words"] | None = None,
) -> Float[Tensor, "rows words"]:
    """Return the logits of single positions of a final residual stream, of some words or (None) of all."""
    if words is None:
        return unembedded(model, final[None])[0]
    logits = torch.addmm(model.unembed.b_U[words], normalized(model, final[None])[0], model.unembed.W_U[:, words])
    return apply_softcap(logits, model.cfg.output_logits_soft_cap)


def streams_by_loop(
    model: HookedTransformer,
    tokens: Int64[Tensor, "batch pos"],
    *,
    segments: Int64[Tensor, "batch pos"] | None = None,
    loops: int | None = None,
    edit: Callable[[int, Tensor], Tensor] | None = None,
    then: tuple[int, Int64[Tensor, "batch pos"]] | None = None,
) -> Iterator[Float[Tensor, "batch pos d_model"]]:
    """Yield what every loop of a model leaves, in order; the last one is what `logits_at` reads.

    Args:
        model: The network.
        tokens: What it reads.
        segments: As `maze_rl.models.maze_transformer.MazeTransformer.forward` takes them.
        loops: How often the block is applied; None for as often as it is built.
        edit: Called with the number of a loop, counted from 1, and what it left; returns what takes its place.
        then: A number of loops, and the tokens whose embedding is recalled before all loops after these.

    Raises:
        ConfigurationError: More loops than the model has, or it has none.
    """
    blocks = _blocks_of(model, model.maze_config.loops or 0 if loops is None else loops)  # type: ignore[union-attr]
    layers: int = model.maze_config.n_layers  # type: ignore[assignment, union-attr]
    settings: dict[str, Any] = {} if segments is None else {"segments": segments}
    embedding = model.input_to_embed(tokens)[0]
    stream = model(tokens, stop_at_layer=layers, **settings)
    for loop in range(1, blocks // layers + 1):
        if then is not None and loop == then[0] + 1:
            embedding = model.input_to_embed(then[1])[0]
        if loop > 1:
            begun, start = recalled(model, stream, embedding), (loop - 1) * layers
            stream = model(begun, start_at_layer=start, stop_at_layer=start + layers, tokens=tokens, **settings)
        if edit is not None:
            stream = edit(loop, stream)
        yield stream


def begins_loop(model: HookedTransformer, layer: int) -> bool:
    """Return whether what enters a block is recalled: it is the first of a loop that is not the first."""
    config = getattr(model, "maze_config", None)
    if config is None or not config.looped:
        return False
    return 0 < layer < model.cfg.n_layers and layer % config.n_layers == 0


def recalled(
    model: HookedTransformer, stream: Float[Tensor, "batch pos d_model"], embedding: Float[Tensor, "batch pos d_model"]
) -> Float[Tensor, "batch pos d_model"]:
    """Return what a loop begins with: what the last one left, after the norm (if there is one), and the embedding."""
    norm: Any = getattr(model, "outer_norm", lambda stream: stream)
    return norm(stream) + embedding


def normalized(
    model: HookedTransformer, final: Float[Tensor, "*batch pos d_model"]
) -> Float[Tensor, "*batch pos d_model"]:
    """Return what the unembedding reads of final residual streams."""
    return final if model.cfg.normalization_type is None else model.ln_final(final)


def unembedded(
    model: HookedTransformer, final: Float[Tensor, "*batch pos d_model"]
) -> Float[Tensor, "*batch pos d_vocab_out"]:
    """Return the logits of final residual streams, as a forward pass ends."""
    return apply_softcap(model.unembed(normalized(model, final)), model.cfg.output_logits_soft_cap)


def _blocks_of(model: HookedTransformer, loops: int) -> int:
    config = model.maze_config
    built = config.loops  # type: ignore[union-attr]
    if built is None or not 1 <= loops <= built:  # type: ignore[operator]
        raise ConfigurationError(f"loops is {loops}: this model is built with {built or 'none'}.")
    return loops * config.n_layers  # type: ignore[operator, union-attr, return-value]


def predictable_words(model: HookedTransformer) -> Int64[Tensor, " words"] | None:
    """Return the ids a model can predict, ascending, on its device; None for all."""
    config = getattr(model, "maze_config", None)
    if config is None or config.unembedding == "all":
        return None
    return _on_device(model.tokenization.layout.written_ids.tobytes(), str(model.cfg.device))  # type: ignore[union-attr]


@lru_cache(maxsize=16)
def _on_device(ids: bytes, device: str) -> Int64[Tensor, " words"]:
    with torch.inference_mode(False):  # kept for later passes, which may be differentiated
        return torch.frombuffer(bytearray(ids), dtype=torch.int64).to(device)
