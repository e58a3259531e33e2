"""Fields of a `HookedTransformerConfig` by which a model computes something else than the plain pre-norm block."""

from collections.abc import Container, Mapping
from dataclasses import fields

from transformer_lens import HookedTransformerConfig

Values = Mapping[str, Container[object] | None]
"""Values of fields; None for every value but TransformerLens's default."""

NORMED_OUTSIDE = ("OlmoeForCausalLM", "Olmo2ForCausalLM", "Olmo3ForCausalLM")
"""Architectures that norm what attention and MLPs write, or all heads' queries and keys together."""
NOT_FUSED: Values = {
    "attn_only": None,
    "parallel_attn_mlp": None,
    "use_normalization_before_and_after": None,
    "original_architecture": NORMED_OUTSIDE,
    "positional_embedding_type": ("shortformer", "alibi"),
    "use_local_attn": None,
    "use_qk_norm": None,
    "clip_qkv": None,
    "use_logn_attn": None,
    "attn_scores_soft_cap": None,
    "use_attention_sinks": None,
    "load_in_4bit": None,
}
"""What the fused components do not compute: TransformerLens's own stay."""
_DEFAULTS = {each.name: each.default for each in fields(HookedTransformerConfig)}


def found_among(config: HookedTransformerConfig, values: Values) -> list[str]:
    """Return which of `values` a configuration has, each as ``field=value``."""
    given = {name: getattr(config, name) for name in values}
    return [
        f"{name}={given[name]!r}"
        for name, some in values.items()
        if (given[name] != _DEFAULTS[name] if some is None else given[name] in some)
    ]
