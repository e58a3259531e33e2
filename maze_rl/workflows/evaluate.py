"""`maze-rl evaluate`: rollouts and decisions of a trained model on held-out mazes of many sizes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from maze_rl.configs.ranges import check_squares
from maze_rl.errors import ConfigurationError
from maze_rl.evaluation.evaluator import evaluate_model
from maze_rl.evaluation.results import EvaluationResult
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.workflows.chosen_model import chosen_model, loops_in_name

TEST_SEED = 1_000_003
"""Seed of the test mazes when none is given: the same mazes for every model."""


def evaluate(
    model: MazeTransformer | str | Path,
    sizes: int | Iterable[int] | None = None,
    num: int = 1000,
    *,
    algorithm: str | None = None,
    seed: int = TEST_SEED,
    device: str = "cpu",
    loops: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> EvaluationResult:
    """Evaluate a model on mazes of the test split.

    Args:
        model: A model, a run folder, or the name of a shipped model.
        sizes: Cells per side; None for 4 up to the model's canvas.
        num: Mazes per size.
        algorithm: Generator of the test mazes; None for the one it was trained on, with its options.
        seed: Seed of the test mazes.
        device: Where to run a model that is loaded here.
        loops: Times the block of a model with loops is applied; None for as many as it has.
        progress: Called with (what, share done).

    Raises:
        MazeRLError: There is no such model, a file is damaged, a size does not fit the model's canvas, or `loops`
            are asked of a model that has none.
    """
    loaded = chosen_model(model, loops, device)
    if num < 1:
        raise ConfigurationError(f"num is {num}: evaluate on at least one maze per size.")
    about = loaded.about
    trained_on = about.get("algorithm", "dfs")
    chosen = algorithm or trained_on
    return evaluate_model(
        loaded,
        sizes=test_sizes(loaded, sizes),
        num=num,
        algorithm=chosen,
        options=about.get("options") if chosen == trained_on else None,
        seed=seed,
        training_sizes=about.get("sizes", ()),
        longest_training_path=about.get("longest_path"),
        name=about.get("name", "untitled") + loops_in_name(loaded),
        untrained=_untrained(loaded, seed),
        progress=progress,
    )


def test_sizes(model: MazeTransformer, sizes: int | Iterable[int] | None) -> tuple[int, ...]:
    """Return the sizes to test: those given, checked, or 4 up to the model's canvas."""
    if sizes is None:
        return tuple(range(min(4, model.tokenization.canvas), model.tokenization.canvas + 1))
    return check_squares((sizes,) if isinstance(sizes, int) else tuple(sizes))


def _untrained(model: MazeTransformer, seed: int) -> MazeTransformer:
    """Return a fresh model built as the trained one was before its first step."""
    embedding = model.about.get("trained_embedding", model.maze_config.embedding)
    ways = tuple(model.about.get("trained_parametrizations", model.maze_config.parametrizations))
    config = replace(model.maze_config, embedding=embedding, parametrizations=ways)
    return build_model(config, model.tokenization, seed=seed, device=model.cfg.device or "cpu")
