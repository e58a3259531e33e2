"""What mazes to make: sizes, algorithm, endpoints, split."""

from dataclasses import asdict, dataclass, field

from maze_rl.configs.ranges import check_sizes
from maze_rl.errors import ConfigurationError, unknown_name

SPLITS = ("train", "validation", "test")
ALGORITHMS = ("dfs", "wilson", "dfs_percolation")


@dataclass(frozen=True, kw_only=True)
class MazeSpec:
    """A distribution over mazes; with a seed and an index it names one maze.

    Raises:
        ConfigurationError: A field is out of range; the message names it.
        UnknownNameError: The algorithm or split is unknown.
    """

    sizes: tuple[int, ...] = (5, 6, 7, 8, 9)
    """Cells per side; each maze draws one of them uniformly."""
    algorithm: str = "dfs"
    """Name of the generator."""
    percolation: float = 0.1
    """Chance that each wall left by the tree is opened; used by `dfs_percolation` alone. 0 to 1."""
    min_path_length: int = 1
    """Fewest steps between origin and target on a shortest path."""
    max_path_length: int | None = None
    """Most steps between origin and target; None for no limit."""
    split: str | None = None
    """`train`, `validation` or `test`, decided by the maze's connections; None takes all mazes."""

    def __post_init__(self) -> None:
        check_sizes(self.sizes)
        if self.algorithm not in ALGORITHMS:
            raise unknown_name("algorithm", self.algorithm, ALGORITHMS)
        if self.split is not None and self.split not in SPLITS:
            raise unknown_name("split", self.split, SPLITS)
        if not 0.0 <= self.percolation <= 1.0:
            raise ConfigurationError(f"percolation is {self.percolation}: it is a probability, 0 to 1.")
        if self.min_path_length < 1:
            raise ConfigurationError(
                f"min_path_length is {self.min_path_length}: origin and target differ, so at least 1."
            )
        smallest = min(self.sizes)
        if self.min_path_length >= smallest**2:
            raise ConfigurationError(
                f"min_path_length is {self.min_path_length}: no path of a {smallest} x {smallest} maze has more than "
                f"{smallest**2 - 1} steps."
            )
        if self.max_path_length is not None and self.max_path_length < self.min_path_length:
            raise ConfigurationError(
                f"max_path_length {self.max_path_length} is below min_path_length {self.min_path_length}."
            )


@dataclass(frozen=True, kw_only=True)
class GenerationConfig:
    """How many mazes of a specification to make, from which seed."""

    spec: MazeSpec = field(default_factory=MazeSpec)
    num: int = 1000
    """Number of mazes."""
    seed: int = 0
    """Seed; maze i depends on (spec, seed, i) alone."""

    def __post_init__(self) -> None:
        if self.num < 1:
            raise ConfigurationError(f"num is {self.num}: ask for at least one maze.")


def spec_to_json(spec: MazeSpec) -> dict[str, object]:
    """Return `spec` as plain JSON values."""
    values: dict[str, object] = asdict(spec)
    return values | {"sizes": list(spec.sizes)}


def spec_from_json(values: dict[str, object]) -> MazeSpec:
    """Rebuild a `MazeSpec` from `spec_to_json`."""
    return MazeSpec(**(values | {"sizes": tuple(values["sizes"])}))  # type: ignore[arg-type]
