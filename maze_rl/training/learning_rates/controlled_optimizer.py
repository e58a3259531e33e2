"""Controllers outside the trainer: for any loop with a `torch.optim` optimizer.

    control = LearningRateController(optimizer, controller_called("q_learning:every=20", seed=0), steps=1000)
    for batch in batches:
        loss = ...                  # forward, backward, clip
        control.before_step()       # the optimizer's rates are multiplied
        optimizer.step()
        control.after_step(loss.item())   # the controller learns; the rates are what they were
        scheduler.step()            # any scheduler of torch's, or none

What a group's rate is multiplied by is the same for all groups, so their ratios stay. Between `after_step` and
`before_step` the rates belong to the scheduler, in between to the controller, so that every scheduler composes.
"""

import copy
from collections.abc import Callable
from typing import Any

import torch

from maze_rl.configs.options import is_count
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.training.learning_rates.schedules import Schedule
from maze_rl.training.slots import Controller, Outcome, Stateful, Verdict
from maze_rl.training.update_rules.dice_optimizer import DiceOptimizer


class LearningRateController(Shown):
    """Puts a controller, and if wanted one of our schedules, on an optimizer.

    Attributes:
        learning_rate: The rate of the last group in the newest step.
        record: What the controller logs of its newest decision; empty after a step without one.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        controller: Controller | None,
        *,
        steps: int,
        schedule: Schedule | None = None,
        warmup_steps: int = 0,
        snapshot: bool = True,
    ) -> None:
        """Take hold of the optimizer's learning rates.

        Args:
            optimizer: Any; the rates of its groups now are the peak rates of `schedule`.
            controller: What multiplies the rates; None for nothing.
            steps: Steps of the whole training, for the schedule and for the controller's sense of progress.
            schedule: One of ours; None where a scheduler of torch's, or nothing, sets the rates.
            warmup_steps: For `schedule`.
            snapshot: Keep a copy of weights and optimizer state for controllers that go back on a divergence; without
                one, a divergence only lowers the rate. (Buffers, as of batch norm, are not part of it.)

        Raises:
            ConfigurationError: `controller` is no controller, or `steps` or `warmup_steps` no whole number.
        """
        if controller is not None and (isinstance(controller, type) or not isinstance(controller, Controller)):
            raise ConfigurationError(
                f"controller is {controller!r}: expected an object with multiplier() and observe(outcome); by name: "
                'maze_rl.training.learning_rates.choose.controller_called("q_learning:every=20", seed=0).'
            )
        if not is_count(steps) or not is_count(warmup_steps, 0):
            raise ConfigurationError(f"steps is {steps}, warmup_steps {warmup_steps}: whole numbers, at least 1 and 0.")
        self.optimizer, self.controller, self.steps = optimizer, controller, steps
        self.step = 0
        self.learning_rate = 0.0
        self._schedule, self._warmup_steps, self._snapshot = schedule, warmup_steps, snapshot
        self._peaks = [float(group["lr"]) for group in optimizer.param_groups]
        self._base: list[Any] | None = None
        self._kept: dict[str, Any] | None = None

    @property
    def record(self) -> dict[str, Any]:
        """What the controller logs of its newest decision."""
        return dict(getattr(self.controller, "record", {}))

    def before_step(self) -> float:
        """Set the rates of the coming step; return that of the last group.

        Raises:
            ConfigurationError: The step before was not ended by `after_step`.
        """
        if self._base is not None:
            raise ConfigurationError("before_step was called twice: call after_step after every optimizer step.")
        multiplier = 1.0 if self.controller is None else self.controller.multiplier()
        if self._schedule is not None:
            factor = self._schedule(self.step, self.steps, self._warmup_steps)
            self._set([peak * factor for peak in self._peaks])
        self._base = [group["lr"] for group in self.optimizer.param_groups]
        self._set([rate * multiplier for rate in self._base])
        self.learning_rate = float(self.optimizer.param_groups[-1]["lr"])
        return self.learning_rate

    def after_step(
        self,
        loss: float,
        gradient_norm: int | float = 1.0,
        held_out: Callable[[], float] | None = None,
    ) -> Verdict:
        """Tell the controller what came of the step, and give the rates back; return what it asked for.

        Args:
            loss: Training loss of the step, before the update.
            gradient_norm: Norm of its gradient, where known.
            held_out: Measures the loss on data no step trains on; only called when a controller asks. None where the
                training loss is that itself: every batch is new.

        A step that dice threw away leaves the place in the schedule as it is.

        Raises:
            ConfigurationError: There was no `before_step`; or something else changed the rates since.
        """
        self._give_back()
        verdict = Verdict.GO_ON
        taken = not (isinstance(self.optimizer, DiceOptimizer) and self.optimizer.skipped)
        if self.controller is not None:
            measure = held_out if held_out is not None else lambda: loss
            rate, norm = self.learning_rate, float(gradient_norm)
            verdict = self.controller.observe(Outcome(self.step, self.steps, loss, norm, rate, measure, taken))
        self.step += taken
        if self._snapshot and verdict is Verdict.REMEMBER:
            self._kept = self._copy()
        if verdict is Verdict.GO_BACK and self._kept is not None:
            self._restore(self._kept)
        return verdict

    def _give_back(self) -> None:
        if self._base is None:
            raise ConfigurationError("after_step without before_step: call before_step before every optimizer step.")
        base, self._base = self._base, None
        if float(self.optimizer.param_groups[-1]["lr"]) != self.learning_rate:
            raise ConfigurationError(
                "the learning rate was changed between before_step and after_step: step schedulers after after_step."
            )
        self._set(base)

    def _set(self, rates: list[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate

    def _parameters(self) -> list[torch.Tensor]:
        return [parameter for group in self.optimizer.param_groups for parameter in group["params"]]

    def _copy(self) -> dict[str, Any]:
        weights = [parameter.detach().clone() for parameter in self._parameters()]
        return {"weights": weights, "optimizer": copy.deepcopy(self._inner.state_dict())}

    @property
    def _inner(self) -> torch.optim.Optimizer:
        """The optimizer without dice: these go on, as data and counts do, or they would fall as before."""
        return self.optimizer.optimizer if isinstance(self.optimizer, DiceOptimizer) else self.optimizer

    def _restore(self, kept: dict[str, Any]) -> None:
        """Return to a copy; the rates are those of now, as the schedule goes on."""
        rates = [group["lr"] for group in self.optimizer.param_groups]
        self._inner.load_state_dict(copy.deepcopy(kept["optimizer"]))
        self._set(rates)
        with torch.no_grad():
            for parameter, value in zip(self._parameters(), kept["weights"], strict=True):
                parameter.copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """Return step, peak rates, the controller's state and the copy it would go back to; call between steps."""
        inner = self.controller.state_dict() if isinstance(self.controller, Stateful) else {}
        return {"step": self.step, "peaks": list(self._peaks), "controller": inner, "kept": copy.deepcopy(self._kept)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state of `state_dict`; model and optimizer are restored by their own."""
        self.step, self._peaks, self._kept = state["step"], list(state["peaks"]), copy.deepcopy(state["kept"])
        if isinstance(self.controller, Stateful):
            self.controller.load_state_dict(state["controller"])
