"""The dice around a torch optimizer: what a step does to weights, optimizer, schedule; exact, resumable, scalable."""

import copy
import math
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.training.slots import Apply, Moment, Skip
from maze_rl.training.update_rules.constant_scale import ConstantScale
from maze_rl.training.update_rules.dice import DiceRoll
from maze_rl.training.update_rules.dice_optimizer import DiceOptimizer, DiceSchedule
from maze_rl.training.update_rules.noisy_update import NoisyUpdate

pytestmark = pytest.mark.filterwarnings("ignore:(apply_to=|per=mini_batch without)")

FACTORIES = {
    "sgd": lambda weights: torch.optim.SGD(weights, lr=0.1, momentum=0.9, nesterov=True),
    "adamw": lambda weights: torch.optim.AdamW(weights, lr=0.01, weight_decay=0.1),
}


class Told:
    """An update rule that does what it is told, the last thing for ever."""

    def __init__(self, *scales: float | None, per: str = "step", apply_to: str = "update") -> None:
        self.scales, self.per, self.apply_to, self.asked = scales, per, apply_to, 0

    def decide(self, moment: Moment) -> Apply | Skip:
        scale = self.scales[min(self.asked, len(self.scales) - 1)]
        self.asked += 1
        return Skip({"face": 1}) if scale is None else Apply(scale, {"scale": scale})


def network(seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    layers = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1)).to(dtype)
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in layers.parameters():
            weight.copy_(torch.randn(weight.shape, generator=random, dtype=dtype))
    return layers


def batches(num: int, dtype: torch.dtype = torch.float64) -> list[tuple[Tensor, Tensor]]:
    random = torch.Generator().manual_seed(9)
    return [tuple(torch.randn(6, width, generator=random, dtype=dtype) for width in (4, 1)) for _ in range(num)]  # type: ignore[misc]


def loss_of(model: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
    return (model(batch[0]) - batch[1]).square().mean()


def flat(model: nn.Module) -> Tensor:
    return torch.cat([weight.detach().flatten() for weight in model.parameters()]).clone()


def plain_steps(model: nn.Module, optimizer: torch.optim.Optimizer, data: Sequence, clip: float | None = None) -> None:
    for batch in data:
        loss_of(model, batch).backward()
        if clip is not None:
            nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad()


def dice_steps(model: nn.Module, dice: DiceOptimizer, data: Sequence) -> None:
    for batch in data:
        dice.weigh(loss_of(model, batch)).backward()
        dice.step()
        dice.zero_grad()


def state_of(optimizer: Any) -> list[Tensor]:
    state = optimizer.state_dict()["state"]
    return [value.clone() for slot in state.values() for value in slot.values() if isinstance(value, Tensor)]


@pytest.mark.parametrize("name", FACTORIES)
def test_a_natural_1_changes_nothing_at_all(name: str) -> None:
    model = network()
    die = DiceRoll(0, rules="classic")
    dice = DiceOptimizer(FACTORIES[name](model.parameters()), die)
    schedule = DiceSchedule(torch.optim.lr_scheduler.StepLR(dice, 1, gamma=0.5), dice)
    die.throw = lambda: [20]  # type: ignore[method-assign]
    for batch in batches(3):
        dice_steps(model, dice, [batch])
        schedule.step()
    weights, state, rates = flat(model), state_of(dice), [group["lr"] for group in dice.param_groups]
    place = copy.deepcopy(schedule.state_dict())
    die.throw = lambda: [1]  # type: ignore[method-assign]
    loss_of(model, batches(1)[0]).backward()
    dice.step()
    schedule.step()
    assert dice.skipped and len(state) > 0
    assert torch.equal(flat(model), weights)
    assert all(map(torch.equal, state_of(dice), state))
    assert [group["lr"] for group in dice.param_groups] == rates
    assert schedule.state_dict() | {"_step_count": 0} == place | {"_step_count": 0}
    assert all(weight.grad is None for weight in model.parameters())


@pytest.mark.parametrize("name", FACTORIES)
@pytest.mark.parametrize(("per", "apply_to"), [("step", "update"), ("step", "grad"), ("mini_batch", "loss")])
def test_a_natural_20_is_the_step_without_dice(name: str, per: Any, apply_to: Any) -> None:
    """And so training with all scales forced to 1 is bit for bit training without dice."""
    ours, theirs, data = network(dtype=torch.float32), network(dtype=torch.float32), batches(20, torch.float32)
    die = DiceRoll(0, per=per, apply_to=apply_to)
    die.throw = lambda: [20]  # type: ignore[method-assign]
    dice_steps(ours, DiceOptimizer(FACTORIES[name](ours.parameters()), die, clip_norm=0.7), data)
    plain_steps(theirs, FACTORIES[name](theirs.parameters()), data, clip=0.7)
    assert torch.equal(flat(ours), flat(theirs))


def test_a_failure_takes_back_a_hundredth_of_the_update() -> None:
    ours, theirs, data = network(), network(), batches(1)
    start = flat(ours)
    die = DiceRoll(0)
    die.throw = lambda: [5]  # type: ignore[method-assign]
    before = float(loss_of(ours, data[0]).detach())
    dice_steps(ours, DiceOptimizer(torch.optim.SGD(ours.parameters(), lr=0.05), die), data)
    plain_steps(theirs, torch.optim.SGD(theirs.parameters(), lr=0.05), data)
    assert torch.allclose(flat(ours) - start, -0.01 * (flat(theirs) - start), rtol=1e-6, atol=1e-15)
    assert float(loss_of(ours, data[0]).detach()) >= before


@pytest.mark.parametrize("name", FACTORIES)
@pytest.mark.parametrize("face", [12, 17])
def test_a_save_scales_the_update_by_the_face(name: str, face: int) -> None:
    ours, theirs, (first, second) = network(), network(), batches(2)
    die = DiceRoll(0)
    dice = DiceOptimizer(FACTORIES[name](ours.parameters()), die)
    optimizer = FACTORIES[name](theirs.parameters())
    die.throw = lambda: [20]  # type: ignore[method-assign]
    dice_steps(ours, dice, [first])
    plain_steps(theirs, optimizer, [first])
    start = flat(ours)
    die.throw = lambda: [face]  # type: ignore[method-assign]
    dice_steps(ours, dice, [second])
    plain_steps(theirs, optimizer, [second])
    assert torch.allclose(flat(ours) - start, face / 20 * (flat(theirs) - start), rtol=1e-5, atol=1e-14)


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop, torch.optim.Adagrad])
def test_a_scale_that_the_optimizer_cancels_is_warned_of(optimizer: Any) -> None:
    with pytest.warns(UserWarning, match="apply_to=grad with .* take apply_to=update"):
        DiceOptimizer(optimizer(network().parameters()), DiceRoll(0, apply_to="grad"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DiceOptimizer(optimizer(network().parameters()), DiceRoll(0))
        DiceOptimizer(torch.optim.SGD(network().parameters()), DiceRoll(0, apply_to="grad"))


@pytest.mark.parametrize("scales", [(0.5, 1.0, -0.01), (None, 0.85, 1.0), (0.6, None, None), (-0.01, -0.01, None)])
def test_dice_per_mini_batch_are_weights_inside_the_mean(scales: tuple[float | None, ...]) -> None:
    model, data = network(), batches(3)
    gradients = []
    for batch in data:
        gradients.append(
            torch.cat([g.flatten() for g in torch.autograd.grad(loss_of(model, batch), model.parameters())])
        )
    dice = DiceOptimizer(torch.optim.SGD(model.parameters(), lr=1.0), Told(*scales, per="mini_batch", apply_to="loss"))
    start = flat(model)
    for batch in data:
        (dice.weigh(loss_of(model, batch)) / 3).backward()
    dice.step()
    mean = sum((scale or 0.0) * gradient for scale, gradient in zip(scales, gradients, strict=True)) / 3
    assert torch.allclose(start - flat(model), mean, rtol=1e-6, atol=1e-12)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FACTORIES)
def test_a_step_all_of_whose_mini_batches_are_thrown_away_is_none(name: str) -> None:
    model, data = network(), batches(2)
    rule = Told(1.0, 1.0, None, None, 1.0, per="mini_batch", apply_to="loss")
    dice = DiceOptimizer(FACTORIES[name](model.parameters()), rule)
    for expected in (False, True, False):
        weights, state = flat(model), state_of(dice)
        for batch in data:
            (dice.weigh(loss_of(model, batch)) / 2).backward()
        dice.step()
        dice.zero_grad()
        assert dice.skipped == expected == torch.equal(flat(model), weights)
        if expected:
            assert all(map(torch.equal, state_of(dice), state))


@pytest.mark.parametrize("accumulation", range(1, 8))
@pytest.mark.parametrize("per", ["mini_batch", "step"])
def test_both_modes_finish_for_any_number_of_mini_batches(per: Any, accumulation: int) -> None:
    """11 mini-batches in steps of 1 to 7, the last step short: every one of them counts, and every roll is logged."""
    model, rows = network(), []
    dice = DiceOptimizer(torch.optim.SGD(model.parameters(), lr=0.01), DiceRoll(3, per=per), on_step=rows.append)
    data = batches(11)
    for first in range(0, len(data), accumulation):
        group = data[first : first + accumulation]
        for batch in group:
            (dice.weigh(loss_of(model, batch)) / len(group)).backward()
        dice.step()
        dice.zero_grad()
    assert [row["step"] for row in rows] == list(range(1, math.ceil(11 / accumulation) + 1))
    assert sum(len(row["rolls"]) for row in rows) == (11 if per == "mini_batch" else len(rows))
    for row in rows:
        assert row["loss"] > 0 and all(roll["loss"] > 0 and 1 <= roll["face"] <= 20 for roll in row["rolls"])


def test_one_roll_a_step_is_one_roll() -> None:
    model, rule = network(), Told(1.0)
    dice = DiceOptimizer(torch.optim.SGD(model.parameters(), lr=0.01), rule)
    for _ in range(4):
        for batch in batches(3):
            dice.weigh(loss_of(model, batch)).backward()
        dice.step()
        dice.zero_grad()
    assert rule.asked == 4


@pytest.mark.parametrize(("per", "apply_to"), [("step", "update"), ("step", "grad"), ("mini_batch", "loss")])
def test_a_run_that_stops_and_resumes_is_one_that_went_straight_on(per: Any, apply_to: Any, tmp_path: Any) -> None:
    """Through a file that torch loads without pickled code."""
    data, rows = batches(24), {"straight": [], "resumed": []}

    def make(rows: list) -> tuple[nn.Module, DiceOptimizer]:
        model = network()
        die = DiceRoll(3, per=per, apply_to=apply_to, character="cleric", experience=True, encounters=0.5)
        return model, DiceOptimizer(FACTORIES["sgd"](model.parameters()), die, on_step=rows.append)

    straight, dice = make(rows["straight"])
    dice_steps(straight, dice, data)
    first, dice = make(rows["resumed"])
    dice_steps(first, dice, data[:11])
    torch.save({"model": first.state_dict(), "dice": dice.state_dict()}, tmp_path / "state.pt")
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    second, dice = make(rows["resumed"])
    second.load_state_dict(saved["model"])
    dice.load_state_dict(saved["dice"])
    dice_steps(second, dice, data[11:])
    assert torch.equal(flat(straight), flat(second))
    assert rows["straight"] == rows["resumed"]


@pytest.mark.parametrize("apply_to", ["grad", "update"])
@pytest.mark.parametrize(("precision", "factor"), [(torch.float16, 1024.0), (torch.float32, 65536.0)])
@pytest.mark.parametrize(("fused", "clip_norm"), [(False, 0.1), (True, 0.1), (True, 1000.0)])
def test_clipping_comes_after_unscaling_and_before_the_dice(
    apply_to: Any, precision: torch.dtype, factor: float, fused: bool, clip_norm: float
) -> None:
    """Gradients come scaled up; what is clipped is their true norm, and the scale of 0.5 still halves the update."""
    plain, data, moved = network(dtype=torch.float32), batches(1, torch.float32), []
    start = flat(plain)
    plain_steps(plain, torch.optim.SGD(plain.parameters(), lr=1.0), data, clip=clip_norm)
    for scale in (1.0, 0.5):
        model = network(dtype=torch.float32)
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0, fused=fused)
        dice = DiceOptimizer(optimizer, ConstantScale(scale, apply_to), clip_norm=clip_norm)
        scaler = torch.amp.GradScaler("cpu", init_scale=factor)
        with torch.autocast("cpu", precision, enabled=precision is torch.float16):
            loss = loss_of(model, data[0])
        scaler.scale(dice.weigh(loss)).backward()
        scaler.step(dice)
        scaler.update()
        moved.append(flat(model) - start)
    assert float(moved[0].norm()) == pytest.approx(float((flat(plain) - start).norm()), rel=1e-2)
    assert float(moved[1].norm() / moved[0].norm()) == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize("apply_to", ["loss", "grad", "update"])
def test_a_scale_per_step_is_kept_wherever_gradients_are_clipped(apply_to: Any) -> None:
    for inside in (True, False):
        moved = []
        for scale in (1.0, 0.5, -0.01):
            model = network()
            sgd = torch.optim.SGD(model.parameters(), lr=1.0)
            dice = DiceOptimizer(sgd, ConstantScale(scale, apply_to), clip_norm=0.1 if inside else None)
            start = flat(model)
            dice.weigh(loss_of(model, batches(1)[0])).backward()
            if not inside:
                nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            dice.step()
            moved.append(flat(model) - start)
        assert float(moved[0].norm()) == pytest.approx(0.1, rel=1e-5)
        assert torch.allclose(moved[1], 0.5 * moved[0], rtol=1e-5) and torch.allclose(moved[2], -0.01 * moved[0])


@pytest.mark.parametrize("accumulation", [1, 3])
def test_a_scale_per_mini_batch_is_kept_where_the_dice_clip(accumulation: int) -> None:
    moved = {}
    for scales in ((1.0,), (0.5,), (-0.01,), (0.0,), (1.0, None, None)[:accumulation]):
        model = network()
        rule = Told(*scales, per="mini_batch", apply_to="loss")
        dice = DiceOptimizer(torch.optim.SGD(model.parameters(), lr=1.0), rule, clip_norm=0.1)
        start = flat(model)
        for batch in batches(accumulation):
            (dice.weigh(loss_of(model, batch)) / accumulation).backward()
        dice.step()
        moved[scales] = flat(model) - start
    plain = moved[1.0,]
    assert float(plain.norm()) == pytest.approx(0.1, rel=1e-5)
    for scale in (0.5, -0.01, 0.0):
        assert torch.allclose(moved[scale,], scale * plain, rtol=1e-5, atol=1e-14)
    if accumulation == 3:  # unlike scales: the root mean square of 1, 0 and 0
        assert float(moved[1.0, None, None].norm()) == pytest.approx(0.1 / 3**0.5, rel=1e-4)


def test_a_loop_that_clips_what_is_scaled_already_is_warned_of() -> None:
    weights = list(network().parameters())
    with pytest.warns(UserWarning, match="without clip_norm.*the scale is lost: clip here with clip_norm"):
        DiceOptimizer(torch.optim.SGD(weights), DiceRoll(0, per="mini_batch"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        DiceOptimizer(torch.optim.SGD(weights), DiceRoll(0, per="mini_batch"), clip_norm=math.inf)


OF_TORCH = [
    each
    for name, each in vars(torch.optim).items()
    if isinstance(each, type) and each is not torch.optim.Optimizer and name not in ("LBFGS", "SparseAdam")
]


@pytest.mark.parametrize("optimizer", OF_TORCH)
def test_any_optimizer_of_torch_follows_the_scale_or_is_warned_of(optimizer: Any) -> None:
    moved = []
    for scale in (1.0, 0.35):
        weight = torch.nn.Parameter(torch.ones(3, 3, dtype=torch.float64))
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            settings = {torch.optim.Rprop: {}, torch.optim.ASGD: {"lambd": 0.0}}.get(optimizer, {"weight_decay": 0.0})
            dice = DiceOptimizer(optimizer([weight], lr=0.01, **settings), ConstantScale(scale, "grad"))
        for _ in range(10):  # RAdam begins as SGD
            (weight * torch.arange(9.0, dtype=torch.float64).reshape(3, 3)).sum().backward()
            dice.step()
            dice.zero_grad()
        moved.append(weight.detach() - 1)
    follows = torch.allclose(moved[1], 0.35 * moved[0], rtol=1e-3)
    assert follows == (not said) and follows == (optimizer in (torch.optim.SGD, torch.optim.ASGD))


def test_an_overflow_a_scaler_finds_takes_no_step_and_leaves_no_roll_behind() -> None:
    model, rule = network(dtype=torch.float32), Told(0.5, per="mini_batch", apply_to="loss")
    dice = DiceOptimizer(torch.optim.SGD(model.parameters(), lr=1.0), rule)
    scaler = torch.amp.GradScaler("cpu")
    weights = flat(model)
    scaler.scale(dice.weigh(loss_of(model, batches(1, torch.float32)[0]) * torch.inf)).backward()
    scaler.step(dice)
    scaler.update()
    dice.zero_grad()
    assert torch.equal(flat(model), weights) and dice.steps == 0
    with pytest.raises(ConfigurationError, match=r"call loss = dice\.weigh"):
        dice.step()


def test_works_with_a_closure() -> None:
    ours, theirs, data, rows = network(), network(), batches(3), []
    dice = DiceOptimizer(FACTORIES["sgd"](ours.parameters()), ConstantScale(1.0), on_step=rows.append)
    optimizer = FACTORIES["sgd"](theirs.parameters())
    for batch in data:

        def closure(batch: tuple[Tensor, Tensor] = batch) -> Tensor:
            dice.zero_grad()
            loss = loss_of(ours, batch)
            loss.backward()
            return loss

        expected = loss_of(theirs, batch)
        assert torch.equal(dice.step(closure), expected) and rows[-1]["loss"] == expected.item()
        plain_steps(theirs, optimizer, [batch])
    assert torch.equal(flat(ours), flat(theirs))


@pytest.mark.parametrize(
    "make",
    [
        lambda dice: torch.optim.lr_scheduler.StepLR(dice, 2, gamma=0.5),
        lambda dice: torch.optim.lr_scheduler.OneCycleLR(dice, max_lr=0.1, total_steps=20),
        lambda dice: torch.optim.lr_scheduler.CosineAnnealingLR(dice, T_max=20),
        lambda dice: torch.optim.lr_scheduler.LambdaLR(dice, lambda step: 1 / (1 + step)),
    ],
)
def test_works_with_torchs_schedulers(make: Any) -> None:
    ours, theirs, data = network(), network(), batches(8)
    rule = Told(None, 1.0, None, 1.0)
    dice, optimizer = DiceOptimizer(FACTORIES["sgd"](ours.parameters()), rule), FACTORIES["sgd"](theirs.parameters())
    schedule, plain = DiceSchedule(make(dice), dice), make(optimizer)
    for number, batch in enumerate(data):
        dice_steps(ours, dice, [batch])
        schedule.step()
        if number not in (0, 2):  # those the rule throws away
            plain_steps(theirs, optimizer, [batch])
            plain.step()
        assert schedule.get_last_lr() == plain.get_last_lr()
    assert torch.equal(flat(ours), flat(theirs))


def test_groups_state_hooks_and_copies_are_those_of_the_wrapped_optimizer() -> None:
    model, extra = network(), nn.Parameter(torch.zeros(2, dtype=torch.float64))
    inner, called = FACTORIES["adamw"](model.parameters()), []
    dice = DiceOptimizer(inner, DiceRoll(0))
    dice.add_param_group({"params": [extra], "lr": 0.3})
    assert isinstance(dice, torch.optim.Optimizer) and dice.param_groups is inner.param_groups
    assert dice.state is inner.state and dice.defaults == inner.defaults and len(dice.param_groups) == 2
    dice.register_step_post_hook(lambda *_: called.append(1))
    dice_steps(model, DiceOptimizer(inner, ConstantScale(0.5)), batches(1))
    assert called == [1]
    torch.optim.lr_scheduler.StepLR(dice, 1)
    twin = copy.deepcopy(dice)
    assert twin.optimizer is not inner and twin.param_groups[1]["params"][0] is not extra
    assert [twin.rule.decide(Moment(0, 0, lambda: 1.0)) for _ in range(9)] == [
        dice.rule.decide(Moment(0, 0, lambda: 1.0)) for _ in range(9)
    ]
    assert "DiceOptimizer(AdamW" in repr(dice)


def test_noise_turns_the_update_by_as_much_as_it_says() -> None:
    steps = {}
    for rule in (None, NoisyUpdate(0.5, 0.0), NoisyUpdate(0.5, 0.4)):
        model = network()
        before, optimizer = flat(model), FACTORIES["sgd"](model.parameters())
        taken = optimizer if rule is None else DiceOptimizer(optimizer, rule)
        loss_of(model, batches(1)[0]).backward()
        taken.step()
        steps[rule and rule.noise] = flat(model) - before
    assert torch.allclose(steps[0.0], 0.5 * steps[None], rtol=1e-6)
    noise = steps[0.4] - steps[0.0]
    assert 0.2 < noise.norm() / steps[None].norm() < 0.7


def test_wrong_uses_are_named() -> None:
    model = network()
    with pytest.raises(ConfigurationError, match="NoisyUpdate'>: expected an update rule, as DiceRoll"):
        DiceOptimizer(FACTORIES["sgd"](model.parameters()), NoisyUpdate)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="clip_norm is -1"):
        DiceOptimizer(FACTORIES["sgd"](model.parameters()), DiceRoll(0), clip_norm=-1)
    with pytest.raises(ConfigurationError, match="LBFGS"):
        DiceOptimizer(torch.optim.LBFGS(model.parameters()), DiceRoll(0))
    dice = DiceOptimizer(FACTORIES["sgd"](model.parameters()), DiceRoll(0, character="cleric"))
    loss_of(model, batches(1)[0]).backward()
    with pytest.raises(ConfigurationError, match=r"the dice compare losses: call loss = dice\.weigh"):
        dice.step()
    with pytest.raises(CheckpointError, match=r"dice.optimizer.load_state_dict\(state\)"):
        dice.load_state_dict(dice.optimizer.state_dict())

    class AdamWScheduleFree(torch.optim.SGD):
        pass

    with pytest.raises(ConfigurationError, match="take apply_to=grad"):
        DiceOptimizer(AdamWScheduleFree(model.parameters()), DiceRoll(0))
