"""The script that fixes steps by CPU time: all arms are asked for the same places and loops, and the least counts."""

import time
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from maze_rl.configs.training import RunConfig
from maze_rl.training.laws import tiny_searching_run

Load = Callable[..., ModuleType]


def test_arms_are_measured_alike_and_the_least_of_the_tries_counts(
    load_script: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load_script("step_costs")
    clock, asked, tries = [0.0], [], [0]

    def take_step(state: Any, config: Any, setting: Any, batch: Any) -> None:
        loops = {micro.loops for mini in batch.mini_batches for micro in mini}
        asked.append((len(batch.mini_batches), *loops))
        tries[0] += 1
        clock[0] += len(batch.mini_batches) + (100 if tries[0] % 2 else 0)  # every other try something else holds it up

    monkeypatch.setattr(script, "take_step", take_step)
    monkeypatch.setattr(time, "process_time", lambda: clock[0])
    arms: dict[str, RunConfig] = {"two": tiny_searching_run(), "three": tiny_searching_run(accumulation=3)}
    tries[0] = -len(arms)  # the first steps compile
    assert script.costs({"two": arms["two"]}, places=6, tries=2) == {"two": 2.0}
    asked.clear()
    script.costs(arms, places=6, tries=1)
    two, three = ([loops for minis, loops in asked[2:] if minis == count] for count in (2, 3))
    assert two == three
    assert sorted(two) == [1, 1, 2, 2, 3, 3]


def test_it_says_how_many_steps_a_budget_buys(
    load_script: Load, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    script = load_script("step_costs")
    monkeypatch.setattr(script, "costs", lambda arms, places: dict.fromkeys(arms, 0.5))
    script.main(["ladder", "--budget", "600"])
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == ["default", "0.5000", "1200"]
    assert len(said) == 21
