"""The model that a command is about: given or loaded, with as many loops as are asked for."""

from os import PathLike

from maze_rl.models.build import MazeTransformer
from maze_rl.models.model_files import load_model


def chosen_model(
    model: MazeTransformer | str | PathLike[str], loops: int | None = None, device: str = "cpu"
) -> MazeTransformer:
    """Return a model with its block applied `loops` times.

    Args:
        model: A model, a run folder, or the name of a shipped model.
        loops: Times; None for as many as it has.
        device: Where to run a model that is loaded here.

    Raises:
        ConfigurationError: The model has no loops, or `loops` is below 1.
        MazeRLError: There is no such model, or a file of it is damaged.
    """
    found = model if isinstance(model, MazeTransformer) else load_model(model, device)
    if loops is None:
        return found
    view = found.with_loops(loops)
    if loops == found.loops:
        return found
    view.about = found.about | {"changed_loops": loops}
    return view


def loops_in_name(model: MazeTransformer) -> str:
    """Return the end of the name of a model whose loops were changed, empty for all others."""
    return f"-{model.about['changed_loops']}-loops" if "changed_loops" in model.about else ""
