"""`maze-rl report`: the generalization report of one run or several side by side."""

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from maze_rl.configs.options import check_count
from maze_rl.configs.ranges import AnySizes, check_squares
from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.evaluation.results import EvaluationResult, result_from_json
from maze_rl.models.build import MazeTransformer
from maze_rl.models.places import find_model
from maze_rl.plain_numbers import check_seed
from maze_rl.reports.generalization_report import write_report
from maze_rl.reports.run_summary import RunSummary
from maze_rl.workflows.chosen_model import chosen_model, loops_in_name
from maze_rl.workflows.comparison_folder import check_own_place, comparison_folder
from maze_rl.workflows.evaluate import TEST_SEED, TRAIN_MAZES, evaluate
from maze_rl.workflows.path_lists import OneOrMore, path_list
from maze_rl.workflows.run_folder import RunFolder

Progress = Callable[[str, float], None]


def report(
    runs: OneOrMore,
    out: str | PathLike[str] | None = None,
    sizes: AnySizes | None = None,
    num: int | None = None,
    *,
    seed: int = TEST_SEED,
    loops: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the report of `runs`; return the HTML page.

    The evaluation on disk is used when it covers what is asked for; otherwise the run is evaluated anew.

    Args:
        runs: A run folder, or several.
        out: Where to write; None for `report/` in the run, or `report-N-loops/` where it has other loops; of several
            runs for ``runs/comparisons/A-B``, so that no run's own report is touched.
        sizes: Sizes to test, as ``"4..12"`` or 7; None for those of the evaluation on disk, or of `maze_rl.evaluate`.
        num: Mazes per size; None for those of the evaluation on disk, or 500.
        seed: Seed of the test mazes.
        loops: Times the blocks of the models are applied; None for as many as they have.
        progress: Called with (what, share done).

    Raises:
        MazeRLError: A folder holds no finished run, a file in it is damaged, a model has no loops and some are
            asked for, or `out` is the report of one of several runs.
    """
    num, seed = None if num is None else check_count("num", num), check_seed(seed)
    chosen = None if sizes is None else check_squares(sizes)
    folders = [_finished(run) for run in path_list("runs", runs)]
    if out is not None:
        check_own_place(Path(out), folders)
    models = [chosen_model(folder.folder, loops) for folder in folders]  # all, before one is evaluated
    summaries = [
        _summary(folder, model, _evaluation(folder, model, chosen, num, seed, progress))
        for folder, model in zip(folders, models, strict=True)
    ]
    return write_report(summaries, out or _usual_place(folders, loops_in_name(models[0])))


def _usual_place(folders: Sequence[RunFolder], ending: str) -> Path:
    if len(folders) > 1:
        return comparison_folder(folders, ending)
    return folders[0].report.with_name(folders[0].report.name + ending)


def _finished(run: Path) -> RunFolder:
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
