"""The die itself: fair, on its own random stream, exactly resumed, and every roll on record."""

import json
import math
from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats

from maze_rl.errors import ConfigurationError
from maze_rl.seeding import numpy_generator
from maze_rl.training.slots import Apply, Moment, Skip, Stateful, UpdateRule
from maze_rl.training.update_rules.dice import DiceRoll
from maze_rl.training.update_rules.rule_sets import mean_scale

MOMENT = Moment(step=0, mini_batch=0, loss=lambda: 1.0)


def forbidden() -> float:
    raise AssertionError("measuring the loss costs a forward pass")


def test_is_an_update_rule_that_remembers() -> None:
    assert isinstance(DiceRoll(0), UpdateRule) and isinstance(DiceRoll(0), Stateful)
    assert (DiceRoll(0).per, DiceRoll(0).apply_to) == ("step", "update")
    assert DiceRoll(0, per="mini_batch").apply_to == "loss"


@pytest.mark.parametrize("sides", [4, 6, 8, 10, 12, 20, 100])
def test_dice_are_fair(sides: int) -> None:
    die = DiceRoll(0, sides=sides, dc=3)
    counts = Counter(die.throw()[0] for _ in range(10_000))
    assert set(counts) == set(range(1, sides + 1))
    assert stats.chisquare(list(counts.values())).pvalue > 0.001


@pytest.mark.parametrize(("advantage", "mean"), [("advantage", 13.825), ("disadvantage", 7.175)])
def test_advantage_keeps_the_higher_die_and_disadvantage_the_lower(advantage: str, mean: float) -> None:
    die = DiceRoll(0, advantage=advantage)  # type: ignore[arg-type]
    throws = [die.throw() for _ in range(10_000)]
    keep = max if advantage == "advantage" else min
    assert all(faces[0] == keep(faces) for faces in throws)
    assert np.mean([faces[0] for faces in throws]) == pytest.approx(mean, abs=4 * 4.7 / 100)
    record = die.decide(MOMENT).record
    assert keep(record["face"], record["other_face"]) == record["face"]


def test_a_natural_1_stays_as_frequent_with_the_highest_intelligence() -> None:
    die, rolls = DiceRoll(0, intelligence=20), 10_000
    skipped = [decision for _ in range(rolls) if isinstance(decision := die.decide(MOMENT), Skip)]
    assert {decision.record["face"] for decision in skipped} == {1}
    assert abs(len(skipped) / rolls - 1 / 20) < 3 * math.sqrt(1 / 20 * 19 / 20 / rolls)


@pytest.mark.parametrize("rules", ["classic", "v0", "head"])
def test_scales_thrown_have_the_mean_that_is_computed(rules: str) -> None:
    die = DiceRoll(0, rules=rules, intelligence=15, advantage="advantage")
    scales = [die.decide(MOMENT).record["scale"] for _ in range(5_000)]
    mean = mean_scale(rules, intelligence=15, advantage="advantage")
    assert np.mean(scales) == pytest.approx(mean, abs=4 * np.std(scales) / math.sqrt(5_000))


def test_every_roll_is_on_record_in_plain_values() -> None:
    die = DiceRoll(0, intelligence=15, character="paladin", experience=True, encounters=0.5)
    for _ in range(300):
        decision = die.decide(MOMENT)
        record = decision.record
        assert json.loads(json.dumps(record)) == record
        assert {"face", "modifier", "outcome", "scale", "skipped", "level", "experience"} <= record.keys()
        assert record["skipped"] == isinstance(decision, Skip)
        assert record["modifier"] == 2 and 1 <= record["face"] <= 20
        if isinstance(decision, Apply):
            assert record["scale"] == decision.scale


def test_the_loss_is_not_measured_without_need() -> None:
    moment = Moment(0, 0, forbidden)
    for _ in range(100):
        DiceRoll(0, per="mini_batch", character="wizard", encounters=1.0, experience=True).decide(moment)
    with pytest.raises(AssertionError, match="forward pass"):
        DiceRoll(0, character="cleric").decide(moment)


@pytest.mark.parametrize("character", [None, "cleric", "barbarian", "wizard"])
def test_resumed_dice_roll_on_bit_for_bit(character: str | None) -> None:
    """Charges, rages, monsters, experience and both random streams; through JSON, as a checkpoint does."""

    def dice() -> DiceRoll:
        return DiceRoll(7, advantage="advantage", character=character, experience=True, encounters=0.3)

    def roll(die: DiceRoll, first: int, last: int) -> list:
        return [
            dict(die.decide(Moment(step, 0, lambda step=step: 1.0 + step % 3)).record) for step in range(first, last)
        ]

    straight, stopped, resumed = dice(), dice(), dice()
    rolls = roll(straight, 0, 120)
    for stop in (0, 1, 17, 60):
        stopped = dice()
        assert roll(stopped, 0, stop) == rolls[:stop]
        resumed = dice()
        roll(resumed, 0, 5)  # whatever it did before, it takes up the state
        resumed.load_state_dict(json.loads(json.dumps(stopped.state_dict())))
        assert roll(resumed, stop, 120) == rolls[stop:]


def test_the_dice_have_a_random_stream_of_their_own() -> None:
    # of the global states only numpy's and torch's: the type checker at work in tests uses Python's own
    states = np.random.get_state()[1].tolist(), torch.get_rng_state()  # type: ignore[index]
    batches = numpy_generator(3, "batches")
    order = numpy_generator(3, "batches").integers(1000, size=50).tolist()
    die, drawn = DiceRoll(3, character="cleric", encounters=0.5), []
    for _ in range(50):
        drawn.append(int(batches.integers(1000)))
        die.decide(MOMENT)
    assert drawn == order
    assert np.random.get_state()[1].tolist() == states[0]  # type: ignore[index]
    assert torch.equal(torch.get_rng_state(), states[1])


def test_an_adventure_does_not_shift_the_faces() -> None:
    plain, adventurous = DiceRoll(0), DiceRoll(0, character="cleric", experience=True, encounters=0.9)
    faces = [[die.decide(MOMENT).record["face"] for _ in range(200)] for die in (plain, adventurous)]
    assert faces[0] == faces[1]
    other_seed = DiceRoll(1)
    assert [other_seed.decide(MOMENT).record["face"] for _ in range(200)] != faces[0]


def test_refuses_what_the_configuration_refuses() -> None:
    with pytest.raises(ConfigurationError, match="a mini-batch has no update of its own"):
        DiceRoll(0, per="mini_batch", apply_to="update")
    with pytest.raises(ConfigurationError, match="intelligence is 21: expected a whole number, 1 to 20"):
        DiceRoll(0, intelligence=21)
