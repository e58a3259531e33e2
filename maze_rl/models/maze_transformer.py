"""`MazeTransformer`: a `HookedTransformer` that knows how its mazes are written, what a prompt sees, and its loops."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.utils.parametrize import is_parametrized
from transformer_lens import HookedTransformer
from transformer_lens.utilities.defaults_utils import USE_DEFAULT_VALUE

from maze_rl.configs.folding import not_stock
from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.models.forward_pass import ForwardPass
from maze_rl.models.looped_cache import LoopedCache
from maze_rl.models.visibility import sight_of
from maze_rl.tokenization.layouts import PATH_END, PATH_START
from maze_rl.tokenization.tokenization import Tokenization


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

    @property
    def loops(self) -> int:
        """How often the block of layers is applied; 1 for a plain model."""
        config = getattr(self, "maze_config", None)
        return (config.loops or 1) if config is not None else 1

    def with_loops(self, loops: int) -> "MazeTransformer":
        """Return the same network with its block applied `loops` times; the parameters are the same objects.

        Raises:
            ConfigurationError: The model has no loops, or `loops` is below 1.
        """
        from maze_rl.models.build import with_loops  # the module that constructs imports this one

        return with_loops(self, loops)

    def forward(self, input: Any, *args: Any, segments: Tensor | None = None, **settings: Any) -> Any:
        """Run the network; takes what `HookedTransformer.forward` takes.

        Args:
            input: Tokens, text, or with `start_at_layer` a residual stream.
            *args: Passed on.
            segments: Int[batch, pos]: which of several paths behind one prompt a position belongs to, 0 for the
                prompt (``<PATH_START>`` included). A path sees the prompt and itself.
            **settings: Passed on.

        Raises:
            ConfigurationError: The pass starts inside a network whose blocks need the tokens, without `tokens`; or
                a visible prompt is given in parts.
        """
        with self.shared.open():
            self.shared.segments = segments
            start = settings.get("start_at_layer")
            if start is not None:
                self._begin_inside(input, start, settings)
            return super().forward(input, *args, **settings)

    def generate(self, input: Any = "", *args: Any, **settings: Any) -> Any:
        """Continue prompts, as TransformerLens does; a visible prompt must be whole, ``<PATH_START>`` included.

        `maze_rl.models.decoding.decode_paths` takes prompts of different lengths, and is faster.
        """
        with self._continuing(input, settings):
            return super().generate(input, *args, **settings)

    @contextmanager
    def _continuing(self, prompt: Any, settings: dict[str, Any]) -> Iterator[None]:
        """Within, passes that are given embeddings alone are those of `prompt` and of what is written behind it."""
        if isinstance(prompt, (str, list)) and self.tokenizer is not None:
            side = "left" if isinstance(prompt, list) and len(prompt) > 1 else settings.get("padding_side")
            begins = settings.get("prepend_bos", USE_DEFAULT_VALUE)
            prompt = self.to_tokens(prompt, prepend_bos=begins, padding_side=side)
        if isinstance(prompt, Tensor) and prompt.ndim == 2:
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
        return embedded

    @property
    def _prompt_visible(self) -> bool:
        config = getattr(self, "maze_config", None)
        return config is not None and config.prompt == "visible"

    def _see(self, tokens: Tensor, attention_mask: Tensor | None, *, cached: bool = False, past: int = 0) -> None:
        visible = self._prompt_visible
        if past or not (visible or self.shared.segments is not None):
            return  # new positions see all that is earlier, as under a causal mask
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


def _check_whole(prompts: Int[Tensor, "batch pos"]) -> None:
    if bool((prompts != PATH_START).all(dim=1).any()):
        raise ConfigurationError(
            "a visible prompt must be given whole, up to <PATH_START>: what is given later cannot be shown to what is "
            "given first."
        )
