"""One step: what update rules and controllers do to it, number by number."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.training import OPTIMIZERS, DataFolder, Phase
from maze_rl.mazes.storage.dataset_writer import write_dataset
from maze_rl.mazes.storage.store import open_dataset
from maze_rl.training.batches import batch_maker
from maze_rl.training.laws import fresh, run, tiny_run
from maze_rl.training.settings import settings
from maze_rl.training.slots import Apply, Moment, Outcome, Skip, Verdict
from maze_rl.training.state import TrainingState, new_state
from maze_rl.training.step import TrainingError, add_up_gradients, take_step
from maze_rl.training.trainer import Callbacks, train
from maze_rl.training.update_rules.applied_scale import scale_lost

PLAIN = tiny_run(optimizer="adamw", weight_decay=0.1)


class Always:
    """A rule that says the same each time."""

    def __init__(self, *answers: Apply | Skip, per: str = "step", apply_to: str = "update") -> None:
        self.answers, self.per, self.apply_to = answers, per, apply_to
        self.asked: list[Moment] = []

    def decide(self, moment: Moment) -> Apply | Skip:
        self.asked.append(moment)
        return self.answers[(len(self.asked) - 1) % len(self.answers)]


def step(state: TrainingState, config: Any = PLAIN) -> dict[str, Any]:
    stretch = config.training.stretches[0]
    batch = batch_maker(state, config.training, stretch)(state.step)
    return take_step(state, config.training, settings(state, config.training, stretch)(state.step), batch)


def weights(state: TrainingState) -> torch.Tensor:
    return torch.cat([weight.detach().flatten().clone() for weight in state.model.parameters()])


def change(config: Any, rule: Any = None, steps_before: int = 2, double: bool = False) -> torch.Tensor:
    """What a step changes after some plain ones."""
    state = _double(config) if double else fresh(config)
    for _ in range(steps_before):
        step(state, config)
    if rule is not None:
        state.update_rule = rule
    before = weights(state)
    step(state, config)
    return weights(state) - before


def test_a_skipped_step_changes_nothing_but_the_counts() -> None:
    state = fresh(PLAIN)
    step(state)
    before = (weights(state), json.dumps(_tree(state)), state.updates)
    state.update_rule = Always(Skip({"face": 1}))
    rate = step(state)["learning_rate"]
    assert torch.equal(weights(state), before[0])
    assert json.dumps(_tree(state)) == before[1]
    assert all(weight.grad is None for weight in state.model.parameters())
    assert (state.step, state.updates) == (2, before[2])
    state.update_rule = Always(Apply())
    assert step(state)["learning_rate"] == rate  # the schedule stood still
    assert not torch.equal(weights(state), before[0])


def _tree(state: TrainingState) -> dict[str, Any]:
    found = state.optimizer.state_dict()
    for group in found["param_groups"]:
        group.pop("lr")  # written anew before every step
    return {str(key): str({name: value for name, value in entry.items()}) for key, entry in found["state"].items()}


def test_a_full_roll_is_the_plain_step() -> None:
    for apply_to in ("loss", "grad", "update"):
        for per in ("step", "mini_batch"):
            assert torch.equal(change(PLAIN), change(PLAIN, Always(Apply(1.0), per=per, apply_to=apply_to)))


@pytest.mark.parametrize("scale", [0.35, -0.01, 1.7])
def test_a_scaled_update_is_that_share_of_the_plain_one(scale: float) -> None:
    for optimizer in ("adamw", "muon", "sgd"):
        config = tiny_run(optimizer=optimizer, weight_decay=0.1)
        plain, scaled = (change(config, rule, 1, double=True) for rule in (None, Always(Apply(scale))))
        assert torch.allclose(scaled, scale * plain, rtol=1e-5, atol=1e-12)


def test_noise_adds_to_an_update_what_it_says() -> None:
    plain, scaled, noisy, again = (
        change(PLAIN, rule) for rule in (None, *(Always(Apply(0.5, {}, noise)) for noise in (0.0, 0.4, 0.4)))
    )
    assert torch.allclose(scaled, 0.5 * plain, rtol=1e-3, atol=1e-7)
    assert torch.equal(noisy, again)  # a function of seed and step
    added = noisy - scaled
    assert float(added.norm() / plain.norm()) == pytest.approx(0.4, rel=0.05)
    assert abs(float(torch.nn.functional.cosine_similarity(added, plain, dim=0))) < 0.1


def test_adam_cancels_a_scale_of_the_gradient_and_sgd_does_not() -> None:
    sgd = tiny_run(optimizer="sgd", weight_decay=0.0)
    ratios = {}
    for name, config in (("adamw", tiny_run(optimizer="adamw", weight_decay=0.0)), ("sgd", sgd)):
        plain, scaled = (change(config, rule, 0) for rule in (None, Always(Apply(0.05), apply_to="grad")))
        ratios[name] = float(scaled.norm() / plain.norm())
    assert ratios["adamw"] == pytest.approx(1.0, abs=0.02)
    assert ratios["sgd"] == pytest.approx(0.05, rel=1e-3)


@pytest.mark.parametrize("clip_norm", [1e-3, 1e3])
@pytest.mark.parametrize(
    ("per", "apply_to"),
    [("step", "loss"), ("step", "grad"), ("step", "update"), ("mini_batch", "loss"), ("mini_batch", "grad")],
)
def test_the_update_changes_by_the_logged_scale_at_any_norm(per: str, apply_to: str, clip_norm: float) -> None:
    """With the gradient norm far above the limit too: no clipping of what is scaled already."""
    config = tiny_run(optimizer="sgd", weight_decay=0.0, clip_norm=clip_norm)
    plain = change(config, None, 0, double=True)
    for scale in (0.6, -0.01, 1.7, 0.0):
        rule = Always(Apply(scale), per=per, apply_to=apply_to)
        assert torch.allclose(change(config, rule, 0, double=True), scale * plain, rtol=1e-6, atol=1e-14)


@pytest.mark.parametrize("clip_norm", [1e-3, 1e3])
def test_every_mini_batch_changes_its_share_of_the_update_by_its_scale(clip_norm: float) -> None:
    config = tiny_run(optimizer="sgd", weight_decay=0.0, clip_norm=clip_norm)

    def moved(*answers: Apply | Skip) -> torch.Tensor:
        return change(config, Always(*answers, per="mini_batch", apply_to="loss"), 0, double=True)

    first, second = moved(Apply(1.0), Skip()), moved(Skip(), Apply(1.0))
    assert torch.allclose(first + second, change(config, None, 0, double=True), rtol=1e-6, atol=1e-14)
    mixed = moved(Apply(0.6), Apply(-0.01))
    assert torch.allclose(mixed, 0.6 * first - 0.01 * second, rtol=1e-6, atol=1e-14)


def test_the_norm_that_is_logged_knows_no_scale() -> None:
    config = tiny_run(optimizer="sgd")
    logged = []
    for answers in ((Apply(1.0),), (Apply(0.01),), (Apply(0.5), Apply(-0.01))):
        state = fresh(config)
        state.update_rule = Always(*answers, per="mini_batch", apply_to="loss")
        logged.append(step(state, config)["gradient_norm"])
    assert logged == pytest.approx([logged[0]] * 3, rel=1e-5)


@pytest.mark.parametrize("apply_to", ["loss", "grad", "update"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_an_optimizer_follows_the_scale_or_the_run_says_that_it_does_not(optimizer: str, apply_to: str) -> None:
    if (optimizer, apply_to) == ("schedule_free", "update"):
        pytest.skip("refused: tests/configs/test_refusals.py")
    config = tiny_run(optimizer=optimizer, weight_decay=0.0, clip_norm=0.01, schedule="constant", warmup_steps=1)
    rule = Always(Apply(0.35), apply_to=apply_to)
    plain, scaled = (change(config, each, 0, double=True) for each in (None, rule))
    follows = torch.allclose(scaled, 0.35 * plain, rtol=1e-5, atol=1e-12)
    assert follows == (scale_lost(rule, optimizer) is None)


def test_noise_is_added_to_an_update_of_scale_0_too() -> None:
    plain, noisy = (change(PLAIN, rule) for rule in (None, Always(Apply(0.0, {}, 0.4))))
    assert float(noisy.norm() / plain.norm()) == pytest.approx(0.4, rel=0.05)


def test_a_failed_roll_takes_back_under_sgd_and_the_loss_does_not_fall() -> None:
    config = tiny_run(optimizer="sgd", weight_decay=0.0, learning_rate=0.05)
    plain, failed = (change(config, rule, 1, double=True) for rule in (None, Always(Apply(-0.01))))
    assert torch.allclose(failed, -0.01 * plain, rtol=1e-6, atol=1e-15)
    state = fresh(config)
    stretch = config.training.stretches[0]
    batch, setting = batch_maker(state, config.training, stretch)(0), settings(state, config.training, stretch)(0)
    state.update_rule = Always(Apply(-1.0))
    losses = [take_step(state, config.training, setting, batch)["loss"] for _ in range(2)]
    assert losses[1] > losses[0]


def test_dice_per_mini_batch_weigh_gradients_under_one_divisor() -> None:
    config = tiny_run(batch_size=3, accumulation=3)
    scales = (Apply(0.5, {"face": 10}), Skip({"face": 1}), Apply(-0.2, {"face": 3}))
    state = _double(config)
    stretch = config.training.stretches[0]
    batch, objective = (
        batch_maker(state, config.training, stretch)(0),
        settings(state, config.training, stretch)(0).objective,
    )
    state.update_rule = Always(*scales, per="mini_batch", apply_to="loss")
    sums = add_up_gradients(state, config.training, objective, batch)
    diced = _gradient(state)
    expected = torch.zeros_like(diced)
    normaliser = sum(objective.weight(state.model, micro) for mini in batch.mini_batches for micro in mini)
    for mini, decision in zip(batch.mini_batches, scales, strict=True):
        state.optimizer.zero_grad()
        (sum(objective.loss(state.model, micro).total for micro in mini) / normaliser).backward()
        expected += getattr(decision, "scale", 0.0) * _gradient(state)
    assert (diced - expected).norm() < 1e-6 * expected.norm()
    assert [roll["applied"] for roll in sums.rolls] == [0.5, None, -0.2]
    assert not sums.skipped


def _double(config: Any) -> TrainingState:
    return new_state(fresh(config).model.double(), config.training, config.seed)


def _gradient(state: TrainingState) -> torch.Tensor:
    return torch.cat(
        [
            torch.zeros_like(weight).flatten() if weight.grad is None else weight.grad.flatten()
            for weight in state.model.parameters()
        ]
    )


def test_a_step_whose_every_mini_batch_is_skipped_is_none() -> None:
    state = fresh(PLAIN)
    before = weights(state)
    state.update_rule = Always(Skip({"face": 1}), per="mini_batch", apply_to="loss")
    row = step(state)
    assert torch.equal(weights(state), before)
    assert state.updates == 0
    assert len(row["rolls"]) == PLAIN.training.accumulation
    assert row["loss"] > 0


def test_a_rule_may_ask_for_the_loss_of_its_mini_batch() -> None:
    state = fresh(PLAIN)
    asked: list[float] = []

    class Curious(Always):
        def decide(self, moment: Moment) -> Apply | Skip:
            asked.append(moment.loss())
            return super().decide(moment)

    state.update_rule = Curious(Apply(1.0, {"face": 20}), per="mini_batch", apply_to="loss")
    row = step(state)
    assert asked == pytest.approx([roll["loss"] for roll in row["rolls"]])
    state.update_rule = Curious(Apply(1.0, {"face": 20}))
    assert step(state)["loss"] == asked[-1]


@pytest.mark.parametrize("per", ["step", "mini_batch"])
@pytest.mark.parametrize("accumulation", range(1, 8))
def test_one_roll_a_step_or_one_a_mini_batch_for_any_accumulation(per: str, accumulation: int) -> None:
    config = tiny_run(update_rule=f"dice:classic,per={per}", accumulation=accumulation, batch_size=2)
    rows: list[dict[str, Any]] = []
    state = fresh(config)
    train(state, config.training, Callbacks(on_row=rows.append))
    assert [len(row["rolls"]) for row in rows] == [1 if per == "step" else accumulation] * 6
    for row in rows:
        for roll in row["rolls"]:
            assert {"face", "modifier", "outcome", "applied", "loss"} <= roll.keys()


def test_dice_do_not_change_the_order_of_the_data() -> None:
    seen: list[list[tuple]] = []
    for rule in ("every_step", "dice:classic,encounters=0.5,experience=true"):
        rows: list[dict[str, Any]] = []
        config = tiny_run(update_rule=rule)
        train(fresh(config), config.training, Callbacks(on_row=rows.append))
        seen.append([(row["tokens"], row["loss_weight"], row["mazes"]) for row in rows])
    assert seen[0] == seen[1]


class Doubling:
    """A controller that doubles the rate from the second step on."""

    def __init__(self, answer: Callable[[Outcome], Verdict] = lambda outcome: Verdict.GO_ON) -> None:
        self.answer, self.seen = answer, []

    def multiplier(self) -> float:
        return 2.0 ** len(self.seen)

    def observe(self, outcome: Outcome) -> Verdict:
        self.seen.append(outcome)
        return self.answer(outcome)


def test_what_a_controller_decides_reaches_the_very_next_step() -> None:
    config = tiny_run(schedule="constant", warmup_steps=1)
    plain, doubled = fresh(config), fresh(config)
    doubled.controller = Doubling()
    for state in (plain, doubled):
        state.rates = [step(state, config)["learning_rate"] for _ in range(3)]  # type: ignore[attr-defined]
    peak = config.training.learning_rate
    assert plain.rates == [peak] * 3  # type: ignore[attr-defined]
    assert doubled.rates == [peak, 2 * peak, 4 * peak]  # type: ignore[attr-defined]
    assert [outcome.learning_rate for outcome in doubled.controller.seen] == doubled.rates  # type: ignore[attr-defined]
    ratio = {group["lr"] / group["peak_lr"] for group in doubled.optimizer.param_groups}
    assert ratio == {4.0}  # every group alike
    assert not torch.equal(weights(plain), weights(doubled))


def test_a_controller_can_remember_and_go_back() -> None:
    config = tiny_run()
    state = fresh(config)
    answers = iter([Verdict.REMEMBER, Verdict.GO_ON, Verdict.GO_BACK, Verdict.GO_ON])
    state.controller = Doubling(lambda outcome: next(answers))
    step(state, config)
    remembered = weights(state)
    step(state, config)
    assert not torch.equal(weights(state), remembered)
    row = step(state, config)
    assert row["controller"]["verdict"] == "go back"
    assert torch.equal(weights(state), remembered)
    assert state.step == 3  # the data go on


def test_a_step_that_is_not_finite_is_undone_by_a_controller_and_else_an_error() -> None:
    config = tiny_run()
    state = fresh(config)
    answers = iter([Verdict.REMEMBER, Verdict.GO_BACK])
    state.controller = Doubling(lambda outcome: next(answers))
    step(state, config)
    remembered = weights(state)
    with torch.no_grad():
        state.model.unembed.b_U[3] = float("nan")
    row = step(state, config)
    assert not torch.isfinite(torch.tensor(row["loss"]))
    assert torch.equal(weights(state), remembered)
    state.controller = None
    with torch.no_grad():
        state.model.unembed.b_U[3] = float("nan")
    with pytest.raises(TrainingError, match="not finite"):
        step(state, config)


def test_a_real_controller_survives_a_rate_that_diverges() -> None:
    config = tiny_run(optimizer="sgd", learning_rate=1e6, schedule="constant", lr_controller="random:every=1")
    state = fresh(config)
    rows: list[dict[str, Any]] = []
    train(state, config.training, Callbacks(on_row=rows.append))
    assert len(rows) == 6
    assert torch.isfinite(weights(state)).all()


@pytest.mark.parametrize("schedule", ["constant", "warmup_cosine", "linear", "wsd:decay=0.5"])
def test_controllers_multiply_any_schedule(schedule: str) -> None:
    config = tiny_run(schedule=schedule)
    plain, steered = fresh(config), fresh(config)
    steered.controller = Doubling()
    for number in range(3):
        rates = [step(state, config)["learning_rate"] for state in (plain, steered)]
        assert rates[1] == pytest.approx(2**number * rates[0])


def test_on_a_dataset_controllers_measure_mazes_that_are_not_trained_on(tmp_path: Path) -> None:
    spec = MazeSpec(sizes=(4,), split="train")
    folder = write_dataset(GenerationConfig(spec=spec, num=40), tmp_path / "mazes")
    data = DataFolder(folder=str(folder), content=open_dataset(folder).content)
    config = tiny_run((Phase(steps=3, mazes=spec, data=data),))
    state, measured, rows = fresh(config), [], []
    state.controller = Doubling(lambda outcome: measured.append(outcome.held_out()) or Verdict.GO_ON)
    train(state, config.training, Callbacks(on_row=rows.append))
    assert all(value > 0 for value in measured)
    assert measured != [row["loss"] for row in rows]
    tokens = [row["controller_tokens"] for row in rows]
    assert tokens == [tokens[0], 2 * tokens[0], 3 * tokens[0]]
    stream = fresh(PLAIN)
    stream.controller = Doubling(lambda outcome: measured.append(outcome.held_out()) or Verdict.GO_ON)
    assert step(stream)["loss"] == measured[-1]  # no maze comes twice, so the training loss is held out itself
    assert stream.controller_tokens == 0


def test_the_default_run_has_no_plug_in_to_remember() -> None:
    state = run(tiny_run(model=ModelConfig(n_layers=1, d_model=16, n_heads=2)))
    assert state.plugins == {}
    assert state.kept == {}
