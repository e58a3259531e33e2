"""`maze-rl generate` and `join`: Hugging Face datasets of mazes on disk."""

from collections.abc import Callable
from os import PathLike

from maze_rl.configs.mazes import GenerationConfig
from maze_rl.mazes.storage.dataset_writer import join_datasets, write_dataset
from maze_rl.mazes.storage.store import StoredMazes, open_dataset
from maze_rl.workflows.path_lists import OneOrMore, path_list


def generate_dataset(
    config: GenerationConfig,
    out: str | PathLike[str],
    *,
    workers: int = 1,
    progress: Callable[[float], None] | None = None,
) -> StoredMazes:
    """Write the mazes of `config` to `out`; return them, opened.

    Raises:
        MazeRLError: The folder is in use, the disk is full, or no maze can meet the specification.
    """
    return open_dataset(write_dataset(config, out, workers=workers, progress=progress or (lambda done: None)))


def join(parts: OneOrMore, out: str | PathLike[str]) -> StoredMazes:
    """Make one dataset of neighbouring parts; return it, opened.

    Raises:
        MazeRLError: The parts do not belong together, one is damaged, or the folder is in use.
    """
    return open_dataset(join_datasets(path_list("parts", parts), out))
