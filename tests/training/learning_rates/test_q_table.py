"""Tabular Q-learning: a hand-made environment with a known answer; ties, epsilon, state."""

import json

import numpy as np
import pytest

from maze_rl.training.learning_rates.q_table import QTable

RATES, BEST, KEEP = 5, 3, 2
DISCOUNT = 0.8


def moved(rate: int, action: int) -> int:
    return min(RATES - 1, max(0, rate + action - KEEP))


def reward(rate: int) -> float:
    return -abs(rate - BEST) + 1.0


def optimal_values() -> np.ndarray:
    """Value iteration: action `a` moves the rate by a - 2, and the reward is that of the rate it moves to."""
    values = np.zeros((RATES, 5))
    for _ in range(200):
        values = np.array(
            [[reward(moved(r, a)) + DISCOUNT * values[moved(r, a)].max() for a in range(5)] for r in range(RATES)]
        )
    return values


def table(seed: int = 0, **options: float) -> QTable:
    return QTable(5, KEEP, np.random.default_rng(seed), **options)


def drive(agent: QTable, decisions: int, rate: int = 0) -> list[int]:
    rates = []
    for _ in range(decisions):
        rate = moved(rate, agent.act(str(rate)))
        agent.learn(reward(rate), str(rate))
        rates.append(rate)
    return rates


@pytest.mark.parametrize("trace", [0.0, 0.5])
def test_finds_the_known_best_rate_and_its_values(trace: float) -> None:
    agent = table(discount=DISCOUNT, rate=0.1, trace=trace, epsilon=1.0, epsilon_end=0.02, epsilon_decay=0.9998)
    for start in range(5000):
        drive(agent, 4, rate=start % RATES)
    assert drive(agent, 300)[-50:].count(BEST) >= 45
    learnt = np.array([agent.values[str(rate)] for rate in range(RATES)])
    assert np.abs(learnt / optimal_values() - 1).max() < 0.05


def test_an_unseen_state_keeps_the_rate() -> None:
    agent = table(epsilon=0.0, epsilon_end=0.0)
    assert {agent.greedy(f"unseen {i}") for i in range(1000)} == {KEEP}
    assert {agent.act(f"unseen {i}") for i in range(1000)} == {KEEP}


def test_among_equals_keep_wins_and_neither_side_is_preferred() -> None:
    agent = table()
    agent.values["all bad but three"] = [-1.0, 0.0, 0.0, 0.0, -1.0]
    assert agent.greedy("all bad but three") == KEEP
    agent.values["keeping is bad"] = [0.0, 0.0, -1.0, 0.0, 0.0]
    chosen = [agent.greedy("keeping is bad") for _ in range(400)]
    assert set(chosen) == {1, 3}
    assert 140 < chosen.count(1) < 260


def test_the_reward_goes_to_the_action_before_it() -> None:
    agent = table(epsilon=0.0, epsilon_end=0.0, rate=0.5, trace=0.0)
    agent.learn(100.0, "a")  # nobody has acted
    assert agent.values == {}
    action = agent.act("a")
    agent.learn(2.0, "b")
    assert agent.values == {"a": [1.0 if a == action else 0.0 for a in range(5)]}


def test_an_episode_that_begins_pays_nobody_for_what_was_before() -> None:
    agent = table(epsilon=0.0, epsilon_end=0.0)
    agent.act("a")
    agent.begin()
    assert not agent.waits
    agent.learn(5.0, "b")
    assert agent.values == {}


def test_traces_reach_back_until_an_action_explores() -> None:
    agent = table(epsilon=0.0, epsilon_end=0.0, rate=1.0, discount=0.5, trace=0.5)
    for state in "abc":
        agent.act(state)
        agent.learn(4.0 if state == "c" else 0.0, "end")
    assert [agent.values[state][KEEP] for state in "abc"] == [0.25, 1.0, 4.0]  # times discount * trace per step
    agent._epsilon = 1.0
    while agent.act("a") == KEEP:
        pass
    assert len(agent._traces) == 1


@pytest.mark.parametrize("decisions", [0, 1, 37, 500])
def test_epsilon_is_a_closed_form_of_the_number_of_decisions(decisions: int) -> None:
    agent = table(epsilon=0.3, epsilon_end=0.05, epsilon_decay=0.98)
    drive(agent, decisions)
    assert agent.epsilon == max(0.05, 0.3 * 0.98**decisions)


def test_explores_as_often_as_epsilon_says() -> None:
    agent = table(epsilon=0.5, epsilon_end=0.5)
    others = sum(agent.act(f"unseen {i}") != KEEP for i in range(4000))
    assert others == pytest.approx(4000 * 0.5 * 4 / 5, abs=3 * 32)


def test_two_agents_are_equal_and_a_resumed_one_goes_on() -> None:
    straight, again = table(7), table(7)
    assert drive(straight, 300) == drive(again, 300)
    saved = json.loads(json.dumps(again.state_dict()))
    resumed = table(1)
    resumed.load_state_dict(saved)
    assert drive(straight, 300) == drive(resumed, 300)
    assert straight.state_dict() == resumed.state_dict()
