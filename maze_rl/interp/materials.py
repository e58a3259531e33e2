"""What a model is judged on: mazes, decisions and pairs of one setting.

The choices are those of *demanding* mazes, with at least one fork that needs a look-ahead k* of `far` steps or more and
at which Manhattan greedy is wrong, and the flips lie `far` steps away or more: on easy mazes everything solves nearly
everything, and nothing can be told. Where a setting asks for a reach, all choices lie within it: what a search of that
reach cannot see says nothing about it. Only in steps to the target are whole mazes within a reach common enough to be
drawn; along other axes mazes are drawn as they come, and choices beyond it are left out.

Each score has mazes of its own, from a seed of its own. Where a split has few mazes of a size, sets would share them
all the same, and 95 % intervals claim more mazes than there are: that is refused.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np
from jaxtyping import Bool
from numpy import ndarray

from maze_rl.configs.algorithms import TREES
from maze_rl.configs.field_types import check_field_types
from maze_rl.configs.mazes import MazeSpec, spec_from_arguments
from maze_rl.configs.options import check_count
from maze_rl.configs.ranges import check_square
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, unknown_name
from maze_rl.interp.behaviour.flip_rate import FAR
from maze_rl.interp.behaviour.simple_rules import manhattan
from maze_rl.interp.inputs.decisions import Decisions, find_decisions
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, make_pairs
from maze_rl.interp.inputs.recombined_mazes import RecombinedMazes, recombine_mazes
from maze_rl.interp.inputs.within_reach import Within, steps_at
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.lattice import MazeBatch, MazeCollection
from maze_rl.mazes.splits import maze_hashes
from maze_rl.plain_numbers import check_seed
from maze_rl.seeding import stream_key
from maze_rl.tokenization.tokenization import Tokenization

FEWEST_STEPS = 4
"""Least reach that mazes are made within: under it no demanding maze has a flip."""
_BLOCK, _MOST_SEARCHED = 512, 400
"""Mazes looked through at once, and in all for each one that is asked for."""


@dataclass(frozen=True, kw_only=True)
class Setting(Shown):
    """The mazes a model is judged on.

    Raises:
        ConfigurationError: A size, count or seed is none, or the reach is below `FEWEST_STEPS`.
    """

    size: int
    """Cells per side, as 7 or ``"7"``."""
    algorithm: str = "dfs"
    split: str | None = "test"
    num_mazes: int = 300
    """Demanding mazes, for behaviour and attention."""
    num_pairs: int = 300
    """Flip pairs whose change is far, one from each maze."""
    num_probed: int = 600
    """Mazes for probes; half are fitted on."""
    num_swapped: int = 2048
    """Mazes for interchange; about one in ten is swapped into."""
    within: Within | None = None
    """The reach that all choices lie within; None for no limit."""
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", check_square("size", self.size))
        check_field_types(self)
        check_seed(self.seed)
        for name in ("num_mazes", "num_pairs", "num_probed", "num_swapped"):
            check_count(name, getattr(self, name))
        if self.within is not None and self.within.steps < FEWEST_STEPS:
            raise ConfigurationError(
                f"the reach is {self.within.steps} steps, and mazes that tell search from rules need at least "
                f"{FEWEST_STEPS}."
            )

    @property
    def far(self) -> int:
        """Steps from which on a change or a look-ahead counts as far: `FAR`, and less for a reach below 6."""
        return FAR if self.within is None else min(FAR, self.within.steps - 2)


@dataclass(frozen=True, eq=False)
class Materials(Shown):
    """What every model of one tokenization is shown."""

    setting: Setting
    decisions: Decisions
    pairs: PatchingPairs
    probed: MazeBatch
    swapped: RecombinedMazes


def gather(tokenization: Tokenization, setting: Setting) -> Materials:
    """Make the mazes, decisions and pairs of a setting; streams of the seed keep them apart.

    Raises:
        UnknownNameError: The algorithm is none that makes mazes without cycles.
        ConfigurationError: Too few mazes have a flip pair or lie within the reach, or the split has too few mazes of
            this size.
    """
    check_setting(setting)
    probed = plain_mazes(setting, setting.num_probed, "probes")
    _check_variety(setting, probed)
    demanding = find_decisions(tokenization, demanding_mazes(tokenization, setting), seed=setting.seed)
    demanding = demanding.take(_lie_within(demanding, setting.within))
    swapped = recombine_mazes(
        tokenization,
        _spec(setting),
        num=setting.num_swapped,
        within=setting.within,
        seed=_seed(setting, "interchange"),
    )
    pairs = _pairs(tokenization, setting, setting.num_pairs, setting.far, "pairs")
    return Materials(setting, demanding, pairs, probed, swapped)


def check_setting(setting: Setting) -> None:
    """Check, before anything is made, that a setting can be met.

    Raises:
        UnknownNameError: The algorithm is none that makes mazes without cycles.
        ConfigurationError: The mazes are too small for a far flip.
    """
    if setting.algorithm not in TREES:
        raise unknown_name("algorithm without cycles", setting.algorithm, TREES)
    if setting.size < FAR:
        raise ConfigurationError(
            f"size is {setting.size}: a flip {FAR} steps away needs at least {FAR} x {FAR} cells; use larger mazes."
        )


def plain_mazes(setting: Setting, num: int, stream: str) -> MazeBatch:
    """Return mazes, no more selected than by the length of their paths, where the reach is one in steps to the target.

    Raises:
        ConfigurationError: Too few have such paths.
    """
    return _first(setting, num, stream, lambda block: np.ones(len(block), bool), "have paths as short as asked for")


def demanding_mazes(tokenization: Tokenization, setting: Setting) -> MazeBatch:
    """Return mazes that have, on the way, a far fork within the reach at which Manhattan greedy is wrong.

    Raises:
        ConfigurationError: There are too few of them among the mazes of this size and algorithm.
    """

    def demands(block: MazeBatch) -> Bool[ndarray, " maze"]:
        decisions = find_decisions(tokenization, block, seed=setting.seed)
        far = decisions.is_fork & (decisions.look_ahead >= setting.far) & _lie_within(decisions, setting.within)
        wrong = ~(manhattan(decisions) & decisions.optimal).any(axis=1)
        return np.isin(np.arange(len(block)), decisions.maze[far & wrong])

    have = f"have a fork that needs look-ahead {setting.far} and that Manhattan greedy gets wrong"
    return _first(setting, setting.num_mazes, "decisions", demands, have)


def pairs_of_any_depth(tokenization: Tokenization, setting: Setting) -> PatchingPairs:
    """Return twice as many flip pairs as the scorecard has, at any distance from the fork.

    Depths are as even as mazes allow: a model that follows near changes alone is patched there.
    """
    return _pairs(tokenization, setting, 2 * setting.num_pairs, 0, "any depth")


def _pairs(tokenization: Tokenization, setting: Setting, num: int, least_depth: int, stream: str) -> PatchingPairs:
    return make_pairs(
        tokenization,
        size=setting.size,
        num=num,
        depths=(least_depth, setting.size**2),
        algorithm=setting.algorithm,
        split=setting.split,
        within=setting.within,
        seed=_seed(setting, stream),
    )


def _first(
    setting: Setting, num: int, stream: str, is_wanted: Callable[[MazeBatch], Bool[ndarray, " maze"]], what: str
) -> MazeBatch:
    """Return the first mazes of a stream that are wanted; `what` says of them what makes them so."""
    found: list[MazeBatch] = []
    total = 0
    for place, block in enumerate(_blocks(setting, stream)):
        found.append(block.take(np.flatnonzero(is_wanted(block))))
        total += len(found[-1])
        if total >= num:
            break
        searched = (place + 1) * _BLOCK
        if searched >= _MOST_SEARCHED * num:
            raise ConfigurationError(
                f"{total} of {searched} {setting.size} x {setting.size} {setting.algorithm} mazes {what}: use a larger "
                "size or fewer mazes."
            )
    return MazeCollection.concatenate(found).batches[0].take(np.arange(num))


def _blocks(setting: Setting, stream: str) -> Iterator[MazeBatch]:
    """Yield the mazes of a stream; where the reach is one in steps to the target, ends are drawn as near as that."""
    within = setting.within
    spec = _spec(setting, max_path_length=within.steps if within is not None and within.axis == "distance" else None)
    for place in count():
        indices = np.arange(place * _BLOCK, (place + 1) * _BLOCK)
        yield generate_mazes(spec, indices, _seed(setting, stream)).batches[0]


def _lie_within(decisions: Decisions, within: Within | None) -> Bool[ndarray, " decision"]:
    if within is None:
        return np.ones(len(decisions), bool)
    return steps_at(decisions, within.axis) <= within.steps


def _check_variety(setting: Setting, batch: MazeBatch) -> None:
    kinds = len(np.unique(maze_hashes(batch)))
    if kinds < len(batch) / 2:
        raise ConfigurationError(
            f"{len(batch)} {setting.algorithm} mazes of {setting.size} x {setting.size} in the split "
            f"{setting.split or 'of all'} are {kinds} different ones, rotated or reflected: use larger mazes."
        )


def _spec(setting: Setting, **ends: int | None) -> MazeSpec:
    return spec_from_arguments(sizes=(setting.size,), algorithm=setting.algorithm, split=setting.split, **ends)


def _seed(setting: Setting, stream: str) -> int:
    """Return a seed of its own for each set of mazes, so that they meet by chance alone."""
    return stream_key(setting.seed, "scorecard", stream) >> 1
