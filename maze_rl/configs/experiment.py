"""What an experiment is: named runs (arms) that differ in what is asked about, and how they are judged.

Every arm is trained once for each seed. The same seed means the same first weights and the same mazes in the same
order, so arms are compared seed by seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from maze_rl.configs.changes import change_run, sort_changes
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.presets import default_run, warmup_of
from maze_rl.configs.ranges import AnySizes, check_sizes, check_squares, format_range
from maze_rl.configs.tokenization import ONE_TOKEN_PER_CELL, TokenizationConfig
from maze_rl.configs.training import Phase, RunConfig, TrainingConfig
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name

SMALLEST_TEST_SIZE = 3
"""Mazes of 2 x 2 cells ask for nothing."""
SMALLEST_JUDGED_SIZE = 5
"""Smaller mazes have few layouts (27 in the test split of depth-first 4 x 4 mazes): what is measured on them is shown
and gets no verdict."""
LOWER_IS_BETTER = ("loss", "adjacency_first")
"""Endings of the names of measures of which less is better."""


@dataclass(frozen=True, kw_only=True)
class Scale(Shown):
    """How big the runs of an experiment are."""

    sizes: tuple[int, ...]
    """Cells per side of the mazes trained on."""
    canvas: int
    steps: int
    model: ModelConfig
    test_mazes: int
    """Per size."""


SMALL = Scale(sizes=(3, 4), canvas=5, steps=500, model=ModelConfig(n_layers=2, d_model=64, n_heads=4), test_mazes=500)
"""About a minute of one CPU core for an arm and seed."""
LARGE = Scale(sizes=(5, 6, 7, 8, 9), canvas=12, steps=5000, model=ModelConfig(), test_mazes=1000)
"""Not measured; by extrapolation, hours of one CPU core for an arm and seed."""


@dataclass(frozen=True, kw_only=True)
class Experiment(Shown):
    """Runs to train, and what to ask of them.

    Raises:
        UnknownNameError: `control` or a name in `shams` is no arm.
        ConfigurationError: A number is out of range, or a test size does not fit on the canvas of an arm.
    """

    arms: Mapping[str, RunConfig]
    """The runs by name, in the order they are shown; their seed is replaced by 0, 1, 2, ..."""
    control: str
    """The arm every other is compared with."""
    shams: Mapping[str, str] = field(default_factory=dict)
    """Arm -> arm that does all but what is asked about; compared in addition to the control."""
    seeds: int = 3
    """Runs per arm."""
    measures: tuple[str, ...] = ("rollouts",)
    """What is measured on trained models: names of `maze_rl.evaluation.measures`, or ``package.module:function``."""
    test_sizes: tuple[int, ...] = ()
    """Cells per side of the test mazes, as ``"4..6"`` or (4, 5); () for one less than the smallest trained on, up to
    the canvas."""
    test_mazes: int = SMALL.test_mazes
    """Test mazes per size, of the algorithm of the control's last phase."""
    judged: tuple[str, ...] = ()
    """Measures that are compared, as ``shortest@5``: its name and the maze size; () for the rate of shortest paths
    and the path loss at the largest size trained on, and where that is under `SMALLEST_JUDGED_SIZE` at this size too if
    it is tested. Only sizes from there on get a verdict."""

    def __post_init__(self) -> None:
        for name in (self.control, *self.shams, *self.shams.values()):
            if name not in self.arms:
                raise unknown_name("arm", name, self.arms)
        if self.seeds < 1 or self.test_mazes < 1:
            raise ConfigurationError(f"seeds is {self.seeds}, test_mazes is {self.test_mazes}: both are at least 1.")
        canvas = min(arm.tokenization.canvas for arm in self.arms.values())
        trained = self.arms[self.control].sizes
        usual = tuple(range(max(trained[0] - 1, SMALLEST_TEST_SIZE), canvas + 1))
        named = not (isinstance(self.test_sizes, tuple) and len(self.test_sizes) == 0)
        object.__setattr__(self, "test_sizes", check_squares(self.test_sizes) if named else usual)
        if max(self.test_sizes) > canvas:
            raise ConfigurationError(f"test size {max(self.test_sizes)} does not fit on an arm's canvas of {canvas}.")
        if not self.judged:
            sizes = [trained[-1]]
            if trained[-1] < SMALLEST_JUDGED_SIZE and SMALLEST_JUDGED_SIZE in self.test_sizes:
                sizes.append(SMALLEST_JUDGED_SIZE)
            judged = tuple(f"{name}@{size}" for size in sizes for name in ("shortest", "path_loss"))
            object.__setattr__(self, "judged", judged)
        self._check_judged()

    def _check_judged(self) -> None:
        """Check that what is judged will have been measured, as far as names tell."""
        for measure in self.judged:
            name, _, where = measure.partition("@")
            if not name or not where:
                raise ConfigurationError(f"judged {measure!r}: write what@where, as shortest@{self.test_sizes[0]}.")
            if where.isdecimal() and int(where) not in self.test_sizes:
                raise ConfigurationError(
                    f"judged {measure!r}: no mazes of that size are tested; test_sizes has "
                    f"{', '.join(map(str, self.test_sizes))}."
                )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The comparisons that get a verdict: (arm, what it is compared with)."""
        return compared_pairs(list(self.arms), self.control, self.shams)


def compared_pairs(arms: list[str], control: str, shams: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (arm, control) for every other arm, then (arm, sham) where that is another arm than the control."""
    pairs = [(arm, control) for arm in arms if arm != control]
    return pairs + [pair for pair in shams.items() if pair not in pairs]


def lower_is_better(measure: str) -> bool:
    """Tell whether less is better for a measure such as ``path_loss@4``."""
    return measure.partition("@")[0].endswith(LOWER_IS_BETTER)


def too_small_to_judge(measure: str) -> bool:
    """Tell whether a measure such as ``path_loss@4`` is of mazes too small for a verdict."""
    where = measure.partition("@")[2]
    return where.isdecimal() and int(where) < SMALLEST_JUDGED_SIZE


def scale(large: bool) -> Scale:
    """Return the scale of an experiment: small by default."""
    return LARGE if large else SMALL


def searching_run(steps: int, *, large: bool = False, **changes: Any) -> RunConfig:
    """Return the default run on small mazes, with some changes: what learns to search in minutes of one core.

    Sizes are 3 x 3 to 5 x 5, loops those that the default run has while its mazes are of 5 x 5: 4 to 10 of 18.

    Args:
        steps: Optimizer steps.
        large: The sizes and loops of the default run instead.
        **changes: Fields of `MazeSpec`, or as for `maze_rl.configs.changes.change_run`.

    Raises:
        UnknownNameError: A change names no field.
        ConfigurationError: A value is out of range, or contradicts another.
    """
    mazes, *others = sort_changes(changes, MazeSpec, TrainingConfig, TokenizationConfig, ModelConfig)
    usual = {"sizes": (5, 6, 7, 8, 9) if large else (3, 4, 5), "split": "train"}
    base = default_run(MazeSpec(**(usual | mazes)), device="cpu", steps=steps)
    if not large:
        base = change_run(base, loops=10, training_loops=(4, 10))
    return change_run(base, **{name: value for part in others for name, value in part.items()})


def small_run(
    sizes: AnySizes | None = None, *, steps: int | None = None, large: bool = False, **changes: Any
) -> RunConfig:
    """Return the base of an experiment's arms: a small run of path_only on depth-first mazes, with some changes.

    Args:
        sizes: Cells per side of the training mazes, as ``"3..4"`` or 7; None for those of the scale.
        steps: Optimizer steps; None for those of the scale.
        large: The sizes, model and steps of `LARGE` instead of `SMALL`.
        **changes: Fields of `TrainingConfig`, `ModelConfig`, `TokenizationConfig` or `MazeSpec` by name.

    Raises:
        UnknownNameError: A change names no such field.
    """
    base = scale(large)
    kinds = (ModelConfig, TokenizationConfig, MazeSpec, TrainingConfig)
    steps = base.steps if steps is None else steps
    model, tokens, mazes, training = sort_changes(changes, *kinds)
    token_format = tokens.get("format", TokenizationConfig.format)
    model.setdefault("embedding", "factored" if token_format in ONE_TOKEN_PER_CELL else "free")
    usual = {"sizes": base.sizes if sizes is None else check_sizes(sizes), "split": "train"}
    phase = Phase(steps=steps, mazes=MazeSpec(**(usual | mazes)))
    settings = {
        "phases": (phase,),
        "batch_size": 64,
        "micro_batch_tokens": 8192,
        "warmup_steps": warmup_of(steps),
        "checkpoint_every": max(1, steps // 4),
        "validate_every": max(1, steps // 20),
        "validation_mazes": 128,
    }
    return RunConfig(
        training=TrainingConfig(**(settings | training)),
        tokenization=TokenizationConfig(**({"canvas": base.canvas, "random_offsets": True} | tokens)),
        model=replace(base.model, **model),
    )


def arm_in_words(run: RunConfig) -> str:
    """Say how long an arm trains, and on what."""
    phases = run.training.phases
    sizes = " then ".join(dict.fromkeys(format_range(phase.mazes.sizes) for phase in phases))
    return f"{run.training.steps:,} steps of {run.training.batch_size * run.training.accumulation} mazes, sizes {sizes}"
