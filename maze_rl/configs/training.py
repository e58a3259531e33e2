"""How a model is trained: loss, batches, optimizer, learning rate, phases, what is saved when."""

from dataclasses import asdict, dataclass, field
from typing import Any

from maze_rl.configs.mazes import MazeSpec, spec_from_json, spec_to_json
from maze_rl.configs.model import ModelConfig, check_embedding
from maze_rl.configs.ranges import check_squares
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.errors import ConfigurationError, unknown_name

LOSSES = ("all", "path_only", "all_set", "path_only_set")
"""(where, what) pairs: weights on all tokens or the path alone; targets the next token or the set of optimal ones."""
OPTIMIZERS = ("muon", "adamw", "sgd", "rmsprop", "adagrad")
SCHEDULES = ("constant", "warmup_cosine")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class DataFolder:
    """A dataset on disk."""

    folder: str
    content: str
    """Digest of its mazes, so that a resumed run sees the same."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """A stretch of training on one distribution of mazes."""

    steps: int
    """Optimizer steps."""
    mazes: MazeSpec
    """What is drawn; always from the train split. With `data`, what validation draws from."""
    data: DataFolder | None = None
    """A dataset to train on in its order, again from the start when it ends; None for the endless stream of `mazes`."""


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One training run; budgets are step counts, never clock time.

    Raises:
        ConfigurationError: A number is out of range; the message names it.
        UnknownNameError: A named choice is unknown.
    """

    phases: tuple[Phase, ...]
    """Trained one after another under one learning-rate schedule."""
    loss: str = "path_only"
    """One of `LOSSES`."""
    batch_size: int = 64
    """Mazes per mini-batch."""
    accumulation: int = 1
    """Mini-batches per optimizer step."""
    micro_batch_tokens: int = 8192
    """Most tokens, padding included, that go through the network at once; a memory split, nothing else."""
    optimizer: str = "muon"
    """One of `OPTIMIZERS`."""
    learning_rate: float = 2.5e-3
    """Peak learning rate."""
    matrix_learning_rate: float = 2e-2
    """Peak learning rate of the weight matrices under `muon`; the rest takes `learning_rate`."""
    weight_decay: float = 0.01
    """Decoupled decay of the weight matrices inside the blocks; nothing else decays."""
    schedule: str = "warmup_cosine"
    """One of `SCHEDULES`."""
    warmup_steps: int = 100
    """Steps over which the learning rate rises linearly from zero."""
    clip_norm: float = 1.0
    """Largest norm of the gradient of a step."""
    precision: str = "float32"
    """`float32`, or `bfloat16` for autocast on CUDA (positions stay in float32)."""
    checkpoint_every: int = 250
    """Steps between checkpoints; one is always saved at the end."""
    validate_every: int = 100
    """Steps between validations."""
    validation_mazes: int = 256
    """Mazes of the validation split, drawn from the last phase's distribution."""

    def __post_init__(self) -> None:
        named = (
            ("loss", LOSSES),
            ("optimizer", OPTIMIZERS),
            ("schedule", SCHEDULES),
            ("precision", PRECISIONS),
        )
        for name, known in named:
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)
        if not self.phases or any(phase.steps < 1 for phase in self.phases):
            raise ConfigurationError("steps: training needs at least one step in every phase.")
        for name in (
            "batch_size",
            "accumulation",
            "micro_batch_tokens",
            "checkpoint_every",
            "validate_every",
            "validation_mazes",
        ):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} is {getattr(self, name)}: it must be at least 1.")
        for name in ("learning_rate", "matrix_learning_rate", "clip_norm"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} is {getattr(self, name)}: it must be above 0.")

    @property
    def steps(self) -> int:
        """Optimizer steps of all phases."""
        return sum(phase.steps for phase in self.phases)

    def phase_at(self, step: int) -> Phase:
        """Return the phase that `step` (0-based) belongs to."""
        for phase in self.phases:
            if step < phase.steps:
                return phase
            step -= phase.steps
        return self.phases[-1]


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides a run, short of the machine."""

    training: TrainingConfig
    tokenization: TokenizationConfig = field(default_factory=lambda: TokenizationConfig(canvas=12, random_offsets=True))
    model: ModelConfig = field(default_factory=ModelConfig)
    seed: int = 0
    """Seed of weights, mazes and batches."""
    device: str = "cpu"
    """Torch device."""

    def __post_init__(self) -> None:
        largest = max(self.sizes)
        if largest > self.tokenization.canvas:
            raise ConfigurationError(
                f"size {largest} does not fit on the {self.tokenization.canvas} x {self.tokenization.canvas} canvas: "
                f"use sizes up to {self.tokenization.canvas} or --canvas {largest}."
            )
        check_embedding(self.model.embedding, self.tokenization.format)
        if self.training.precision == "bfloat16" and not self.device.startswith("cuda"):
            raise ConfigurationError("precision bfloat16 needs a CUDA device: use float32 on the CPU.")

    @property
    def sizes(self) -> tuple[int, ...]:
        """All sizes trained on, ascending."""
        return tuple(sorted({size for phase in self.training.phases for size in check_squares(phase.mazes.sizes)}))


def run_to_json(config: RunConfig) -> dict[str, Any]:
    """Return `config` as plain JSON values."""
    values = asdict(config)
    values["training"]["phases"] = [
        {"steps": phase.steps, "mazes": spec_to_json(phase.mazes), "data": phase.data and asdict(phase.data)}
        for phase in config.training.phases
    ]
    return values


def run_from_json(values: dict[str, Any]) -> RunConfig:
    """Rebuild a `RunConfig` from `run_to_json`."""
    training = dict(values["training"])
    phases = tuple(
        Phase(
            steps=phase["steps"],
            mazes=spec_from_json(phase["mazes"]),
            data=DataFolder(**phase["data"]) if phase.get("data") else None,
        )
        for phase in training.pop("phases")
    )
    return RunConfig(
        training=TrainingConfig(phases=phases, **training),
        tokenization=TokenizationConfig(**values["tokenization"]),
        model=ModelConfig(**values["model"]),
        seed=values["seed"],
        device=values["device"],
    )


def differing_fields(first: dict[str, Any], second: dict[str, Any], prefix: str = "") -> list[str]:
    """List the dotted names of the leaves in which two JSON configurations differ, with both values."""
    differences = []
    for name in sorted(first.keys() | second.keys()):
        old, new = first.get(name), second.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            differences += differing_fields(old, new, f"{prefix}{name}.")
        elif name == "phases" and isinstance(old, list) and isinstance(new, list):
            before, after = ({str(n): phase for n, phase in enumerate(phases, 1)} for phases in (old, new))
            differences += differing_fields(before, after, f"{prefix}phases.")
        elif old != new:
            differences.append(f"{prefix}{name} ({old!r} -> {new!r})")
    return differences
