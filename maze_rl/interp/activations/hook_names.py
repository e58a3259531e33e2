"""Which hooks of a model are meant: full names of TransformerLens and patterns such as ``blocks.*.hook_resid_post``."""

import re
from collections.abc import Iterable

from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError, unknown_name

NO_POSITION = ("hook_attn_scores", "hook_pattern")
"""Last parts of the names of activations between two positions, [batch, head, query_pos, key_pos]."""


def check_hook_names(model: HookedTransformer, names: str | Iterable[str]) -> tuple[str, ...]:
    """Return the full hook names that `names` stand for, each once, in the order asked for.

    Args:
        model: The model whose hooks are meant.
        names: Full names (``blocks.2.hook_resid_post``) or patterns, in which ``*`` stands for any characters but dots
            (``blocks.*.attn.hook_z``); a pattern gives its names in layer order.

    Raises:
        UnknownNameError: A name is none of the model's hooks, or a pattern matches none; suggests the nearest.
        ConfigurationError: No name is given.
    """
    asked = (names,) if isinstance(names, str) else tuple(names)
    if not asked:
        raise ConfigurationError("names is empty: name at least one hook, e.g. 'blocks.0.hook_resid_post'.")
    return tuple(dict.fromkeys(full for name in asked for full in _expand(list(model.hook_dict), name)))


def last_layer_needed(names: Iterable[str], n_layers: int) -> int | None:
    """Return the `stop_at_layer` after which every hook has fired; None where one lies behind the last block."""
    stops = [_stop_of(name, n_layers) for name in names]
    return None if n_layers + 1 in stops else max(stops)


def _stop_of(name: str, n_layers: int) -> int:
    if found := re.match(r"blocks\.(\d+)\.", name):
        return int(found[1]) + 1
    return 0 if name in ("hook_embed", "hook_tokens", "hook_pos_embed") else n_layers + 1


def _expand(known: list[str], name: str) -> list[str]:
    if name in known:
        return [name]
    pattern = re.escape(name).replace(r"\*", r"[^.]*")
    # TransformerLens lists hooks block by block
    found = [hook for hook in known if re.fullmatch(pattern, hook)] if "*" in name else []
    if not found:
        raise _unknown_hook(known, name)
    return found


def _unknown_hook(known: list[str], name: str) -> Exception:
    """Return the error for a name; of hooks repeated in every block the message lists those of the first."""
    layers = sorted({int(number) for hook in known for number in re.findall(r"^blocks\.(\d+)\.", hook)})
    layer = re.match(r"blocks\.(\d+)\.", name)
    if layer and int(layer[1]) not in layers:
        last = layers[-1] if layers else -1
        return unknown_name("hook", name, [re.sub(r"^blocks\.\d+", f"blocks.{last}", name)])
    shown = [hook for hook in known if not hook.startswith("blocks.") or hook.startswith(f"blocks.{_layer(layer)}.")]
    return unknown_name("hook", name, shown)


def _layer(found: re.Match[str] | None) -> int:
    return int(found[1]) if found else 0
