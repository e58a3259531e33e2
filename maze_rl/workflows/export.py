"""`maze-rl export`: the folded model with stock keys, its vocabulary and a loader, for use without our code."""

from os import PathLike
from pathlib import Path

from transformer_lens import HookedTransformer

from maze_rl.configs.folding import not_exported
from maze_rl.errors import ConfigurationError
from maze_rl.models.attached_tokenization import about_of
from maze_rl.models.exported_files import save_export
from maze_rl.workflows.chosen_model import chosen_model

_LOADER = Path(__file__).with_name("export_loader.py")


def export(
    model: HookedTransformer | str | PathLike[str], out: str | PathLike[str], *, loops: int | None = None
) -> Path:
    """Write ``model.safetensors``, ``model.json``, ``tokenizer/`` and ``loader.py`` of a trained model to `out`.

    Args:
        model: Any `HookedTransformer` with a tokenization, the folder of a run or of a saved model, or a shipped
            model's name.
        out: An empty folder, or one to make.
        loops: Loops to unroll; None for as many as the model has.

    Raises:
        ConfigurationError: `out` is in use, the model has parts that no stock `HookedTransformer` has, or it has no
            loops and some are asked for.
        MazeRLError: There is no such model, or a file of it is damaged.
    """
    out = Path(out)
    loaded = chosen_model(model, loops)
    config = getattr(loaded, "maze_config", None)
    own = () if config is None else not_exported(config)
    if own:
        raise ConfigurationError(
            f"{about_of(loaded).get('name', 'the model')}: {' and '.join(own)} cannot fold into a stock "
            "HookedTransformer, so there is nothing to export; maze_rl.load_model loads it from here."
        )
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigurationError(f"{out} is not an empty folder: choose another --out.")
    save_export(loaded, out, _LOADER.read_bytes())
    return out
