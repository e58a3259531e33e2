"""Every test of the battery on one model with loops over the cells of its prompt, for its page.

A table of tests with one signature, as in `maze_rl.interp.battery`; here a search can be watched, loop by loop.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
from transformer_lens import HookedTransformer

from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.displays.short_repr import Shown
from maze_rl.interp.activations.answers_by_loop import LoopAnswers, answers_by_loop
from maze_rl.interp.activations.cell_streams import spread_loops
from maze_rl.interp.attention.cell_kernel import CellKernel, cell_kernel
from maze_rl.interp.behaviour.rival_algorithms import RivalAlgorithms, compare_rivals, enough_settle
from maze_rl.interp.inputs.patching_pairs import make_pairs
from maze_rl.interp.interventions.midway_edits import MidwayEdit, edit_midway
from maze_rl.interp.interventions.neighbour_states import NeighbourStates
from maze_rl.interp.interventions.transplanted_states import Transplants, transplant_target_state
from maze_rl.interp.judged_battery import JudgedBattery, judge_beside_twin, run_tests
from maze_rl.interp.materials import Materials, Setting
from maze_rl.interp.probes.cell_probes import CellProbes, probe_cells
from maze_rl.interp.requirements import require_cells_by_loop
from maze_rl.interp.scorecard import Progress, check_scored
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.context_room import has_room
from maze_rl.models.untrained import untrained_twin

_LARGER = (3, 6, 9)
"""Cells per side that are added for the mazes that a search is watched on beyond its own."""
_MOST_MAZES, _FEW, _MOST_READ = 100, 24, 6


@dataclass(frozen=True, kw_only=True, eq=False)
class LoopBattery(JudgedBattery):
    """All results."""

    answers: LoopAnswers
    """Of all cells, after every loop."""
    rivals: RivalAlgorithms | None
    """When cells become right, against the rounds of algorithms; None where too few settle."""
    state: CellProbes
    """What cells hold, by loop."""
    kernels: Mapping[int, CellKernel]
    """What cells attend to, by cells per side."""
    transplants: Transplants
    """One cell in the target's state."""
    change: MidwayEdit
    """Mazes that change after all loops, with twice as many after that."""
    larger: Mapping[int, LoopAnswers]
    """Answers by cells per side, of the setting's size and larger ones."""

    @property
    def neighbours(self) -> NeighbourStates:
        """What S3 is from, on the mazes that decide."""
        found = self.judgement.judged.swaps
        assert isinstance(found, NeighbourStates)  # models with loops are judged by them
        return found


@dataclass(frozen=True, kw_only=True, eq=False)
class LoopSubject(Shown):
    """One model under study, and the mazes that its tests are shown."""

    model: HookedTransformer
    twin: HookedTransformer
    """Of random weights."""
    setting: Setting

    @property
    def loops(self) -> int:
        """How often the block is applied."""
        return int(self.model.maze_config.loops)  # type: ignore[union-attr, arg-type]

    @cached_property
    def mazes(self) -> MazeBatch:
        """Mazes as they come."""
        return _mazes(self.setting, self.setting.size, min(_MOST_MAZES, self.setting.num_mazes))

    @cached_property
    def answers(self) -> LoopAnswers:
        """Of all their cells."""
        return answers_by_loop(self.model, self.mazes, seed=self.setting.seed)

    @cached_property
    def sides(self) -> tuple[int, ...]:
        """Cells per side: the setting's, and larger ones that the model has room for."""
        tokenization = tokenization_of(self.model)
        larger = [self.setting.size + more for more in _LARGER]
        fitting = [
            side
            for side in larger
            if side <= tokenization.canvas and has_room(self.model, tokenization, side, tree=True)
        ]
        return self.setting.size, *fitting


def _mazes(setting: Setting, side: int, num: int) -> MazeBatch:
    spec = spec_from_arguments(sizes=(side,), algorithm=setting.algorithm, split=setting.split)
    return generate_mazes(spec, np.arange(num), setting.seed).batches[0]


def _rivals(subject: LoopSubject) -> RivalAlgorithms | None:
    seed = subject.setting.seed
    return compare_rivals(subject.answers, seed=seed) if enough_settle(subject.answers, seed=seed) else None


def _state(subject: LoopSubject) -> CellProbes:
    return probe_cells(
        subject.model,
        subject.mazes,
        loops=spread_loops(subject.loops, _MOST_READ),
        control_model=subject.twin,
        seed=subject.setting.seed,
    )


def _kernels(subject: LoopSubject) -> dict[int, CellKernel]:
    setting = subject.setting
    return {side: cell_kernel(subject.model, _mazes(setting, side, _FEW), seed=setting.seed) for side in subject.sides}


def _transplants(subject: LoopSubject) -> Transplants:
    half = max(1, subject.loops // 2)
    seed = subject.setting.seed
    return transplant_target_state(subject.model, subject.mazes, loop=half, loops=subject.loops, seed=seed)


def _change(subject: LoopSubject) -> MidwayEdit:
    setting = subject.setting
    pairs = make_pairs(
        tokenization_of(subject.model),
        size=setting.size,
        num=min(_FEW, setting.num_pairs),
        depths=(2, setting.size**2),
        algorithm=setting.algorithm,
        split=setting.split,
        seed=setting.seed,
    ).pairs
    return edit_midway(
        subject.model,
        pairs.clean,
        pairs.flipped,
        loop=subject.loops,
        loops=3 * subject.loops,
        seed=setting.seed,
    )


def _larger(subject: LoopSubject) -> dict[int, LoopAnswers]:
    setting, (own, *others) = subject.setting, subject.sides
    larger = {side: answers_by_loop(subject.model, _mazes(setting, side, _FEW), seed=setting.seed) for side in others}
    return {own: subject.answers} | larger


TESTS: Mapping[str, Callable[[LoopSubject], Any]] = MappingProxyType(
    {
        "answers": lambda subject: subject.answers,
        "rivals": _rivals,
        "state": _state,
        "kernels": _kernels,
        "transplants": _transplants,
        "change": _change,
        "larger": _larger,
    }
)
"""Field of `LoopBattery` -> the test that fills it."""


def run_loop_battery(
    model: HookedTransformer, materials: Materials, *, progress: Progress = lambda doing, done: None
) -> LoopBattery:
    """Judge a model and its untrained twin, and run every test.

    Args:
        model: A model with loops whose prompts list cells and do not name the origin.
        materials: Mazes and pairs of its tokenization, from `materials.gather`.
        progress: Called with (what is being done, share done).

    Raises:
        ConfigurationError: The mazes do not fit the model or are too few for an interval, or it has no such loops.
    """
    require_cells_by_loop(model, "the battery of models with loops")
    check_scored(model)
    twin = untrained_twin(model, materials.setting.seed)
    judgement, untrained = judge_beside_twin(model, twin, materials, progress)
    subject = LoopSubject(model=model, twin=twin, setting=materials.setting)
    return LoopBattery(judgement=judgement, untrained=untrained, **run_tests(TESTS, subject, progress))
