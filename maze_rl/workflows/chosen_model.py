"""The model that a command is about: given or loaded, with as many loops as are asked for."""

from os import PathLike
from pathlib import Path

import torch
from transformer_lens import HookedTransformer

from maze_rl.configs.hand_built import HAND_BUILT
from maze_rl.models.attached_tokenization import about_of, check_attached
from maze_rl.models.build import with_loops
from maze_rl.models.hooked_models import check_hooks
from maze_rl.models.model_files import load_model
from maze_rl.models.places import check_model

HAND_BUILT_CANVAS = 5
"""Cells per side of the mazes that a hand-built model reads where it is asked for by name."""


def chosen_model(
    model: HookedTransformer | str | PathLike[str], loops: int | None = None, device: str | torch.device = "cpu"
) -> HookedTransformer:
    """Return a model with its block applied `loops` times.

    Args:
        model: A model with a tokenization, built here or not (`maze_rl.attach_tokenization`); a folder that a run,
            `maze_rl.save_model` or an export wrote; the name of a shipped model or of a hand-built one.
        loops: Times; None for as many as it has.
        device: Where to run a model that is loaded here.

    Raises:
        ConfigurationError: The model has no tokenization, one that does not fit it, or hooks that cannot be walked
            with, or that are not those of so many loops; it has no loops, or `loops` is below 1.
        MazeRLError: There is no such model, or a file of it is damaged.
    """
    found = model if isinstance(model, HookedTransformer) else _named(model, str(device))
    check_attached(found)
    check_hooks(found)
    config = getattr(found, "maze_config", None)
    if loops is None or (config is not None and loops == config.loops):
        return found
    view = with_loops(found, loops)
    view.about = about_of(found) | {"changed_loops": loops}
    return view


def _named(name: str | PathLike[str], device: str) -> HookedTransformer:
    if str(name) in HAND_BUILT and not Path(name).exists():
        from maze_rl.calibration.hand_built import build_hand_built
        from maze_rl.tokenization.tokenization import load_tokenization

        kind = HAND_BUILT[str(name)]
        built = build_hand_built(kind, load_tokenization("edges", canvas=HAND_BUILT_CANVAS))  # type: ignore[arg-type]
        built.about = built.about | {"name": str(name)}
        built.cfg.device = device
        return built.to(device, print_details=False)  # type: ignore[return-value]
    check_model(name)
    return load_model(name, device)


def loops_in_name(model: HookedTransformer) -> str:
    """Return the end of the name of a model whose loops were changed, empty for all others."""
    changed = about_of(model).get("changed_loops")
    return "" if changed is None else f"-{changed}-loops"
