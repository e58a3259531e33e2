"""Attention that takes PyTorch's fused kernel unless something hooks scores, pattern or per-head results."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional
from transformer_lens.cache.key_value_cache_entry import TransformerLensKeyValueCacheEntry
from transformer_lens.components.attention import Attention
from transformer_lens.utilities.attention import complex_attn_linear, simple_attn_linear

from maze_rl.models.forward_pass import ForwardPass
from maze_rl.models.fused_layer_norm import is_hooked
from maze_rl.models.tied_parameters import source_of
from maze_rl.models.visibility import Sight


class FusedAttention(Attention):
    """TransformerLens's attention; same parameters, hooks and values (to rounding).

    The hooks q, k, v, rot_q, rot_k and z always fire. A hook on `attn_scores` or `pattern`, or
    `use_attn_result`, sends this layer through the stock forward, so that it really acts.

    Where the forward pass has a table of who sees what (a visible prompt, segments), both ways keep to it.

    With `normalize_values` the values are v = norm(x W_V + b_V), the layer norm of every head's d_head entries without
    gain and shift; `hook_v` is on the outcome.
    """

    fusable = True
    normalize_values = False
    shared: ForwardPass | None = None
    """What the forward pass that runs says of who sees what; None for a causal mask."""

    def forward(  # noqa: D102 - documented by the component it replaces
        self,
        query_input: Tensor,
        key_input: Tensor,
        value_input: Tensor,
        past_kv_cache_entry: TransformerLensKeyValueCacheEntry | None = None,
        additive_attention_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_bias: Tensor | None = None,
    ) -> Tensor:
        stock = (
            is_hooked(self.hook_attn_scores, self.hook_pattern, self.hook_result)
            or self.cfg.use_attn_result
            or not self.fusable
            or additive_attention_mask is not None
            or position_bias is not None
        )
        if stock:
            return super().forward(
                query_input,
                key_input,
                value_input,
                past_kv_cache_entry,
                additive_attention_mask,
                attention_mask,
                position_bias,
            )
        q, k, v = self._project(query_input, key_input, value_input)
        offset = 0
        if past_kv_cache_entry is not None:
            offset = past_kv_cache_entry.past_keys.size(1)
            k, v = past_kv_cache_entry.append(k, v)
        if self.cfg.positional_embedding_type == "rotary":
            q = self.hook_rot_q(self.apply_rotary(q, offset, attention_mask))
            k = self.hook_rot_k(self.apply_rotary(k, 0, attention_mask))
        z = self.hook_z(self._attend(q, k, v, offset, attention_mask))
        return functional.linear(z.flatten(2), self.W_O.flatten(0, 1).T, self.b_O)

    def _project(self, query_input: Tensor, key_input: Tensor, value_input: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return q, k and v, each [batch, pos, head_index, d_head]; one matrix product where the inputs are one."""
        if query_input is not key_input or key_input is not value_input or query_input.ndim != 3:
            return self.calculate_qkv_matrices(query_input, key_input, value_input)
        # A tied layer has the joined weights of its source, which may be held for many passes.
        owner = source_of(self)
        projected = functional.linear(query_input, owner.joined_weight(), owner.joined_bias())  # type: ignore[operator]
        q, k, v = projected.unflatten(-1, (3, self.cfg.n_heads, self.cfg.d_head)).unbind(2)
        return self.hook_q(q), self.hook_k(k), self.hook_v(self._normalized(v))

    def calculate_qkv_matrices(  # noqa: D102 - documented by the component it replaces
        self, query_input: Tensor, key_input: Tensor, value_input: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        if not self.normalize_values:
            return super().calculate_qkv_matrices(query_input, key_input, value_input)
        linear = simple_attn_linear if value_input.ndim == 3 else complex_attn_linear
        v = self._normalized(linear(value_input, self.W_V, self.b_V))
        q, k = linear(query_input, self.W_Q, self.b_Q), linear(key_input, self.W_K, self.b_K)
        return self.hook_q(q), self.hook_k(k), self.hook_v(v)

    def _normalized(self, v: Tensor) -> Tensor:
        return functional.layer_norm(v, (self.cfg.d_head,), eps=self.cfg.eps) if self.normalize_values else v

    def joined_weight(self) -> Float[Tensor, "qkv_width d_model"]:
        """Return the weights of queries, keys and values as those of one linear map."""
        return torch.cat([self.W_Q, self.W_K, self.W_V]).permute(0, 2, 1).flatten(0, 1)

    def joined_bias(self) -> Float[Tensor, " qkv_width"]:
        """Return the biases of queries, keys and values as those of one linear map."""
        return torch.cat([self.b_Q, self.b_K, self.b_V]).flatten()

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, offset: int, attention_mask: Tensor | None) -> Tensor:
        """Return z [batch, query_pos, head_index, d_head]."""
        q, k, v = (tensor.transpose(1, 2) for tensor in (q, k, v))
        causal = self.cfg.attention_dir == "causal"
        sight = self._sight()
        if sight is not None:
            mask = sight.additive.to(q.dtype)
        else:
            mask = _visible(q, k, offset, attention_mask) if causal and (attention_mask is not None or offset) else None
        z = functional.scaled_dot_product_attention(
            q, k, v, attn_mask=mask, is_causal=causal and mask is None, scale=1.0 / float(self.attn_scale)
        )
        return z.transpose(1, 2)

    def _sight(self) -> Sight | None:
        return None if self.shared is None else self.shared.sight

    def apply_causal_mask(  # noqa: D102 - documented by the component it replaces
        self, attn_scores: Tensor, past_kv_pos_offset: int = 0, attention_mask: Tensor | None = None
    ) -> Tensor:
        sight = self._sight()
        if sight is None:
            return super().apply_causal_mask(attn_scores, past_kv_pos_offset, attention_mask)
        return torch.where(sight.visible[:, None], attn_scores, self.IGNORE)  # type: ignore[arg-type]


def _visible(
    q: Tensor, k: Tensor, offset: int, attention_mask: Tensor | None
) -> Bool[Tensor, "#batch 1 query_pos key_pos"]:
    """Return which keys each query may see: earlier ones that are no padding (a padded query sees itself)."""
    query_pos = torch.arange(offset, offset + q.shape[2], device=q.device)[:, None]
    key_pos = torch.arange(k.shape[2], device=q.device)
    visible = (key_pos <= query_pos)[None]
    if attention_mask is not None:
        visible = (visible & attention_mask[:, None, : k.shape[2]].bool()) | (key_pos == query_pos)
    return visible[:, None]
