"""Change a run by the names of its settings, wherever they stand: in its training, its tokens or its network."""

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from maze_rl.configs.losses import PROMPT_LOSSES
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.refusals import LISTS_OF_ONE_TOKEN
from maze_rl.configs.tokenization import ONE_TOKEN_PER_CELL, TokenizationConfig
from maze_rl.configs.training import RunConfig, TrainingConfig
from maze_rl.errors import unknown_name

PLAIN_LAYERS = 6
"""Layers of a default run whose options do without loops."""


def change_run(run: RunConfig, **changes: Any) -> RunConfig:
    """Return a run with some settings changed.

    Settings that go with another one follow it where nothing else is said: a format that spells its cells has a free
    embedding and no stray tokens; a loss on the prompt a causal prompt and logits of all words; positions, or an origin
    in the prompt, one path for each prompt; and parametrizations the factored embedding they were made for.

    Args:
        run: What to change.
        **changes: Fields of `TrainingConfig`, `TokenizationConfig` or `ModelConfig` by name.

    Raises:
        UnknownNameError: There is no such field.
        ConfigurationError: A value is out of range, or contradicts another.
    """
    training, tokens, model = sort_changes(changes, TrainingConfig, TokenizationConfig, ModelConfig)
    tokenization = replace(run.tokenization, **tokens)
    for settings, name, value in _following(run, tokenization, training, model):
        settings.setdefault(name, value)
    return replace(
        run,
        training=replace(run.training, **training),
        tokenization=tokenization,
        model=replace(run.model, **model),
    )


def _following(
    run: RunConfig, tokens: TokenizationConfig, training: dict[str, Any], model: dict[str, Any]
) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Yield the settings that follow from others, each with the changes it belongs to."""
    loss = str(training.get("loss", run.training.loss)).partition(":")[0]
    positions = model.get("positions", run.model.positions)
    reverse = model.get("reverse_positions", run.model.reverse_positions)
    if tokens.format not in ONE_TOKEN_PER_CELL:
        yield model, "embedding", "free"
    elif model.get("parametrizations") and run.model.embedding == "waves":
        yield model, "embedding", "factored"
    if tokens.format not in LISTS_OF_ONE_TOKEN or tokens.walls:
        yield training, "stray_tokens", 0
        yield training, "mazes_per_canvas", 1
    if loss in PROMPT_LOSSES:
        yield model, "prompt", "causal"
        yield model, "unembedding", "all"
    if positions != "none" or reverse or tokens.origin == "prompt":
        yield training, "starts", 0
        yield training, "mazes_per_canvas", 1
    if reverse or model.get("memory"):
        yield model, "loops", None
        yield model, "outer_norm", False
        yield model, "prompt", "causal"
        yield model, "n_layers", PLAIN_LAYERS
    if "loops" in model and model["loops"] is None:
        yield model, "outer_norm", False
        yield training, "training_loops", ()
    elif "loops" in model:
        least, most = run.training.training_loops or (model["loops"], model["loops"])
        yield training, "training_loops", (min(least, model["loops"]), min(most, model["loops"]))


def sort_changes(changes: dict[str, Any], *kinds: Any) -> list[dict[str, Any]]:
    """Sort settings by the dataclass, of those in `kinds`, that has a field of that name.

    Raises:
        UnknownNameError: None has a field of that name.
    """
    names = [[field.name for field in fields(kind)] for kind in kinds]
    for name in changes:
        if not any(name in known for known in names):
            raise unknown_name("setting", name, [name for known in names for name in known])
    return [{name: changes[name] for name in known if name in changes} for known in names]
