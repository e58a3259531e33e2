"""The opponent of a model with an adapter of `peft`: the same model with the adapter off.

That holds of every round, since each begins with `begin_adapter`: what the adapter has learnt is folded into the
weights under it, and a new one starts at zero. Left as it is, an adapter that is off would bring back the model of the
first round, and all rounds would be played against that one.
"""

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn

from maze_rl.errors import ConfigurationError
from maze_rl.seeding import stream_key


def has_adapter(model: nn.Module) -> bool:
    """Tell whether a model is one of `peft`; that asks for no import of it."""
    peft = sys.modules.get("peft")
    return peft is not None and isinstance(model, peft.PeftModel)


def adapter_off(model: nn.Module) -> AbstractContextManager[object]:
    """Return a context in which the adapter is off; for a model without one nothing changes."""
    return model.disable_adapter() if has_adapter(model) else nullcontext()  # type: ignore[operator]


def without_wrapper(model: nn.Module) -> nn.Module:
    """Return the model of `transformers` inside, the adapter still in its layers."""
    return model.get_base_model() if has_adapter(model) else model  # type: ignore[operator]


def begin_adapter(model: nn.Module, seed: int, round_number: int) -> nn.Module:
    """Fold an adapter into the weights under it and put a new one of the same settings on; others stay as they are.

    Args:
        model: Of `transformers` or `peft`.
        seed: Decides, with the round, what the new adapter begins with.
        round_number: The round that begins, from 0.

    Returns:
        The model to go on with: another object where it has an adapter, with other parameters to train.

    Raises:
        ConfigurationError: There are several adapters, or one that cannot be folded (prompts, for instance).
    """
    if not has_adapter(model):
        return model
    import peft  # type: ignore[import-not-found]

    wrapped: Any = model  # peft may not be there to be checked against
    names = list(wrapped.peft_config)
    if len(names) != 1:
        raise ConfigurationError(f"the model has adapters {names}: expected one; merge the others first.")
    settings = wrapped.peft_config[names[0]]
    if settings.is_prompt_learning or not hasattr(wrapped.base_model, "merge_and_unload"):
        raise ConfigurationError(
            f"an adapter of kind {settings.peft_type} cannot be folded into the weights: use one that can, as LoRA."
        )
    inner = wrapped.merge_and_unload()
    if hasattr(inner, "peft_config"):  # what is left behind would be taken for a second adapter
        del inner.peft_config
    settings.inference_mode = False
    with torch.random.fork_rng():
        torch.manual_seed(stream_key(seed, "spin adapter", round_number))
        return peft.get_peft_model(inner, settings, adapter_name=names[0])
