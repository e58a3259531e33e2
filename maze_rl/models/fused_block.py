"""A transformer block that normalises its input once, not once each for queries, keys and values."""

from torch import Tensor
from transformer_lens.cache.key_value_cache_entry import TransformerLensKeyValueCacheEntry
from transformer_lens.components.transformer_block import TransformerBlock

from maze_rl.models.fused_layer_norm import is_hooked


class FusedBlock(TransformerBlock):
    """TransformerLens's pre-norm block; same parameters, hooks and values (to rounding).

    Whatever needs separate inputs (`use_attn_in`, `use_split_qkv_input`, `use_hook_mlp_in`, hooks inside
    the first layer norm) goes through the stock forward.
    """

    def forward(  # noqa: D102 - documented by the component it replaces
        self,
        resid_pre: Tensor,
        shortformer_pos_embed: Tensor | None = None,
        past_kv_cache_entry: TransformerLensKeyValueCacheEntry | None = None,
        attention_mask: Tensor | None = None,
    ) -> Tensor:
        cfg = self.cfg
        stock = cfg.use_attn_in or cfg.use_split_qkv_input or cfg.use_hook_mlp_in
        if stock or is_hooked(*self.ln1.children()):
            return super().forward(resid_pre, shortformer_pos_embed, past_kv_cache_entry, attention_mask)
        resid_pre = self.hook_resid_pre(resid_pre)
        attn_in = self.ln1(resid_pre)
        attn_out = self.hook_attn_out(
            self.attn(
                attn_in,
                attn_in,
                attn_in,
                past_kv_cache_entry=past_kv_cache_entry,
                attention_mask=attention_mask,
            )
        )
        resid_mid = self.hook_resid_mid(resid_pre + attn_out)
        mlp_out = self.apply_mlp(self.ln2(resid_mid))
        return self.hook_resid_post(resid_mid + mlp_out)
