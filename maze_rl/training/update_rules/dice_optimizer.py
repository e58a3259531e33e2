"""The dice around any torch optimizer, for one's own training loop and for the `Trainer` of Hugging Face.

    dice = DiceOptimizer(torch.optim.AdamW(model.parameters(), lr=1e-3), DiceRoll(seed=0, dc=12), clip_norm=1.0)
    schedule = DiceSchedule(torch.optim.lr_scheduler.StepLR(dice, 100), dice)
    for batch in batches:
        loss = dice.weigh(model(batch).loss)
        loss.backward()
        dice.step()
        schedule.step()
        dice.zero_grad()

The order within a step is: unscale (a `GradScaler` does it before it calls `step`), clip, dice, step. With the
`Trainer`: ``Trainer(..., optimizers=(dice, schedule))``. `weigh` is needed where the dice are thrown per mini-batch
(with the `Trainer`: in one's own ``compute_loss``), for a class that compares losses, and for losses in the log.
"""

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from maze_rl.configs.options import is_number
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.seeding import stream_key
from maze_rl.training.slots import Apply, Moment, Skip, Stateful, UpdateRule
from maze_rl.training.update_rules.applied_scale import clip_gradients, gradient_norm, scale_lost, take_scaled_step

_STATE = "update_rule"


class DiceOptimizer(torch.optim.Optimizer):
    """A torch optimizer whose steps an update rule decides about.

    All else (parameter groups, state, hooks) is the wrapped optimizer's own.

    Args:
        optimizer: Any optimizer that takes a step from the gradients as they are (not LBFGS).
        rule: A dice roll, or another update rule; noise it asks for depends on the step alone.
        clip_norm: Gradients are clipped to this norm before the dice; None where the loop does that itself. With a roll
            per mini-batch the loop must not: the scale is in the gradients by then. Here it is divided out of the norm
            (exactly where a step's mini-batches have one scale, else by the root mean square of their scales).
        on_step: Gets a row ``{"step", "loss", "rolls"}`` after every step, as in ``metrics.jsonl``; collected with
            ``rows.append``, they are what `maze_rl.reports.dice_figures.dice_panels` draws.

    Raises:
        ConfigurationError: The optimizer evaluates the loss by itself, or keeps weights that a scaled update would
            leave behind (schedule-free ones); or an argument is none of what it should be.
    """

    # a scaler hands gradients that it has not unscaled to optimizers which say they unscale themselves
    _step_supports_amp_scaling = False

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        rule: UpdateRule,
        clip_norm: int | float | None = None,
        on_step: Callable[[dict[str, Any]], object] | None = None,
    ) -> None:
        if isinstance(rule, type) or not isinstance(rule, UpdateRule):
            raise ConfigurationError(f"rule is {rule!r}: expected an update rule, as DiceRoll(seed=0, dc=12).")
        if clip_norm is not None and not (is_number(clip_norm, 0) and clip_norm > 0):
            raise ConfigurationError(f"clip_norm is {clip_norm}: use a number above 0, or None for no clipping.")
        if isinstance(optimizer, torch.optim.LBFGS):
            raise ConfigurationError("LBFGS evaluates the loss several times a step: expected another optimizer.")
        if rule.apply_to == "update" and "schedulefree" in type(optimizer).__name__.lower():
            raise ConfigurationError(
                f"{type(optimizer).__name__} keeps other copies of the weights, which a scaled update would leave "
                "behind: take apply_to=grad, or another optimizer."
            )
        self.optimizer, self.rule, self.clip_norm, self.on_step = optimizer, rule, clip_norm, on_step
        self.steps = 0
        """Steps so far, those thrown away among them."""
        self.skipped = False
        """Whether the last step was thrown away."""
        self._losses: list[float] = []
        self._rolls: list[Apply | Skip] = []
        for warning in filter(None, [scale_lost(rule, type(optimizer).__name__), self._clipped_away()]):
            warnings.warn(warning, UserWarning, stacklevel=2)

    def weigh(self, loss: Tensor) -> Tensor:
        """Take note of a mini-batch's loss, and return it as it is to be differentiated.

        With a roll per mini-batch that is the loss times the scale, or times 0 where the mini-batch is thrown away;
        divide by the number of mini-batches as you would without dice.
        """
        self._losses.append(float(loss.detach()))
        if self.rule.per == "step":
            return loss
        place = len(self._rolls)
        roll = self.rule.decide(Moment(self.steps, place, lambda: self._losses[-1]))
        self._rolls.append(roll)
        scale = roll.scale if isinstance(roll, Apply) else 0.0
        return loss if scale == 1 else loss * scale

    def step(self, closure: Callable[[], Any] | None = None) -> Any:  # type: ignore[override]
        """Take the step as the dice have it: scaled, or not at all, and then the gradients are cleared.

        Raises:
            ConfigurationError: A roll per mini-batch was asked for, but no loss was given to `weigh`.
        """
        result = None
        if closure is not None:
            with torch.enable_grad():
                result = closure()
            self._losses = self._losses or [float(torch.as_tensor(result).detach())]
        if self.rule.per == "step":
            self._rolls = [self.rule.decide(Moment(self.steps, max(1, len(self._losses)), self._mean_loss))]
        if not self._rolls:
            raise ConfigurationError("per=mini_batch: call loss = dice.weigh(loss) before backward, or take per=step.")
        self.skipped = all(isinstance(roll, Skip) for roll in self._rolls)
        if self.skipped:
            self.optimizer.zero_grad(set_to_none=True)
        else:
            self._take_step(self._rolls[0] if self.rule.per == "step" else Apply())
        self._record()
        self.steps += 1
        self._losses, self._rolls = [], []
        return result

    def _take_step(self, roll: Apply | Skip) -> None:
        assert isinstance(roll, Apply)
        weights = [weight for group in self.param_groups for weight in group["params"] if weight.grad is not None]
        if self.clip_norm is not None and (size := self._size_of_scales()):
            clip_gradients(weights, self.clip_norm, gradient_norm(weights) / size)
        on_update = self.rule.apply_to == "update"
        take_scaled_step(self.optimizer, weights, roll, stream_key(0, "noise", self.steps), on_update=on_update)

    def _size_of_scales(self) -> float:
        """Return the root mean square of the scales that are in the gradients already."""
        if self.rule.per == "step":
            return 1.0
        scales = [roll.scale if isinstance(roll, Apply) else 0.0 for roll in self._rolls]
        return abs(scales[0]) if len(set(scales)) == 1 else math.hypot(*scales) / math.sqrt(len(scales))

    def _clipped_away(self) -> str | None:
        if self.rule.per == "step" or self.clip_norm is not None:
            return None
        return (
            "per=mini_batch without clip_norm: a loop that clips, as the Trainer of Hugging Face does, clips what is "
            "scaled already, and the scale is lost: clip here with clip_norm (inf for never), and not there."
        )

    def _mean_loss(self) -> float:
        if not self._losses:
            raise ConfigurationError("the dice compare losses: call loss = dice.weigh(loss) before backward.")
        return sum(self._losses) / len(self._losses)

    def _record(self) -> None:
        if self.on_step is None:
            return
        mean = self._mean_loss() if self._losses else None
        losses = self._losses if self.rule.per == "mini_batch" else [mean]
        rolls = [{**roll.record, "loss": loss} for roll, loss in zip(self._rolls, losses, strict=True)]
        self.on_step({"step": self.steps + 1, "loss": mean, "rolls": rolls})

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients, and forget rolls whose step was never taken (a scaler found an overflow)."""
        self._losses, self._rolls = [], []
        self.optimizer.zero_grad(set_to_none=set_to_none)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a parameter group to the wrapped optimizer."""
        self.optimizer.add_param_group(param_group)

    def state_dict(self) -> dict[str, Any]:
        """Return the wrapped optimizer's state, and with it where the dice stand."""
        rule = self.rule.state_dict() if isinstance(self.rule, Stateful) else {}
        return self.optimizer.state_dict() | {_STATE: {"steps": self.steps, "rule": rule}}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take up what `state_dict` returned.

        Raises:
            CheckpointError: The state is that of an optimizer without dice.
        """
        if _STATE not in state_dict:
            raise CheckpointError(
                "the state is that of an optimizer without dice. To begin dice there, load it into the wrapped "
                "optimizer: dice.optimizer.load_state_dict(state)."
            )
        self.optimizer.load_state_dict({name: value for name, value in state_dict.items() if name != _STATE})
        self.steps = state_dict[_STATE]["steps"]
        if isinstance(self.rule, Stateful):
            self.rule.load_state_dict(state_dict[_STATE]["rule"])

    @property
    def param_groups(self) -> list[dict[str, Any]]:  # type: ignore[override]
        """The wrapped optimizer's parameter groups."""
        return self.optimizer.param_groups

    @param_groups.setter
    def param_groups(self, groups: list[dict[str, Any]]) -> None:  # type: ignore[override]
        self.optimizer.param_groups = groups

    @property
    def state(self) -> Any:  # type: ignore[override]
        """The wrapped optimizer's state of every parameter."""
        return self.optimizer.state

    @state.setter
    def state(self, state: Any) -> None:  # type: ignore[override]
        self.optimizer.state = state

    def __getattr__(self, name: str) -> Any:
        if name == "optimizer":  # asked for before it is there, by copy or pickle
            raise AttributeError(name)
        return getattr(self.optimizer, name)

    def __getstate__(self) -> dict[str, Any]:
        # a scheduler replaces `step` on the object; that replacement refers to this object, not to a copy of it
        return {name: value for name, value in self.__dict__.items() if name != "step"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.optimizer!r}, {self.rule!r})"


class DiceSchedule(LRScheduler, Shown):
    """A learning-rate scheduler that stands still where the dice threw the step away.

    Args:
        scheduler: Any scheduler of torch or transformers, made for `dice`.
        dice: The optimizer it schedules.
    """

    def __init__(self, scheduler: LRScheduler, dice: DiceOptimizer) -> None:
        self.scheduler, self.dice = scheduler, dice

    def step(self, *values: Any, **options: Any) -> None:
        """Go on by one step, unless the last step was thrown away."""
        if not self.dice.skipped:
            self.scheduler.step(*values, **options)

    def get_last_lr(self) -> list[Any]:
        """Return the learning rates of the parameter groups."""
        return self.scheduler.get_last_lr()

    def get_lr(self) -> list[Any]:
        """Return what the scheduler computes."""
        return self.scheduler.get_lr()

    def state_dict(self) -> dict[str, Any]:
        """Return the scheduler's own state."""
        return self.scheduler.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` returned."""
        self.scheduler.load_state_dict(state_dict)

    def __getattr__(self, name: str) -> Any:
        if name == "scheduler":
            raise AttributeError(name)
        return getattr(self.scheduler, name)
