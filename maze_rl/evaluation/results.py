"""The result of an evaluation as plain dataclasses: everything a report shows is a field here, and in the JSON.

All carry 95 % intervals over layouts: mazes with the same walls up to rotation and reflection count together. Rates
have Wilson intervals of the effective number of mazes, means have bootstrap intervals, see `maze_rl.intervals`.
"""

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from maze_rl.displays.short_repr import Shown, interval_text
from maze_rl.evaluation.result_plot import plot_result
from maze_rl.evaluation.result_table import OWN as OWN
from maze_rl.evaluation.result_table import length_line, result_html, result_line, result_text, size_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

JsonDict = dict[str, Any]
FEWEST_LAYOUTS = 200
"""Rates on fewer layouts than this say little of other mazes, however many mazes there are."""


@dataclass(frozen=True, kw_only=True)
class Estimate(Shown):
    """A proportion or a mean over mazes with its 95 % interval."""

    value: float
    low: float
    high: float
    num: int
    """Number of mazes (or, for forks and steps, of decisions)."""
    layouts: int | None = None
    """Number of layouts among them; None in evaluations of earlier versions, which did not count them."""
    effective: float | None = None
    """Number of independent mazes with as wide an interval, for rates whose interval is over layouts."""

    def _headline(self) -> str:
        return f"{interval_text(self)}, num={self.num:,}"


@dataclass(frozen=True, kw_only=True)
class PairedDifference(Shown):
    """Model minus a baseline on the same mazes, in success rate."""

    value: float
    low: float
    high: float
    p_value: float
    """Exact McNemar test, two-sided."""

    def _headline(self) -> str:
        return f"{interval_text(self)}, p {self.p_value:.2g}"


@dataclass(frozen=True, kw_only=True)
class SizeRow(Shown):
    """Greedy rollouts on mazes of one size."""

    size: int
    num: int
    in_training_range: bool | None
    """Whether the model was trained on mazes of this size; None where what it was trained on is not known."""
    valid: Estimate
    reaches: Estimate
    simple: Estimate
    shortest: Estimate
    exact_match: Estimate
    spl: Estimate
    """Success weighted by path length: mean of [reaches] * D / max(m, D)."""
    optimality_ratio: Estimate | None
    """Mean m / D of the rollouts that reach the target; None where none does."""
    progress: Estimate
    """Mean of (D - least distance to target on the valid prefix) / D."""
    baselines: dict[str, Estimate]
    """Rate of shortest paths of each baseline on the same mazes."""
    against_manhattan: PairedDifference
    solved_where_manhattan_fails: Estimate | None
    """Rate of shortest paths among the mazes on which Manhattan greedy fails; None where it fails on none."""
    layouts: int | None = None
    """Number of layouts among the mazes; None where they were not counted."""
    against_baselines: dict[str, PairedDifference] = field(default_factory=dict)
    """Model minus each baseline on the same mazes; empty in evaluations of earlier versions, as the next two are."""
    solved: str = ""
    """Whether each maze was walked along a shortest path, 1 or 0, in order: what pairs it with another model."""
    layout_of: list[int] = field(default_factory=list)
    """Number of each maze's layout; empty where every maze has one of its own."""

    def _headline(self) -> str:
        return size_line(self)

    @property
    def few_layouts(self) -> bool:
        """Whether there are fewer than `FEWEST_LAYOUTS`, as far as they were counted."""
        return self.layouts is not None and self.layouts < FEWEST_LAYOUTS


@dataclass(frozen=True, kw_only=True)
class LengthRow(Shown):
    """Greedy rollouts on mazes whose shortest path has `low`..`high` steps (inclusive), all sizes together."""

    low: int
    high: int
    num: int
    in_training_range: bool | None
    """Whether training mazes had paths this long (up to their longest)."""
    shortest: Estimate
    baselines: dict[str, Estimate]
    layouts: int | None = None
    """Number of layouts among the mazes; None where they were not counted."""

    def _headline(self) -> str:
        return length_line(self)


@dataclass(frozen=True, kw_only=True)
class GridCell(Shown):
    """One cell of the size x path length heat map."""

    size: int
    low: int
    high: int
    shortest: Estimate
    """`num` tells how many mazes it rests on; cells under 50 are to be greyed."""


@dataclass(frozen=True, kw_only=True)
class TeacherForcedRow(Shown):
    """Next-cell predictions on reference shortest paths of mazes of one size."""

    size: int
    token_accuracy: Estimate
    fork_accuracy: Estimate | None
    forced_accuracy: Estimate | None
    legal_mass: Estimate
    optimal_mass: Estimate
    optimal_nll: Estimate
    """Mean of -log(optimal mass), nats."""
    fork_calibration_error: float | None
    """Expected calibration error at forks, 10 bins of equal width."""
    rollout_gap: float
    """Mean product of per-step teacher-forced success minus the rollout rate of shortest paths."""


@dataclass(frozen=True, kw_only=True)
class StepRow(Shown):
    """Single steps from cells of mazes of one size that are `low`..`high` steps (inclusive) from the target."""

    size: int
    low: int
    high: int
    mazes: int
    """Number of mazes with such a cell among those asked about."""
    accuracy: Estimate
    """Share of cells from which the most likely step is on a shortest path; `num` counts cells, its interval is over
    layouts."""


@dataclass(frozen=True, kw_only=True)
class LoopRow(Shown):
    """Greedy rollouts of a model with loops, its block applied `loops` times, on mazes of one size."""

    size: int
    loops: int
    as_kept: bool
    """Whether the model is kept with so many loops."""
    in_training_range: bool | None
    """Whether the model was trained on mazes of this size."""
    shortest: Estimate
    against_kept: PairedDifference | None = None
    """Rate with these loops minus that with as many as the model is kept with, on the same mazes; None for those
    themselves, and in evaluations of earlier versions."""


@dataclass(frozen=True, kw_only=True)
class AlgorithmRow(Shown):
    """Greedy rollouts on mazes of one size that an algorithm makes."""

    algorithm: str
    size: int
    trained_on: bool | None
    """Whether the model was trained on mazes of this algorithm."""
    in_training_range: bool | None
    """Whether the model was trained on mazes of this size."""
    shortest: Estimate
    manhattan: Estimate
    """Rate of shortest paths of Manhattan greedy on the same mazes."""
    by_length: list[GridCell] = field(default_factory=list)
    """The same rate by length of the shortest path; empty in evaluations of earlier versions."""


@dataclass(frozen=True, kw_only=True)
class LookAheadRow(Shown):
    """How far the choices at forks on shortest paths of mazes of one size look ahead, in steps."""

    size: int
    in_training_range: bool | None
    """Whether the model was trained on mazes of this size."""
    forks: int
    most: int
    """Most steps that a fork of these mazes asks for."""
    where: str
    """`within`: the rate falls at `look_ahead` steps; `above` or `below`: it is high or low throughout; `greedy`: what
    explains it is whether Manhattan greedy is right."""
    look_ahead: Estimate | None
    """L_eff of the curve with the covariate (`maze_rl.interp.behaviour.look_ahead`); None unless `within`. `num` counts
    forks."""
    lapse: float
    """Share of wrong choices where the model sees far enough; nan without forks."""
    fallback: float
    """Where it does not: 0 draws, 1 goes by Manhattan greedy; nan without forks."""
    steps_seen: Estimate
    """Area under the chance-normalised curve: the most steps that enough mazes ask for, for one who is always right."""


@dataclass(frozen=True, kw_only=True)
class FirstErrorRow(Shown):
    """Where and how rollouts on mazes of one size first leave the shortest paths."""

    size: int
    num: int
    counts: dict[str, int]
    """Number of rollouts by type of first error; `none` for those without; they add up to `num`."""
    mean_relative_position: float | None
    """Mean of i / D over the rollouts with an error."""
    mean_look_ahead: float | None
    """Mean look-ahead k* needed at the place of the first error."""
    hazard: list[float]
    """P(error at step i | none before), for i = 0, 1, ..."""
    at_risk: list[int]
    """Number of rollouts each hazard rests on."""
    constant_hazard: float | None
    """Maximum-likelihood constant hazard: errors / steps at risk; accuracy would fall as (1 - h)^D."""
    effective_share: float | None = None
    """Steps at risk that count for the interval of the constant hazard, as layouts repeat, over all; None where layouts
    were not counted."""


@dataclass(frozen=True, kw_only=True)
class Example(Shown):
    """One maze with the path the model walked."""

    size: int
    connections: list[list[list[int]]]
    """0/1, [2][rows][cols]."""
    origin: tuple[int, int]
    target: tuple[int, int]
    shortest_path: list[tuple[int, int]]
    model_path: list[tuple[int, int]]
    outcome: str
    """`shortest`, or the type of the first error."""


@dataclass(frozen=True, kw_only=True)
class EvaluationResult(Shown):
    """All that was measured on one model."""

    model: str
    """Name or folder of the model."""
    algorithm: str
    """Generator of the mazes; `OWN` for mazes that were given."""
    num_per_size: int
    """Mazes of each size; of mazes that were given, of the size that has most."""
    seed: int
    maze_digest: str
    """Digest of all test mazes with their endpoints; equal digests mean equal tests."""
    training_sizes: list[int]
    longest_training_path: int | None
    rows: list[SizeRow]
    by_length: list[LengthRow]
    grid: list[GridCell]
    teacher_forced: list[TeacherForcedRow]
    first_errors: list[FirstErrorRow]
    examples: list[Example]
    seconds: float
    steps_by_distance: list[StepRow] = field(default_factory=list)
    """Empty in evaluations of earlier versions; so are the next two."""
    by_loops: list[LoopRow] = field(default_factory=list)
    """Empty for a model without loops."""
    by_algorithm: list[AlgorithmRow] = field(default_factory=list)
    by_look_ahead: list[LookAheadRow] = field(default_factory=list)
    """Empty for a model whose single decisions the analyses do not read, and in evaluations of earlier versions."""
    by_split: dict[str, int] | None = None
    """Mazes of each split among those that were given, or generated for another split than the test split or for none;
    None where all are of the test split."""

    def _headline(self) -> str:
        return result_line(self)

    def __str__(self) -> str:
        return result_text(self)

    def _repr_html_(self) -> str:
        return result_html(self)

    def plot(self, ax: "Axes | None" = None, *, by: str = "size", label: str = "") -> "Axes":
        """Draw the rates of shortest paths with their intervals, beside the baselines; needs matplotlib.

        Args:
            ax: Where to draw, beside other results if there are any; a new figure without it.
            by: ``size`` of the mazes or ``length`` of their shortest paths.
            label: What the legend calls the model; its name without it.
        """
        return plot_result(self, ax, by, label)

    def to_json(self) -> JsonDict:
        """Return plain JSON values."""
        return asdict(self)

    def flat_rows(self) -> list[JsonDict]:
        """Return one flat row per size, for ``evaluate --json``: rates and ``[low, high]`` intervals."""
        return [_flat(row) for row in self.rows]


def _flat(row: SizeRow) -> JsonDict:
    names = ("size", "num", "layouts", "few_layouts", "in_training_range")
    flat: JsonDict = {name: getattr(row, name) for name in names}
    for name in ("valid", "reaches", "simple", "shortest", "exact_match", "spl", "progress"):
        estimate: Estimate = getattr(row, name)
        flat[name] = estimate.value
        flat[f"{name}_interval"] = [estimate.low, estimate.high]
    for name, estimate in row.baselines.items():
        flat[f"baseline_{name}"] = estimate.value
        flat[f"baseline_{name}_interval"] = [estimate.low, estimate.high]
    failed = row.solved_where_manhattan_fails
    flat["solved_where_manhattan_fails"] = None if failed is None else failed.value
    return flat
