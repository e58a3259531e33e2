"""Change a run by the names of its settings, wherever they stand: in its training, its tokens or its network."""

from dataclasses import fields, replace
from typing import Any

from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import ONE_TOKEN_PER_CELL, TokenizationConfig
from maze_rl.configs.training import RunConfig, TrainingConfig
from maze_rl.errors import unknown_name


def change_run(run: RunConfig, **changes: Any) -> RunConfig:
    """Return a run with some settings changed.

    The embedding follows the token format where neither says otherwise: only formats with one token per cell can have
    a factored one.

    Args:
        run: What to change.
        **changes: Fields of `TrainingConfig`, `TokenizationConfig` or `ModelConfig` by name.

    Raises:
        UnknownNameError: There is no such field.
        ConfigurationError: A value is out of range, or contradicts another.
    """
    training, tokens, model = sort_changes(changes, TrainingConfig, TokenizationConfig, ModelConfig)
    tokenization = replace(run.tokenization, **tokens)
    if tokenization.format not in ONE_TOKEN_PER_CELL:
        model.setdefault("embedding", "free")
    return replace(
        run,
        training=replace(run.training, **training),
        tokenization=tokenization,
        model=replace(run.model, **model),
    )


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
