"""The calibration models with loops: what each row is, and what every score must say of it.

As in `maze_rl.calibration.zoo`; these read prompts that list cells, all of which see all of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from maze_rl.calibration.looped_searchers import READING_LOOPS, LoopedKind, build_looped
from maze_rl.calibration.zoo import DISTANCES, DOES_NOT, HOLDS, SEARCHES, ZooRow
from maze_rl.displays.short_repr import Shown
from maze_rl.interp.probes.held_variables import Held
from maze_rl.models.build import MazeTransformer
from maze_rl.models.untrained import untrained_twin
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization


@dataclass(frozen=True, kw_only=True)
class LoopInstance(Shown):
    """One model to build: its canvas, loops, basis and seed."""

    canvas: int
    loops: int
    rotate: bool
    seed: int

    @property
    def tokenization(self) -> Tokenization:
        """How its mazes are written."""
        return load_tokenization("cells", canvas=self.canvas, origin="path")

    @property
    def rounds(self) -> int:
        """Loops after those that read the prompt: the reach of a wave."""
        return self.loops - READING_LOOPS


def _hand_built(kind: LoopedKind) -> Callable[[LoopInstance], MazeTransformer]:
    def build(instance: LoopInstance) -> MazeTransformer:
        return build_looped(
            kind, instance.tokenization, loops=instance.loops, rotate=instance.rotate, seed=instance.seed
        )

    return build


def _untrained(instance: LoopInstance) -> MazeTransformer:
    return untrained_twin(_hand_built("wave")(instance), seed=instance.seed)


def _of_loops(expected: Mapping[str, str]) -> Mapping[str, str]:
    """Leave out what is not asked of models with loops: their attention is read as kernels, at the cells."""
    return {name: says for name, says in expected.items() if name != "adjacency"}


_DEPTHS: tuple[Held, ...] = ("depths of dead ends",)
_ALL: tuple[Held, ...] = (*DISTANCES, *_DEPTHS, "steps to look ahead")
_SEARCHES, _DOES_NOT, _HOLDS = (_of_loops(expected) for expected in (SEARCHES, DOES_NOT, HOLDS))
LOOP_ROWS = (
    ZooRow("H5 looped wave", "breadth-first search", _hand_built("wave"), _SEARCHES, DISTANCES, like_the_wave=True),
    ZooRow("H6 looped filling", "dead-end filling", _hand_built("dead_end_filling"), _SEARCHES, _DEPTHS),
    ZooRow("H7 looped both", "wave and filling at once", _hand_built("either"), _SEARCHES, _ALL),
    ZooRow("N6 looped untrained", "random weights", _untrained, _DOES_NOT, like_the_wave=True),
    ZooRow("N7 looped greedy", "Manhattan distance", _hand_built("greedy"), _DOES_NOT),
    ZooRow("N8 looped decoy", "wave computed, never read", _hand_built("decoy"), _HOLDS, DISTANCES),
)


def make_loop_instances(num: int, seed: int) -> list[LoopInstance]:
    """Return `num` instances: both canvases, 8 to 14 loops, with and without rotation."""
    return [
        LoopInstance(
            canvas=(5, 5, 6)[index % 3],
            loops=(14, 9, 12, 8, 13, 10, 11)[index % 7],
            rotate=index % 4 != 3,
            seed=index,
        )
        for index in range(seed, seed + num)
    ]
