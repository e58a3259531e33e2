"""The trained model that a run starts from: read once, at the beginning; it may be moved or deleted after that."""

from typing import Any

from maze_rl.configs.training import RunConfig, StartModel
from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.models.build import MazeTransformer
from maze_rl.models.digest import weights_digest
from maze_rl.models.folding import folded_copy
from maze_rl.models.model_files import FOLDED_FIELDS, load_to_train, trained_algorithms
from maze_rl.training.checkpoints import checkpoint_steps
from maze_rl.workflows.run_folder import RunFolder

START = "start_about"
"""What a run's record calls what it must know of the model it started from."""


def begin_with_start(model: MazeTransformer, config: RunConfig, run: RunFolder, resume: bool) -> dict[str, Any]:
    """Fill `model` with the weights that a run starts from, unless the run has its own; return what was known of them.

    Returns:
        ``sizes``, ``algorithms`` and ``longest_path`` (steps) of the mazes that the model started from has seen; empty
        for a run that starts from nothing.

    Raises:
        CheckpointError: A file is missing or altered, or the trained model is not the one the run was begun with.
        ConfigurationError: It has another shape or vocabulary.
    """
    if config.start is None:
        return {}
    if resume and checkpoint_steps(run.checkpoints) and START in (record := run.read_config()):
        return record[START]
    about = _load(model, config.start).about
    return {
        "sizes": list(about.get("sizes", ())),
        "algorithms": list(trained_algorithms(about)),
        "longest_path": about.get("longest_path") or 0,
    }


def _load(model: MazeTransformer, start: StartModel) -> MazeTransformer:
    trained = load_to_train(start.model)
    if weights_digest(trained) != start.digest:
        raise CheckpointError(f"{start.model}: holds other weights than the run was begun with.")
    if any(getattr(model.maze_config, name) != getattr(trained.maze_config, name) for name in FOLDED_FIELDS):
        trained = folded_copy(trained)
    try:
        model.load_state_dict(trained.state_dict())
    except RuntimeError as error:
        raise ConfigurationError(f"{start.model}: its weights do not fit the model of this run: {error}") from error
    return trained
