"""What a run says of settings that hardly do what they seem to."""

import re
from dataclasses import replace

import pytest

from maze_rl.configs.cautions import cautions
from maze_rl.configs.changes import change_run
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.presets import default_run
from maze_rl.configs.spin import SpinConfig
from maze_rl.configs.training import Phase
from maze_rl.errors import ConfigurationError

MAZES = MazeSpec(sizes=(4,), split="train")
BASE = default_run(MAZES, device="cpu", steps=20)


@pytest.mark.parametrize(
    "changes, said",
    [
        ({}, None),
        ({"optimizer": "schedule_free", "schedule": "constant"}, None),
        ({"optimizer": "schedule_free"}, "optimizer schedule_free with schedule wsd:decay=0.6"),
        ({"lr_controller": "q_learning:every=19"}, None),
        ({"lr_controller": "q_learning:every=20"}, "q_learning: every=20 with 20 steps.*take every=1, or more steps"),
        ({"lr_controller": "ai_scientist_run1"}, "ai_scientist_run1: every=250 with 20 steps"),
    ],
)
def test_each_has_its_line(changes: dict[str, str], said: str | None) -> None:
    found = list(cautions(change_run(BASE, **changes).training))
    assert len(found) == (said is not None)
    assert said is None or re.search(said, found[0])


def test_fresh_weights_cannot_begin_with_a_round() -> None:
    phase = Phase(steps=2, mazes=MAZES, spin=SpinConfig(prompts=4))
    with pytest.raises(ConfigurationError, match=r"the first is a round of self-play.*--start-from"):
        replace(BASE, training=replace(BASE.training, phases=(phase,)))
