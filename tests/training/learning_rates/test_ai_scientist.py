"""The original's agents: the same (s, a, r, epsilon) as an independent reading of the rule, in torch."""

import json
import math
from typing import Any

import numpy as np
import pytest
import torch

from maze_rl.configs.choices import read_choice
from maze_rl.configs.learning_rates import CONTROLLERS
from maze_rl.seeding import numpy_generator
from maze_rl.training.learning_rates.ai_scientist import RULES, OriginalAgent
from maze_rl.training.learning_rates.choose import controller
from maze_rl.training.slots import Outcome


def losses(num: int) -> list[float]:
    noise = np.random.default_rng(1).normal(0, 0.01, num)
    return [float(1.46 + 2.8 * math.exp(-t / 3) + noise[t]) for t in range(num)]


def rates(num: int) -> list[float]:
    """Warm-up from 0, then a cosine, read every 250 of 5000 steps, as in the original."""
    return [0.0] + [1e-4 + 0.5 * (1 + math.cos(math.pi * (250 * t - 100) / 4900)) * 9e-4 for t in range(1, num)]


def reference(run: int, losses: list[float], rates: list[float], random: np.random.Generator) -> list[list[Any]]:
    """The rule of `plugins.md`'s table, with torch's single precision."""
    q: dict[Any, torch.Tensor] = {}
    epsilon, best, rows = 0.1, torch.tensor(1e9), []
    for loss, rate in zip(losses, rates, strict=True):
        val = torch.tensor(loss)
        s = (round(val.item(), 2), round(rate, 5))
        was = epsilon
        if random.random() < epsilon:
            epsilon = epsilon * 0.99 if run == 4 else epsilon
            a = int(random.integers(3)) - 1
        else:
            a = int(np.argmax(q.setdefault(s, torch.zeros(3)).numpy())) - 1
        new = max(1e-4, rate * (1 + a * 0.1))
        after = (s[0], round(new, 5))
        r = best - val if run >= 3 else -val
        table, ahead = q.setdefault(s, torch.zeros(3)), q.setdefault(after, torch.zeros(3))
        table[a + 1] += 0.1 * (r + 0.9 * ahead[int(np.argmax(ahead.numpy()))] - table[a + 1])
        best = torch.minimum(best, val)
        rows.append([list(s), a, r.item(), was, new])
    return rows


@pytest.mark.parametrize("run", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_logs_the_same_state_action_reward_and_epsilon(run: int, seed: int) -> None:
    agent = OriginalAgent(RULES[f"ai_scientist_run{run}"], 1e-4, numpy_generator(seed, "agent"))
    num = 101
    seen = [agent.decide(loss, rate) for loss, rate in zip(losses(num), rates(num), strict=True)]
    expected = reference(run, losses(num), rates(num), numpy_generator(seed, "agent"))
    names = ("state", "action", "reward", "epsilon", "learning_rate")
    assert [[row[name] for name in names] for row in seen] == expected


def test_faults_of_the_original_are_there() -> None:
    runs = {}
    for run in (1, 2, 3, 4):
        agent = OriginalAgent(RULES[f"ai_scientist_run{run}"], 1e-4, numpy_generator(0, "agent"))
        runs[run] = [agent.decide(loss, rate) for loss, rate in zip(losses(101), rates(101), strict=True)]
    assert runs[3][0]["reward"] == runs[4][0]["reward"] == 1e9
    assert runs[1][0]["reward"] == pytest.approx(-losses(1)[0])
    assert runs[1] == runs[2]  # they differ by the base rate alone
    assert runs[1][0]["learning_rate"] == 1e-4  # the rate of step 0 is 0, and clamped
    assert [row["action"] for row in runs[1]].count(-1) > 50  # ties go down
    assert {row["epsilon"] for row in runs[3]} == {0.1}
    assert 0.08 < runs[4][-1]["epsilon"] < 0.1


def steps_of(made: Any, steps: int, every: int) -> tuple[list[float], list[dict[str, Any]]]:
    multipliers, records = [], []
    for step in range(steps):
        multiplier = made.multiplier()
        rate = 1e-3 * min(1.0, (step + 1) / 10) * multiplier
        loss = losses(steps)[step]
        made.observe(Outcome(step, steps, loss, 1.0, rate, lambda loss=loss: loss))
        multipliers.append(multiplier)
        records.append(dict(made.record))
    assert [step for step, record in enumerate(records) if record] == list(range(0, steps, every))
    return multipliers, [record for record in records if record]


@pytest.mark.parametrize("name", RULES)
def test_sham_by_default_and_applied_when_asked(name: str) -> None:
    sham = controller(read_choice("controller", CONTROLLERS, f"{name}:every=5"), 0)
    multipliers, decisions = steps_of(sham, 60, 5)
    assert set(multipliers) == {1.0}
    assert any(decision["wanted"] != pytest.approx(1e-3) for decision in decisions[2:])
    applied = controller(read_choice("controller", CONTROLLERS, f"{name}:every=5,applied=true,floor=0"), 0)
    multipliers, decisions = steps_of(applied, 60, 5)
    assert multipliers[:11] == [1.0] * 11
    product = 1.0
    for place, decision in enumerate(decisions):
        product *= 1 + 0.1 * decision["action"] if place >= 2 else 1.0
        assert decision["multiplier"] == pytest.approx(product)
    assert multipliers[-1] == decisions[-1]["multiplier"] != 1.0


def test_resumes_decision_by_decision() -> None:
    text = "ai_scientist_run4:every=1,applied=true"
    made = [controller(read_choice("controller", CONTROLLERS, text), seed) for seed in (3, 3, 8)]
    straight = steps_of(made[0], 60, 1)[1]
    steps_of(made[1], 30, 1)
    half = made[1]
    # the same losses again from step 30 on: drive the two halves by hand
    fresh = controller(read_choice("controller", CONTROLLERS, text), 3)
    rows = []
    for step in range(60):
        if step == 30:
            assert half is not None
            saved = json.loads(json.dumps(fresh.state_dict()))  # type: ignore[union-attr]
            fresh = made[2]
            fresh.load_state_dict(saved)  # type: ignore[union-attr]
        assert fresh is not None
        multiplier, loss = fresh.multiplier(), losses(60)[step]
        fresh.observe(
            Outcome(step, 60, loss, 1.0, 1e-3 * min(1.0, (step + 1) / 10) * multiplier, lambda loss=loss: loss)
        )
        rows.append(dict(fresh.record))  # type: ignore[attr-defined]
    assert rows == straight
