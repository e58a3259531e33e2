"""`maze-rl tokenizers`: the vocabulary folders in Hugging Face format."""

from os import PathLike
from pathlib import Path

from maze_rl.configs.tokenization import FORMATS
from maze_rl.shipped import shipped_folder
from maze_rl.tokenization.definitions import stale_definitions, write_definition
from maze_rl.tokenization.tokenization import LAYOUTS, load_tokenization


def list_tokenizers() -> list[dict[str, object]]:
    """Return name, numbers of words (own: without those that options need) and a line of every format."""
    rows: list[dict[str, object]] = []
    for name in FORMATS:
        own, all_words = (len(load_tokenization(name, path=path).vocabulary) for path in ("cells", "turns"))
        rows.append({"name": name, "words": all_words, "own_words": own, "about": _first_line(name)})
    return rows


def build_tokenizers(out: str | PathLike[str] | None = None) -> list[str]:
    """Write every vocabulary folder to `out` (default: the shipped folder); return the folders."""
    root = shipped_folder("tokenizers") if out is None else Path(out)
    for name in FORMATS:
        write_definition(name, root)
    return [str(root / name) for name in FORMATS]


def check_tokenizers(out: str | PathLike[str] | None = None) -> list[str]:
    """List the files that are missing or differ from what the code would write."""
    return stale_definitions(out)


def _first_line(name: str) -> str:
    import sys

    document = sys.modules[LAYOUTS[name].__module__].__doc__ or ""
    return document.splitlines()[0].split(": ", 1)[-1].replace("``", "")
