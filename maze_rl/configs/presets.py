"""Default runs: what `maze-rl train` does when nothing else is said, on a CPU and on CUDA."""

from dataclasses import dataclass, replace

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.options import check_count
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import DataFolder, Phase, RunConfig, TrainingConfig
from maze_rl.errors import ConfigurationError

LENGTH_LIMITS = (2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32)
"""Longest path of each stretch of the curriculum; after the last one there is no limit."""
CURRICULUM_SHARE = 0.6
"""Share of the steps the limits take together, evenly; the rest trains on all lengths."""

DEFAULT_CANVAS = 12
"""Cells per side of the canvas mazes are placed on; sizes up to it can be tested after training."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much a default run may cost on one kind of device."""

    model: ModelConfig
    steps: int
    batch_size: int
    micro_batch_tokens: int
    precision: str
    learning_rate: float
    matrix_learning_rate: float


CPU_BUDGET = Budget(
    model=ModelConfig(), steps=900, batch_size=64, micro_batch_tokens=4096, precision="float32",
    learning_rate=2.5e-3, matrix_learning_rate=2e-2,
)  # fmt: skip
"""Two CPU cores, under 14 minutes of training."""
CUDA_BUDGET = Budget(
    model=ModelConfig(n_layers=10, d_model=256, n_heads=8), steps=20_000, batch_size=512, micro_batch_tokens=131_072,
    precision="bfloat16", learning_rate=1e-3, matrix_learning_rate=1e-2,
)  # fmt: skip
"""One data-centre GPU; chosen by extrapolation, not measured."""


def curriculum(mazes: MazeSpec, steps: int) -> tuple[Phase, ...]:
    """Return phases whose mazes are `mazes` with path lengths that grow to the full distribution."""
    ends = [int(steps * CURRICULUM_SHARE * (i + 1) / len(LENGTH_LIMITS)) for i in range(len(LENGTH_LIMITS))]
    ends_at = mazes.endpoints
    if ends_at.path_lengths:
        return (Phase(steps=steps, mazes=mazes),)  # the lengths are chosen already
    limits = [*LENGTH_LIMITS, ends_at.max_path_length]
    phases, start = [], 0
    for limit, end in zip(limits, [*ends, steps], strict=True):
        reachable = limit is None or limit >= ends_at.min_path_length
        narrower = ends_at.max_path_length is None or limit is None or limit <= ends_at.max_path_length
        if end > start and reachable and narrower:
            shorter = replace(mazes, endpoints=replace(ends_at, max_path_length=limit))
            phases.append(Phase(steps=end - start, mazes=shorter))
            start = end
    return tuple(phases)


MOST_ROUNDS = 1000
ROUND_RATE = 0.1
"""Factor on the learning rates of a round of self-play: its opponent is near."""


def warmup_of(steps: int) -> int:
    """Return how many of `steps` steps warm up: a tenth, 1 to 100."""
    return min(100, max(1, steps // 10))


def self_play(
    mazes: MazeSpec, rounds: int, steps: int, pairs: int, lora: int | None = None, spin: SpinConfig | None = None
) -> tuple[Phase, ...]:
    """Return rounds of self-play of `steps` steps of `pairs` pairs each, with as many mazes, 4096 at most."""
    played = spin or SpinConfig(prompts=min(4096, steps * pairs))
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
    lora: int | None = None,
    started: bool = False,
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
        lora: Rank of adapters: of the rounds, where there are any, else of the whole run.
        started: Whether the run goes on from a trained model: then there is no curriculum.
        batch_size: Mazes per mini-batch; None for the device's budget.
        accumulation: Mini-batches per step.

    Raises:
        ConfigurationError: There would be nothing to do, or a model that knows nothing would play.
    """
    for name, value in (("steps", steps), ("rounds", rounds), ("lora", lora), ("batch_size", batch_size),
                        ("accumulation", accumulation)):  # fmt: skip
        if value is not None:
            check_count(name, value, 0)
    budget = CUDA_BUDGET if device.startswith("cuda") else CPU_BUDGET
    num_steps = budget.steps if steps is None else steps
    _check_work(num_steps, rounds, started)
    batch = budget.batch_size if batch_size is None else batch_size
    pairs = max(1, batch * accumulation)
    taught = _supervised(mazes, num_steps, data, None if rounds else lora, started)
    played = self_play(mazes, rounds, max(1, (num_steps or budget.steps) // 10), pairs, lora)
    training = TrainingConfig(
        phases=(*taught, *played),
        loss=loss,
        warmup_steps=warmup_of(num_steps),
        checkpoint_every=max(250, num_steps // 10),
        batch_size=batch,
        accumulation=accumulation,
        micro_batch_tokens=budget.micro_batch_tokens,
        precision=budget.precision,
        learning_rate=budget.learning_rate,
        matrix_learning_rate=budget.matrix_learning_rate,
    )
    canvas = max(DEFAULT_CANVAS, *(max(shape) for shape in mazes.shapes))
    tokenization = TokenizationConfig(format="edges", canvas=canvas, random_offsets=True)
    return RunConfig(training=training, tokenization=tokenization, model=budget.model, seed=seed, device=device)


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
        return curriculum(mazes, steps)
    return (Phase(steps=steps, mazes=mazes, data=data, lora=lora),)
