"""A trained model as files: its weights, its configuration, its vocabulary.

A run folder, a shipped model and an export all hold these files: `model.safetensors`, `model.json` and the
folder `tokenizer/`. Stock TransformerLens can load the weights:
``HookedTransformer(HookedTransformerConfig(**json["hooked_transformer"]))`` and ``load_state_dict``. Where that entry
is null the model has parts no stock one has, named under `not_stock`: it loads with `load_model` alone, or exported.

A model of one's own, of any shape, has null for `model`, and all fields of its own that differ from TransformerLens's.

Weights are folded, but for an embedding of waves, whose factors are a tenth of the tables they make: `load_model`
folds those. A block that is applied in loops stands there once.
"""

import json
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.folding import not_stock
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.models.attached_tokenization import about_of, check_attached
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.devices import check_device
from maze_rl.models.eight_bits import from_eight_bits
from maze_rl.models.folding import folded_copy, value_of
from maze_rl.models.own_shapes import build_own, describe_own, own_weights
from maze_rl.models.places import CHECKPOINTS, MODEL, WEIGHTS, find_model
from maze_rl.models.verified_files import (
    json_bytes,
    read_folder,
    read_tensors,
    tensor_bytes,
    write_folder,
    write_into,
)
from maze_rl.plain_numbers import whole_number
from maze_rl.tokenization.definitions import definition_files
from maze_rl.tokenization.tokenization import Tokenization

FOLDED_FIELDS = ("embedding", "unembedding", "parametrizations")
"""Fields of a configuration that folding changes."""
_OF_THE_WHOLE_RUN = ("tokens", "seconds", "validation_exact_by_loops", "longest_path", "leaks")
"""What a model's files say that holds at the end of its training alone."""
_STOCK_FIELDS = (
    "n_layers",
    "d_model",
    "n_heads",
    "d_head",
    "d_mlp",
    "act_fn",
    "normalization_type",
    "d_vocab",
    "n_ctx",
    "positional_embedding_type",
    "rotary_dim",
    "default_prepend_bos",
)


def save_model(model: HookedTransformer, folder: str | PathLike[str], about: dict[str, Any] | None = None) -> None:
    """Write the folded model to `folder`, from where `load_model` and every command take it.

    Args:
        model: The model, folded or not; it is not changed. Any `HookedTransformer` with a tokenization is one.
        folder: Where to write, beside what is there.
        about: What else to record, e.g. the run's configuration, training range and versions; None for `model.about`.

    Raises:
        CheckpointError: The disk is full or refuses.
        ConfigurationError: The model has hooks, or parts of its own, that files do not hold.
    """
    folder, about = Path(folder), about_of(model) if about is None else about
    if not (isinstance(model, MazeTransformer) and hasattr(model, "maze_config")):
        tokenization = check_attached(model)
        description = {"model": None, **describe_own(model), "tokenization": vars(tokenization.config), "about": about}
        write_model(folder, tokenization, own_weights(model), description)
        return
    stored = _without_adapters(model) if model.maze_config.embedding == "waves" else folded_copy(model)
    description = {"model": vars(stored.maze_config), **describe(model, about)}
    write_model(folder, model.tokenization, weights_of(stored), description)


def describe(model: MazeTransformer, about: dict[str, Any]) -> dict[str, Any]:
    """Return what files say of a model beside the configuration of the network they hold."""
    config = model.maze_config
    return {
        # a loaded model is folded already: its `about` still knows how it was trained
        **{f"trained_{name}": about.get(f"trained_{name}", getattr(config, name)) for name in FOLDED_FIELDS},
        "tokenization": vars(model.tokenization.config),
        "hooked_transformer": None if not_stock(config) else stock_shape(model),
        "not_stock": not_stock(config),
        "about": about,
    }


def stock_shape(model: MazeTransformer) -> dict[str, Any]:
    """Return the fields of the `HookedTransformerConfig` of a stock model with the weights of all blocks."""
    return {name: getattr(model.cfg, name) for name in _STOCK_FIELDS}


def write_model(
    folder: str | PathLike[str],
    tokenization: Tokenization,
    weights: dict[str, Tensor],
    description: dict[str, Any],
    further: dict[str, bytes] | None = None,
) -> None:
    """Write a model's weights, description, vocabulary and `further` files to `folder`, with their checksums.

    Raises:
        CheckpointError: The disk is full or refuses.
    """
    folder = Path(folder)
    files = {WEIGHTS: tensor_bytes(weights), MODEL: json_bytes(description)}
    write_folder(folder / "tokenizer", definition_files(tokenization))
    write_into(folder, files | (further or {}))


def _without_adapters(model: MazeTransformer) -> MazeTransformer:
    """Return a model that has the factors of the embedding, and the values of all other weights."""
    plain, state = build_model(model.maze_config, model.tokenization, dtype=model.cfg.dtype), model.state_dict()
    plain.load_state_dict(
        {name: state[name] if name in state else value_of(model, name) for name in plain.state_dict()}
    )
    return plain


def weights_of(model: MazeTransformer) -> dict[str, Tensor]:
    """Return the tensors that files hold: all but what every model of its shape has alike."""
    same = _same_names(model.maze_config)
    return {name: value for name, value in model.state_dict().items() if not name.endswith(same)}


def _same_names(config: ModelConfig) -> tuple[str, ...]:
    """Return the ends of the names of tensors that all models of a shape have alike; none of those in stock files."""
    if config.embedding != "waves":
        return ()
    fixed = {"pos_embed.W_pos": config.positions == "none", "unembed.b_U": config.unembedding == "path"}
    return ("attn.mask", "attn.IGNORE", *(name for name, holds in fixed.items() if holds))


def load_model(
    name: str | PathLike[str], device: str | torch.device = "cpu", checkpoint: int | None = None
) -> MazeTransformer:
    """Load a trained model: a run folder, an exported one, or the name of a shipped model.

    Args:
        name: Folder or name.
        device: Where it is to run.
        checkpoint: A step whose weights are wanted, of those the folder keeps (another one is answered with their
            list); None for the final ones. What is only known of the whole run (tokens, seconds, validation) is left
            out of `model.about` then.

    Returns:
        A `HookedTransformer` in evaluation mode, with `model.tokenization` and `model.about`.

    Raises:
        CheckpointError: A file is missing, truncated or altered; the message names it.
        ConfigurationError: There is no such checkpoint, or no such device.
        UnknownNameError: There is neither such a folder nor such a shipped model.
    """
    device = check_device(device)
    model = _read_model(name, None if checkpoint is None else whole_number("checkpoint", checkpoint))
    if any(_is_factor(tensor) for tensor in model.state_dict()):
        model = folded_copy(model)
    model.cfg.device = device
    return model.to(torch.device(device), print_details=False).eval()  # type: ignore[return-value]


def load_to_train(name: str | PathLike[str]) -> MazeTransformer:
    """Load the final weights of a trained model as its files hold them: an embedding of waves keeps its factors.

    They are what a run that goes on trains: `load_model` has the tables that they make, which is ten times as much, and
    where a cell that was seldom seen learns nothing from its neighbours.

    Raises:
        CheckpointError: A file is missing, truncated or altered; the message names it.
        UnknownNameError: There is neither such a folder nor such a shipped model.
    """
    return _read_model(name)


def _is_factor(tensor: str) -> bool:
    return ".parametrizations." in tensor


def _read_model(name: str | PathLike[str], checkpoint: int | None = None) -> MazeTransformer:
    folder = find_model(name)
    files = read_folder(folder, (WEIGHTS, MODEL))
    if checkpoint is not None:
        files[WEIGHTS] = _checkpoint_weights(folder, checkpoint)
    try:
        description = json.loads(files[MODEL])
        tokenization = Tokenization(TokenizationConfig(**description["tokenization"]))
        config = None if description["model"] is None else ModelConfig(**description["model"])
        plain = {"trained_parametrizations": [], "trained_unembedding": "all"}  # older files say nothing of these
        fields = () if config is None else FOLDED_FIELDS
        trained = {f"trained_{name}": (plain | description)[f"trained_{name}"] for name in fields}
        about = description["about"] if checkpoint is None else _about_checkpoint(description["about"], checkpoint)
        about |= trained
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder / MODEL}: not written by this version of maze_rl ({error}).") from error
    weights = from_eight_bits(read_tensors(files[WEIGHTS]))
    if config is None:
        model = build_own(description, tokenization, weights)
    else:
        if any(_is_factor(tensor) for tensor in weights):  # waves, or a checkpoint of a run
            config = replace(config, **{field: trained[f"trained_{field}"] for field in FOLDED_FIELDS})
        model = build_model(config, tokenization)
        _fill(model, weights, folder / WEIGHTS)
    model.about = about
    return model


def _fill(model: MazeTransformer, weights: dict[str, Tensor], place: Path) -> None:
    config = model.maze_config
    same = {name: value for name, value in model.state_dict().items() if name.endswith(_same_names(config))}
    if config.looped:  # an export has the block once for each loop
        later = tuple(f"blocks.{number}." for number in range(config.n_layers, config.blocks))
        weights = {name: value for name, value in weights.items() if not name.startswith(later)}
    try:
        model.load_state_dict(same | weights)  # vectors of a small checkpoint, in half precision, are widened
    except RuntimeError as error:
        raise CheckpointError(f"{place}: the weights do not fit the model described beside them: {error}") from error


def trained_algorithms(about: dict[str, Any]) -> tuple[str, ...]:
    """Return the algorithms of all mazes a model was trained on, from what its files say of it."""
    return tuple(about.get("algorithms") or filter(None, [about.get("algorithm")]))


def checkpoint_steps(name: str | PathLike[str]) -> list[int]:
    """List the steps of the checkpoints that lie beside a model, ascending.

    Raises:
        UnknownNameError: There is neither such a folder nor such a shipped model.
    """
    places = (find_model(name) / CHECKPOINTS).glob(f"*/{WEIGHTS}")
    return sorted(int(place.parent.name) for place in places if place.parent.name.isdigit())


def _about_checkpoint(about: dict[str, Any], step: int) -> dict[str, Any]:
    """Return what is true of a model in the middle of its training."""
    known = {name: value for name, value in about.items() if name not in _OF_THE_WHOLE_RUN}
    if about.get("steps") and "mazes" in about:
        known["mazes"] = about["mazes"] * step // about["steps"]  # every step has as many
    return known | {"name": f"{about.get('name', 'untitled')} at step {step}", "steps": step}


def _checkpoint_weights(folder: Path, step: int) -> bytes:
    steps = checkpoint_steps(folder)
    if step not in steps:
        found = ", ".join(map(str, steps)) or "none"
        raise ConfigurationError(f"{folder}: has no checkpoint of step {step}: there are {found}.")
    return read_folder(folder / CHECKPOINTS / str(step), (WEIGHTS,))[WEIGHTS]
