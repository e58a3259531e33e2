"""Load this folder as a stock `HookedTransformer`; needs torch, safetensors and transformer-lens alone.

    from loader import load; model = load()  # with this folder on sys.path
    logits, cache = model.run_with_cache(text)  # up to <PATH_START>, and the origin if model.json has origin "path"
    model.generate(text, 99, do_sample=False, use_past_kv_cache=False, return_type="tokens")  # text, texts or ids

What a stock model lacks stays by permanent hooks: the mask of a visible prompt on every `attn.hook_attn_scores`, and
between loops norm and recall of the embedding on `hook_resid_pre`, whose value is what a loop begins with. Both are
made from the tokens, so `start_at_layer` and, with a visible prompt, a cache of keys and values are refused.
"""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.nn.functional import layer_norm
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformers import AutoTokenizer


def load(folder: str | Path = Path(__file__).parent, device: str = "cpu") -> HookedTransformer:
    """Return the exported model in evaluation mode, with its tokenizer."""
    description = json.loads(Path(folder, "model.json").read_text())
    weights = load_file(Path(folder, "model.safetensors"), device=device)
    gain = weights.pop("outer_norm.w", None)
    config = HookedTransformerConfig(**description["hooked_transformer"], device=device, init_weights=False)
    model = HookedTransformer(config, AutoTokenizer.from_pretrained(Path(folder, "tokenizer")))
    model.load_state_dict(weights)
    model.tokenizer.bos_token = None  # type: ignore[union-attr] # TransformerLens would begin with <PATH_END>
    if description["hooks"]:
        _Hooks(model, gain, **description["hooks"])
    return model.eval()


class _Hooks:
    """The hooks of a model, and what they share in a forward pass."""

    def __init__(self, model, gain, *, layers_per_loop: int, visible_prompt: bool, padding: int, path_start: int):
        self.gain, self.eps, self.visible_prompt = gain, model.cfg.eps, visible_prompt
        self.padding, self.path_start, self.next_block = padding, path_start, -1
        # lambdas, not methods: they stay the same in a deep copy of the model, as TransformerLens's hooks do
        model.embed.register_forward_pre_hook(lambda _, args: self.embed(args[0]))
        for number, block in enumerate(model.blocks):
            enter = lambda _, args, settings, number=number: self.enter(number, args[0], **settings)  # noqa: E731
            block.register_forward_pre_hook(enter, with_kwargs=True)
            if visible_prompt:
                model.add_hook(f"blocks.{number}.attn.hook_attn_scores", self.mask, is_permanent=True)
            if number and number % layers_per_loop == 0:
                model.add_hook(f"blocks.{number}.hook_resid_pre", self.recall, is_permanent=True)

    def embed(self, tokens) -> None:
        self.embedded, self.next_block = tokens, 0

    def enter(self, number: int, stream, past_kv_cache_entry=None, attention_mask=None, **_) -> None:
        if number != self.next_block:
            raise ValueError("this model needs its tokens: start with them, not inside it (start_at_layer).")
        if self.visible_prompt and past_kv_cache_entry is not None:
            raise ValueError("a visible prompt has no cache of keys and values: pass use_past_kv_cache=False.")
        if number == 0:
            grown = self.embedded.shape[1] < stream.shape[1]  # `generate` embeds each new token alone
            self.tokens = torch.cat([self.tokens, self.embedded], dim=1) if grown else self.embedded
            self.embedding = stream
            self.hidden = self.hide(attention_mask) if self.visible_prompt else None
        self.next_block = number + 1

    def hide(self, attention_mask) -> torch.Tensor:  # [batch, 1, query_pos, key_pos]: keys not seen
        real = self.tokens != self.padding
        place = torch.arange(real.shape[1], device=real.device)
        prompt = real & ((self.tokens == self.path_start).cumsum(dim=1) == 0)
        seen = (place <= place[:, None]) | (prompt[:, None] & prompt[:, :, None])
        real = real if attention_mask is None else real & attention_mask.bool()
        return ~((seen & real[:, None]) | (place == place[:, None]))[:, None]

    def mask(self, scores, hook):
        return scores.masked_fill(self.hidden, -torch.inf)

    def recall(self, x, hook):
        return self.embedding + (x if self.gain is None else layer_norm(x, x.shape[-1:], self.gain.to(x), eps=self.eps))
