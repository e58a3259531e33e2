"""Layouts are walls up to rotation and reflection; where none repeats, every interval is that over mazes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy import ndarray

from maze_rl.configs.model import ModelConfig
from maze_rl.interp.activations.probe_sites import ProbeSites
from maze_rl.interp.behaviour.compute_frontier import compute_frontier
from maze_rl.interp.behaviour.flip_rate import flip_rates, logit_sensitivity
from maze_rl.interp.behaviour.look_ahead import look_ahead
from maze_rl.interp.behaviour.rule_exclusion import RuleExclusion, exclude_rules
from maze_rl.interp.behaviour.simple_rules import RULES
from maze_rl.interp.inputs.decisions import Decisions, decision_logits, find_decisions
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, make_pairs
from maze_rl.interp.maze_draws import layouts_of, percentile_interval, redrawn_sums, sums_by_layout
from maze_rl.interp.probes.distance_probe import site_scores
from maze_rl.intervals import bootstrap_ratio, bootstrap_ratios, paired_difference, wilson
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=7)
COPIES = 3


@pytest.fixture(scope="module")
def batch() -> MazeBatch:
    return generate(7, "dfs", num=160, seed=2).batches[0]


@pytest.fixture(scope="module")
def decisions(batch: MazeBatch) -> Decisions:
    return find_decisions(TOKENIZATION, batch)


@pytest.fixture(scope="module")
def repeated(batch: MazeBatch) -> Decisions:
    """The same mazes, each three times in a row."""
    return find_decisions(TOKENIZATION, batch.take(np.repeat(np.arange(len(batch)), COPIES)))


@pytest.fixture(scope="module")
def fresh() -> MazeTransformer:
    return build_model(ModelConfig(n_layers=3, d_model=12, n_heads=1), TOKENIZATION)


@pytest.fixture(scope="module")
def pairs() -> PatchingPairs:
    return make_pairs(TOKENIZATION, size=7, num=60)


def transposed(batch: MazeBatch) -> MazeBatch:
    return replace(
        batch,
        connections=batch.connections[:, ::-1].swapaxes(2, 3).copy(),
        origins=batch.origins[:, ::-1].copy(),
        targets=batch.targets[:, ::-1].copy(),
    )


def joined(first: MazeBatch, second: MazeBatch) -> MazeBatch:
    names = ("connections", "origins", "targets")
    return replace(first, **{name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names})


def hits(decisions: Decisions, copies: int = 1) -> ndarray:
    """Be right in two mazes of three, in all copies of one alike."""
    return (decisions.maze // copies) % 3 > 0


def judged(decisions: Decisions, right: ndarray) -> RuleExclusion:
    away = decisions.options & ~decisions.optimal
    direction = np.where(right | ~away.any(axis=1), decisions.optimal.argmax(axis=1), away.argmax(axis=1))
    logits = torch.zeros(len(decisions), len(TOKENIZATION.vocabulary))
    rows = np.arange(len(decisions))
    logits[torch.from_numpy(rows), torch.from_numpy(decisions.next_ids[rows, direction])] = 1
    return exclude_rules(decisions, logits, far=1, rules={"manhattan": RULES["manhattan"]})


def answer_some(monkeypatch: pytest.MonkeyPatch, copies: int = 1) -> None:
    """Let 3 of 4 clean mazes be solved, 2 of 3 flips followed, 1 of 5 controls left, in all copies of a pair alike."""

    def answers(model: object, pairs: PatchingPairs, tokens: torch.Tensor, rows: ndarray, batch_size: int) -> ndarray:
        right, wrong, each = pairs.right.numpy()[rows], pairs.wrong.numpy()[rows], rows // copies
        if tokens is pairs.clean:
            return np.where(each % 4 > 0, right, wrong)
        return np.where(each % 3 > 0, wrong, right) if tokens is pairs.flipped else np.where(each % 5 > 0, right, wrong)

    monkeypatch.setattr("maze_rl.interp.behaviour.flip_rate._answers", answers)


def test_an_image_of_a_maze_has_its_layout_and_others_have_their_own(batch: MazeBatch) -> None:
    num = len(batch)
    assert layouts_of(batch).tolist() == list(range(num))
    assert layouts_of(joined(batch, transposed(batch))).tolist() == [*range(num), *range(num)]
    assert layouts_of(batch.take(np.array([5, 7, 5]))).tolist() == [0, 1, 0]


def test_sums_are_those_of_a_layouts_rows() -> None:
    sums = sums_by_layout(np.array([4, 0, 4]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    assert sums.tolist() == [[3, 4], [6, 8]]
    assert (redrawn_sums(sums[:1], draws=5) == sums[0]).all() and redrawn_sums(sums[:0], draws=5).shape == (5, 2)


def test_look_ahead_over_layouts_that_all_differ_is_that_over_mazes(decisions: Decisions) -> None:
    right = hits(decisions)
    found = look_ahead(decisions, right)
    forks = decisions.take(decisions.is_fork)
    at = (forks.look_ahead[:, None] == np.array(found.steps)).astype(np.float64)
    sums = [
        np.stack([rows[forks.maze == maze].sum(axis=0) for maze in np.unique(forks.maze)])
        for rows in (at * right[decisions.is_fork, None], at)
    ]
    assert found.right_rate == tuple(bootstrap_ratios(*sums, draws=1000))
    assert found.num_mazes == len(sums[0])


def test_flip_rates_of_layouts_that_all_differ_are_those_over_mazes(
    fresh: MazeTransformer, pairs: PatchingPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_some(monkeypatch)
    found = flip_rates(fresh, pairs, far=0)
    assert found.finding.num_mazes == found.finding.num_layouts == int(found.solved.sum()) == 45
    plain = paired_difference(found.flips[found.solved], found.leaves[found.solved])
    assert found.finding.effect == pytest.approx(plain[:3]) and plain.low < plain.value < 1
    assert found.far_flip_rate == pytest.approx(wilson(int(found.flips.sum()), int(found.solved.sum())))


def test_probes_of_layouts_that_all_differ_are_those_over_mazes(batch: MazeBatch) -> None:
    random = np.random.default_rng(0)
    streams, labels = random.normal(size=(160, 2, 6)).astype(np.float32), random.normal(size=(160, 3))
    base = random.normal(size=(160, 2))
    score = site_scores(ProbeSites(batch, streams, streams[:, 0]), {"x": labels}, base, 0)["x"]
    assert score.interval == bootstrap_ratio(score.explained, score.total)


def test_repeated_layouts_say_no_more_than_each_once(decisions: Decisions, repeated: Decisions) -> None:
    once, often = (judged(each, hits(each, copies)) for each, copies in ((decisions, 1), (repeated, COPIES)))
    assert often.finding.effect == pytest.approx(once.finding.effect)
    assert once.finding.effect.low < once.finding.effect.value
    assert (often.finding.num_mazes, often.finding.num_layouts) == (
        COPIES * once.finding.num_mazes,
        once.finding.num_mazes,
    )
    curves = [look_ahead(each, hits(each, copies)) for each, copies in ((decisions, 1), (repeated, COPIES))]
    for first, second in zip(curves[0].right_rate, curves[1].right_rate, strict=True):
        assert second == pytest.approx(first)
    assert curves[1].num_mazes == COPIES * curves[0].num_mazes


def test_repeated_layouts_widen_what_counted_as_mazes_is_narrow(
    repeated: Decisions, monkeypatch: pytest.MonkeyPatch
) -> None:
    widths = []
    for of in (layouts_of, lambda batch: np.arange(len(batch))):
        monkeypatch.setattr("maze_rl.interp.inputs.decisions.layouts_of", of)
        effect = judged(repeated, hits(repeated, COPIES)).finding.effect
        widths.append(effect.high - effect.low)
    assert widths[0] > 1.4 * widths[1]


def test_repeated_pairs_widen_the_flip_rate_and_leave_the_sensitivity(
    fresh: MazeTransformer, pairs: PatchingPairs, monkeypatch: pytest.MonkeyPatch
) -> None:
    often = pairs.take(np.repeat(np.arange(len(pairs)), COPIES))
    slopes = [logit_sensitivity(fresh, each).slope for each in (pairs, often)]
    assert slopes[1] == pytest.approx(slopes[0], abs=1e-5) and slopes[0].low < slopes[0].high
    answer_some(monkeypatch)
    once = flip_rates(fresh, pairs, far=0)
    answer_some(monkeypatch, COPIES)
    again = flip_rates(fresh, often, far=0)
    assert again.finding.num_layouts == once.finding.num_mazes == again.finding.num_mazes / COPIES
    assert again.far_flip_rate.value == once.far_flip_rate.value
    as_mazes = wilson(int(again.flips.sum()), int(again.solved.sum()))
    assert again.far_flip_rate.high - again.far_flip_rate.low > 1.4 * (as_mazes.high - as_mazes.low)
    narrow = paired_difference(again.flips[again.solved], again.leaves[again.solved])
    assert again.finding.effect.high - again.finding.effect.low > 1.4 * (narrow.high - narrow.low)


def test_fewer_layouts_than_an_interval_needs_give_no_steps_seen(fresh: MazeTransformer, batch: MazeBatch) -> None:
    few = find_decisions(TOKENIZATION, batch.take(np.tile(np.arange(12), 10)))
    found = compute_frontier(fresh, few).finding
    assert np.isnan(found.effect.value)
    assert found.num_mazes == 10 * (found.num_layouts or 0) >= 20
    rules = exclude_rules(few, decision_logits(fresh, few))
    assert np.isnan(rules.finding.effect.value) and not any(rule.is_judged for rule in rules.rules)


def test_one_layout_drawn_again_is_no_interval() -> None:
    same = np.full(50, 0.4)
    assert percentile_interval(0.4, same, layouts=1) == (0.4, -np.inf, np.inf)
    assert percentile_interval(0.4, same, layouts=2) == percentile_interval(0.4, same) == (0.4, 0.4, 0.4)
    assert np.isnan(percentile_interval(np.nan, same, layouts=1).low)
