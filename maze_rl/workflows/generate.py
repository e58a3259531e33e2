"""`maze-rl generate`: a Hugging Face dataset of mazes on disk."""

from collections.abc import Callable
from pathlib import Path

from maze_rl.configs.mazes import GenerationConfig
from maze_rl.mazes.store import write_dataset


def generate_dataset(config: GenerationConfig, out: Path, progress: Callable[[float], None] | None = None) -> Path:
    """Write the mazes of `config` to `out`; return it.

    Raises:
        MazeRLError: The folder is in use, the disk is full, or no maze can meet the specification.
    """
    return write_dataset(config.spec, config.num, config.seed, out, progress or (lambda done: None))
