"""Controllers on plain torch optimizers: what reaches the optimizer, with which schedulers, and resuming."""

import io
import math
import statistics
from collections.abc import Callable
from typing import Any

import pytest
import torch
from schedulefree import AdamWScheduleFree
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LambdaLR, OneCycleLR, ReduceLROnPlateau, StepLR

from maze_rl.configs.choices import read_choice
from maze_rl.configs.learning_rates import CONTROLLERS, SCHEDULES
from maze_rl.errors import ConfigurationError
from maze_rl.training.learning_rates.choose import controller, schedule
from maze_rl.training.learning_rates.controlled_optimizer import LearningRateController
from maze_rl.training.learning_rates.safety import DivergenceGuard
from maze_rl.training.slots import Controller, Outcome, Verdict
from maze_rl.training.update_rules.dice import DiceRoll
from maze_rl.training.update_rules.dice_optimizer import DiceOptimizer

STEPS = 120
Make = Callable[[list[dict[str, Any]]], torch.optim.Optimizer]
OPTIMIZERS: dict[str, Make] = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9),
    "adamw": lambda groups: torch.optim.AdamW(groups),
    "rmsprop": lambda groups: torch.optim.RMSprop(groups),
    "adagrad": lambda groups: torch.optim.Adagrad(groups),
}


class Spy:
    """Always the same factor; answers what it is told to."""

    def __init__(self, factor: float, verdicts: dict[int, Verdict] | None = None) -> None:
        self.factor, self.verdicts, self.seen = factor, verdicts or {}, list[Outcome]()

    def multiplier(self) -> float:
        return self.factor

    def observe(self, outcome: Outcome) -> Verdict:
        self.seen.append(outcome)
        return self.verdicts.get(outcome.step, Verdict.GO_ON)


class Loop:
    """A loop of one's own: a small regression."""

    def __init__(self, made: Controller | None, optimizer: str = "adamw", **options: Any) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        groups = [
            {"params": list(self.model[0].parameters()), "lr": 0.01},
            {"params": list(self.model[2].parameters()), "lr": 0.003},
        ]
        self.optimizer = OPTIMIZERS[optimizer](groups)
        self.control = LearningRateController(self.optimizer, made, steps=STEPS, **options)
        self.rates: list[list[float]] = []
        self.scheduler: Any = None

    def run(self, first: int, last: int, loss: dict[int, float] | None = None) -> "Loop":
        for step in range(first, last):
            random = torch.Generator().manual_seed(step)
            inputs = torch.randn(16, 4, generator=random)
            value = (self.model(inputs)[:, 0] - inputs.prod(1)).square().mean()
            self.optimizer.zero_grad()
            value.backward()
            self.control.before_step()
            self.rates.append([group["lr"] for group in self.optimizer.param_groups])
            self.optimizer.step()
            self.control.after_step((loss or {}).get(step, value.item()), 1.0)
            if self.scheduler is not None:
                self.scheduler.step(*([value.item()] if isinstance(self.scheduler, ReduceLROnPlateau) else []))
        return self

    def weights(self) -> list[torch.Tensor]:
        return [parameter.detach().clone() for parameter in self.model.parameters()]


def chosen(text: str, seed: int = 0) -> Controller | None:
    return controller(read_choice("controller", CONTROLLERS, text), seed)


def equal(first: Loop, second: Loop) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first.weights(), second.weights(), strict=True))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_spy_that_doubles_changes_the_weights_as_a_doubled_rate_does(optimizer: str) -> None:
    doubled, plain, by_hand = Loop(Spy(2.0), optimizer), Loop(None, optimizer), Loop(None, optimizer)
    for group in by_hand.optimizer.param_groups:
        group["lr"] *= 2
    for loop in (doubled, plain, by_hand):
        loop.run(0, 20)
    assert equal(doubled, by_hand)
    assert not equal(doubled, plain)


def test_the_logged_rate_is_that_of_the_very_next_step() -> None:
    loop = Loop(chosen("random:every=3"))
    multiplier = 1.0
    for step in range(STEPS):
        loop.run(step, step + 1)
        assert loop.rates[-1] == pytest.approx([0.01 * multiplier, 0.003 * multiplier], rel=1e-12)
        assert loop.control.learning_rate == loop.rates[-1][-1]
        multiplier = loop.control.record.get("multiplier", multiplier)
    assert len({rate for _, rate in loop.rates}) > 4


@pytest.mark.parametrize("name", ["sham", "ai_scientist_run1:every=5", "ai_scientist_run4:every=5", "none"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_sham_is_the_base_schedule_bit_for_bit(name: str, optimizer: str) -> None:
    cosine = schedule(read_choice("schedule", SCHEDULES, "warmup_cosine"))
    loops = [Loop(made, optimizer, schedule=cosine, warmup_steps=10) for made in (chosen(name), None)]
    assert equal(*(loop.run(0, STEPS) for loop in loops))
    assert loops[0].rates == loops[1].rates


@pytest.mark.parametrize("text", ["warmup_cosine", "constant", "linear", "wsd", "wsd:shape=sqrt"])
def test_composes_with_our_schedules_and_keeps_the_ratios_of_groups(text: str) -> None:
    function = schedule(read_choice("schedule", SCHEDULES, text))
    loop = Loop(chosen("random:every=4"), schedule=function, warmup_steps=10).run(0, STEPS)
    for step, (first, second) in enumerate(loop.rates):
        assert first / second == pytest.approx(10 / 3)
        if step <= 10:
            assert first == 0.01 * function(step, STEPS, 10)
    assert len({round(first / 0.01 / function(step, STEPS, 10), 6) for step, (first, _) in enumerate(loop.rates)}) > 3


@pytest.mark.parametrize(
    "make",
    [
        lambda optimizer: CosineAnnealingLR(optimizer, STEPS, eta_min=1e-4),
        lambda optimizer: LambdaLR(optimizer, lambda step: 1 / (1 + step)),
        lambda optimizer: StepLR(optimizer, 25, 0.5),
        lambda optimizer: OneCycleLR(optimizer, 0.05, total_steps=STEPS + 1),
        lambda optimizer: ReduceLROnPlateau(optimizer, patience=3),
    ],
    ids=["cosine", "lambda", "step", "one cycle", "plateau"],
)
def test_composes_with_torchs_schedulers(make: Callable[[torch.optim.Optimizer], Any]) -> None:
    plain, doubled = Loop(None), Loop(Spy(2.0))
    for loop in (plain, doubled):
        loop.optimizer.param_groups[0]["betas"] = loop.optimizer.param_groups[1]["betas"] = (0.9, 0.95)
        loop.scheduler = make(loop.optimizer)
    if isinstance(plain.scheduler, ReduceLROnPlateau):
        plain.scheduler.step = doubled.scheduler.step = lambda loss: None  # it sees other losses; only that it fits
    plain.run(0, STEPS)
    doubled.run(0, STEPS)
    assert doubled.rates == [[2 * rate for rate in rates] for rates in plain.rates]


@pytest.mark.parametrize(
    "name", ["q_learning:every=4", "exp3:every=3", "random:every=5", "ai_scientist_run4:5,applied=true"]
)
def test_resumes_bit_for_bit_also_after_going_back(name: str) -> None:
    bad = {50: math.nan, 90: math.nan}
    straight = Loop(chosen(name)).run(0, STEPS, bad)
    stopped = Loop(chosen(name)).run(0, 70, bad)
    parts = (stopped.model, stopped.optimizer, stopped.control)
    file = io.BytesIO()
    torch.save([part.state_dict() for part in parts], file)
    file.seek(0)
    resumed = Loop(chosen(name, seed=9))
    saved = torch.load(file, weights_only=True)
    for part, state in zip((resumed.model, resumed.optimizer, resumed.control), saved, strict=True):
        part.load_state_dict(state)
    resumed.run(70, STEPS, bad)
    assert equal(straight, resumed)
    assert resumed.rates == straight.rates[70:]


@pytest.mark.parametrize("snapshot", [True, False])
def test_going_back_restores_weights_and_optimizer_while_data_and_schedule_go_on(snapshot: bool) -> None:
    loop = Loop(Spy(1.0, {4: Verdict.REMEMBER, 9: Verdict.GO_BACK}), snapshot=snapshot)
    loop.scheduler = LambdaLR(loop.optimizer, lambda step: 1 / (1 + step))
    loop.run(0, 5)
    weights, state = loop.weights(), loop.optimizer.state_dict()["state"][0]["exp_avg"].clone()
    loop.run(5, 10)
    same = all(torch.equal(a, b) for a, b in zip(loop.weights(), weights, strict=True))
    assert same is snapshot
    assert torch.equal(loop.optimizer.state_dict()["state"][0]["exp_avg"], state) is snapshot
    loop.run(10, 12)
    assert [rates[0] for rates in loop.rates] == pytest.approx([0.01 / (1 + step) for step in range(12)])


def test_going_back_does_not_rewind_the_dice() -> None:
    """Weights and optimizer state return; faces and character go on, or the same steps would be thrown again."""
    loops, rolls = [], []
    for verdicts in ({}, {5: Verdict.REMEMBER, 11: Verdict.GO_BACK}):
        loop, rows = Loop(Spy(1.0, verdicts), "sgd"), []
        die = DiceRoll(3, rules="v0", character="wizard", experience=True, encounters=0.5)
        loop.optimizer = loop.control.optimizer = DiceOptimizer(loop.optimizer, die, on_step=rows.append)
        loops.append(loop)
        loop.run(0, 40)
        rolls.append([row["rolls"] for row in rows])
        assert loop.optimizer.steps == 40
    for plain, back in zip(*rolls, strict=True):
        assert [{**roll, "loss": None} for roll in plain] == [{**roll, "loss": None} for roll in back]
    assert not torch.equal(loops[0].weights()[0], loops[1].weights()[0])


def test_a_step_that_dice_throw_away_is_told_and_leaves_the_schedule() -> None:
    spy = Spy(1.0)
    loop = Loop(spy, "sgd", schedule=schedule(read_choice("schedule", SCHEDULES, "linear")))
    die = DiceRoll(0)
    faces = iter([20, 1, 1, 20])
    die.throw = lambda: [next(faces)]  # type: ignore[method-assign]
    loop.optimizer = loop.control.optimizer = DiceOptimizer(loop.optimizer, die)
    loop.run(0, 4)
    assert [(seen.taken, seen.step) for seen in spy.seen] == [(True, 0), (False, 1), (False, 1), (True, 1)]
    assert loop.rates[1] == loop.rates[2] == loop.rates[3] < loop.rates[0]


@pytest.mark.parametrize("rate", [0.5, 0.8])
def test_the_guard_saves_a_training_that_diverges(rate: float) -> None:
    losses = []
    for guard in (False, True):
        spy = Spy(1.0)
        loop = Loop(DivergenceGuard(spy) if guard else spy, "sgd")
        spy.factor = 16.0
        loop.control.optimizer.param_groups[0]["lr"] = loop.control.optimizer.param_groups[1]["lr"] = rate / 16
        loop.run(0, STEPS)
        losses.append([seen.loss for seen in spy.seen if seen.finite])
    assert not statistics.median(losses[0][-20:]) < 100
    assert statistics.median(losses[1][-20:]) < 3


def test_held_out_loss_is_what_one_gives_or_else_the_training_loss() -> None:
    loop = Loop(spy := Spy(1.0))
    for held_out in (None, lambda: 7.0):
        loop.control.before_step()
        loop.control.after_step(3.0, 1.0, held_out)
    assert [seen.held_out() for seen in spy.seen] == [3.0, 7.0]


def test_calls_in_the_wrong_order_are_refused() -> None:
    loop = Loop(None)
    with pytest.raises(ConfigurationError, match="without before_step"):
        loop.control.after_step(1.0)
    loop.control.before_step()
    with pytest.raises(ConfigurationError, match="twice"):
        loop.control.before_step()
    loop.optimizer.param_groups[-1]["lr"] = 5.0
    with pytest.raises(ConfigurationError, match="step schedulers after"):
        loop.control.after_step(1.0)


@pytest.mark.parametrize(
    "given, said",
    [
        ({"controller": DivergenceGuard, "steps": 3}, r"DivergenceGuard'>: expected an object.*controller_called"),
        ({"controller": None, "steps": 0}, "steps is 0"),
        ({"controller": None, "steps": 3, "warmup_steps": -1}, "warmup_steps -1"),
    ],
)
def test_wrong_arguments_are_named(given: dict[str, Any], said: str) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    with pytest.raises(ConfigurationError, match=said):
        LearningRateController(optimizer, **given)


def test_works_on_an_optimizer_of_another_package() -> None:
    OPTIMIZERS["schedulefree"] = lambda groups: AdamWScheduleFree(groups)
    try:
        loop = Loop(chosen("q_learning:every=4"), "schedulefree")
    finally:
        del OPTIMIZERS["schedulefree"]
    loop.optimizer.train()  # type: ignore[attr-defined]
    loop.run(0, STEPS, {60: math.nan})
    assert loop.control.step == STEPS
