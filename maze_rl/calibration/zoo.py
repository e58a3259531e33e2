"""The calibration models: what each row is, what every score must say of it, and the instances it is tried on.

Some have layers for longer paths than their mazes have, and some for a few steps alone. The expectations are those of
the algorithms, not of what was measured: attention and probes are *supposed* to be fooled by `greedy` and `decoy`,
which look at neighbours, or hold a distance field, that they do not search with.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from maze_rl.calibration.hand_built import READING_LAYERS, Kind, build_hand_built
from maze_rl.calibration.memorizer import train_memorizer
from maze_rl.displays.short_repr import Shown
from maze_rl.interp.probes.held_variables import Held
from maze_rl.models.build import MazeTransformer
from maze_rl.models.untrained import untrained_twin
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

SCORES = ("adjacency", "S1", "S2", "S3", "S4", "S5", "search")
"""Columns of the confusion matrix, the combined verdict last."""
ANY = "any"
"""What is expected of a score that may say what it likes."""
LEAST_GROWTH = 8
"""Rounds from which on a search must show in S4, beyond its threshold of 1.25 steps: a wave of 5 rounds grew by 0.8
steps beyond its largest rise, one of 6 by 1.5, which was unclear, and one of 8 by 4.0."""


@dataclass(frozen=True, kw_only=True)
class Instance(Shown):
    """One model to build: its tokens, depth, basis and seed."""

    token_format: str
    canvas: int
    n_layers: int
    rotate: bool
    seed: int

    @property
    def tokenization(self) -> Tokenization:
        """How its mazes are written."""
        return load_tokenization(self.token_format, canvas=self.canvas)

    @property
    def rounds(self) -> int:
        """Layers after those that read the prompt: the reach of a wave."""
        return self.n_layers - READING_LAYERS


@dataclass(frozen=True)
class ZooRow(Shown):
    """A kind of model with the verdicts the toolkit must give."""

    name: str
    about: str
    build: Callable[[Any], MazeTransformer]
    """Builds one of an instance of its kind."""
    expected: Mapping[str, str]
    """By column; a score that is not listed is not asked."""
    holds: tuple[Held, ...] = ("nothing",)
    """Which searches' variables its stream holds."""
    like_the_wave: bool = False
    """Whether it has the wave's shape."""

    def expects(self, score_name: str, rounds: int) -> str:
        """Return what a score must say of a model with so many rounds; `ANY` where it may say what it likes."""
        if score_name == "S4" and self.expected["search"] == "searches" and rounds < LEAST_GROWTH:
            return ANY
        return self.expected.get(score_name, ANY)


def _hand_built(kind: Kind) -> Callable[[Instance], MazeTransformer]:
    def build(instance: Instance) -> MazeTransformer:
        return build_hand_built(
            kind, instance.tokenization, n_layers=instance.n_layers, rotate=instance.rotate, seed=instance.seed
        )

    return build


def _untrained(instance: Instance) -> MazeTransformer:
    return untrained_twin(_hand_built("wave")(instance), seed=instance.seed)


def _memorizer(instance: Instance) -> MazeTransformer:
    return train_memorizer(instance.tokenization, seed=instance.seed)


def build_ablated(instance: Instance, strength: float) -> MazeTransformer:
    """Build the wave with the heads of the last `strength` (0 to 1) of its wave layers cut."""
    reach = round((1 - strength) * instance.rounds)
    return build_hand_built(
        "ablated",
        instance.tokenization,
        n_layers=instance.n_layers,
        reach=reach,
        rotate=instance.rotate,
        seed=instance.seed,
    )


SEARCHES = {**dict.fromkeys(SCORES, "yes"), "search": "searches"}
DOES_NOT = {**dict.fromkeys(SCORES, "no"), "search": "heuristic"}
HOLDS = {**DOES_NOT, "S2": "yes", "search": "represents without use"}
_LOOKS = {"adjacency": "yes"}
DISTANCES: tuple[Held, ...] = ("distances to the target",)
ROWS = (
    ZooRow("H1 wave", "breadth-first search", _hand_built("wave"), SEARCHES, DISTANCES, like_the_wave=True),
    ZooRow("H3 filling", "dead-end filling", _hand_built("dead_end_filling"), SEARCHES, ("the cells that lead on",)),
    ZooRow("N1 untrained", "random weights", _untrained, DOES_NOT, like_the_wave=True),
    ZooRow("N2 greedy", "Manhattan distance", _hand_built("greedy"), DOES_NOT | _LOOKS),
    ZooRow("N3 decoy", "wave computed, never read", _hand_built("decoy"), HOLDS | _LOOKS, DISTANCES),
    ZooRow("N4 memorizer", "trained on a few mazes", _memorizer, DOES_NOT | {"adjacency": ANY}),
)
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of the wave is cut in the instances of N5; its score must fall along them."""


def make_instances(num: int, seed: int) -> list[Instance]:
    """Return `num` instances: both formats, both canvases, depths of 6 to 12 layers, with and without rotation."""
    return [
        Instance(
            token_format=("edges", "unique_cells")[index % 2],
            canvas=(5, 5, 6)[index % 3],
            n_layers=(12, 7, 10, 6, 11, 8, 9)[index % 7],
            rotate=index % 4 != 3,
            seed=index,
        )
        for index in range(seed, seed + num)
    ]
