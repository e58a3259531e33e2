"""A trained model as files for stock TransformerLens: every loop has blocks of its own, the rest is hooks.

`model.json` names under `hooks` what a stock model does not do by itself, null where there is nothing: the loader that
lies beside adds it. The gain of the norm between loops stands under a key of its own, ``outer_norm.w``.
"""

from os import PathLike
from pathlib import Path
from typing import Any

from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.models.attached_tokenization import about_of, tokenization_of
from maze_rl.models.build import MazeTransformer
from maze_rl.models.folding import folded_copy
from maze_rl.models.model_files import describe, stock_shape, write_model
from maze_rl.models.own_shapes import describe_own, own_weights
from maze_rl.tokenization.layouts import PADDING, PATH_START


def save_export(model: HookedTransformer, folder: str | PathLike[str], loader: bytes) -> None:
    """Write the folded, unrolled model to `folder`.

    Args:
        model: The model, folded or not; it has no parts that `maze_rl.configs.folding.not_exported` names.
        folder: Where to write, beside what is there.
        loader: The program that builds the stock model, written as ``loader.py``.

    Raises:
        CheckpointError: The disk is full or refuses.
        ConfigurationError: The model has hooks, or parts of its own, that files do not hold.
    """
    folder = Path(folder)
    if not (isinstance(model, MazeTransformer) and hasattr(model, "maze_config")):  # of any shape: stock already
        own = describe_own(model) | {"tokenization": vars(tokenization_of(model).config), "about": about_of(model)}
        description = {"model": None, "hooks": None} | own
        write_model(folder, tokenization_of(model), own_weights(model), description, {"loader.py": loader})
        return
    plain = folded_copy(model)
    hooks = _hooks(model)
    shape = stock_shape(model)
    if hooks is not None and hooks["visible_prompt"]:
        shape["attention_dir"] = "bidirectional"  # a causal mask would come before the hook that is to replace it
    own = {"model": vars(plain.maze_config), "hooked_transformer": shape, "hooks": hooks}
    description = describe(model, model.about) | own
    write_model(folder, model.tokenization, _unrolled(plain), description, {"loader.py": loader})


def _hooks(model: MazeTransformer) -> dict[str, Any] | None:
    """Return what the loader is to add to a stock model: the settings of its function that does; None for nothing."""
    config = model.maze_config
    visible = config.prompt == "visible"
    if not (visible or config.looped):
        return None
    return {
        "layers_per_loop": config.n_layers,
        "visible_prompt": visible,
        "padding": PADDING,
        "path_start": PATH_START,
    }


def _unrolled(model: MazeTransformer) -> dict[str, Tensor]:
    """Return a folded model's tensors with those of the block once for each loop."""
    layers, unrolled = model.maze_config.n_layers, {}
    for name, value in model.state_dict().items():
        part, _, rest = name.partition(".")
        number, _, tensor = rest.partition(".")
        if part != "blocks":
            unrolled[name] = value
            continue
        for loop in range(model.loops):
            # copies: files refuse two names for one piece of memory
            unrolled[f"blocks.{int(number) + loop * layers}.{tensor}"] = value.clone()
    return unrolled
