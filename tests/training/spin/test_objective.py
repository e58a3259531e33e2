"""The loss of SPIN against a plain oracle in float64, and the faults of earlier programs that must not come back."""

import math

import numpy as np
import pytest
import torch

from maze_rl.configs.spin import SpinConfig
from maze_rl.models.build import MazeTransformer
from maze_rl.tokenization.layouts import PATH_END, PATH_START
from maze_rl.training.slots import Objective
from maze_rl.training.spin.objective import (
    BothPlayers,
    SpinObjective,
    falling_alarm,
    likelihoods,
    pair_losses,
    past_kl_stop,
)
from maze_rl.training.spin.pair_batches import PairBatch, pair_batch
from maze_rl.training.spin.pair_table import Kind, PairTable
from maze_rl.training.spin.sequence_log_probability import sequence_log_probabilities

PAIR = ([1, 20, 21, PATH_START], [15, 16, PATH_END], [15, 19, 18, PATH_END])
OTHER = ([1, 30, PATH_START], [12, PATH_END], [12, 13])


def numbers(count: int, scale: float = 10.0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [-scale * torch.rand(count, generator=generator) for _ in range(4)]


def oracle(beta: float, loss: str, real: float, generated: float, real_ref: float, generated_ref: float) -> float:
    margin = beta * ((real - real_ref) - (generated - generated_ref))
    return math.log1p(math.exp(-margin)) if loss == "logistic" else max(0.0, 1 - margin)


def log_p(model: MazeTransformer, batch: PairBatch) -> torch.Tensor:
    return sequence_log_probabilities(model, batch.tokens, batch.starts, batch.lengths)


def total(config: SpinConfig, model: MazeTransformer, batch: PairBatch) -> float:
    with torch.no_grad():
        return float(SpinObjective(config).loss(model, batch).total)


def gradient(model: MazeTransformer, value: torch.Tensor) -> torch.Tensor:
    found = torch.autograd.grad(value, list(model.parameters()), allow_unused=True, retain_graph=True)
    return torch.cat([part.flatten() for part in found if part is not None])


def test_filtered_is_the_likelihood_of_what_was_written() -> None:
    real, generated, real_ref, generated_ref = numbers(20)
    config = SpinConfig(loss="filtered")
    found = pair_losses(config, BothPlayers(real, real_ref), BothPlayers(generated, generated_ref))
    assert torch.equal(found, -generated)


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
@pytest.mark.parametrize("beta", [0.1, 1, 5.0])
def test_loss_equals_the_oracle(loss: str, beta: int | float) -> None:
    real, generated, real_ref, generated_ref = numbers(200)
    config = SpinConfig(beta=beta, loss=loss)
    found = pair_losses(config, BothPlayers(real, real_ref), BothPlayers(generated, generated_ref))
    values = zip(*(one.double().tolist() for one in (real, generated, real_ref, generated_ref)), strict=True)
    expected = torch.tensor([oracle(beta, loss, *row) for row in values], dtype=torch.float64)
    assert found.dtype == torch.float32
    assert found.double().numpy() == pytest.approx(expected.numpy(), rel=1e-6, abs=1e-5)


def test_no_margin_overflows() -> None:
    """Issue-d regression of the original: log(1 + exp(x)) of a large x is infinite."""
    far = torch.tensor([-1e4, 0.0])
    zero = torch.zeros(2)
    players = BothPlayers(far, zero), BothPlayers(far.flip(0), zero)
    losses = pair_losses(SpinConfig(), *players)
    assert losses.tolist() == [1e4, 0.0]


def test_whole_loss_equals_a_plain_loop_over_the_logits(make_model, batch_of) -> None:
    model = make_model()
    reference = torch.tensor([-3.0, -2.0, -9.0, -4.0], dtype=torch.float64)
    batch = batch_of(PAIR, OTHER, reference=reference)
    rows = [(prompt, real) for prompt, real, _ in (PAIR, OTHER)] + [
        (prompt, other) for prompt, _, other in (PAIR, OTHER)
    ]
    sums = []
    for prompt, response in rows:
        scores = torch.log_softmax(model(torch.tensor([prompt + response]))[0].detach(), dim=-1)
        sums.append(sum(float(scores[len(prompt) - 1 + place, token]) for place, token in enumerate(response)))
    assert log_p(model, batch).tolist() == pytest.approx(sums, abs=1e-9)
    for name in ("logistic", "hinge"):
        expected = sum(oracle(0.7, name, sums[i], sums[i + 2], *reference[i::2].tolist()) for i in (0, 1))
        assert total(SpinConfig(beta=0.7, loss=name), model, batch) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("loss", "start"), [("logistic", math.log(2)), ("hinge", 1.0)])
def test_first_batch_is_ln_2(dtype: torch.dtype, loss: str, start: float, make_model, pairs_of) -> None:
    model = make_model(dtype=dtype)
    table = pairs_of(model)
    batch = pair_batch(table, table.trainable(0))
    objective = SpinObjective(SpinConfig(loss=loss))
    assert objective.weight(model, batch) > 10
    with torch.no_grad():
        assert float(objective.loss(model, batch).total) / objective.weight(model, batch) == pytest.approx(
            start, abs=1e-6
        )


def test_prompt_tokens_are_not_scored_but_every_path_token_and_the_end_are(make_model, batch_of) -> None:
    model = make_model()
    with torch.no_grad():  # no token looks at another: a score depends on a token and the one before it
        for block in model.blocks:
            block.attn.W_O.zero_()
    prompt, real, other = PAIR
    base = log_p(model, batch_of(PAIR))
    moved = log_p(model, batch_of(([20, 1, 21, PATH_START], real, other)))
    assert torch.equal(base, moved)
    last = log_p(model, batch_of((prompt, [15, 17, PATH_END], other)))
    assert abs(last[0] - base[0]) > 1e-3
    assert last[1] == base[1]
    no_end = log_p(model, batch_of((prompt, real[:-1], other)))
    assert no_end[0] > base[0]  # the end has a score of its own, and none where it was not written


def test_a_truncated_path_is_not_scored_for_an_end(make_model, batch_of) -> None:
    model = make_model()
    scores = torch.log_softmax(model(torch.tensor([[1, 30, PATH_START, 12, 13]]))[0], dim=-1)
    found = log_p(model, batch_of(OTHER, PAIR))[2]
    assert float(found.detach()) == pytest.approx(float((scores[2, 12] + scores[3, 13]).detach()), abs=1e-9)


def test_tokens_are_scored_by_the_logits_before_them(make_model, batch_of) -> None:
    """Issue-a regression of the original: logits at t were scored against the token at t."""
    model = make_model()
    prompt, real, _ = PAIR
    scores = torch.log_softmax(model(torch.tensor([prompt + real]))[0].detach(), dim=-1)
    unshifted = sum(float(scores[len(prompt) + place, token]) for place, token in enumerate(real))
    found = float(log_p(model, batch_of(PAIR)).detach()[0])
    assert abs(found - unshifted) > 1e-2


def test_padding_is_not_scored(make_model, batch_of) -> None:
    model = make_model()
    alone, beside = log_p(model, batch_of(OTHER)), log_p(model, batch_of(OTHER, PAIR))
    assert beside[[0, 2]].tolist() == pytest.approx(alone.tolist(), abs=1e-12)


def test_the_two_opponent_log_probabilities_are_not_interchangeable() -> None:
    """Issue 1 of the original: the opponent's view of the written path stood in for that of the real one too."""
    real, generated, real_ref, generated_ref = numbers(20)
    config = SpinConfig()
    right = pair_losses(config, BothPlayers(real, real_ref), BothPlayers(generated, generated_ref))
    swapped = pair_losses(config, BothPlayers(real, generated_ref), BothPlayers(generated, real_ref))
    twice = pair_losses(config, BothPlayers(real, generated_ref), BothPlayers(generated, generated_ref))
    assert (right - swapped).abs().min() > 1e-3
    assert (right - twice).abs().min() > 1e-4


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_a_step_raises_the_real_path_and_lowers_the_written_one(loss: str, make_model, batch_of) -> None:
    """Issue 2 of the original: the real path's log-ratio had the wrong sign."""
    model = make_model()
    batch = batch_of(PAIR)
    before = log_p(model, batch)
    batch = batch_of(PAIR, reference=before.detach())
    slope = gradient(model, SpinObjective(SpinConfig(loss=loss)).loss(model, batch).total)
    slopes = [gradient(model, one) for one in log_p(model, batch)]
    assert slope @ slopes[0] < 0
    assert slope @ slopes[1] > 0
    # at the start the gradient is that of -beta/2 (hinge: -beta) times the difference of the two
    factor = 0.5 if loss == "logistic" else 1.0
    assert (slope + factor * (slopes[0] - slopes[1])).norm() < 1e-9 * slope.norm()


def test_it_is_one_loss_on_the_difference_not_a_sum_of_two() -> None:
    """Issue 2 of the original: two logistic losses were added up."""
    minus = torch.tensor([-2.0])
    found = pair_losses(SpinConfig(), BothPlayers(minus, minus), BothPlayers(minus, minus))
    assert float(found) == pytest.approx(math.log(2), abs=1e-6)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("length_normalised", [False, True])
def test_identical_pairs_have_exactly_no_gradient(seed: int, length_normalised: bool, make_model, batch_of) -> None:
    model = make_model(seed=seed, dtype=torch.float32)
    prompt, real, _ = PAIR
    batch = batch_of((prompt, real, real), kinds=[Kind.IDENTICAL], reference=torch.tensor([-4.0, -4.0]))
    found = SpinObjective(SpinConfig(length_normalised=length_normalised)).loss(model, batch)
    assert float(found.total.detach()) == pytest.approx(math.log(2), abs=1e-6)
    assert not gradient(model, found.total).any()


def test_length_normalised_rewards_are_per_token(make_model, batch_of) -> None:
    model = make_model()
    batch = batch_of(PAIR, reference=torch.tensor([-3.0, -8.0], dtype=torch.float64))
    real, generated = log_p(model, batch).tolist()
    found = SpinObjective(SpinConfig(beta=2, length_normalised=True)).loss(model, batch)
    assert float(found.total.detach()) == pytest.approx(
        oracle(2, "logistic", real / 3, generated / 4, -3 / 3, -8 / 4), abs=1e-6
    )
    assert float(found.measures["real_log_probability"]) == pytest.approx(real)


def test_nll_adds_the_likelihood_of_the_real_path(make_model, batch_of) -> None:
    model = make_model()
    batch = batch_of(PAIR, OTHER)
    plain, with_nll = (total(SpinConfig(nll=a), model, batch) for a in (0, 0.3))
    assert with_nll - plain == pytest.approx(-0.3 * float(log_p(model, batch).detach()[:2].sum()), abs=1e-6)


def test_measures_are_weighted_sums_without_gradient(make_model, batch_of) -> None:
    model = make_model()
    reference = torch.tensor([-30.0, -1.0, -1.0, -30.0], dtype=torch.float64)
    batch = batch_of(PAIR, OTHER, reference=reference)
    batch.weights[1] = 3
    objective = SpinObjective(SpinConfig(beta=0.5))
    assert isinstance(objective, Objective)
    assert objective.weight(model, batch) == 4
    measures = objective.loss(model, batch).measures
    scores = log_p(model, batch).detach()
    rewards = 0.5 * (scores - reference)
    expected = {
        "real_reward": rewards[0] + 3 * rewards[1],
        "generated_reward": rewards[2] + 3 * rewards[3],
        "margin": rewards[0] - rewards[2] + 3 * (rewards[1] - rewards[3]),
        "accuracy": 1.0,
        "real_fell": 3.0,
        "real_log_probability": scores[0] + 3 * scores[1],
        "generated_log_probability": scores[2] + 3 * scores[3],
    }
    assert {name: float(measures[name]) for name in expected} == pytest.approx(
        {name: float(value) for name, value in expected.items()}, abs=1e-9
    )
    assert not any(value.requires_grad for value in measures.values())


def test_micro_batches_change_nothing(make_model, batch_of) -> None:
    model, objective = make_model(), SpinObjective(SpinConfig(nll=0.1))
    whole = gradient(model, objective.loss(model, batch_of(PAIR, OTHER)).total)
    parts = sum(gradient(model, objective.loss(model, batch_of(pair)).total) for pair in (PAIR, OTHER))
    assert (whole - parts).norm() < 1e-9 * whole.norm()


def test_kl_is_estimated_from_what_the_opponent_drew() -> None:
    generator = np.random.default_rng(0)
    opponent, policy = np.array([0.5, 0.3, 0.2]), np.array([0.4, 0.2, 0.4])
    drawn = generator.choice(3, 40_000, p=opponent)
    players = BothPlayers(torch.from_numpy(np.log(policy[drawn])), torch.from_numpy(np.log(opponent[drawn])))
    found = float(likelihoods(players, players)["kl"].mean())
    assert found == pytest.approx(float((opponent * np.log(opponent / policy)).sum()), abs=3e-3)
    assert float(likelihoods(players, BothPlayers(players.opponent, players.opponent))["kl"].abs().max()) == 0


def test_stop_and_alarm() -> None:
    measures = {"kl": 0.6, "real_reward": -0.2, "real_fell": 0.75}
    assert past_kl_stop(SpinConfig(kl_stop=0.5), measures)
    assert not past_kl_stop(SpinConfig(kl_stop=0.7), measures)
    assert not past_kl_stop(SpinConfig(), measures)
    assert "75% of them fell" in str(falling_alarm(measures))
    assert str(falling_alarm(measures, "real answers")).startswith("real answers became less likely")
    assert falling_alarm({"kl": 0.6, "real_reward": 0.0, "real_fell": 0.5}) is None


@pytest.mark.parametrize("loss", ["logistic", "hinge"])
def test_accuracy_rises_inside_a_round(loss: str, make_model, pairs_of) -> None:
    model = make_model(dtype=torch.float32)
    table: PairTable = pairs_of(model)
    batch = pair_batch(table, table.trainable(0))
    objective = SpinObjective(SpinConfig(loss=loss))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    rows = []
    for _ in range(30):
        found = objective.loss(model, batch)
        optimizer.zero_grad()
        (found.total / objective.weight(model, batch)).backward()
        optimizer.step()
        rows.append({name: float(value) / objective.weight(model, batch) for name, value in found.measures.items()})
    assert rows[-1]["accuracy"] > 0.9
    assert rows[-1]["margin"] > 1
    assert rows[-1]["real_log_probability"] > rows[-1]["generated_log_probability"]
    assert rows[0]["kl"] < 1e-6 < rows[-1]["kl"]
