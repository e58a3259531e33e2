"""maze_rl: a maze interpretability toolkit.

The names people use, loaded when first touched, so that ``import maze_rl`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from maze_rl.shipped import VERSION

if TYPE_CHECKING:
    from maze_rl.evaluation.results import EvaluationResult as EvaluationResult
    from maze_rl.mazes.generate import generate as generate
    from maze_rl.mazes.lattice import Maze as Maze
    from maze_rl.mazes.lattice import MazeBatch as MazeBatch
    from maze_rl.mazes.lattice import MazeCollection as MazeCollection
    from maze_rl.mazes.solve import solve as solve
    from maze_rl.models.attached_tokenization import attach_tokenization as attach_tokenization
    from maze_rl.models.build import build_model as build_model
    from maze_rl.models.model_files import load_model as load_model
    from maze_rl.models.model_files import save_model as save_model
    from maze_rl.tokenization.tokenization import Tokenization as Tokenization
    from maze_rl.tokenization.tokenization import load_tokenization as load_tokenization
    from maze_rl.workflows.convert import load_mazes as load_mazes
    from maze_rl.workflows.convert import save_mazes as save_mazes
    from maze_rl.workflows.evaluate import evaluate as evaluate
    from maze_rl.workflows.report import report as report
    from maze_rl.workflows.run import train as train
    from maze_rl.workflows.search import search as search


__version__ = VERSION

_HOMES = {
    "load_mazes": "workflows.convert",
    "save_mazes": "workflows.convert",
    "EvaluationResult": "evaluation.results",
    "generate": "mazes.generate",
    "Maze": "mazes.lattice",
    "MazeBatch": "mazes.lattice",
    "MazeCollection": "mazes.lattice",
    "solve": "mazes.solve",
    "build_model": "models.build",
    "attach_tokenization": "models.attached_tokenization",
    "load_model": "models.model_files",
    "save_model": "models.model_files",
    "Tokenization": "tokenization.tokenization",
    "load_tokenization": "tokenization.tokenization",
    "evaluate": "workflows.evaluate",
    "report": "workflows.report",
    "search": "workflows.search",
    "train": "workflows.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'maze_rl' has no attribute {name!r}")
    return getattr(import_module(f"maze_rl.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*_HOMES, "__version__"])
