"""`maze-rl report`: the generalization report of one model or several side by side, with or without their runs."""

import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any

from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.configs.ranges import AnySizes, check_squares
from maze_rl.errors import Caution, CheckpointError, ConfigurationError
from maze_rl.evaluation.evaluator import check_canvas
from maze_rl.evaluation.results import EvaluationResult
from maze_rl.evaluation.saved_results import result_from_json
from maze_rl.models.attached_tokenization import about_of, tokenization_of
from maze_rl.models.model_files import FOLDED_FIELDS, trained_algorithms
from maze_rl.models.places import find_model
from maze_rl.plain_numbers import check_seed
from maze_rl.reports.generalization_report import write_report
from maze_rl.reports.run_summary import RunSummary
from maze_rl.workflows.chosen_model import chosen_model, loops_in_name
from maze_rl.workflows.comparison_folder import check_own_place, comparison_folder
from maze_rl.workflows.distinct_names import distinct_names
from maze_rl.workflows.evaluate import TEST_SEED, TRAIN_MAZES, evaluate
from maze_rl.workflows.run_folder import RunFolder

Progress = Callable[[str, float], None]
Subject = HookedTransformer | str | PathLike[str]
"""A model with a tokenization, the folder of a run or of a saved model, or the name of a shipped model."""


@dataclass(frozen=True)
class _Subject:
    """What is reported on."""

    model: HookedTransformer
    run: RunFolder | None
    """The folder of its run; None for a model without one."""
    name: str
    place: str | None
    """What commands call it; None for a model that is an object."""
    usual: Path
    """Where its report goes."""


def report(
    runs: Subject | Sequence[Subject],
    out: str | PathLike[str] | None = None,
    sizes: AnySizes | None = None,
    num: int | None = None,
    *,
    seed: int = TEST_SEED,
    loops: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write the report of one model or several; return the HTML page.

    The evaluation on disk is used when it covers what is asked for; otherwise the model is evaluated anew. What only a
    run has (its training log, its whole configuration) is left out where there is none, and the page says so.

    Args:
        runs: A model with a tokenization (`maze_rl.attach_tokenization`), the folder of a run or of a saved model, the
            name of a shipped model; or several of these.
        out: Where to write; None for `report/` in its folder, or `report-NAME/` for a model that is given or shipped,
            with `-N-loops` behind it where it has other loops; of several for ``runs/comparisons/A-B``, so that no
            run's own report is touched.
        sizes: Sizes to test, as ``"4..12"`` or 7; None for those of the evaluation on disk, or of `maze_rl.evaluate`.
        num: Mazes per size; None for those of the evaluation on disk, or 500.
        seed: Seed of the test mazes.
        loops: Times the blocks of the models are applied; None for as many as they have.
        progress: Called with (what, share done).

    Raises:
        MazeRLError: There is no such model, a file of it is damaged, it has no loops and some are asked for, a size is
            larger than its canvas, or `out` is the report of one of several runs.
    """
    num, seed = None if num is None else check_count("num", num), check_seed(seed)
    chosen = None if sizes is None else check_squares(sizes)
    subjects = _told_apart([_subject(each, loops) for each in _given(runs)])  # all, before one is evaluated
    if chosen is not None:
        for each in subjects:
            check_canvas(chosen, tokenization_of(each.model).canvas, f"the canvas of {each.name}")
    if out is not None:
        check_own_place(Path(out), [each.usual for each in subjects])
    summaries = [_summary(each, _evaluation(each, chosen, num, seed, progress)) for each in subjects]
    return write_report(summaries, _usual_place(subjects) if out is None else out)


def _given(runs: Subject | Sequence[Subject]) -> list[Subject]:
    several = [runs] if isinstance(runs, HookedTransformer | str | PathLike) else runs
    if not isinstance(several, Iterable) or not (listed := list(several)):
        raise ConfigurationError(f"runs is {runs!r}: expected a path, or several, as ['runs/x', 'runs/y'].")
    return listed


def _usual_place(subjects: Sequence[_Subject]) -> Path:
    ending = loops_in_name(subjects[0].model)
    if len(subjects) > 1:
        return comparison_folder([(each.name, each.place) for each in subjects], ending)
    return subjects[0].usual.with_name(subjects[0].usual.name + ending)


def _subject(given: Subject, loops: int | None) -> _Subject:
    """Return what is reported on, its files checked before anything slow is done with it."""
    if isinstance(given, HookedTransformer):
        name = str(about_of(given).get("name", "untitled"))
        return _Subject(chosen_model(given, loops), None, name, None, Path(f"report-{Path(name).name}"))
    if not Path(given).is_dir():
        return _Subject(chosen_model(given, loops), None, str(given), str(given), Path(f"report-{Path(given).name}"))
    run = RunFolder(find_model(given))
    if run.config_path.exists():
        run.open()
    name = run.folder.resolve().name  # that of "." too
    return _Subject(chosen_model(run.folder, loops), run, name, str(run.folder), run.report)


def _told_apart(subjects: Sequence[_Subject]) -> list[_Subject]:
    """Name what has a folder by more of its path where names are shared, as those of seeds of several arms are."""
    places = [(each.name,) if each.run is None else each.run.folder.resolve().parts[1:] for each in subjects]
    return [replace(each, name=name) for each, name in zip(subjects, distinct_names(places), strict=True)]


def _evaluation(
    subject: _Subject, sizes: tuple[int, ...] | None, num: int | None, seed: int, progress: Progress | None
) -> EvaluationResult:
    if loops_in_name(subject.model):  # what is on disk was measured with other loops
        return evaluate(subject.model, sizes, num or TRAIN_MAZES, seed=seed, progress=progress)
    stored = _stored(subject.run)
    if num is None:
        num = TRAIN_MAZES if stored is None else stored.num_per_size
    same_test = stored is not None and (stored.num_per_size, stored.seed) == (num, seed)
    if stored is not None and same_test and sizes in (None, tuple(row.size for row in stored.rows)):
        return stored
    result = evaluate(subject.model, sizes, num, seed=seed, progress=progress)
    if stored is None and subject.run is not None:
        subject.run.write_evaluation(result.to_json())
    return result


def _stored(run: RunFolder | None) -> EvaluationResult | None:
    """Return the evaluation on disk, or None where there is none that can be read."""
    if run is None:
        return None
    try:
        return result_from_json(run.read_evaluation())
    except (CheckpointError, KeyError, TypeError):
        return None


def _summary(subject: _Subject, evaluation: EvaluationResult) -> RunSummary:
    model, about, run = subject.model, about_of(subject.model), subject.run
    config = run.read_config() if run is not None and run.config_path.exists() else None
    metrics, steps = [] if run is None else run.read_metrics(), about.get("steps")
    if steps is not None and metrics and metrics[-1]["step"] > steps:
        warnings.warn(
            f"{subject.place}: its training has gone on to step {metrics[-1]['step']} and not ended: the report is on "
            f"the model of step {steps}, and leaves out what was recorded since.",
            Caution,
            stacklevel=3,
        )
        metrics = [row for row in metrics if row["step"] <= steps]
        config = None if config is None else _shortened(config, steps)
    return RunSummary(
        name=subject.name + loops_in_name(model),
        folder=subject.place,
        config=_known(model) if config is None else config,
        metrics=metrics,
        evaluation=evaluation,
        training_seconds=about.get("seconds"),
        num_parameters=about.get("num_parameters") or _num_parameters(model),
        leak_count=about.get("leaks"),
        mazes_seen=about.get("mazes"),
        algorithms=trained_algorithms(about),
        loops=about.get("changed_loops"),
        is_run=config is not None,
    )


def _shortened(config: dict[str, Any], steps: int) -> dict[str, Any]:
    """Return the configuration of a run that goes on for longer as it was when it had `steps` steps."""
    *before, last = config["training"]["phases"]
    last = last | {"steps": steps - sum(phase["steps"] for phase in before)}
    continued = [each for each in config.get("continued", []) if each["from_step"] < steps]
    return config | {"training": config["training"] | {"phases": [*before, last]}, "continued": continued}


def _known(model: HookedTransformer) -> dict[str, Any]:
    """Return what is known of a model without its run, as far as it is known in the form of a run's configuration."""
    config, cfg = getattr(model, "maze_config", None), model.cfg
    shape = {"n_layers": cfg.n_layers, "d_model": cfg.d_model, "n_heads": cfg.n_heads}
    if config is None:
        shape |= {"positions": cfg.positional_embedding_type, "attn_only": cfg.attn_only}
    about = {key: value for key, value in about_of(model).items() if key != "changed_loops"}
    trained = {key: about.pop(f"trained_{key}") for key in FOLDED_FIELDS if f"trained_{key}" in about}
    return {
        "model": shape if config is None else vars(config) | trained,
        "tokenization": dict(vars(tokenization_of(model).config)),
        "about": about,
    }


def _num_parameters(model: HookedTransformer) -> int:
    return sum(each.numel() for each in model.parameters() if each.requires_grad)
