"""Which pairs of cells become origin and target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from maze_rl.configs.field_types import check_field_types
from maze_rl.configs.ranges import check_ints, format_range, parse_range
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, MazeRLError, unknown_name
from maze_rl.plain_numbers import index_of, whole_number

PLACES = ("anywhere", "dead_end")
PATHS = ("any", "one", "several")
_HEAVIEST = 1e9
LONGEST_PATH = 2**31 - 1
Cells = tuple[tuple[int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Endpoints(Shown):
    """A distribution over (origin, target) pairs of one maze: uniform over the pairs that meet every constraint.

    Pairs are of different cells that can reach each other; where not all cells can, both lie in the largest component.

    Raises:
        ConfigurationError: A field is out of range or contradicts another; the message names it.
        UnknownNameError: A place or kind of paths is unknown.
    """

    min_path_length: int = 1
    """Fewest steps between origin and target on a shortest path."""
    max_path_length: int | None = None
    """Most steps between origin and target; None for no limit."""
    path_lengths: tuple[tuple[int, float], ...] = ()
    """(steps, weight) pairs: each maze first draws its path length from these, whatever its size; () for none."""
    origin: str = "anywhere"
    """`anywhere`, or `dead_end`: a cell with one open side."""
    target: str = "anywhere"
    """As `origin`."""
    origins: Cells | None = None
    """The cells (row, col) an origin may be; None for all. One cell fixes it."""
    targets: Cells | None = None
    """As `origins`."""
    paths: str = "any"
    """`one`: exactly one shortest path; `several`: more than one; `any`."""

    def __post_init__(self) -> None:
        check_field_types(self)
        for name in ("origin", "target"):
            if getattr(self, name) not in PLACES:
                raise unknown_name(f"place of the {name}", getattr(self, name), PLACES)
        if self.paths not in PATHS:
            raise unknown_name("number of shortest paths", self.paths, PATHS)
        for name in ("origins", "targets"):
            if getattr(self, name) == ():
                raise ConfigurationError(f"{name}: no cell is given; leave it out to allow all.")
        self._check_lengths()

    def _check_lengths(self) -> None:
        if self.min_path_length < 1:
            raise ConfigurationError(
                f"min_path_length is {self.min_path_length}: origin and target differ, so at least 1."
            )
        if self.max_path_length is not None and self.max_path_length > LONGEST_PATH:
            raise ConfigurationError(f"max_path_length is {self.max_path_length}: at most {LONGEST_PATH}.")
        if self.max_path_length is not None and self.max_path_length < self.min_path_length:
            raise ConfigurationError(
                f"max_path_length {self.max_path_length} is below min_path_length {self.min_path_length}."
            )
        for steps, weight in self.path_lengths:
            highest = self.max_path_length or steps
            if not self.min_path_length <= steps <= highest:
                raise ConfigurationError(f"path_lengths holds {steps}, outside the path lengths allowed.")
            if not 0 < weight <= _HEAVIEST:
                raise ConfigurationError(
                    f"path_lengths gives {steps} steps the weight {weight}: above 0 to 1e9, please."
                )

    def check_fit(self, shapes: Sequence[tuple[int, int]]) -> None:
        """Check that grids of every one of `shapes` can hold such pairs.

        Raises:
            ConfigurationError: A path is longer than a grid allows, or a cell lies outside one.
        """
        longest = max([self.min_path_length, *(steps for steps, _ in self.path_lengths)])
        field = "path_lengths asks for" if longest > self.min_path_length else "min_path_length is"
        if self.origins is not None and self.origins == self.targets and len(self.origins) == 1:
            raise ConfigurationError(f"origins and targets are both {self.origins[0]}: they must differ.")
        for rows, cols in shapes:
            if longest >= rows * cols:
                raise ConfigurationError(
                    f"{field} {longest}: no path of a {rows} x {cols} maze has more than {rows * cols - 1} steps."
                )
            for name in ("origins", "targets"):
                for row, col in getattr(self, name) or ():
                    if not (0 <= row < rows and 0 <= col < cols):
                        raise ConfigurationError(f"{name}: ({row}, {col}) lies outside the {rows} x {cols} grid.")

    @property
    def wish(self) -> str:
        """The constraints in words, for error messages."""
        if self == Endpoints():
            return "endpoints anywhere"
        parts = []
        if self.path_lengths:
            parts.append(f"a path of {_lengths_text(self.path_lengths)} steps")
        elif self.min_path_length > 1 or self.max_path_length is not None:
            most = "" if self.max_path_length is None else f" to {self.max_path_length}"
            parts.append(f"a path of {self.min_path_length}{most or ' or more'} steps")
        parts += [f"its {name} at a dead end" for name in ("origin", "target") if getattr(self, name) == "dead_end"]
        parts += [f"its {name[:-1]} among given cells" for name in ("origins", "targets") if getattr(self, name)]
        if self.paths != "any":
            parts.append("exactly one shortest path" if self.paths == "one" else "several shortest paths")
        return ", ".join(parts)


def _lengths_text(lengths: tuple[tuple[int, float], ...]) -> str:
    """Write a distribution over path lengths: ``5..15``, or with weights where they differ."""
    if len({weight for _, weight in lengths}) == 1:
        return format_range(tuple(steps for steps, _ in lengths))
    return ", ".join(f"{steps} (weight {weight:g})" for steps, weight in lengths)


def endpoints_from(values: Any) -> Endpoints:
    """Build `Endpoints` from values as people give them.

    `path_lengths` are lengths as in `maze_rl.configs.ranges`, ``{steps: weight}``, or text as the command line has it;
    `origins` and `targets` are cells (row, col), a single one, or such text.

    Raises:
        MazeRLError: A value has another form, or there is no field of a name.
    """
    if not isinstance(values, Mapping):
        raise ConfigurationError(f"endpoints is {values!r}: expected names and values, as {{'origin': 'dead_end'}}.")
    found, known = dict(values), [each.name for each in fields(Endpoints)]
    for name in found:
        if name not in known:
            raise unknown_name("constraint on endpoints", str(name), known)
    if "path_lengths" in found:
        found["path_lengths"] = _lengths_from(found["path_lengths"])
    for name in ("origins", "targets"):
        if found.get(name) is not None:
            found[name] = _cells_from(name, found[name])
    return Endpoints(**found)


def _lengths_from(given: Any) -> tuple[tuple[int, float], ...]:
    if isinstance(given, str):
        return parse_path_lengths(given)
    try:
        pairs = given.items() if isinstance(given, Mapping) else [tuple(pair) for pair in given]
        return tuple((whole_number("a path length", steps), float(weight)) for steps, weight in pairs)
    except (TypeError, ValueError):
        pass
    try:
        return tuple((steps, 1.0) for steps in check_ints("path_lengths", given))
    except MazeRLError:
        raise ConfigurationError(
            f"path_lengths is {given!r}: expected lengths, as 12, '5..20' or range(5, 21), or {{steps: weight}}."
        ) from None


def _cells_from(name: str, given: Any) -> Cells:
    if isinstance(given, str):
        return parse_cells(given)
    try:
        several = list(given)
        cells = [several] if len(several) == 2 and all(index_of(each) is not None for each in several) else several
        return tuple(dict.fromkeys((whole_number(name, row), whole_number(name, col)) for row, col in cells))
    except (TypeError, ValueError):
        raise ConfigurationError(
            f"{name} is {given!r}: expected cells (row, col), as [(0, 0), (4, 4)], one cell, or '0,0;4,4'."
        ) from None


def parse_path_lengths(text: str) -> tuple[tuple[int, float], ...]:
    """Read a distribution over path lengths: ``5..20`` (each as likely) or weights as in ``5:2,10:1``.

    Raises:
        MazeRLError: The text is neither.
    """
    if ":" not in text:
        return tuple((steps, 1.0) for steps in parse_range(text))
    try:
        pairs = [part.split(":") for part in text.split(",")]
        return tuple((int(steps), float(weight)) for steps, weight in pairs)
    except ValueError:
        raise MazeRLError(f"cannot read {text!r} as path lengths: write 5..20, or weights as in 5:2,10:1.") from None


def parse_cells(text: str) -> Cells:
    """Read cells as people write them: ``0,0`` or ``0,0;4,4``.

    Raises:
        MazeRLError: The text is no list of cells.
    """
    try:
        return tuple((int(row), int(col)) for row, col in (part.split(",") for part in text.split(";")))
    except ValueError:
        raise MazeRLError(f"cannot read {text!r} as cells: write row,col or several as in 0,0;4,4.") from None
