"""How a model is trained: phases, loss, batches, optimizer, learning rate, plug-ins, what is saved when."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from typing import Any

from maze_rl.configs.canvas import Asked
from maze_rl.configs.choices import Known, read_choice
from maze_rl.configs.devices import check_device_name
from maze_rl.configs.field_types import check_field_types
from maze_rl.configs.learning_rates import CONTROLLERS, SCHEDULES
from maze_rl.configs.losses import FACTORS, LOSSES, OBJECTIVES
from maze_rl.configs.mazes import MazeSpec, spec_from_json, spec_to_json
from maze_rl.configs.model import ModelConfig, check_embedding
from maze_rl.configs.options import is_count, is_number
from maze_rl.configs.ranges import AnyInts, check_ints, check_squares
from maze_rl.configs.refusals import check_prompts, check_together
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.update_rules import UPDATE_RULES, check_update_rule
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.plain_numbers import check_seed, index_of

OPTIMIZERS: Known = {name: {} for name in ("muon", "adamw", "sgd", "rmsprop", "adagrad", "schedule_free")}
_LARGEST = 1e300
"""Larger numbers are taken for infinite."""
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class DataFolder(Shown):
    """A dataset on disk."""

    folder: str
    content: str
    """Digest of its mazes, so that a resumed run sees the same."""


@dataclass(frozen=True, kw_only=True)
class Phase(Shown):
    """A part of a run: its data, its steps, and what of the run's settings it changes.

    Raises:
        ConfigurationError: A number is out of range, or two fields contradict each other; names both.
        UnknownNameError: The loss is unknown.
    """

    steps: int
    """Batches; an optimizer step each, unless an update rule skips it."""
    mazes: MazeSpec
    """What is drawn; always from the train split. With `data`, what validation draws from."""
    data: DataFolder | None = None
    """A dataset to train on (or to play on) in its order, again from the start when it ends; None for the endless
    stream of `mazes`."""
    interleaved: tuple[DataFolder, ...] = ()
    """More datasets, whose mazes are taken in turn with those of `data`, one of each; each begins again when it
    ends."""
    name: str = ""
    """What logs and reports call it."""
    loss: str | None = None
    """One of `maze_rl.configs.losses.LOSSES`; None for the run's."""
    rate: float = 1.0
    """Factor on every learning rate of the phase."""
    restart: bool = False
    """Begin with a new optimizer and at the start of the schedule, whose length then is this phase's and of those after
    it that do not restart."""
    spin: SpinConfig | None = None
    """Play a round against the model the phase begins with, instead of learning from the mazes' paths; restarts."""
    lora: int | None = None
    """Train adapters of this rank alone, merged at the end of the phase; restarts. None trains all weights."""

    def __post_init__(self) -> None:
        check_field_types(self)
        what = f"phase {self.name!r}" if self.name else "a phase"
        if not is_count(self.steps):
            raise ConfigurationError(f"{what} has {self.steps} steps: training needs at least one step in every phase.")
        if not (is_number(self.rate, 0, 1e9) and self.rate > 0):
            raise ConfigurationError(f"{what}: rate is {self.rate}: a factor above 0, please.")
        if self.lora is not None and not is_count(self.lora):
            raise ConfigurationError(f"{what}: lora is {self.lora}: the rank of adapters is at least 1.")
        if self.interleaved and self.data is None:
            raise ConfigurationError(f"{what} has interleaved datasets and no data to take in turn with: set data.")
        if self.loss is not None:
            read_choice("loss", LOSSES, self.loss)
        if self.loss is not None and self.spin is not None:
            raise ConfigurationError(
                f"{what} has two owners of the objective, loss {self.loss!r} and spin: remove one "
                "(spin's nll adds the likelihood of the real path)."
            )

    @property
    def datasets(self) -> tuple[DataFolder, ...]:
        """The datasets whose mazes are taken in turn; none on the stream."""
        return () if self.data is None else (self.data, *self.interleaved)

    @property
    def restarts(self) -> bool:
        """Whether optimizer and schedule begin anew here."""
        return self.restart or self.stands_alone

    @property
    def stands_alone(self) -> bool:
        """Whether no other phase shares its optimizer: a round of self-play, or one that trains adapters."""
        return self.spin is not None or self.lora is not None


@dataclass(frozen=True, kw_only=True)
class Stretch(Shown):
    """Phases that share one optimizer and one learning-rate schedule."""

    first: int
    """Its first step, counted from 0 over the run."""
    phases: tuple[Phase, ...]
    number: int
    """Which stretch of the run, from 0."""

    @property
    def steps(self) -> int:
        """Steps of its phases."""
        return sum(phase.steps for phase in self.phases)

    @property
    def last(self) -> int:
        """The step after its last one."""
        return self.first + self.steps


@dataclass(frozen=True, kw_only=True)
class TrainingConfig(Shown):
    """One training run; budgets are step counts, never clock time.

    Raises:
        ConfigurationError: A number is out of range; the message names it.
        UnknownNameError: A named choice is unknown.
    """

    phases: tuple[Phase, ...]
    """Trained one after another, under one optimizer and schedule where none restarts."""
    loss: str = "path_only"
    """One of `maze_rl.configs.losses.LOSSES`, with options as in ``weighted:0.3``, or ``package.module:function``."""
    objective: str = "cross_entropy"
    """One of `maze_rl.configs.losses.OBJECTIVES`, with options as in ``hints:0.5``, or one's own."""
    update_rule: str = "every_step"
    """One of `maze_rl.configs.update_rules.UPDATE_RULES`, e.g. ``dice:classic,dc=12``, or one's own."""
    lr_controller: str = "none"
    """One of `maze_rl.configs.learning_rates.CONTROLLERS`, e.g. ``q_learning:every=20``, or one's own."""
    weight_factors: Sequence[str] = ()
    """What the weights of the loss are multiplied by: some of `maze_rl.configs.losses.FACTORS`, or one's own."""
    starts: int = 0
    """Cells of each maze, beside its origin, that are asked for one step behind the same prompt."""
    stray_tokens: int = 0
    """Most cells (or edges) in a prompt that belong to no maze; their number is drawn evenly from 0 on."""
    mazes_per_canvas: int = 1
    """Most mazes in a prompt, each with a target of its own; their number is drawn evenly from 1 on."""
    training_loops: Sequence[int] = ()
    """(least, most) of the loops of a step, drawn evenly, also as ``"4..18"``; empty for as many as the model is built
    with."""
    growing_loops: bool = False
    """Whether the most loops of a step grow with its mazes, as a share of `training_loops`: a phase of small mazes does
    not pay for loops that only larger ones need."""
    gradient_loops: int | None = None
    """The last loops of a step that gradients go through, the loops before them being run alone (Bansal et al. 2022,
    arXiv 2202.05826); None for all. A step of fewer loops has gradients through all of them."""
    batch_size: int = 64
    """Mazes per mini-batch."""
    accumulation: int = 1
    """Mini-batches per optimizer step."""
    micro_batch_tokens: int = 8192
    """Most tokens, padding included, that go through the network at once; a memory split, nothing else."""
    optimizer: str = "muon"
    """One of `OPTIMIZERS`, or ``package.module:function``, called with `model` and `config`."""
    learning_rate: float = 2.5e-3
    """Peak learning rate."""
    matrix_learning_rate: float = 2e-2
    """Peak learning rate of the weight matrices under `muon`; the rest takes `learning_rate`."""
    weight_decay: float = 0.01
    """Decoupled decay of the weight matrices inside the blocks; nothing else decays."""
    schedule: str = "warmup_cosine"
    """One of `maze_rl.configs.learning_rates.SCHEDULES`, e.g. ``wsd:decay=0.3``, or one's own."""
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
        check_field_types(self)
        object.__setattr__(self, "training_loops", least_and_most(self.training_loops))
        factors = self.weight_factors  # JSON has lists; equal configurations must be equal
        object.__setattr__(self, "weight_factors", (factors,) if isinstance(factors, str) else tuple(factors))
        if not all(isinstance(phase, Phase) for phase in self.phases):
            raise ConfigurationError(f"phases is {self.phases!r}: expected a tuple of Phase.")
        for slot, known, text in (
            ("loss", LOSSES, self.loss),
            ("objective", OBJECTIVES, self.objective),
            ("learning-rate controller", CONTROLLERS, self.lr_controller),
            ("schedule", SCHEDULES, self.schedule),
            ("optimizer", OPTIMIZERS, self.optimizer),
        ):
            read_choice(slot, known, text)
        check_update_rule(read_choice("update rule", UPDATE_RULES, self.update_rule))
        if self.precision not in PRECISIONS:
            raise unknown_name("precision", self.precision, PRECISIONS)
        if not self.phases:
            raise ConfigurationError("phases: training needs at least one.")
        self._check_numbers()
        self._check_prompts()
        check_together(self)

    def _check_numbers(self) -> None:
        for name in (
            "batch_size",
            "accumulation",
            "micro_batch_tokens",
            "checkpoint_every",
            "validate_every",
            "validation_mazes",
        ):
            if not is_count(getattr(self, name)):
                raise ConfigurationError(f"{name} is {getattr(self, name)}: a whole number, at least 1, please.")
        for name in ("learning_rate", "matrix_learning_rate", "clip_norm"):
            if not (is_number(getattr(self, name), 0, _LARGEST) and getattr(self, name) > 0):
                raise ConfigurationError(f"{name} is {getattr(self, name)}: it must be above 0.")
        for name in ("warmup_steps", "weight_decay"):
            if not is_number(getattr(self, name), 0, _LARGEST):
                raise ConfigurationError(f"{name} is {getattr(self, name)}: it must be 0 or more.")

    def _check_prompts(self) -> None:
        for text in self.weight_factors:
            read_choice("weight factor", FACTORS, text)
        for name, least in (("starts", 0), ("stray_tokens", 0), ("mazes_per_canvas", 1)):
            if not is_count(getattr(self, name), least):
                raise ConfigurationError(
                    f"{name} is {getattr(self, name)}: it must be a whole number, at least {least}."
                )
        if self.gradient_loops is not None and not is_count(self.gradient_loops):
            raise ConfigurationError(f"gradient_loops is {self.gradient_loops}: gradients go through one at least.")
        drawn = self.training_loops
        if drawn and not (len(drawn) == 2 and all(map(is_count, drawn)) and drawn[0] <= drawn[1]):
            raise ConfigurationError(
                f"training_loops is {drawn}: expected the least and the most loops of a step, such as (4, 18)."
            )

    def loops_in(self, phase: Phase) -> tuple[int, int] | None:
        """Return (least, most) of the loops of the steps of a phase; None for as many as the model is built with."""
        if not self.training_loops:
            return None
        least, most = self.training_loops
        if self.growing_loops:
            largest = max(each.mazes.largest_side for each in self.phases)
            most = math.ceil(most * phase.mazes.largest_side / largest)
        return least, max(least, most)

    @property
    def asked(self) -> Asked:
        """What a sequence asks, and what else stands on its canvas."""
        return Asked(starts=self.starts, stray_tokens=self.stray_tokens, mazes_per_canvas=self.mazes_per_canvas)

    @property
    def steps(self) -> int:
        """Batches of all phases."""
        return sum(phase.steps for phase in self.phases)

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """The phases in stretches that share an optimizer and a schedule."""
        groups: list[list[Phase]] = []
        for phase in self.phases:
            if phase.restarts or not groups or groups[-1][-1].stands_alone:
                groups.append([])
            groups[-1].append(phase)
        ends = list(accumulate((sum(phase.steps for phase in group) for group in groups), initial=0))
        return tuple(
            Stretch(first=first, phases=tuple(group), number=number)
            for number, (first, group) in enumerate(zip(ends, groups, strict=False))
        )

    def loss_at(self, phase: Phase) -> str:
        """Return the loss of a phase."""
        return self.loss if phase.loss is None else phase.loss

    def phase_number(self, step: int) -> int:
        """Return the number, from 0, of the phase that `step` (0-based) belongs to; past the end, the last one."""
        for number, phase in enumerate(self.phases):
            if step < phase.steps:
                return number
            step -= phase.steps
        return len(self.phases) - 1

    def phase_at(self, step: int) -> Phase:
        """Return the phase that `step` (0-based) belongs to; past the end, the last one."""
        return self.phases[self.phase_number(step)]


def least_and_most(loops: AnyInts) -> tuple[int, ...]:
    """Return (least, most) of a range in words, a range or a number; what is given as two numbers as it is."""
    found = check_ints("training_loops", loops)
    whole = isinstance(loops, str | range) or index_of(loops) is not None
    return (min(found), max(found)) if whole and found else found


@dataclass(frozen=True, kw_only=True)
class StartModel(Shown):
    """A trained model to go on from."""

    model: str
    """A run folder, an exported one, or the name of a shipped model."""
    digest: str
    """SHA-256 of its weights, so that a resumed run begins with the same."""


@dataclass(frozen=True, kw_only=True)
class RunConfig(Shown):
    """Everything that decides a run, short of the machine."""

    training: TrainingConfig
    tokenization: TokenizationConfig = field(default_factory=lambda: TokenizationConfig(canvas=12, random_offsets=True))
    model: ModelConfig = field(default_factory=ModelConfig)
    seed: int = 0
    """Seed of weights, mazes and batches."""
    start: StartModel | None = None
    """A trained model whose weights are the first; None for fresh ones."""
    device: str = "cpu"
    """`cpu`, `cuda` or `cuda:N`."""

    def __post_init__(self) -> None:
        check_field_types(self)
        check_seed(self.seed)
        check_device_name(self.device)
        largest = max(self.sizes)
        if largest > self.tokenization.canvas:
            kept = self.start is not None  # a model that is gone on from keeps its canvas
            larger = ", as the model to go on from has no larger one" if kept else f" or --canvas {largest}"
            raise ConfigurationError(
                f"size {largest} does not fit on the {self.tokenization.canvas} x {self.tokenization.canvas} canvas: "
                f"use sizes up to {self.tokenization.canvas}{larger}."
            )
        check_embedding(self.model.embedding, self.tokenization.format)
        check_prompts(self)
        if self.start is None and self.training.phases[0].spin is not None:
            raise ConfigurationError(
                "phases: the first is a round of self-play, and fresh weights have nothing to play: begin with steps "
                "of supervised training, or from a trained model (--start-from)."
            )
        for phase in self.training.phases:
            if phase.lora is not None and phase.lora > self.model.d_model:
                raise ConfigurationError(
                    f"lora is {phase.lora}: adapters of a model with d_model {self.model.d_model} have rank 1 to "
                    f"{self.model.d_model}."
                )
        if self.training.precision == "bfloat16" and not self.device.startswith("cuda"):
            raise ConfigurationError("precision bfloat16 needs a CUDA device: use float32 on the CPU.")

    @property
    def sizes(self) -> tuple[int, ...]:
        """All sizes trained on, ascending."""
        return tuple(sorted({size for phase in self.training.phases for size in check_squares(phase.mazes.sizes)}))


def run_to_json(config: RunConfig) -> dict[str, Any]:
    """Return `config` as plain JSON values."""
    values = asdict(config)
    for phase, saved in zip(config.training.phases, values["training"]["phases"], strict=True):
        saved["mazes"] = spec_to_json(phase.mazes)
    values["training"]["phases"] = list(values["training"]["phases"])
    return values


def phase_from_json(values: dict[str, Any]) -> Phase:
    """Rebuild a `Phase` from plain values."""
    parts = {"data": DataFolder, "spin": SpinConfig}
    built: dict[str, Any] = values | {"mazes": spec_from_json(values["mazes"])}
    built |= {name: made(**values[name]) for name, made in parts.items() if values.get(name) is not None}
    built["interleaved"] = tuple(DataFolder(**each) for each in values.get("interleaved", ()))
    return Phase(**built)


def run_from_json(values: dict[str, Any]) -> RunConfig:
    """Rebuild a `RunConfig` from `run_to_json`."""
    training = dict(values["training"])
    phases = tuple(phase_from_json(phase) for phase in training.pop("phases"))
    return RunConfig(
        training=TrainingConfig(phases=phases, **training),
        tokenization=TokenizationConfig(**values["tokenization"]),
        model=ModelConfig(**values["model"]),
        seed=values["seed"],
        device=values["device"],
        start=StartModel(**values["start"]) if values.get("start") else None,
    )
