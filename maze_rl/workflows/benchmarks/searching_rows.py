"""Rows about the default run: how fast it learns, steps, walks, and what many starts behind one prompt bring."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch.nn import functional

from maze_rl.configs.causal_recipe import causal_run
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import default_run
from maze_rl.configs.training import Phase, RunConfig
from maze_rl.evaluation.rollouts import roll_out
from maze_rl.mazes.generate import generate, generate_mazes
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.models.folding import folded_copy
from maze_rl.models.model_files import save_model
from maze_rl.tokenization.outcomes import judge
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.batches import batch_maker
from maze_rl.training.losses import loss_functions
from maze_rl.training.objective import CrossEntropy
from maze_rl.training.settings import settings
from maze_rl.training.source import StepBatch, maze_source, prepare_step
from maze_rl.training.state import new_state
from maze_rl.training.step import Setting, take_step
from maze_rl.workflows.benchmarks.decoding_rows import one_by_one, rollout_inputs, write_batched
from maze_rl.workflows.benchmarks.plain_searcher import PlainSearcher, plain_searcher
from maze_rl.workflows.benchmarks.rows import THREADS, Lap, Row, Target, Trial, faster
from maze_rl.workflows.benchmarks.training_rows import descend, micro_batches_of, muon_of
from maze_rl.workflows.export import export
from maze_rl.workflows.export_loader import load

_STEPS = 1_000_000  # never reached: the schedule stays where it is
_NUM, _PEER_NUM = 64, 2
_SOLVED, _JUDGED, _JUDGED_EVERY = 0.9, 200, 50
_TIMES_AS_LONG, _TIMED_STEPS = 4, 40


def searching_shape(starts: int | None = None) -> RunConfig:
    """Return the default run on a CPU with mazes of all its sizes from the first step."""
    run = default_run(MazeSpec(), device="cpu")
    training = replace(run.training, phases=(Phase(steps=_STEPS, mazes=MazeSpec()),))
    return replace(run, training=training if starts is None else replace(training, starts=starts))


def _prepared(run: RunConfig, seed: int) -> tuple[MazeTransformer, StepBatch]:
    tokenization = Tokenization(run.tokenization)
    batch = prepare_step(run.training, tokenization, maze_source(run.training.phases, seed), seed, 0)
    return build_model(run.model, tokenization, seed=seed), batch


def _step(run: RunConfig, model: MazeTransformer, batch: StepBatch) -> Callable[[], object]:
    state, setting = new_state(model, run.training), Setting(CrossEntropy(loss_functions(run.training.loss)))
    return lambda: take_step(state, run.training, setting, batch)


def _against_plain(seed: int) -> Trial:
    run = searching_shape()
    model, batch = _prepared(run, seed)
    loops = batch.mini_batches[0][0].loops
    ours, peer = _step(run, model, batch), _plain_step(run, plain_searcher(model), batch)
    return Trial(
        faster(Lap(ours), Lap(peer), laps=2), f"{run.training.batch_size} mazes, {loops} loops, {THREADS} thread"
    )


def _plain_step(run: RunConfig, twin: PlainSearcher, batch: StepBatch) -> Callable[[], object]:
    optimizer = muon_of(twin, run.training)
    micro_batches = micro_batches_of(batch)
    asked = [twin.read(micro, loss_functions(run.training.loss).weights(micro)[:, 1:]) for micro in micro_batches]
    normaliser = float(sum(len(one.answers) for one in asked))

    def losses():
        for one in asked:
            yield functional.cross_entropy(twin(one), one.answers, reduction="sum") / normaliser

    return lambda: descend(twin, optimizer, losses(), run.training.clip_norm)


def _decisions_per_second(seed: int) -> Trial:
    many, one = searching_shape(), searching_shape(starts=0)
    sides = [(run, *_prepared(run, seed)) for run in (many, one)]
    laps = [Lap(_step(run, model, batch), _distinct(batch)) for run, model, batch in sides]
    counts = " and ".join(str(lap.items) for lap in laps)
    detail = f"{counts} distinct (maze, target, cell) in {many.training.batch_size} mazes, {THREADS} thread"
    return Trial(faster(laps[0], laps[1], laps=2), detail)


def _distinct(batch: StepBatch) -> int:
    """Count the different cells asked about; a start may lie on the path that is asked about too."""
    count = 0
    for micro in micro_batches_of(batch):
        cells = micro.spans.cells
        asked = (micro.remaining >= 0)[:, 1:]  # the cell a token is asked from stands before it
        for row, where in enumerate(asked):
            count += len(torch.unique(cells[row, :-1][where], dim=0))
    return count


def _walks(seed: int) -> Trial:
    run = searching_shape()
    model = folded_copy(build_model(run.model, Tokenization(run.tokenization), seed=seed))
    prompts, lengths, budget = rollout_inputs(model, _NUM, seed)
    few = torch.arange(_NUM // _PEER_NUM // 2, _NUM, _NUM // _PEER_NUM)
    with TemporaryDirectory() as folder:
        save_model(model, Path(folder, "run"), {})
        stock = load(export(Path(folder, "run"), Path(folder, "exported")))
    ours = Lap(lambda: write_batched(model, prompts, lengths, budget), _NUM)
    # A stock model has no cache for a visible prompt: it reads the whole sequence again for every token.
    peer = Lap(one_by_one(stock, prompts[few], lengths[few], budget[few], cache=False), _PEER_NUM)
    detail = f"{_NUM} mazes of 7x7 against {_PEER_NUM}, {run.model.loops} loops, {THREADS} thread"
    return Trial(faster(ours, peer), detail)


def _large_maze(seed: int) -> Trial:
    run = searching_shape()
    model = build_model(run.model, Tokenization(run.tokenization), seed=seed)
    model = folded_copy(model).with_loops(64)
    solution = solve_batch(generate(20, "dfs", 1, seed).batches[0])

    def measure() -> float:
        started = time.perf_counter()
        roll_out(model, solution, seed=seed, batch_size=1, decode=_to_the_end, shortest_only=True)
        return time.perf_counter() - started

    return Trial(measure, f"a path of {int(solution.lengths[0])} steps, untrained, {THREADS} thread")


def _to_the_end(model, prompts, lengths, budget, *, goes_on=None):
    """Decode without breaking off: an untrained model goes through walls at once."""
    return decode_paths(model, prompts, lengths, budget)


def _until_solved(seed: int) -> Trial:
    """Train both recipes on 5x5: ours until its validation walks are good, the causal one four times as long.

    The causal run is planned for the steps that fit into this time, so that its learning rate falls within it.
    """
    mazes = MazeSpec(sizes=(5,), split="train")
    validation = generate_mazes(replace(mazes, split="validation"), np.arange(_JUDGED), seed).batches[0]
    solution = solve_batch(validation, seed)
    news: list[str] = []

    def rate(model: MazeTransformer) -> float:
        walks = roll_out(folded_copy(model), solution, seed=seed, batch_size=_JUDGED, decode=decode_paths)
        return float(judge(solution, walks).shortest.mean())

    def measure() -> float:
        solved = (
            (step, seconds)
            for step, seconds, model in _training(default_run(mazes, device="cpu", seed=seed))
            if step % _JUDGED_EVERY == 0 and rate(model) >= _SOLVED
        )
        step, spent = next(solved, (0, math.inf))
        if not step:
            news.append("never; the causal recipe was not trained")
            return spent
        news.append(f"step {step}")
        *_, (_, seconds, _) = _training(causal_run(mazes, steps=_TIMED_STEPS, seed=seed))  # paths of all lengths
        steps = int(_TIMES_AS_LONG * spent * _TIMED_STEPS / seconds)
        *_, (step, seconds, model) = _training(causal_run(mazes, steps=steps, seed=seed))
        news.append(f"the causal recipe after {seconds:.0f} s, step {step}: {rate(model):.2f}")
        return spent

    detail = f"{_SOLVED:.2f} of {_JUDGED} validation walks shortest, judged every {_JUDGED_EVERY} steps"
    return Trial(measure, detail, news=news)


def _training(run: RunConfig) -> Iterator[tuple[int, float, MazeTransformer]]:
    """Train; after every step, give its number, the CPU seconds of all steps so far and the model."""
    model = build_model(run.model, Tokenization(run.tokenization), seed=run.seed)
    state, stretch = new_state(model, run.training, run.seed), run.training.stretches[0]
    setting_at, make_batch = settings(state, run.training, stretch), batch_maker(state, run.training, stretch)
    seconds = 0.0
    while state.step < run.training.steps:
        started = time.process_time()
        take_step(state, run.training, setting_at(state.step), make_batch(state.step))
        seconds += time.process_time() - started
        yield state.step, seconds, model


ROWS = (
    Row(
        name="training step, default run",
        against="plain PyTorch with the same mask and loops",
        prepare=_against_plain,
        target=Target(">=", 0.95),
    ),
    Row(
        name="decisions learned per second, default run",
        against="one path for each maze",
        prepare=_decisions_per_second,
        target=Target(">=", 2.0),
    ),
    Row(
        name="batched walks, default run",
        against="the exported stock HookedTransformer, one at a time",
        prepare=_walks,
        target=Target(">=", 10),
    ),
    Row(name="one 20x20 maze, 64 loops", against="the clock", prepare=_large_maze, unit="s"),
    Row(
        name="5x5 solved",
        against="the CPU clock",
        prepare=_until_solved,
        unit="s",
        most_rounds=1,
    ),
)
