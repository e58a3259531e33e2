"""Default runs: what `maze-rl train` does when nothing else is said, on a CPU and on CUDA."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from maze_rl.configs.canvas import Asked
from maze_rl.configs.changes import change_parts, going_on
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.options import OptionValue, check_count
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import DataFolder, Phase, RunConfig, StartModel, TrainingConfig
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError

GROWTH_SHARE = 0.45
"""Share of the steps over which the largest size grows to the largest asked for."""
DEFAULT_CANVAS = 20
"""Cells per side of the canvas mazes are placed on; sizes up to it can be tested after training."""


@dataclass(frozen=True, kw_only=True)
class Budget(Shown):
    """How much a default run may cost on one kind of device."""

    model: ModelConfig
    training_loops: tuple[int, int]
    steps: int
    batch_size: int
    micro_batch_tokens: int
    precision: str
    learning_rate: float
    matrix_learning_rate: float


SEARCHING = ModelConfig(
    n_layers=2,
    loops=18,
    d_model=96,
    n_heads=4,
    embedding="waves",
    unembedding="path",
    prompt="visible",
    outer_norm=True,
)
"""A block of two layers, applied again and again, over a prompt that sees itself: what learns to search."""
CPU_BUDGET = Budget(
    model=SEARCHING,
    training_loops=(4, 18),
    steps=2200,
    batch_size=24,
    micro_batch_tokens=1024,
    precision="float32",
    learning_rate=2.5e-3,
    matrix_learning_rate=2e-2,
)
"""Two CPU cores; its training took 22 to 55 minutes of CPU time, by the machine."""
CUDA_BUDGET = Budget(
    model=replace(SEARCHING, loops=30, d_model=256, n_heads=8),
    training_loops=(6, 30),
    steps=20_000,
    batch_size=256,
    micro_batch_tokens=131_072,
    precision="bfloat16",
    learning_rate=1e-3,
    matrix_learning_rate=1e-2,
)
"""One data-centre GPU; chosen by extrapolation, not measured."""
ASKED = Asked(starts=24, stray_tokens=24)
"""What a sequence asks beside the path, and what else is on its canvas."""


@dataclass(frozen=True, kw_only=True)
class TakenModel(Shown):
    """A trained model that a run goes on from: its weights, its tokens and its shape."""

    start: StartModel
    tokenization: TokenizationConfig
    model: ModelConfig
    mazes: MazeSpec
    """What it was trained on last: what it goes on with where nothing else is said."""


def training_mazes(
    sizes: tuple[int, ...] | None, algorithm: str | None, options: Mapping[str, OptionValue], taken: TakenModel | None
) -> MazeSpec:
    """Return what to train on: what is given, else what a model that is gone on from was trained on, else the default.

    Args:
        sizes: Cells per side; None where they are not given.
        algorithm: Maze generator; None where it is not given.
        options: Settings of the generator.
        taken: A model to go on from.
    """
    usual = MazeSpec(split="train") if taken is None else taken.mazes
    if algorithm is None and not options:
        return usual if sizes is None else replace(usual, sizes=sizes)
    chosen = usual.algorithm if algorithm is None else algorithm
    return replace(usual, sizes=sizes or usual.sizes, algorithm=chosen, options=options)


def growing_sizes(mazes: MazeSpec, steps: int) -> tuple[Phase, ...]:
    """Return phases whose mazes are those of `mazes` up to a size, which grows to the largest."""
    sizes = sorted(mazes.sizes, key=lambda size: max(size) if isinstance(size, tuple) else size)
    growing = len(sizes) - 1
    ends = [int(steps * GROWTH_SHARE * (number + 1) / growing) for number in range(growing)]
    phases, start = [], 0
    for number, end in enumerate([*ends, steps], 1):
        if end > start:
            part = mazes if number == len(sizes) else replace(mazes, sizes=tuple(sizes[:number]))
            phases.append(Phase(steps=end - start, mazes=part))
            start = end
    return tuple(phases)


MOST_ROUNDS = 1000
ROUND_RATE = 0.1
"""Factor on the learning rates of a round of self-play: its opponent is near."""


SHORTEST_ROUND = 10
"""Steps of a round of self-play, at least, where nothing else is said."""


def warmup_of(steps: int) -> int:
    """Return how many of `steps` steps warm up: a tenth, 1 to 50."""
    return min(50, max(1, steps // 10))


def most_prompts(steps: int, pairs: int) -> int:
    """Return the mazes of a round of `steps` steps of `pairs` pairs: as many as it can train on, 4096 at most."""
    return min(4096, steps * pairs)


def self_play(
    mazes: MazeSpec, rounds: int, steps: int, pairs: int, lora: int | None = None, spin: SpinConfig | None = None
) -> tuple[Phase, ...]:
    """Return rounds of self-play of `steps` steps of `pairs` pairs each, with as many mazes, 4096 at most."""
    played = spin or SpinConfig(prompts=most_prompts(steps, pairs))
    return tuple(
        Phase(steps=steps, mazes=mazes, name=f"round {number}", spin=played, lora=lora, rate=ROUND_RATE)
        for number in range(1, rounds + 1)
    )


def default_run(
    mazes: MazeSpec,
    *,
    device: str,
    seed: int = 0,
    steps: int | None = None,
    loss: str = "path_only",
    data: DataFolder | None = None,
    rounds: int = 0,
    round_steps: int | None = None,
    lora: int | None = None,
    taken: TakenModel | None = None,
    batch_size: int | None = None,
    accumulation: int = 1,
) -> RunConfig:
    """Return the default run on `mazes` for a device.

    Args:
        mazes: What to train on.
        device: `cpu` or `cuda`.
        seed: Seed of everything.
        steps: Steps of supervised training; None for the device's budget, 0 for rounds alone.
        loss: The run's loss.
        data: Train on this dataset, in its order.
        rounds: Rounds of self-play behind the supervised training.
        round_steps: Steps of a round; None for a twentieth of the supervised steps (of the device's budget where there
            are none), at least `SHORTEST_ROUND`.
        lora: Rank of adapters: of the rounds, where there are any, else of the whole run.
        taken: A trained model to go on from, in place of the device's; then the sizes do not grow.
        batch_size: Mazes per mini-batch; None for the device's budget.
        accumulation: Mini-batches per step.

    Raises:
        ConfigurationError: There would be nothing to do, or a model that knows nothing would play; the mazes do not
            fit the model taken; or rounds have steps and there are none.
    """
    counts = {
        "steps": steps,
        "rounds": rounds,
        "round_steps": round_steps,
        "lora": lora,
        "batch_size": batch_size,
        "accumulation": accumulation,
    }
    for name, value in counts.items():
        if value is not None:
            check_count(name, value, 0)
    if round_steps is not None and not rounds:
        raise ConfigurationError(
            f"round_steps is {round_steps}, and no rounds are played: say how many (--rounds), or leave it out."
        )
    budget = CUDA_BUDGET if device.startswith("cuda") else CPU_BUDGET
    num_steps = budget.steps if steps is None else steps
    _check_work(num_steps, rounds, taken is not None)
    batch = budget.batch_size if batch_size is None else batch_size
    pairs = max(1, batch * accumulation)
    taught = _supervised(mazes, num_steps, data, None if rounds else lora, taken is not None)
    each = max(SHORTEST_ROUND, (num_steps or budget.steps) // 20) if round_steps is None else round_steps
    played = self_play(mazes, rounds, each, pairs, lora)
    training = TrainingConfig(
        phases=(*taught, *played),
        loss=loss,
        schedule="wsd:decay=0.6",
        starts=ASKED.starts,
        stray_tokens=ASKED.stray_tokens,
        training_loops=_drawn_loops(budget, taken),
        growing_loops=True,
        warmup_steps=warmup_of(num_steps),
        checkpoint_every=max(250, num_steps // 10),
        validate_every=max(100, num_steps // 11),
        batch_size=batch,
        accumulation=accumulation,
        micro_batch_tokens=budget.micro_batch_tokens,
        precision=budget.precision,
        learning_rate=budget.learning_rate,
        matrix_learning_rate=budget.matrix_learning_rate,
    )
    tokens, model = (_tokens(mazes), budget.model) if taken is None else (taken.tokenization, taken.model)
    start = None if taken is None else taken.start
    training, tokens, model = change_parts(training, tokens, model)
    if taken is not None:
        model = going_on(taken.model, model, training)
    return RunConfig(training=training, tokenization=tokens, model=model, seed=seed, device=device, start=start)


def _drawn_loops(budget: Budget, taken: TakenModel | None) -> tuple[int, int]:
    """Return the least and the most loops of a step: a model taken may have fewer than the device's."""
    least, most = budget.training_loops
    if taken is not None and taken.model.loops is not None:
        most = min(most, taken.model.loops)
    return min(least, most), most


def _tokens(mazes: MazeSpec) -> TokenizationConfig:
    canvas = max(DEFAULT_CANVAS, mazes.largest_side)
    return TokenizationConfig(format="cells", canvas=canvas, random_offsets=True, origin="path")


def _check_work(steps: int, rounds: int, started: bool) -> None:
    if rounds > MOST_ROUNDS:
        raise ConfigurationError(f"rounds is {rounds}: at most {MOST_ROUNDS} are played.")
    if steps < 1 and not (steps == 0 and rounds and started):
        raise ConfigurationError(
            f"steps is {steps}: --steps must be at least 1, or 0 for rounds alone (--rounds N --start-from RUN)."
        )


def _supervised(
    mazes: MazeSpec, steps: int, data: DataFolder | None, lora: int | None, started: bool
) -> tuple[Phase, ...]:
    """Return the supervised phases; the curriculum is for fresh weights on the endless stream."""
    if steps == 0:
        return ()
    if data is None and lora is None and not started:
        return growing_sizes(mazes, steps)
    return (Phase(steps=steps, mazes=mazes, data=data, lora=lora),)
