"""The network's shape."""

from collections.abc import Sequence
from dataclasses import dataclass

from maze_rl.configs.field_types import check_field_types
from maze_rl.configs.options import is_count
from maze_rl.configs.parametrizations import read_parametrizations
from maze_rl.configs.tokenization import ONE_TOKEN_PER_CELL
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name

POSITIONS = ("none", "learned", "rotary")
EMBEDDINGS = ("factored", "waves", "free")
UNEMBEDDINGS = ("all", "path")
PROMPTS = ("causal", "visible")
REVERSE_FORMS = ("add", "multiply")
MEMORY_KINDS = ("keys", "selector")
ACTIVATIONS = ("relu", "gelu", "gelu_new", "silu")


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Shown):
    """A decoder-only transformer; names follow TransformerLens.

    Raises:
        ConfigurationError: A size is out of range, or the heads do not divide the width.
        UnknownNameError: A named choice is unknown.
    """

    n_layers: int = 6
    """Blocks; with loops, blocks of the part that is applied again and again."""
    loops: int | None = None
    """How often the block of `n_layers` layers is applied, with the same weights, the embedding added again before
    each time but the first; None for plain layers. A trained model runs with any number of loops."""
    outer_norm: bool = False
    """A norm of the stream between loops, before the embedding is added."""
    d_model: int = 96
    """Width of the residual stream."""
    n_heads: int = 3
    """Attention heads; each has d_model / n_heads dimensions."""
    d_mlp: int | None = None
    """Hidden width of the MLPs; None for four times d_model."""
    act_fn: str = "gelu"
    """Activation of the MLPs."""
    positions: str = "none"
    """`none` (order shows through the causal mask alone), `learned` or `rotary`."""
    embedding: str = "factored"
    """`factored` trains tokens as sums of row, column and own vectors and folds them at the end; `waves` makes row and
    column vectors of cosines and sines, so that a step is the same turn everywhere; `free` trains plain tables."""
    unembedding: str = "all"
    """`all` words can be predicted, or those of a `path` alone: cells (or moves) and its end."""
    prompt: str = "causal"
    """`causal`: every token sees what is earlier. `visible`: the tokens of the prompt see all of the prompt."""
    parametrizations: Sequence[str] = ()
    """How weights are computed from other parameters while training, folded at the end: names and options of
    `maze_rl.configs.parametrizations.PARAMETRIZATIONS`, or ``package.module:function``; applied in this order."""
    value_norm: bool = False
    """Layer norm of every head's values, without gain and shift (`value_affine` trains those). Does not fold."""
    reverse_positions: bool = False
    """Attention scores get a term of query and distance, as learned vectors per head. Does not fold."""
    reverse_form: str = "add"
    """Whether that term is to `add` to the scores or to `multiply` them."""
    memory: int = 0
    """Learned cells each MLP also attends to; 0 for none. Does not fold."""
    memory_kind: str = "keys"
    """How cells are chosen: by `keys` that are compared with the stream, or by a `selector` of two layers per head."""

    def __post_init__(self) -> None:
        check_field_types(self)
        named = self.parametrizations
        # JSON has lists; equal configurations must be equal
        object.__setattr__(self, "parametrizations", (named,) if isinstance(named, str) else tuple(named))
        for name, known in (
            ("positions", POSITIONS),
            ("embedding", EMBEDDINGS),
            ("unembedding", UNEMBEDDINGS),
            ("prompt", PROMPTS),
            ("act_fn", ACTIVATIONS),
            ("reverse_form", REVERSE_FORMS),
            ("memory_kind", MEMORY_KINDS),
        ):
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)
        for name in ("n_layers", "d_model", "n_heads"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} is {getattr(self, name)}: it must be at least 1.")
        if self.d_model % self.n_heads:
            raise ConfigurationError(f"n_heads {self.n_heads} does not divide d_model {self.d_model}.")
        if self.positions == "rotary" and (self.d_model // self.n_heads) % 2:
            raise ConfigurationError("rotary positions need an even d_model / n_heads.")
        self._check_loops()
        self._check_variants()

    def _check_loops(self) -> None:
        if self.loops is not None and not is_count(self.loops):
            raise ConfigurationError(f"loops is {self.loops}: the block is applied at least once.")
        if self.outer_norm and self.loops is None:
            raise ConfigurationError("outer_norm is a norm between loops: set loops (--loops) too.")
        if self.loops is not None and (self.memory or self.reverse_positions):
            raise ConfigurationError(
                "loops with memory or reverse_positions: their weights cannot be tied; leave one out."
            )
        if self.embedding == "waves" and self.parametrizations:
            raise ConfigurationError(
                "embedding waves with parametrizations: both compute the embedding; use embedding factored or free."
            )

    def _check_variants(self) -> None:
        names = {choice.name for choice in read_parametrizations(self.parametrizations)}
        if self.positions == "rotary" and self.reverse_positions:
            raise ConfigurationError(
                "reverse_positions with positions rotary: both turn on the distance; use positions none or learned."
            )
        if self.value_norm and self.d_model == self.n_heads:
            raise ConfigurationError("value_norm with one dimension per head makes all values 0: use fewer heads.")
        if "value_affine" in names and not self.value_norm:
            raise ConfigurationError(
                "value_affine is the affine part of the value norm: set value_norm (--value-norm) too."
            )
        if self.memory < 0 or self.memory == 1:
            raise ConfigurationError(f"memory is {self.memory}: it must be 0 for none, or at least 2 cells.")
        if self.reverse_form != "add" and not self.reverse_positions:
            raise ConfigurationError(
                "reverse_form needs reverse positions: set reverse_positions (--reverse-positions) too."
            )
        if self.memory_kind != "keys" and not self.memory:
            raise ConfigurationError("memory_kind needs memory cells: set memory (--memory) too.")

    @property
    def looped(self) -> bool:
        """Whether the layers are a block that is applied again and again."""
        return self.loops is not None

    @property
    def blocks(self) -> int:
        """Blocks of the `HookedTransformer`: layers times loops."""
        return self.n_layers * (self.loops or 1)

    @property
    def mlp_width(self) -> int:
        """Hidden width of the MLPs."""
        return 4 * self.d_model if self.d_mlp is None else self.d_mlp


def check_embedding(embedding: str, token_format: str) -> None:
    """Check that an embedding can be built for a token format.

    Raises:
        ConfigurationError: `factored` and `waves` are for formats with one token per cell.
    """
    if embedding != "free" and token_format not in ONE_TOKEN_PER_CELL:
        raise ConfigurationError(
            f"embedding {embedding} with format {token_format}: it needs one token per cell, as in "
            f"{', '.join(ONE_TOKEN_PER_CELL)}; use embedding='free'."
        )
