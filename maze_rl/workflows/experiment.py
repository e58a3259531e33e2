"""`maze-rl experiments run`: every arm with every seed, trained and measured, two at a time.

A run lies in ``runs/experiments/NAME/ARM/seed-N/``, what was measured of it in ``measures.json`` beside it. Whatever is
finished is kept: run again, an experiment trains what is missing and continues what was interrupted.
"""

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from maze_rl.configs.experiment import Experiment
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import OptionValue
from maze_rl.configs.training import RunConfig, differing_fields, run_to_json
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.own_plugins import named_in_errors
from maze_rl.workflows.experiment_files import ExperimentFile, find_experiment

RUNS = Path("runs/experiments")
RECORD, MEASURES, FAILURE = "experiment.json", "measures.json", "failure.txt"
INTERRUPTED = "interrupted"
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
    name: str,
    *,
    large: bool = False,
    seeds: int | None = None,
    workers: int = 2,
    out: str | Path | None = None,
    progress: Progress | None = None,
    command: str = "maze_rl.workflows.experiment.run_experiment(...)",
) -> ExperimentRun:
    """Train and measure every arm of an experiment with every seed, as far as that is not done.

    Args:
        name: The experiment.
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
    if workers < 0 or (seeds is not None and seeds < 1):
        raise ConfigurationError(f"workers is {workers}, seeds is {seeds}: at least 0 and at least 1, please.")
    file = find_experiment(name)
    experiment = file.load(large)
    experiment = experiment if seeds is None else replace(experiment, seeds=seeds)
    folder = Path(out) if out is not None else RUNS / (file.name + ("-large" if large else ""))
    check_measures(experiment)
    jobs = plan(experiment, folder, command)
    for job in jobs:
        _check_same(job)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).write_text(json.dumps(record(file, experiment, large), indent=1) + "\n")
    return _summary(folder, jobs, _work_off(jobs, workers, progress or (lambda doing, done, numbers: None)))


def check_measures(experiment: Experiment) -> None:
    """Check that everything that is to be measured can be.

    Raises:
        MazeRLError: A measure is unknown or cannot be imported.
    """
    from maze_rl.evaluation.measures import find_measure

    for name in experiment.measures:
        find_measure(name)


def plan(experiment: Experiment, folder: Path, command: str = "") -> list[Job]:
    """List the runs of an experiment: all arms of one seed, then of the next, so that what is done can be compared."""
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
        "name": file.name, "question": file.question, "text": file.text, "large": large,
        "arms": list(experiment.arms), "control": experiment.control, "shams": dict(experiment.shams),
        "seeds": experiment.seeds, "judged": list(experiment.judged), "measures": list(experiment.measures),
        "test_sizes": list(experiment.test_sizes), "test_mazes": experiment.test_mazes,
        "differences": arm_differences(experiment),
    }  # fmt: skip


def arm_differences(experiment: Experiment) -> dict[str, list[str]]:
    """Return for each arm how its configuration differs from the control's; nothing for the control."""
    # through JSON, so that phases are lists and compared one by one
    plain = {arm: json.loads(json.dumps(run_to_json(config))) for arm, config in experiment.arms.items()}
    return {arm: differing_fields(plain[experiment.control], values) for arm, values in plain.items()}


def run_one(job: Job) -> str:
    """Train a run to its end, from where it stopped, and measure it; return what went wrong, or nothing.

    A run that diverges is a result as well: the reason is kept in `FAILURE` and the others go on.
    """
    from maze_rl.training.trainer import TrainingInterrupted

    reason = job.folder / FAILURE
    try:
        _train(job)
        _measure(job)
    except TrainingInterrupted:
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


def read_measures(folder: Path) -> dict[str, dict[str, float]]:
    """Return what was measured of a run so far: measure -> name -> number."""
    path = folder / MEASURES
    return json.loads(path.read_text()) if path.is_file() else {}


def _check_same(job: Job) -> None:
    """Check before anything starts that what is on disk was trained as the experiment now says."""
    from maze_rl.workflows.run_folder import RunFolder

    run = RunFolder(job.folder)
    if run.config_path.exists():
        try:
            run.open(job.config)
        except ConfigurationError as error:
            raise ConfigurationError(f"{error} Or remove that folder, or choose another --out.") from error


def _train(job: Job) -> None:
    from maze_rl.models.verified_files import CHECKSUMS
    from maze_rl.workflows.run_folder import RunFolder
    from maze_rl.workflows.train import train_run

    begun = RunFolder(job.folder).config_path.exists()
    if (job.folder / CHECKSUMS).exists():
        return  # written last, so the model is whole
    if not begun:  # a kill while the folder was being made leaves no run
        shutil.rmtree(job.folder, ignore_errors=True)
    train_run(job.config, job.folder, resume=begun, command=job.command)


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
            write_file(job.folder / MEASURES, json_bytes(done))


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
    if workers == 0:
        with _one_thread():
            return {job.name: said for job in todo if (said := _unless_interrupted(run_one(job)))}
    failed: dict[str, str] = {}
    with _worker_processes(workers) as pool:
        running: dict[Future[str], Job] = {pool.submit(run_one, job): job for job in todo}
        while running:
            done, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
            for future in done:
                said, job = _unless_interrupted(future.result()), running.pop(future)
                failed |= {job.name: said} if said else {}
            trained = sum(map(_share_done, running.values())) + len(jobs) - len(running)
            doing = f"{len(jobs) - len(running)} of {len(jobs)} runs finished"
            progress("experiment", trained / len(jobs), {"doing": doing})
    return failed


def _unless_interrupted(said: str) -> str:
    if said == INTERRUPTED:
        raise KeyboardInterrupt
    return said


@contextmanager
def _worker_processes(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Yield processes of one thread each; after Ctrl-C those at work save their state, and no other begins."""
    pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        # Training reads the signal between steps; before and after, a worker does not hear it, hence the repetition.
        while workers_left := multiprocessing.active_children():
            for process in workers_left:
                if process.pid is not None:
                    os.kill(process.pid, signal.SIGINT)
            workers_left[0].join(timeout=0.5)
        raise
    else:
        pool.shutdown(wait=True)


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

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)


def _share_done(job: Job) -> float:
    """Return how much of a run is trained, by the last line of its log."""
    try:
        with (job.folder / "metrics.jsonl").open("rb") as log:
            log.seek(0, 2)
            log.seek(max(0, log.tell() - 2000))
            return json.loads(log.read().splitlines()[-1])["step"] / job.config.training.steps
    except (OSError, ValueError, IndexError, KeyError):
        return 0.0


def _summary(folder: Path, jobs: Sequence[Job], failed: dict[str, str]) -> ExperimentRun:
    return ExperimentRun(folder, sum(is_measured(job) for job in jobs), failed)
