"""Where batches come from: an endless stream of fresh mazes, a dataset on disk, or pairs; prepared ahead by a thread.

The batch of step k is a function of (phases, seed, k), so a resumed run sees what the straight one would
have. Mazes of all sizes are sorted by token count and cut into micro-batches of near-equal length, so
little is spent on padding and nothing is dropped.
"""

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from maze_rl.configs.training import DataFolder, Phase, TrainingConfig
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.mazes.splits import count_outside
from maze_rl.mazes.storage.store import StoredMazes, open_dataset
from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.cut_by_length import cut_by_length
from maze_rl.training.examples import Examples, encode_examples

Item = TypeVar("Item")
_FEWEST_ROWS = 8


@dataclass(frozen=True, eq=False)
class StepBatch(Shown):
    """The examples of one optimizer step."""

    mini_batches: list[list[Any]]
    """Each mini-batch as micro-batches: `Examples`, or what another objective learns from with the same counts."""
    leaks: int
    """Mazes that do not belong to the train split; counted, not assumed."""

    @property
    def tokens(self) -> int:
        """Tokens without padding."""
        return sum(micro.num_tokens for mini in self.mini_batches for micro in mini)

    @property
    def longest_path(self) -> int:
        """Steps of the longest path."""
        return max(micro.longest_path for mini in self.mini_batches for micro in mini)

    @property
    def padded_tokens(self) -> int:
        """Tokens with padding."""
        return sum(micro.padded_tokens for mini in self.mini_batches for micro in mini)


MazeSource = Callable[[Phase, int, int], MazeCollection]
"""(phase, first index, how many) -> mazes of the train split."""


def maze_source(phases: Sequence[Phase], seed: int) -> MazeSource:
    """Return where the mazes of a run come from: index i is maze i of the phase's stream, or of its dataset.

    A dataset begins again when it ends; rows of other splits than train are passed over. So a dataset generated from
    the train split with the run's own seed gives the very batches of the stream. Of n datasets in turn, index i is
    maze i // n of dataset i % n.

    Raises:
        MazeRLError: A dataset is damaged, is not the one the run began with, or has no maze of the train split.
    """
    stored = {data: _training_rows(data) for phase in phases for data in phase.datasets}

    def draw(phase: Phase, start: int, num: int) -> MazeCollection:
        indices = np.arange(start, start + num)
        if phase.data is None:
            return generate_mazes(replace(phase.mazes, split="train"), indices, seed)
        return _in_turn([stored[data] for data in phase.datasets], indices)

    return draw


def _in_turn(datasets: Sequence[tuple[StoredMazes, np.ndarray]], indices: np.ndarray) -> MazeCollection:
    """Return the mazes at `indices` of datasets taken in turn; each is given with its rows for training."""
    places = [np.flatnonzero(indices % len(datasets) == turn) for turn in range(len(datasets))]
    parts = [
        mazes.take(rows[indices[where] // len(datasets) % len(rows)])
        for (mazes, rows), where in zip(datasets, places, strict=True)
        if len(where)
    ]
    if len(parts) == 1:
        return parts[0]
    return MazeCollection.concatenate(parts).take(np.argsort(np.concatenate(places)))


def _training_rows(data: DataFolder) -> tuple[StoredMazes, np.ndarray]:
    mazes = open_dataset(data.folder)
    if mazes.content != data.content:
        raise ConfigurationError(
            f"{data.folder}: holds other mazes ({mazes.content}) than this run was begun with ({data.content})."
        )
    rows = mazes.rows_of("train")
    if len(rows) == 0:
        raise ConfigurationError(f"{data.folder}: none of its mazes belongs to the train split.")
    return mazes, rows


def prepare_step(
    config: TrainingConfig, tokenization: Tokenization, source: MazeSource, seed: int, step: int
) -> StepBatch:
    """Make the batch of `step` (0-based)."""
    phase = config.phase_at(step)
    mini_batches, leaks = [], 0
    for mini in range(config.accumulation):
        start = (step * config.accumulation + mini) * config.batch_size
        mazes = source(phase, start, config.batch_size)
        leaks += sum(count_outside(batch, "train") for batch in mazes.batches)
        examples = encode_examples(tokenization, mazes, seed, start, config.asked, loops_at(config, seed, step))
        mini_batches.append(list(split_by_length(examples, config.micro_batch_tokens)))
    return StepBatch(mini_batches, leaks)


def loops_at(config: TrainingConfig, seed: int, step: int) -> int | None:
    """Return how often the block is applied at `step`: drawn evenly from the range, a function of (seed, step)."""
    loops = config.loops_in(config.phase_at(step))
    if loops is None:
        return None
    least, most = loops
    return int(numpy_generator(seed, "loops", step).integers(least, most + 1))


def split_by_length(examples: Examples, most_tokens: int) -> Iterator[Examples]:
    """Cut a batch into micro-batches of near-equal length with at most `most_tokens` tokens (or one sequence)."""
    for rows in cut_by_length(examples.spans.lengths, most_tokens, _FEWEST_ROWS):
        yield examples.rows(rows)


def prefetch(make: Callable[[int], Item], first: int, last: int, ahead: int = 4) -> Generator[Item, None, None]:
    """Yield ``make(first) .. make(last - 1)``, prepared by a thread up to `ahead` steps before they are asked for."""
    ready: queue.Queue[Any] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def work() -> None:
        try:
            for step in range(first, last):
                _put(ready, make(step), stopped)
                if stopped.is_set():
                    return
        except BaseException as error:  # handed to the consumer, which raises it
            _put(ready, error, stopped)

    threading.Thread(target=work, name="maze-source", daemon=True).start()
    try:
        for _ in range(first, last):
            item = ready.get()
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()


def _put(ready: queue.Queue[Any], item: object, stopped: threading.Event) -> None:
    while not stopped.is_set():
        try:
            return ready.put(item, timeout=0.1)
        except queue.Full:
            continue
