"""A trained model as files: folded weights under stock keys, its configuration, its vocabulary.

A run folder, a shipped model and an export all hold these files: `model.safetensors`, `model.json` and the
folder `tokenizer/`. Stock TransformerLens can load the weights:
``HookedTransformer(HookedTransformerConfig(**json["hooked_transformer"]))`` and ``load_state_dict``. Where that entry
is null the model has parts no stock one has, named under `not_stock`: it loads with `load_model` alone.
"""

import json
from pathlib import Path
from typing import Any

import torch

from maze_rl.configs.folding import not_stock
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.errors import CheckpointError, unknown_name
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.devices import check_device
from maze_rl.models.folding import folded_copy
from maze_rl.models.verified_files import (
    json_bytes,
    read_folder,
    read_tensors,
    tensor_bytes,
    write_folder,
    write_into,
)
from maze_rl.shipped import shipped, shipped_names
from maze_rl.tokenization.definitions import definition_files
from maze_rl.tokenization.tokenization import Tokenization

WEIGHTS, MODEL = "model.safetensors", "model.json"
_STOCK_FIELDS = (
    "n_layers", "d_model", "n_heads", "d_head", "d_mlp", "act_fn", "normalization_type", "d_vocab", "n_ctx",
    "positional_embedding_type", "rotary_dim",
)  # fmt: skip


def save_model(model: MazeTransformer, folder: Path, about: dict[str, Any]) -> None:
    """Write the folded model to `folder`.

    Args:
        model: The model, folded or not; it is not changed.
        folder: Where to write, beside what is there.
        about: What else to record, e.g. the run's configuration, training range and versions.

    Raises:
        CheckpointError: The disk is full or refuses.
    """
    config, tokenization = model.maze_config, model.tokenization.config
    description = {
        "model": vars(config) | {"embedding": "free", "parametrizations": ()},
        # a loaded model is folded already: its `about` still knows how it was trained
        "trained_embedding": about.get("trained_embedding", config.embedding),
        "trained_parametrizations": about.get("trained_parametrizations", config.parametrizations),
        "tokenization": vars(tokenization),
        "hooked_transformer": None if not_stock(config) else {name: getattr(model.cfg, name) for name in _STOCK_FIELDS},
        "not_stock": not_stock(config),
        "about": about,
    }
    weights = tensor_bytes(folded_copy(model).state_dict())
    write_folder(folder / "tokenizer", definition_files(model.tokenization))
    write_into(folder, {WEIGHTS: weights, MODEL: json_bytes(description)})


def load_model(name: str | Path, device: str = "cpu") -> MazeTransformer:
    """Load a trained model: a run folder, an exported one, or the name of a shipped model.

    Returns:
        A `HookedTransformer` in evaluation mode, with `model.tokenization` and `model.about`.

    Raises:
        CheckpointError: A file is missing, truncated or altered; the message names it.
        UnknownNameError: There is neither such a folder nor such a shipped model.
    """
    check_device(device)
    folder = find_model(name)
    files = read_folder(folder, (WEIGHTS, MODEL))
    try:
        description = json.loads(files[MODEL])
        tokenization = Tokenization(TokenizationConfig(**description["tokenization"]))
        config = ModelConfig(**description["model"])
        about = description["about"] | {
            "trained_embedding": description["trained_embedding"],
            "trained_parametrizations": description.get("trained_parametrizations", []),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{folder / MODEL}: not written by this version of maze_rl ({error}).") from error
    model = build_model(config, tokenization)
    try:
        model.load_state_dict(read_tensors(files[WEIGHTS]))
    except RuntimeError as error:
        raise CheckpointError(
            f"{folder / WEIGHTS}: the weights do not fit the model described beside them: {error}"
        ) from error
    model.about = about
    model.cfg.device = device
    return model.to(torch.device(device), print_details=False).eval()  # type: ignore[return-value]


def find_model(name: str | Path) -> Path:
    """Return the folder that holds the model called `name`.

    Raises:
        UnknownNameError: There is neither such a folder nor such a shipped model.
    """
    folder = Path(name)
    if (folder / MODEL).is_file() or (folder / WEIGHTS).is_file():
        return folder
    if folder.is_dir():
        raise CheckpointError(f"{folder}: holds no trained model ({MODEL}, {WEIGHTS}): has its training finished?")
    if str(name) in shipped_names("models"):
        return shipped("models", str(name))
    raise unknown_name("model", str(name), [*shipped_names("models"), "(or the folder of a run)"])
