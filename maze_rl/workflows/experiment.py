"""`maze-rl experiments run`: every arm with every seed, trained and measured, two at a time.

A run lies in ``runs/experiments/NAME/ARM/seed-N/``, what was measured of it in ``measures.json`` beside it. Whatever is
finished is kept: run again, an experiment trains what is missing and continues what was interrupted.
"""

import json
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from os import PathLike
from pathlib import Path
from typing import Any

from maze_rl.configs.differences import differing_fields
from maze_rl.configs.experiment import Experiment
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import OptionValue, check_count
from maze_rl.configs.training import RunConfig, run_to_json
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.own_plugins import named_in_errors
from maze_rl.strict_json import plain
from maze_rl.worker_processes import interruptible, worker_processes
from maze_rl.workflows.experiment_files import ExperimentFile, find_experiment

RUNS = Path("runs/experiments")
RECORD, MEASURES, FAILURE = "experiment.json", "measures.json", "failure.txt"
INTERRUPTED = "interrupted"
TRAINING_SHARE = 0.9
"""Share of a run, roughly, that is training; the rest is measuring."""
PATIENCE = 3.0
"""Seconds that Ctrl-C leaves runs to finish their step and save it."""
TEST_SEED = 1_000_003
"""The test mazes of every experiment, the same for every model."""
Progress = Callable[[str, float, dict[str, Any]], None]


@dataclass(frozen=True)
class HeldOutMazes(Shown):
    """Which mazes models are measured on."""

    sizes: tuple[int, ...]
    algorithm: str
    options: tuple[tuple[str, OptionValue], ...]
    num: int
    """Per size."""


@dataclass(frozen=True)
class Job(Shown):
    """One arm with one seed."""

    arm: str
    config: RunConfig
    folder: Path
    measures: tuple[str, ...]
    tests: HeldOutMazes
    command: str

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.arm}, seed {self.config.seed}"


@dataclass(frozen=True)
class ExperimentRun(Shown):
    """What became of an experiment."""

    folder: Path
    finished: int
    """Runs trained and measured, those of earlier calls included."""
    failed: dict[str, str]
    """Run -> why it stopped."""


def run_experiment(
    name: str | PathLike[str],
    *,
    large: bool = False,
    seeds: int | None = None,
    workers: int = 2,
    out: str | PathLike[str] | None = None,
    progress: Progress | None = None,
    command: str = "maze_rl.workflows.experiment.run_experiment(...)",
) -> ExperimentRun:
    """Train and measure every arm of an experiment with every seed, as far as that is not done.

    Args:
        name: The experiment, or a file that holds one.
        large: On the large scale.
        seeds: Runs per arm; None for what the experiment says. More can be added later.
        workers: Processes, with one thread each; 0 works in this process, with one thread too: the same numbers.
        out: Folder of the runs; None for ``runs/experiments/NAME`` (``NAME-large``).
        progress: Called with (what, share done, newest numbers).
        command: What started it, for the record of each run.

    Raises:
        MazeRLError: There is no such experiment, it is faulty, one of its measures cannot be imported, or `out` holds
            runs of another one; all before anything is trained.
        KeyboardInterrupt: Ctrl-C; running arms have saved their state.
    """
    workers, seeds = check_count("workers", workers, 0), None if seeds is None else check_count("seeds", seeds)
    file = find_experiment(name)
    experiment = file.load(large)
    experiment = experiment if seeds is None else replace(experiment, seeds=seeds)
    folder = Path(out) if out is not None else RUNS / (file.name + ("-large" if large else ""))
    check_measures(experiment)
    jobs = plan(experiment, folder, command)
    for job in jobs:
        _check_same(job)
    folder.mkdir(parents=True, exist_ok=True)
    facts = record(file, experiment, large)
    _forget_other_tests(folder, facts)
    (folder / RECORD).write_text(json.dumps(facts, indent=1) + "\n")
    return _summary(folder, jobs, _work_off(jobs, workers, progress or (lambda doing, done, numbers: None)))


def check_measures(experiment: Experiment) -> None:
    """Check that everything that is to be measured can be.

    Raises:
        MazeRLError: A measure is unknown or cannot be imported.
    """
    from maze_rl.evaluation.measures import find_measure

    for name in experiment.measures:
        find_measure(name)


def plan(experiment: Experiment, folder: str | PathLike[str], command: str = "") -> list[Job]:
    """List the runs of an experiment: all arms of one seed, then of the next, so that what is done can be compared."""
    folder = Path(folder)
    last = experiment.arms[experiment.control].training.phases[-1].mazes
    tests = HeldOutMazes(experiment.test_sizes, last.algorithm, tuple(last.options.items()), experiment.test_mazes)
    return [
        Job(arm, replace(config, seed=seed), folder / arm / f"seed-{seed}", experiment.measures, tests, command)
        for seed in range(experiment.seeds)
        for arm, config in experiment.arms.items()
    ]


def record(file: ExperimentFile, experiment: Experiment, large: bool) -> dict[str, Any]:
    """Return what `compare` needs to know of an experiment, as JSON values."""
    return {
        "name": file.name,
        "question": file.question,
        "text": file.text,
        "large": large,
        "arms": list(experiment.arms),
        "control": experiment.control,
        "shams": dict(experiment.shams),
        "seeds": experiment.seeds,
        "judged": list(experiment.judged),
        "measures": list(experiment.measures),
        "test_sizes": list(experiment.test_sizes),
        "test_mazes": experiment.test_mazes,
        "differences": arm_differences(experiment),
    }


def arm_differences(experiment: Experiment) -> dict[str, list[str]]:
    """Return for each arm how its configuration differs from the control's; nothing for the control."""
    # through JSON, so that phases are lists and compared one by one
    plain = {arm: json.loads(json.dumps(run_to_json(config))) for arm, config in experiment.arms.items()}
    return {arm: differing_fields(plain[experiment.control], values) for arm, values in plain.items()}


def run_one(job: Job, tell: Callable[[float], None] = lambda share: None) -> str:
    """Train a run to its end, from where it stopped, and measure it; return what went wrong, or nothing.

    `tell` is called meanwhile with the share of it that is done.

    A run that diverges is a result as well: the reason is kept in `FAILURE` and the others go on.
    """
    reason = job.folder / FAILURE
    try:
        with interruptible():
            _train(job, tell)
            _measure(job)
    except KeyboardInterrupt:  # as a training that was interrupted raises too
        return INTERRUPTED
    except MazeRLError as error:
        job.folder.mkdir(parents=True, exist_ok=True)
        reason.write_text(f"{error}\n")
        return str(error)
    reason.unlink(missing_ok=True)
    return ""


def is_measured(job: Job) -> bool:
    """Tell whether a run is finished with all its measures."""
    return set(job.measures) <= read_measures(job.folder).keys()


def read_measures(folder: str | PathLike[str]) -> dict[str, dict[str, float]]:
    """Return what was measured of a run so far: measure -> name -> number, nan where nothing could be."""
    path = Path(folder) / MEASURES
    found = json.loads(path.read_text()) if path.is_file() else {}
    return {
        measure: {name: math.nan if value is None else value for name, value in values.items()}
        for measure, values in found.items()
    }


def _check_same(job: Job) -> None:
    """Check before anything starts that what is on disk was trained as the experiment now says."""
    from maze_rl.workflows.run_folder import RunFolder

    run = RunFolder(job.folder)
    if run.config_path.exists():
        try:
            run.open(job.config)
        except ConfigurationError as error:
            raise ConfigurationError(f"{error} Or remove that folder, or choose another --out.") from error


def _forget_other_tests(folder: Path, facts: dict[str, Any]) -> None:
    """Remove what was measured on other test mazes than the experiment has now: all of it is measured anew."""
    try:
        before = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError):
        return  # nothing was run here, or a kill cut the record
    if any(before.get(name, facts[name]) != facts[name] for name in ("test_sizes", "test_mazes")):
        for measures in folder.glob(f"*/seed-*/{MEASURES}"):
            measures.unlink()


def _train(job: Job, tell: Callable[[float], None]) -> None:
    from maze_rl.models.verified_files import CHECKSUMS
    from maze_rl.workflows.run_folder import RunFolder
    from maze_rl.workflows.train import train_run

    begun = RunFolder(job.folder).config_path.exists()
    if (job.folder / CHECKSUMS).exists():
        return  # written last, so the model is whole
    if not begun:  # a kill while the folder was being made leaves no run
        shutil.rmtree(job.folder, ignore_errors=True)
    train_run(
        job.config,
        job.folder,
        resume=begun,
        progress=lambda what, done, numbers: tell(TRAINING_SHARE * done) if what == "training" else None,
        command=job.command,
    )


def _measure(job: Job) -> None:
    from maze_rl.evaluation.measures import find_measure
    from maze_rl.models.model_files import load_model
    from maze_rl.models.verified_files import json_bytes, write_file

    model, done = load_model(job.folder), read_measures(job.folder)
    tests = solved_tests(job.tests)
    for name in job.measures:
        if name not in done:
            measure = find_measure(name)
            with named_in_errors("measure", measure):
                done[name] = {key: float(value) for key, value in measure(model, tests, TEST_SEED).items()}
            write_file(job.folder / MEASURES, json_bytes(plain(done)))


@lru_cache(maxsize=2)
def solved_tests(tests: HeldOutMazes) -> Sequence[Any]:
    """Return solved test mazes, a batch per size: of the test split, or any mazes where a size is too small for one."""
    import numpy as np

    from maze_rl.mazes.generate import generate_mazes
    from maze_rl.mazes.solve import solve_batch
    from maze_rl.mazes.splits import SMALLEST_SPLIT_SIZE

    solved = []
    for size in tests.sizes:
        split = "test" if size >= SMALLEST_SPLIT_SIZE else None
        spec = MazeSpec(sizes=(size,), algorithm=tests.algorithm, options=dict(tests.options), split=split)
        solved.append(solve_batch(generate_mazes(spec, np.arange(tests.num), TEST_SEED).batches[0], TEST_SEED))
    return solved


def _work_off(jobs: Sequence[Job], workers: int, progress: Progress) -> dict[str, str]:
    """Do every job; return what went wrong with which."""
    todo = [job for job in jobs if not is_measured(job) or (job.folder / FAILURE).exists()]

    def tell(unfinished: int, begun: float | int) -> None:
        finished = len(jobs) - unfinished
        progress("experiment", (finished + begun) / len(jobs), {"doing": f"{finished} of {len(jobs)} runs finished"})

    if workers == 0:
        return _work_off_here(todo, tell)
    if todo:
        _compile_once(todo[0].config)
    failed: dict[str, str] = {}
    with worker_processes(workers, _begin_worker, patience=PATIENCE) as pool:
        running: dict[Future[str], Job] = {pool.submit(run_one, job): job for job in todo}
        while running:
            done, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in done:
                said, job = _unless_interrupted(future.result()), running.pop(future)
                failed |= {job.name: said} if said else {}
            tell(len(running), sum(map(_share_done, running.values())))
    return failed


def _compile_once(config: RunConfig) -> None:
    """Make a batch and drop it: the kernels of training are compiled here and cached, not in every process anew."""
    from maze_rl.tokenization.tokenization import Tokenization
    from maze_rl.training.source import maze_source, prepare_step

    source = maze_source(config.training.phases, config.seed)
    prepare_step(config.training, Tokenization(config.tokenization), source, config.seed, 0)


def _work_off_here(todo: Sequence[Job], tell: Callable[[int, float], None]) -> dict[str, str]:
    """Do every job in this process, with one thread as in others; return what went wrong with which."""
    failed: dict[str, str] = {}
    with _one_thread():
        for number, job in enumerate(todo):
            left = len(todo) - number
            tell(left, 0.0)
            said = _unless_interrupted(run_one(job, lambda share, left=left: tell(left, share)))
            failed |= {job.name: said} if said else {}
            tell(left - 1, 0.0)
    return failed


def _unless_interrupted(said: str) -> str:
    if said == INTERRUPTED:
        raise KeyboardInterrupt
    return said


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute as a worker does: how many threads add up a sum shows in its last digits."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _begin_worker() -> None:
    import torch

    torch.set_num_threads(1)


def _share_done(job: Job) -> float:
    """Return how much of a run is done, by the last line of its log."""
    try:
        with (job.folder / "metrics.jsonl").open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 2000))
            return json.loads(log.read().splitlines()[-1])["step"] / job.config.training.steps * TRAINING_SHARE
    except (OSError, ValueError, IndexError, KeyError):
        return 0.0


def _summary(folder: Path, jobs: Sequence[Job], failed: dict[str, str]) -> ExperimentRun:
    return ExperimentRun(folder, sum(is_measured(job) for job in jobs), failed)
