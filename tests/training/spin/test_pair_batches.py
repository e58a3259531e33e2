"""Which pairs a step trains on: equal shares of the window's rounds, a function of (table, seed, step)."""

from dataclasses import replace

import pytest
import torch

from maze_rl.errors import MazeRLError
from maze_rl.training.spin.pair_batches import draw_pairs, micro_batches, pair_batch, pair_batches
from maze_rl.training.spin.pair_table import PairTable


@pytest.fixture
def window(make_model, pairs_of) -> PairTable:
    """Two rounds; the second has far fewer pairs to train on."""
    first = pairs_of(make_model(), samples=3)
    both = pairs_of(make_model(seed=2), round_number=1, previous=first)
    few = torch.where(both.rounds == 1, torch.arange(len(both)) % 3 == 0, True)
    return replace(both, weights=both.weights * few)


@pytest.mark.parametrize("num", [2, 7, 64])
def test_rounds_have_equal_shares(num: int, window: PairTable) -> None:
    assert len(window.trainable(0)) > 3 * len(window.trainable(1)) > 0
    drawn = torch.cat([draw_pairs(window, 0, step * num, num) for step in range(20)])
    shares = torch.bincount(window.rounds[drawn]) / len(drawn)
    assert shares.tolist() == [0.5, 0.5]


def test_all_pairs_of_a_round_come_before_one_comes_again(window: PairTable) -> None:
    pairs = window.trainable(0)
    drawn = draw_pairs(window, 0, 0, 4 * len(pairs))
    own = drawn[window.rounds[drawn] == 0]
    first, second = own.split(len(pairs))
    assert sorted(first.tolist()) == sorted(second.tolist()) == pairs.tolist()
    assert not torch.equal(first, second)


def test_batches_depend_on_table_seed_and_step_alone(window: PairTable) -> None:
    def tokens(seed: int, step: int) -> list[list[int]]:
        found = pair_batches(window, seed=seed, step=step, batch_size=6, accumulation=2)
        return [row for mini in found for micro in mini for row in micro.tokens.tolist()]

    assert tokens(0, 3) == tokens(0, 3)
    assert tokens(0, 3) != tokens(0, 4)
    assert tokens(0, 3) != tokens(1, 3)
    restored = PairTable.from_state(window.state_dict())
    assert torch.equal(draw_pairs(restored, 0, 30, 9), draw_pairs(window, 0, 30, 9))


def test_mini_batches_are_the_step_cut_up(window: PairTable) -> None:
    one = pair_batches(window, seed=0, step=2, batch_size=12, micro_batch_tokens=10**6)
    two = pair_batches(window, seed=0, step=2, batch_size=6, accumulation=2, micro_batch_tokens=200)
    assert [sum(len(micro) for micro in mini) for mini in one] == [12]
    assert [sum(len(micro) for micro in mini) for mini in two] == [6, 6]

    def total(found: list[list]) -> tuple[float, int]:
        micros = [micro for mini in found for micro in mini]
        return sum(float(m.reference.sum()) for m in micros), sum(m.num_tokens for m in micros)

    assert total(one) == pytest.approx(total(two))


def test_micro_batches_are_small_and_little_is_padding(window: PairTable) -> None:
    pairs = window.trainable(0)
    found = list(micro_batches(window, pairs, 400))
    assert sum(len(micro) for micro in found) == len(pairs)
    assert all(micro.padded_tokens <= 400 for micro in found)
    assert sum(micro.num_tokens for micro in found) / sum(micro.padded_tokens for micro in found) > 0.75
    single = list(micro_batches(window, pairs, 1))
    assert [len(micro) for micro in single] == [1] * len(pairs)


def test_a_batch_is_the_real_rows_then_the_written_ones(window: PairTable) -> None:
    pairs = window.trainable(1)
    batch = pair_batch(window, pairs)
    count = len(batch)
    assert count == len(pairs)
    assert torch.equal(batch.reference, window.reference[torch.cat([window.real[pairs], window.generated[pairs]])])
    assert torch.equal(batch.starts[:count], batch.starts[count:])
    for row in range(count):
        start = int(batch.starts[row])
        assert torch.equal(batch.tokens[row, :start], batch.tokens[row + count, :start])
    assert batch.num_tokens == int(batch.lengths.sum()) < batch.padded_tokens == batch.tokens.numel()
    moved = batch.to("meta")
    assert {moved.tokens.device.type, moved.weights.device.type, moved.reference.device.type} == {"meta"}


def test_pairs_without_weight_are_never_drawn(window: PairTable) -> None:
    assert (window.weights == 0).any()
    assert (window.weights[draw_pairs(window, 0, 0, 500)] > 0).all()


def test_a_round_without_pairs_is_left_out_and_none_at_all_is_an_error(window: PairTable) -> None:
    only_old = replace(window, weights=window.weights * (window.rounds == 0))
    assert window.rounds[draw_pairs(only_old, 0, 0, 20)].unique().tolist() == [0]
    nothing = replace(window, weights=torch.zeros_like(window.weights))
    with pytest.raises(MazeRLError, match=r"SPIN round 1 has no pair to train on.*raise prompts, samples"):
        pair_batches(nothing, seed=0, step=0, batch_size=4)
