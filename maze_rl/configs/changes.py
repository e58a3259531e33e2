"""Change a run by the names of its settings, wherever they stand: in its training, its tokens or its network."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from maze_rl.configs.model import ModelConfig
from maze_rl.configs.refusals import LISTS_OF_ONE_TOKEN, losses_on_prompt
from maze_rl.configs.tokenization import ONE_TOKEN_PER_CELL, TokenizationConfig
from maze_rl.configs.training import RunConfig, TrainingConfig
from maze_rl.errors import ConfigurationError, unknown_name

FLAG_NAMES = {"tokenizer": "format", "layers": "n_layers", "heads": "n_heads"}
"""Settings that flags call otherwise than their fields, which are named as in files and TransformerLens; both count."""
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
            `FLAG_NAMES` has other names of some.

    Raises:
        UnknownNameError: There is no such field.
        ConfigurationError: A value is out of range, or contradicts another.
    """
    training, tokenization, model = change_parts(run.training, run.tokenization, run.model, **changes)
    if run.start is not None:
        model = going_on(run.model, model, training)
    return replace(run, training=training, tokenization=tokenization, model=model)


def going_on(before: ModelConfig, after: ModelConfig, training: TrainingConfig) -> ModelConfig:
    """Return the network of a run that goes on from a trained one, which may have fewer words to write than is asked.

    Then its tables are folded: they have all words.

    Raises:
        ConfigurationError: The prompt that the model learned with would be another; names the losses that need that.
    """
    if after.prompt != before.prompt:
        raise ConfigurationError(
            f"loss {', '.join(losses_on_prompt(training))} asks for tokens of the prompt, which the model to go on "
            f"from was trained to see (prompt {before.prompt}): use a loss on the path alone, such as path_only."
        )
    if after.unembedding != before.unembedding:
        return replace(after, embedding="free", unembedding="all")
    return after


def change_parts(
    training: TrainingConfig, tokenization: TokenizationConfig, model: ModelConfig, **changes: Any
) -> tuple[TrainingConfig, TokenizationConfig, ModelConfig]:
    """Change the parts of a run as `change_run` does; the parts given need not go together, those returned do.

    Raises:
        UnknownNameError: There is no such field.
        ConfigurationError: A value is out of range.
    """
    for_training, for_tokens, for_model = sort_changes(changes, TrainingConfig, TokenizationConfig, ModelConfig)
    trained = replace(training, **for_training)
    tokens = replace(tokenization, **for_tokens)
    for name, value in _of_model(trained, tokens, model, for_model):
        for_model.setdefault(name, value)
    built = replace(model, **for_model)
    follows = {name: value for name, value in _of_training(trained, tokens, model, built) if name not in for_training}
    return replace(trained, **follows), tokens, built


def _of_model(
    training: TrainingConfig, tokens: TokenizationConfig, before: ModelConfig, changes: dict[str, Any]
) -> Iterator[tuple[str, Any]]:
    """Yield the settings of the network that follow from others; `changes` may grow meanwhile."""
    if tokens.format not in ONE_TOKEN_PER_CELL:
        yield "embedding", "free"
    elif before.embedding == "waves" and changes.get("parametrizations"):
        yield "embedding", "factored"
    if losses_on_prompt(training):
        yield "prompt", "causal"
        yield "unembedding", "all"
    reverse = changes.get("reverse_positions", before.reverse_positions)
    if reverse:
        yield "prompt", "causal"
    if before.looped and (reverse or changes.get("memory")):
        yield "loops", None
        yield "n_layers", PLAIN_LAYERS
    if changes.get("loops", before.loops) is None:
        yield "outer_norm", False


def _of_training(
    training: TrainingConfig, tokens: TokenizationConfig, before: ModelConfig, model: ModelConfig
) -> Iterator[tuple[str, Any]]:
    """Yield the settings of the training that follow from others."""
    if tokens.format not in LISTS_OF_ONE_TOKEN or tokens.walls:
        yield "stray_tokens", 0
        yield "mazes_per_canvas", 1
    if model.positions != "none" or model.reverse_positions or tokens.origin == "prompt":
        yield "starts", 0
        yield "mazes_per_canvas", 1
    if model.loops is None:
        yield "training_loops", ()
        yield "growing_loops", False
        yield "gradient_loops", None
    elif training.training_loops and model.loops != before.loops:
        least, most = training.training_loops
        most = model.loops if most == before.loops else min(most, model.loops)
        yield "training_loops", (min(least, most), most)


def renamed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by the names of their fields, which may be given as the command line has them.

    Raises:
        ConfigurationError: One is given under both its names.
    """
    fields_of: dict[str, Any] = {}
    for name, value in changes.items():
        field = FLAG_NAMES.get(name, name)
        if field in fields_of:
            raise ConfigurationError(
                f"{name} is given twice: {' and '.join(sorted((name, _twin(name))))} are the same."
            )
        fields_of[field] = value
    return fields_of


def _twin(name: str) -> str:
    return FLAG_NAMES.get(name) or next(flag for flag, field in FLAG_NAMES.items() if field == name)


def sort_changes(changes: dict[str, Any], *kinds: Any) -> list[dict[str, Any]]:
    """Sort settings by the dataclass, of those in `kinds`, that has a field of that name.

    Raises:
        UnknownNameError: None has a field of that name.
        ConfigurationError: One is given under both its names.
    """
    names = [[field.name for field in fields(kind)] for kind in kinds]
    settings = renamed(changes)
    for name in settings:
        if not any(name in known for known in names):
            raise unknown_name("setting", name, [*FLAG_NAMES, *(name for known in names for name in known)])
    return [{name: settings[name] for name in known if name in settings} for known in names]
