"""`maze-rl export`: the folded model with stock keys and its vocabulary, for use without our code."""

from pathlib import Path

from maze_rl.configs.folding import not_stock
from maze_rl.errors import ConfigurationError
from maze_rl.models.model_files import load_model, save_model


def export(model: str | Path, out: Path) -> Path:
    """Write ``model.safetensors``, ``model.json`` and ``tokenizer/`` of a trained model to `out`.

    Raises:
        ConfigurationError: `out` is in use, or the model has parts that no stock `HookedTransformer` has.
        MazeRLError: There is no such model, or a file of it is damaged.
    """
    loaded = load_model(model)
    own = not_stock(loaded.maze_config)
    if own:
        raise ConfigurationError(
            f"{model}: {' and '.join(own)} cannot fold into a stock HookedTransformer, so there is nothing to export; "
            "maze_rl.load_model loads it from here."
        )
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigurationError(f"{out} is not an empty folder: choose another --out.")
    save_model(loaded, out, loaded.about)
    return out
