"""What mazes to make: sizes, algorithm, endpoints, split."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from maze_rl.configs.algorithms import ALGORITHMS, TREES, check_algorithm, complete_options
from maze_rl.configs.endpoints import Endpoints, endpoints_from
from maze_rl.configs.field_types import check_field_types
from maze_rl.configs.options import OptionValue
from maze_rl.configs.ranges import Size, check_sizes
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.plain_numbers import check_seed

MOST_MAZES, LARGEST_INDEX = 10**12, 2**62
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class MazeSpec(Shown):
    """A distribution over mazes; with a seed and an index it names one maze.

    Raises:
        ConfigurationError: A field is out of range; the message names it.
        UnknownNameError: The algorithm, one of its options, or the split is unknown.
    """

    sizes: tuple[Size, ...] = (5, 6, 7, 8, 9)
    """Cells per side, or (rows, cols), or anything `maze_rl.configs.ranges` reads as sizes; each maze draws one of them
    uniformly."""
    algorithm: str = "dfs"
    """Name of the generator, or ``package.module:function`` for one's own."""
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    """Settings of the algorithm, e.g. ``{"percolation": 0.2}``; those left out are at their defaults."""
    endpoints: Endpoints = field(default_factory=Endpoints)
    """Which (origin, target) pairs are drawn."""
    split: str | None = None
    """`train`, `validation` or `test`, decided by the maze's connections; None takes all mazes."""

    def __post_init__(self) -> None:
        check_field_types(self)
        object.__setattr__(self, "sizes", check_sizes(self.sizes))
        check_algorithm(self.algorithm)
        if not isinstance(self.options, Mapping):
            raise ConfigurationError(
                f"options is {self.options!r}: expected names and values, as {{'percolation': 0.2}}."
            )
        object.__setattr__(self, "options", complete_options(self.algorithm, self.options))
        if self.split is not None and self.split not in SPLITS:
            raise unknown_name("split", self.split, SPLITS)
        self.endpoints.check_fit(self.shapes)
        if self.endpoints.paths == "several" and self.algorithm in TREES:
            raise ConfigurationError(
                f"paths is several: {self.algorithm} mazes are trees, with one path between two cells: use one with "
                "cycles, as dfs_percolation or braid."
            )
        if self.options.get("percolation") == 0 and self.algorithm == "percolation":
            raise ConfigurationError("percolation is 0: no two cells are ever connected: use more.")

    @property
    def shapes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of each of the sizes."""
        return tuple((size, size) if isinstance(size, int) else size for size in self.sizes)

    @property
    def largest_side(self) -> int:
        """Cells along the longest side."""
        return max(map(max, self.shapes))


@dataclass(frozen=True, kw_only=True)
class GenerationConfig(Shown):
    """Which mazes of a specification to make, from which seed."""

    spec: MazeSpec = field(default_factory=MazeSpec)
    num: int = 1000
    """Number of mazes."""
    seed: int = 0
    """Seed; maze i depends on (spec, seed, i) alone."""
    first: int = 0
    """Index of the first maze: several machines can share one (spec, seed)."""

    def __post_init__(self) -> None:
        check_field_types(self)
        check_seed(self.seed)
        if self.num < 1:
            raise ConfigurationError(f"num is {self.num}: ask for at least one maze.")
        if self.first < 0:
            raise ConfigurationError(f"first is {self.first}: indices start at 0.")
        if self.first + self.num > LARGEST_INDEX or self.num > MOST_MAZES:
            raise ConfigurationError(
                f"num {self.num} from {self.first} on is out of bounds: at most {MOST_MAZES} mazes, indices below 2^62."
            )


def spec_from_arguments(**settings: Any) -> MazeSpec:
    """Build a `MazeSpec` from one flat list of settings: its fields, those of `Endpoints`, and algorithm options."""
    own: dict[str, Any] = {f.name: settings.pop(f.name) for f in fields(MazeSpec) if f.name in settings}
    ends = {f.name: settings.pop(f.name) for f in fields(Endpoints) if f.name in settings}
    for name, given in (("endpoints", ends), ("options", settings)):
        if given and name in own:
            raise ConfigurationError(f"{name} are given, and {', '.join(given)} beside them: give one or the other.")
    if ends:
        own["endpoints"] = endpoints_from(ends)
    if not isinstance(own.get("endpoints", Endpoints()), Endpoints):
        own["endpoints"] = endpoints_from(own["endpoints"])
    if settings:
        _check_names(own.get("algorithm", MazeSpec.algorithm), settings)
        own["options"] = settings
    if "sizes" in own:
        own["sizes"] = check_sizes(own["sizes"])
    return MazeSpec(**own)


def _check_names(algorithm: str, settings: Mapping[str, Any]) -> None:
    """Check that an algorithm has options of these names; a name that is near may be that of another setting."""
    if algorithm not in ALGORITHMS:
        return
    options = ALGORITHMS[algorithm]
    others = {each.name for kind in (MazeSpec, Endpoints, GenerationConfig) for each in fields(kind)} - {"spec"}
    for name in settings:
        if name not in options:
            raise unknown_name(f"setting of {algorithm} mazes", name, [*options, *others])


def spec_to_json(spec: MazeSpec) -> dict[str, Any]:
    """Return `spec` as plain JSON values."""
    return {
        "sizes": [size if isinstance(size, int) else list(size) for size in spec.sizes],
        "algorithm": spec.algorithm,
        "options": dict(spec.options),
        "endpoints": asdict(spec.endpoints),
        "split": spec.split,
    }


def spec_from_json(values: Mapping[str, Any]) -> MazeSpec:
    """Rebuild a `MazeSpec` from `spec_to_json`."""
    sizes = tuple(size if isinstance(size, int) else tuple(size) for size in values["sizes"])
    return MazeSpec(**{**values, "sizes": sizes, "endpoints": endpoints_from(values["endpoints"])})
