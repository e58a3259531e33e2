"""S5 on hand-built models: a searcher is right where rules fail, one who follows a rule is found out by it."""

import numpy as np
import pytest
import torch

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.interp.behaviour.rule_exclusion import RuleExclusion, exclude_rules
from maze_rl.interp.behaviour.simple_rules import RULES
from maze_rl.interp.inputs.decisions import Decisions, decision_logits, find_decisions
from maze_rl.mazes.generate import generate
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=4)


@pytest.fixture(scope="module")
def decisions() -> Decisions:
    batch = generate(sizes=[4], algorithm="dfs", num=500, seed=1, max_path_length=10).batches[0]
    found = find_decisions(TOKENIZATION, batch)
    return found.take(np.flatnonzero(found.is_fork))


def by_name(result: RuleExclusion):
    return {rule.name: rule for rule in result.rules}


def obeying(decisions: Decisions, name: str) -> torch.Tensor:
    """Return logits of one who draws the first pick of a rule, or the first option where it has none."""
    picks = RULES[name](decisions)
    direction = np.where(picks.any(axis=1), picks.argmax(axis=1), decisions.options.argmax(axis=1))
    logits = torch.zeros(len(decisions), len(TOKENIZATION.vocabulary))
    logits[torch.arange(len(decisions)), torch.from_numpy(decisions.next_ids[np.arange(len(decisions)), direction])] = 1
    return logits


@pytest.mark.parametrize("kind", ["wave", "greedy", "decoy"])
def test_hand_built_models(kind, decisions: Decisions) -> None:
    model = build_hand_built(kind, TOKENIZATION, n_layers=12 if kind == "wave" else 4)
    result = exclude_rules(decisions, decision_logits(model, decisions))
    manhattan = by_name(result)["manhattan"]
    assert manhattan.is_judged
    if kind == "wave":
        assert result.finding.verdict == "yes" and result.finding.effect.value == 1.0
        assert manhattan.agreement.value < 0.95
    else:
        assert result.finding.verdict == "no" and manhattan.skill.high < 0
        assert manhattan.agreement.value == 1.0
        assert result.hardest is manhattan and result.most_alike is manhattan


@pytest.mark.parametrize("name", ["first_listed", "highest_id", "straight_line"])
def test_who_follows_a_rule_is_found_out_by_it(name, decisions: Decisions) -> None:
    result = exclude_rules(decisions, obeying(decisions, name))
    rule = by_name(result)[name]
    assert rule.agreement.value == result.most_alike.agreement.value == 1.0
    # where the rule is wrong its follower never is right: (0 - c) / (1 - c)
    wrong = ~(RULES[name](decisions) & decisions.optimal).any(axis=1) & (decisions.look_ahead >= 4)
    chance = decisions.chance[wrong].mean()
    assert rule.skill.value == pytest.approx(-chance / (1 - chance))
    assert rule.num_mazes == len(np.unique(decisions.maze[wrong]))
    assert result.finding.verdict == "no"


def test_without_mazes_where_greedy_fails_nothing_is_said(decisions: Decisions) -> None:
    few = decisions.take(decisions.maze < 60)
    result = exclude_rules(few, obeying(few, "lowest_id"))
    assert not by_name(result)["manhattan"].is_judged
    assert np.isnan(result.finding.effect.value) and result.finding.verdict == "unclear"


def test_without_forks_nothing_is_said_either(decisions: Decisions) -> None:
    none = decisions.take(np.zeros(0, np.int64))
    result = exclude_rules(none, torch.zeros(0, len(TOKENIZATION.vocabulary)))
    assert (
        np.isnan(result.finding.effect.value) and result.finding.verdict == "unclear" and result.finding.num_mazes == 0
    )
    assert result.hardest is None and np.isnan(result.most_alike.agreement.value)
