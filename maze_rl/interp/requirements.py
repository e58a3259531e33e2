"""What an analysis needs of a model and of its mazes; each refusal is one clear line.

An analysis is right for a model or refuses it. Whatever reads activations of whole runs of the model is right for any;
what goes on from the middle of a run, or reads the prompt token by token, may rely on what not every model has, and
says so by one of the functions called `require_...`, first thing.
"""

from collections.abc import Collection

from transformer_lens import HookedTransformer

from maze_rl.errors import ConfigurationError
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.context_room import has_room, longest_read
from maze_rl.models.hooked_models import hooked_part
from maze_rl.models.stock_fields import NORMED_OUTSIDE, Values, found_among
from maze_rl.tokenization.layouts import Layout
from maze_rl.tokenization.tokenization import Tokenization

_NEVER: Values = {"attention_dir": None, "use_dynamic_ntk_rope": None, "load_in_4bit": None}
"""With these what stands at a position depends on what stands behind it, padding too; or weights are no matrices."""
_NOT_PLAIN: Values = {
    "parallel_attn_mlp": None,
    "use_normalization_before_and_after": None,
    "original_architecture": NORMED_OUTSIDE,
    "positional_embedding_type": ("shortformer",),
    "use_qk_norm": None,
    "clip_qkv": None,
}
"""With these a block cannot be gone on with from its stream, its heads' outputs, and its keys and values as hooked."""
_ORDER = (
    "lists_cells",
    "spells_edges",
    "connectors",
    "walls",
    "query_first",
    "origin_on_path",
    "path_as_moves",
    "path_as_turns",
)
"""What a `Layout` says of sequences beyond their words."""
FEWEST_MAZES = 20
"""Mazes under which no 95 % interval is given: a bootstrap over fewer is not to be trusted."""
_INSTEAD = "such as maze-5to9-causal"
"""A shipped model with all that an analysis of causal prompts may rely on."""
LOOPED = "such as maze-5to9-cpu"
"""A shipped model with loops, and cells in a prompt that does not name the origin."""


def analysed_tokenization(tokenization: Tokenization) -> Tokenization:
    """Return the tokenization with mazes at a fixed place of the canvas, so that a cell is the same token everywhere.

    Raises:
        ConfigurationError: A step of the path takes several tokens or is a move or turn, or walls are listed.
    """
    config, layout = tokenization.config, tokenization.layout
    if layout.tokens_per_cell != 1 or layout.path_as_moves or layout.walls:
        written = config.path if layout.path_as_moves else "listed walls" if layout.walls else config.format
        raise ConfigurationError(
            f"the analyses need one token per cell of the path and no list of walls (formats edges, unique_cells and "
            f"cells), and this model was trained on {written}."
        )
    return tokenization.with_options(random_offsets=False)


def check_mazes(model: HookedTransformer, size: int, num: int) -> None:
    """Check that mazes of `size` fit the model and that one half of `num` gives an interval: the other is fitted on.

    Raises:
        ConfigurationError: They do not; the line says what would.
    """
    tokenization = analysed_tokenization(tokenization_of(model))
    canvas = tokenization.canvas
    if not 2 <= size <= canvas:
        raise ConfigurationError(
            f"size is {size}, and the model's canvas has {canvas} x {canvas} cells: use sizes from 2 to {canvas}."
        )
    if not has_room(model, tokenization, size, tree=True):
        raise ConfigurationError(
            f"size is {size}: its mazes can take {longest_read(tokenization, size, tree=True)} tokens, and the model's "
            f"context has n_ctx={model.cfg.n_ctx}: use smaller mazes."
        )
    if num < 2 * FEWEST_MAZES:
        raise ConfigurationError(
            f"num is {num}: one half of the mazes is fitted on, and a 95 % interval needs at least {FEWEST_MAZES} "
            f"mazes in the other: use {2 * FEWEST_MAZES} or more."
        )


def check_layers(model: HookedTransformer, layers: Collection[int], what: str) -> None:
    """Check that layers are named and that the model has them, counted from the first.

    Raises:
        ConfigurationError: There is none, or no such layer.
    """
    last = model.cfg.n_layers - 1
    if not len(layers) or not all(0 <= layer <= last for layer in layers):
        raise ConfigurationError(f"{what}: layers is {list(layers)}: name at least one from 0 to {last}.")


def check_tokens(model: HookedTransformer, written: Layout | None) -> None:
    """Check that sequences were written as the model reads them; a model without a tokenization reads any.

    Args:
        model: Any model.
        written: How they were written; None where that is not known.

    Raises:
        ConfigurationError: Another format, a larger canvas, or another order or path.
    """
    if written is not None and getattr(model, "tokenization", None) is not None:
        check_written(tokenization_of(model), written)


def check_written(tokenization: Tokenization, written: Layout) -> None:
    """Check that sequences were written as a tokenization writes them, on its canvas or a smaller one.

    Raises:
        ConfigurationError: Another format, a larger canvas, or another order or path.
    """
    layout = tokenization.layout
    if layout.words[: len(written.words)] != written.words:
        raise ConfigurationError(
            f"the mazes are written in {len(written.words)} words on a canvas of {written.canvas} cells a side, which "
            f"are not those of the model's {tokenization.name} on {tokenization.canvas}: make them with "
            "model.tokenization."
        )
    # the same words in another order are no less strange to the model
    for name in _ORDER:
        if getattr(layout, name) != getattr(written, name):
            raise ConfigurationError(
                f"the mazes are written with {name}={getattr(written, name)}, and those of the model's "
                f"{tokenization.name} with {name}={getattr(layout, name)}: make them with model.tokenization."
            )


def require_known_forward(model: HookedTransformer, what: str, such_as: str = _INSTEAD) -> None:
    """Check that a position of a run depends on nothing behind it: sequences of a batch are padded on the right.

    Args:
        model: Any model.
        what: What relies on it, as the message begins.
        such_as: A model with all that is needed, as the message ends.

    Raises:
        ConfigurationError: Attention looks ahead, or positions change with the length.
    """
    if found := found_among(model.cfg, _NEVER):
        raise ConfigurationError(
            f"{what} relies on positions that depend on earlier ones alone, and this model has {found[0]}: use a model "
            f"without, {such_as}, or run_with_hooks on one sequence at a time."
        )


def require_plain_blocks(model: HookedTransformer, what: str) -> None:
    """Check that a block reads its stream first by its attention, then by its MLP, and adds to it.

    Loops are no hindrance: what happens between two blocks is not asked.

    Args:
        model: Any model.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: The model has blocks of another kind.
    """
    require_known_forward(model, what)
    if found := found_among(model.cfg, _NOT_PLAIN):
        raise ConfigurationError(
            f"{what} relies on a plain residual stream, and this model has {found[0]}: use one without, {_INSTEAD}, "
            "or intervene by model.run_with_hooks."
        )


def require_plain_stream(model: HookedTransformer, what: str) -> None:
    """Check that a block reads what the block before left, first by its attention, then by its MLP, and adds to it.

    So there are no loops, with their recall and norm; and none of the blocks of other families.

    Args:
        model: Any model; one without a `maze_config`, as those set by hand, is plain.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: The model has loops, or blocks of another kind.
    """
    config = getattr(model, "maze_config", None)
    if config is not None and config.blocks > config.n_layers:
        raise ConfigurationError(
            f"{what} relies on a plain residual stream, and this model has loops, which add the embedding again "
            f"before each: use a model without loops, {_INSTEAD}, or intervene by model.run_with_hooks."
        )
    require_plain_blocks(model, what)


def require_no_hooks(model: HookedTransformer, what: str) -> None:
    """Check that nothing is hooked: a hook acts on whole sequences, and what it changes is no part of a sum.

    Args:
        model: Any model.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: There is a hook.
    """
    if (hooked := hooked_part(model)) is not None:
        raise ConfigurationError(
            f"{what} relies on runs as the weights make them, and this model is hooked at {hooked}: take hooks off "
            "(model.reset_hooks(including_permanent=True)), or intervene by model.run_with_hooks."
        )


def require_causal_prompt(model: HookedTransformer, what: str) -> None:
    """Check that a token of the prompt sees what is earlier alone.

    Args:
        model: Any model; one without a `maze_config`, as those set by hand, is causal.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: The prompt is visible to all of itself.
    """
    config = getattr(model, "maze_config", None)
    if config is not None and config.prompt != "causal":
        raise ConfigurationError(
            f"{what} relies on a causal prompt, and all of this model's prompt sees all of it (prompt="
            f"{config.prompt!r}): use a model with prompt='causal', {_INSTEAD}, or intervene by model.run_with_hooks."
        )


def require_loops(model: HookedTransformer, what: str) -> None:
    """Check that a model has loops, so that it may be read after any number of them.

    Args:
        model: Any model.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: It has none.
    """
    config = getattr(model, "maze_config", None)
    if config is None or not config.looped:
        raise ConfigurationError(f"{what} relies on loops, and this model has none: use one with loops, {LOOPED}.")


def require_cells_by_loop(model: HookedTransformer, what: str) -> None:
    """Check that the cells in a prompt may be read after any number of loops.

    Args:
        model: A model with a tokenization.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: Attention looks ahead, or the model has no loops or lists no cells.
    """
    require_known_forward(model, what, LOOPED)
    require_loops(model, what)
    require_cells_in_prompt(tokenization_of(model).layout, what)


def require_origin_on_path(model: HookedTransformer, what: str) -> None:
    """Check that a prompt is the same for every origin, and read the same from any place behind it.

    Args:
        model: A model with a tokenization.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: The origin stands in the prompt, or positions count.
    """
    config = getattr(model, "maze_config", None)
    if not tokenization_of(model).layout.origin_on_path:
        raise ConfigurationError(
            f"{what} relies on prompts that do not name the origin, and this model's do: use one with origin='path', "
            f"{LOOPED}."
        )
    if config is None or config.positions != "none" or config.reverse_positions:
        raise ConfigurationError(
            f"{what} relies on reading a start alike wherever it stands, and this model has positions: use one "
            f"without, {LOOPED}."
        )


def require_mlps(model: HookedTransformer, what: str) -> None:
    """Check that the blocks have MLPs.

    Args:
        model: Any model.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: They have attention alone.
    """
    if model.cfg.attn_only:
        raise ConfigurationError(f"{what} relies on MLPs, and this model has none (attn_only=True): leave them out.")


def require_edges_in_prompt(layout: Layout, what: str) -> None:
    """Check that the prompt lists edges, each with tokens of its own.

    Args:
        layout: How the mazes are written.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: The prompt lists cells.
    """
    if layout.lists_cells:
        raise ConfigurationError(
            f"{what} relies on edges in the prompt, each with tokens of its own, and format cells lists cells: use a "
            f"model whose format lists edges, {_INSTEAD}."
        )


def require_cells_in_prompt(layout: Layout, what: str) -> None:
    """Check that the prompt lists cells, each with its open sides.

    Args:
        layout: How the mazes are written.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: The prompt lists edges.
    """
    if not layout.lists_cells:
        raise ConfigurationError(
            f"{what} relies on cells in the prompt, each with a token of its own, and this format lists edges: use a "
            f"model of format cells, {LOOPED}."
        )


def require_origin_in_prompt(layout: Layout, what: str) -> None:
    """Check that the origin is known at ``<PATH_START>``.

    Args:
        layout: How the mazes are written.
        what: What relies on it, as the message begins.

    Raises:
        ConfigurationError: The origin stands behind it, on the path.
    """
    if layout.origin_on_path:
        raise ConfigurationError(
            f"{what} relies on the origin in the prompt, and here it stands behind <PATH_START>, on the path "
            f"(origin='path'): use a model with origin='prompt', {_INSTEAD}."
        )
