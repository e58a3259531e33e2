"""`maze-rl report`: the generalization report of one run or several side by side."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.evaluation.results import EvaluationResult, result_from_json
from maze_rl.models.build import MazeTransformer
from maze_rl.models.places import find_model
from maze_rl.reports.generalization_report import write_report
from maze_rl.reports.run_summary import RunSummary
from maze_rl.workflows.chosen_model import chosen_model, loops_in_name
from maze_rl.workflows.evaluate import TEST_SEED, TRAIN_MAZES, evaluate
from maze_rl.workflows.run_folder import RunFolder

Progress = Callable[[str, float], None]


def report(
    runs: Sequence[str | Path],
    out: Path | None = None,
    sizes: Iterable[int] | None = None,
    num: int | None = None,
    *,
    seed: int = TEST_SEED,
    loops: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the report of `runs`; return the HTML page.

    The evaluation on disk is used when it covers what is asked for; otherwise the run is evaluated anew.

    Args:
        runs: Run folders.
        out: Where to write; None for `report/` in the first run, or `report-N-loops/` where it has other loops.
        sizes: Sizes to test; None for those of the evaluation on disk, or those of `maze_rl.evaluate`.
        num: Mazes per size; None for those of the evaluation on disk, or 500.
        seed: Seed of the test mazes.
        loops: Times the blocks of the models are applied; None for as many as they have.
        progress: Called with (what, share done).

    Raises:
        MazeRLError: A folder holds no finished run, a file in it is damaged, or a model has no loops and some are
            asked for.
    """
    folders = [_finished(run) for run in runs]
    chosen = None if sizes is None else tuple(sizes)
    models = [chosen_model(folder.folder, loops) for folder in folders]  # all, before one is evaluated
    summaries = [
        _summary(folder, model, _evaluation(folder, model, chosen, num, seed, progress))
        for folder, model in zip(folders, models, strict=True)
    ]
    usual = folders[0].report
    return write_report(summaries, out or usual.with_name(usual.name + loops_in_name(models[0])))


def _finished(run: str | Path) -> RunFolder:
    """Return the folder of a finished run, before anything slow is done with it."""
    folder = RunFolder(find_model(run))
    if not folder.config_path.exists():
        raise ConfigurationError(
            f"{run} is a model without its run (no {folder.config_path.name}): a report needs the folder of a run; "
            "maze-rl evaluate measures a model alone."
        )
    folder.open()
    if not folder.read_metrics():
        raise CheckpointError(f"{folder.metrics_path}: the file is missing or empty, so there is nothing to report.")
    return folder


def _evaluation(
    run: RunFolder,
    model: MazeTransformer,
    sizes: tuple[int, ...] | None,
    num: int | None,
    seed: int,
    progress: Progress | None,
) -> EvaluationResult:
    if loops_in_name(model):  # what is on disk was measured with other loops
        return evaluate(model, sizes, num or TRAIN_MAZES, seed=seed, progress=progress)
    stored = _stored(run)
    if num is None:
        num = TRAIN_MAZES if stored is None else stored.num_per_size
    same_test = stored is not None and (stored.num_per_size, stored.seed) == (num, seed)
    if stored is not None and same_test and sizes in (None, tuple(row.size for row in stored.rows)):
        return stored
    result = evaluate(model, sizes, num, seed=seed, progress=progress)
    if stored is None:
        run.write_evaluation(result.to_json())
    return result


def _stored(run: RunFolder) -> EvaluationResult | None:
    """Return the evaluation on disk, or None where there is none that can be read."""
    try:
        return result_from_json(run.read_evaluation())
    except (CheckpointError, KeyError, TypeError):
        return None


def _summary(run: RunFolder, model: MazeTransformer, evaluation: EvaluationResult) -> RunSummary:
    about = model.about
    return RunSummary(
        name=run.folder.name + loops_in_name(model),
        folder=str(run.folder),
        config=run.read_config(),
        metrics=run.read_metrics(),
        evaluation=evaluation,
        training_seconds=about["seconds"],
        num_parameters=about["num_parameters"],
        leak_count=about["leaks"],
        mazes_seen=about["mazes"],
        loops=about.get("changed_loops"),
    )
