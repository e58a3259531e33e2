"""Find what ships with the library: vocabularies, experiments, studies, trained models; and its version.

In a checkout they lie beside the package (models inside it); in a wheel they are package data.
"""

from pathlib import Path

from maze_rl.errors import MazeRLError, unknown_name

VERSION = "0.1.0"
_PACKAGE = Path(__file__).parent
KINDS = ("tokenizers", "experiments", "analysis", "models")
_FILES = ("experiments", "analysis")
"""Kinds that are Python files; the others are folders."""


def shipped_folder(kind: str) -> Path:
    """Return the folder that holds everything of one `kind` (one of `KINDS`).

    Raises:
        MazeRLError: The installation carries no such folder.
    """
    if kind not in KINDS:
        raise unknown_name("kind of shipped data", kind, KINDS)
    candidates = (_PACKAGE / "_shipped" / kind, _PACKAGE.parent / kind)
    for folder in candidates:
        if folder.is_dir():
            return folder
    raise MazeRLError(f"this installation of maze_rl carries no {kind}: reinstall it from the repository or a wheel.")


def shipped_names(kind: str) -> list[str]:
    """List what ships of one `kind`, sorted: folder names, or file stems for experiments and studies."""
    folder = shipped_folder(kind)
    if kind in _FILES:
        return sorted(path.stem for path in folder.glob("*.py"))
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


def shipped(kind: str, name: str) -> Path:
    """Return the path of the shipped vocabulary, experiment, study or model called `name`.

    Raises:
        UnknownNameError: Nothing of that name ships; the message lists what does.
    """
    if name not in shipped_names(kind):
        raise unknown_name("study" if kind == "analysis" else kind.removesuffix("s"), name, shipped_names(kind))
    return shipped_folder(kind) / (f"{name}.py" if kind in _FILES else name)
