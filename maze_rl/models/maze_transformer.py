"""`MazeTransformer`: a `HookedTransformer` that knows how its mazes are written, what a prompt sees, and its loops."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.utils.parametrize import is_parametrized
from transformer_lens import HookedTransformer

from maze_rl.configs.folding import not_stock
from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.models.attached_tokenization import other_word
from maze_rl.models.forward_pass import ForwardPass
from maze_rl.models.fused_attention import FusedAttention
from maze_rl.models.fused_layer_norm import is_hooked
from maze_rl.models.looped_cache import LoopedCache
from maze_rl.models.model_facts import model_html, model_line
from maze_rl.models.visibility import sight_of
from maze_rl.tokenization.definitions import hugging_face_tokenizer
from maze_rl.tokenization.layouts import PADDING, PATH_END, PATH_START
from maze_rl.tokenization.tokenization import Tokenization

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class MazeTransformer(HookedTransformer):
    """A `HookedTransformer` with a tokenization; built by `maze_rl.models.build` alone.

    With a visible prompt the tokens say who sees what, so the same calls work as for any `HookedTransformer`; only
    a pass that starts inside the network needs them too: ``model(resid, start_at_layer=3, tokens=tokens)``.

    The stream a pass starts with is what `hook_resid_pre` of its first block sees: at the first block of a loop it has
    the embedding in it. What a pass with ``stop_at_layer=3`` returns is what block 2 left, before that is added.
    """

    tokenization: Tokenization
    maze_config: ModelConfig
    about: dict[str, Any]
    """What a loaded model's files say of it: training range, versions; empty for a fresh one."""
    shared: ForwardPass
    """What the blocks of a forward pass share."""
    continued: Int[Tensor, "batch pos"] | None = None
    """The prompts that `generate` continues, while it does."""

    _tokenizer: "PreTrainedTokenizerBase | None" = None

    @property
    def tokenizer(self) -> "PreTrainedTokenizerBase | None":  # type: ignore[override]
        """Hugging Face's tokenizer of the model's own words, made when first asked for; None without a tokenization."""
        tokenization = getattr(self, "tokenization", None)
        if self._tokenizer is None and tokenization is not None:
            self._tokenizer = hugging_face_tokenizer(tokenization)
            self.cfg.tokenizer_prepends_bos = False
        return self._tokenizer

    @tokenizer.setter
    def tokenizer(self, tokenizer: "PreTrainedTokenizerBase | None") -> None:  # type: ignore[override]
        self._tokenizer = tokenizer

    def set_tokenizer(
        self, tokenizer: "PreTrainedTokenizerBase", default_padding_side: Literal["left", "right"] | None = None
    ) -> None:
        """Take another tokenizer, as TransformerLens does; one that has no token to begin with stays without.

        Raises:
            ConfigurationError: It gives a word of the model another id, or none.
        """
        words = getattr(self, "tokenization", None)
        other = other_word(words, tokenizer) if words else None
        if words and other is not None:
            raise ConfigurationError(
                f"set_tokenizer: {other!r} is id {words.word_ids[other]} here and "
                f"{tokenizer.get_vocab().get(other)} of this tokenizer: use the folder tokenizer/ beside the model, or "
                "model.tokenizer as it is."
            )
        begins = tokenizer.bos_token
        super().set_tokenizer(tokenizer, default_padding_side)
        if begins is None and self._tokenizer is not None:
            self._tokenizer.bos_token = None  # TransformerLens takes the end's

    def _apply(self, *args: Any, **settings: Any) -> Any:
        """Change all tensors, as torch does for `double()` or `half()`; the configuration follows their type."""
        changed = super()._apply(*args, **settings)
        self.cfg.dtype = next(self.parameters()).dtype
        return changed

    def to_tokens(self, input: Any, *args: Any, **settings: Any) -> Any:
        """Read text as ids, as TransformerLens does.

        Raises:
            ConfigurationError: A word is none of the model's.
        """
        try:
            return super().to_tokens(input, *args, **settings)
        except Exception:  # the tokenizer's own says neither which word it is nor what would do
            known, texts = self.tokenizer.get_vocab() if self.tokenizer else {}, input
            words = " ".join([texts] if isinstance(texts, str) else map(str, texts)).split()
            strange = next((word for word in words if word not in known), None)
            if not known or strange is None:
                raise
        raise ConfigurationError(
            f"the word {strange!r} is none of the {len(known)} that this model reads: write prompts with "
            "model.tokenization.to_text, or see model.tokenization.vocabulary."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {model_line(self)}>"

    def __str__(self) -> str:
        return HookedTransformer.__repr__(self)  # all modules, as of any network

    def _repr_html_(self) -> str:
        return model_html(self)

    @property
    def loops(self) -> int:
        """How often the block of layers is applied; 1 for a plain model."""
        config = getattr(self, "maze_config", None)
        return (config.loops or 1) if config is not None else 1

    def with_loops(self, loops: int) -> "MazeTransformer":
        """Return the same network with its block applied `loops` times; the parameters are the same objects.

        Raises:
            ConfigurationError: The model has no loops, `loops` is below 1, or the model has hooks.
        """
        from maze_rl.models.build import with_loops  # the module that constructs imports this one

        return with_loops(self, loops)

    def forward(
        self,
        input: Any,
        *args: Any,
        segments: Tensor | None = None,
        learns_from: int | None = None,
        **settings: Any,
    ) -> Any:
        """Run the network; takes what `HookedTransformer.forward` takes.

        Args:
            input: Tokens, text, or with `start_at_layer` a residual stream.
            *args: Passed on.
            segments: Int[batch, pos]: which of several paths behind one prompt a position belongs to, 0 for the
                prompt (``<PATH_START>`` included). A path sees the prompt and itself.
            learns_from: The first block of a loop that is not the first: gradients reach it, those after it and the
                embedding they recall, and no further; None for all blocks.
            **settings: Passed on.

        Raises:
            ConfigurationError: The pass starts inside a network whose blocks need the tokens, without `tokens`; or
                a visible prompt is given in parts.
        """
        with self.shared.open(), torch.set_grad_enabled(torch.is_grad_enabled()):
            self.shared.segments = segments
            if learns_from is not None and torch.is_grad_enabled():
                self.shared.learns_from = self.blocks[learns_from]
            start = settings.get("start_at_layer")
            if start is not None:
                self._begin_inside(input, start, settings)
                input = self._apart(input) if start in (0, -len(self.blocks)) else input
            return super().forward(input, *args, **settings)

    def generate(self, input: Any = "", *args: Any, **settings: Any) -> Any:
        """Continue prompts, as TransformerLens does; a visible prompt must be whole, ``<PATH_START>`` included.

        Prompts of different lengths are padded on the left. Text comes back up to ``<PATH_END>``, with all its words;
        TransformerLens leaves out those in angle brackets.

        `maze_rl.models.decoding.decode_paths` takes prompts padded on the right, and is faster.

        Raises:
            ConfigurationError: A prompt is padded on the right, or visible and not whole.
        """
        prompt, settings = self._prompt(HookedTransformer.generate, input, args, settings)
        wanted = settings.pop("return_type", "input")
        as_text = wanted == "str" or (wanted == "input" and isinstance(input, (str, list)))
        if self.tokenizer is None or prompt.ndim == 3:
            # The position embeddings that TransformerLens then takes for a new token are those of twice its position.
            settings["use_past_kv_cache"] = self.cfg.positional_embedding_type == "rotary" and settings.get(
                "use_past_kv_cache", True
            )
        with self._continuing(prompt):
            found = super().generate(prompt, return_type="tokens" if as_text else wanted, **settings)
        if not (as_text and isinstance(found, Tensor)):
            return found
        texts = [self._text_of(row, 0 if prompt.ndim == 3 else prompt.shape[1]) for row in found]
        return texts[0] if len(texts) == 1 else texts

    def generate_stream(self, input: Any = "", *args: Any, **settings: Any) -> Any:
        """Continue prompts and hand over ids as they come, as TransformerLens does; prompts as for `generate`.

        Raises:
            ConfigurationError: A prompt is padded on the right, or there is a cache and no tokenizer to mask by.
        """
        prompt, settings = self._prompt(HookedTransformer.generate_stream, input, args, settings)
        return super().generate_stream(prompt, **settings)

    def _prompt(
        self, method: Any, given: Any, args: tuple[Any, ...], settings: dict[str, Any]
    ) -> tuple[Tensor, dict[str, Any]]:
        """Return the prompts that are given as ids, or embeddings as they are, and the further arguments by name."""
        settings = dict(inspect.signature(method).bind(self, given, *args, **settings).arguments)
        settings |= settings.pop("generation_kwargs", {})
        del settings["self"]
        prompt = settings.pop("input")
        if isinstance(prompt, (str, list)):
            prompt = self.to_tokens(prompt, prepend_bos=settings.pop("prepend_bos", None), padding_side="left")
        padding = (prompt == PADDING) if self.tokenizer is not None and prompt.ndim == 2 else None
        if padding is not None and bool(padding[:, -1].any()):
            raise ConfigurationError(
                "a prompt is padded on the right, and what is written would follow the padding: pad on the left, give "
                "text, or use maze_rl.models.decoding.decode_paths."
            )
        # to be told apart from words: TransformerLens masks one side
        return prompt, settings | ({"padding_side": "left"} if padding is not None else {})

    def _text_of(self, row: Int[Tensor, " pos"], prompt: int) -> str:
        """Return a row as text up to its end, which stands behind the `prompt` first tokens."""
        ends = (row[prompt:] == PATH_END).nonzero()
        row = row[: prompt + int(ends[0]) + 1] if len(ends) else row
        return str(self.tokenization.decode(row))

    @contextmanager
    def _continuing(self, prompt: Tensor) -> Iterator[None]:
        """Within, passes that are given embeddings alone are those of `prompt` and of what is written behind it."""
        if prompt.ndim == 2:
            if self._prompt_visible:
                _check_whole(prompt)
            self.continued = prompt.to(self.cfg.device)
        try:
            yield
        finally:
            self.continued = None

    def run_with_cache(self, *args: Any, return_cache_object: bool = True, **settings: Any) -> Any:
        """Run the network and return its output and all activations, as TransformerLens does.

        Of a model with several loops they are a `LoopedCache`, which refuses sums over layers.
        """
        found: tuple[Any, Any] = super().run_with_cache(*args, return_cache_object=return_cache_object, **settings)
        out, cache = found
        if return_cache_object and self.loops > 1:
            cache = LoopedCache(cache.cache_dict, self, has_batch_dim=cache.has_batch_dim)
        return out, cache

    def accumulated_bias(self, *args: Any, **settings: Any) -> Tensor:
        """Return the sum of the biases of layers, as TransformerLens does.

        Raises:
            ConfigurationError: The model has several loops: they do not add up.
        """
        if self.loops > 1:
            raise ConfigurationError(
                "accumulated_bias: between the loops of this model the stream is normed and the embedding added again, "
                "so biases do not add up."
            )
        return super().accumulated_bias(*args, **settings)

    def load_and_process_state_dict(self, *args: Any, **settings: Any) -> None:
        """Fold layer norms and center weights in place, as TransformerLens does; also behind `process_weights_`.

        Raises:
            ConfigurationError: The weights are computed, shared by loops, or stand before a norm that does not fold.
        """
        self._refuse_processing()
        super().load_and_process_state_dict(*args, **settings)

    def fold_layer_norm(self, *args: Any, **settings: Any) -> Any:
        """Fold the layer norms of a state dict, as TransformerLens does.

        Raises:
            ConfigurationError: As for `load_and_process_state_dict`.
        """
        self._refuse_processing()
        return super().fold_layer_norm(*args, **settings)

    def _refuse_processing(self) -> None:
        config = getattr(self, "maze_config", None)
        parts = () if config is None else not_stock(config)
        inside = [part for part in parts if part != "prompt"]
        if inside:
            raise ConfigurationError(
                f"processing weights of a model with {', '.join(inside)}: TransformerLens's rules are for stock blocks "
                "alone; use the weights as they are."
            )
        if any(map(is_parametrized, self.modules())):
            raise ConfigurationError(
                "processing weights that are computed from others: fold them first (maze_rl.models.folding)."
            )

    def input_to_embed(self, input: Any, *args: Any, **settings: Any) -> Any:
        """Embed the input, as TransformerLens does; in a forward pass note what its blocks share."""
        embedded = super().input_to_embed(input, *args, **settings)
        if not self.shared.running:
            return embedded
        residual, tokens, _, attention_mask = embedded
        assert tokens is not None  # they are what was embedded
        cache = settings.get("past_kv_cache")
        past = 0 if cache is None else cache[0].past_keys.shape[1]
        self._see(tokens, attention_mask, cached=cache is not None, past=past)
        self.shared.embedded = residual
        if self.shared.learns_from is not None:
            torch.set_grad_enabled(False)  # that block turns it on again
        return self._apart(residual), *embedded[1:]

    def _apart(self, stream: Tensor) -> Tensor:
        """Return the stream that enters the first block, apart from what loops recall where a hook sees it.

        A hook that changes it in place changes it alone, and its gradient is that of the stream alone.
        """
        first: Any = self.blocks[0].hook_resid_pre
        return stream.clone() if is_hooked(first) else stream

    @property
    def _prompt_visible(self) -> bool:
        config = getattr(self, "maze_config", None)
        return config is not None and config.prompt == "visible"

    def _see(self, tokens: Tensor, attention_mask: Tensor | None, *, cached: bool = False, past: int = 0) -> None:
        visible = self._prompt_visible
        if past or not (visible or self.shared.segments is not None):
            return  # new positions see all that is earlier, as under a causal mask
        if not all(isinstance(block.attn, FusedAttention) for block in self.blocks):
            raise ConfigurationError(
                "segments: attention of this model's shape keeps to TransformerLens's own mask: give each path alone."
            )
        if visible and cached:
            _check_whole(tokens)
        self.shared.sight = sight_of(
            tokens, prompt_visible=visible, segments=self.shared.segments, attention_mask=attention_mask
        )

    def _begin_inside(self, stream: Tensor, start: int, settings: dict[str, Any]) -> None:
        """Make what the blocks share from the tokens, for a pass that does not begin with them."""
        config = getattr(self, "maze_config", None)
        if config is None or (config.prompt == "causal" and not config.looped and self.shared.segments is None):
            return
        tokens, mask = settings.get("tokens"), settings.get("attention_mask")
        cache = settings.get("past_kv_cache")
        past = 0 if cache is None else cache[0].past_keys.shape[1]
        at_embedding = start in (0, -len(self.blocks))
        if tokens is None and at_embedding and self.continued is not None:
            # what is written behind a whole prompt sees what is earlier, whatever it is
            written = past + stream.shape[1] - self.continued.shape[1]
            tokens = torch.nn.functional.pad(self.continued, (0, written), value=PATH_END)
        if tokens is None and not (at_embedding and config.prompt == "causal"):
            raise ConfigurationError(
                "start_at_layer: what a position of this model sees and recalls depends on the tokens: pass tokens too."
            )
        if tokens is not None:
            self._see(tokens, mask, cached=cache is not None, past=past)
        self.shared.entered = self.blocks[start] if -len(self.blocks) <= start < len(self.blocks) else None
        given: Tensor | None = settings.get("tokens")
        if given is None:
            self.shared.embedded = stream
        else:
            self.shared.embedded = super().input_to_embed(given, attention_mask=mask)[0]
        if self.shared.learns_from is not None:
            torch.set_grad_enabled(False)


def _check_whole(prompts: Int[Tensor, "batch pos"]) -> None:
    if bool((prompts != PATH_START).all(dim=1).any()):
        raise ConfigurationError(
            "a visible prompt must be given whole, up to <PATH_START>: what is given later cannot be shown to what is "
            "given first."
        )
