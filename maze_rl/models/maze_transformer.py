"""`MazeTransformer`: a `HookedTransformer` that knows how its mazes are written, what a prompt sees, and its loops."""

from typing import Any

from jaxtyping import Int
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.models.forward_pass import ForwardPass
from maze_rl.models.visibility import sight_of
from maze_rl.tokenization.layouts import PATH_START
from maze_rl.tokenization.tokenization import Tokenization


class MazeTransformer(HookedTransformer):
    """A `HookedTransformer` with a tokenization; built by `maze_rl.models.build` alone.

    With a visible prompt the tokens say who sees what, so the same calls work as for any `HookedTransformer`; only
    a pass that starts inside the network needs them too: ``model(resid, start_at_layer=3, tokens=tokens)``.
    """

    tokenization: Tokenization
    maze_config: ModelConfig
    about: dict[str, Any]
    """What a loaded model's files say of it: training range, versions; empty for a fresh one."""
    shared: ForwardPass
    """What the blocks of a forward pass share."""
    segments: Int[Tensor, "batch pos"] | None
    """Segments of the sequences of the forward pass that runs; None for one path behind each prompt."""

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
            self.segments = segments
            start = settings.get("start_at_layer")
            if start is not None:
                self._begin_inside(start, settings.get("tokens"), settings.get("attention_mask"))
            return super().forward(input, *args, **settings)

    def input_to_embed(self, input: Any, *args: Any, **settings: Any) -> Any:
        """Embed the input, as TransformerLens does; in a forward pass note what its blocks share."""
        embedded = super().input_to_embed(input, *args, **settings)
        if not self.shared.running:
            return embedded
        residual, tokens, _, attention_mask = embedded
        cache = settings.get("past_kv_cache")
        past = 0 if cache is None else cache[0].past_keys.shape[1]
        self._see(tokens, attention_mask, cached=cache is not None, past=past)
        self.shared.embedded = residual
        return embedded

    def _see(self, tokens: Tensor, attention_mask: Tensor | None, *, cached: bool = False, past: int = 0) -> None:
        visible = getattr(self, "maze_config", None) is not None and self.maze_config.prompt == "visible"
        if past or not (visible or self.segments is not None):
            return  # new positions see all that is earlier, as under a causal mask
        if visible and cached and bool((tokens != PATH_START).all(dim=1).any()):
            raise ConfigurationError(
                "a visible prompt must be given whole, up to <PATH_START>: a cache cannot show its first part the rest."
            )
        self.shared.sight = sight_of(
            tokens, prompt_visible=visible, segments=self.segments, attention_mask=attention_mask
        )

    def _begin_inside(self, start: int, tokens: Tensor | None, attention_mask: Tensor | None) -> None:
        """Make what the blocks share from the tokens, for a pass that does not begin with them."""
        config = getattr(self, "maze_config", None)
        if config is None or (config.prompt == "causal" and not config.looped and self.segments is None):
            return
        if tokens is None:
            raise ConfigurationError(
                "start_at_layer: what a position of this model sees and recalls depends on the tokens: pass tokens too."
            )
        self._see(tokens, attention_mask)
        self.shared.entered = self.blocks[start] if -len(self.blocks) <= start < len(self.blocks) else None
        self.shared.embedded = super().input_to_embed(tokens, attention_mask=attention_mask)[0]
