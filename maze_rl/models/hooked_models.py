"""Hooks that stay on a model while it is measured: they act, if they can go on from cached keys and values."""

import torch
from torch import nn
from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.decoding import Cache

_TOLERANCE = 1e-3


def has_hooks(model: nn.Module) -> bool:
    """Tell whether any part of a model is hooked, by TransformerLens or by torch."""
    return hooked_part(model) is not None


def hooked_part(model: nn.Module) -> str | None:
    """Return the name of the first part of a model that is hooked; None where none is."""
    parts = model.named_modules()
    return next((name for name, part in parts if part._forward_hooks or part._forward_pre_hooks), None)


def check_hooks(model: HookedTransformer) -> None:
    """Check on a small maze that the hooks of a model do the same to a whole sequence and to one written step by step.

    Raises:
        ConfigurationError: They do not, or fail where keys and values are cached.
    """
    if not has_hooks(model):
        return
    tokens, spans = tokenization_of(model).encode(generate(2, num=1), seed=1)
    tokens, prompt = tokens.to(model.W_E.device), int(spans.answer_start[0])
    try:
        with torch.no_grad():
            whole = model(tokens)[:, -1]
            written = _step_by_step(model, tokens, prompt)
        reason = "" if torch.allclose(written, whole, rtol=_TOLERANCE, atol=_TOLERANCE) else "other logits"
    except (RuntimeError, ValueError, IndexError, AssertionError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    if reason:
        raise ConfigurationError(
            f"the hooks of this model do not go on from cached keys and values ({reason.rstrip('.')}): remove them, "
            "or, of an exported model, take its folder: maze_rl.load_model reads it."
        )


def _step_by_step(model: HookedTransformer, tokens: torch.Tensor, prompt: int) -> torch.Tensor:
    """Return the logits at the last position, the tokens behind the prompt read one at a time."""
    cache = Cache(1, tokens.shape[1], model, tokens.device)
    parts = (tokens[:, :prompt], *tokens[:, prompt:].split(1, dim=1))
    return [model(part, attention_mask=torch.ones_like(part), past_kv_cache=cache) for part in parts][-1][:, -1]
