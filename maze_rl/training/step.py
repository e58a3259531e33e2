"""One step of training: learning rate, loss and gradient, clip, update rule, optimizer, controller."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from maze_rl.configs.options import is_number
from maze_rl.configs.training import TrainingConfig
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.models.build import MazeTransformer
from maze_rl.models.weights_once import weights_once
from maze_rl.own_plugins import named_in_errors
from maze_rl.seeding import stream_key
from maze_rl.training.micro_gradients import micro_losses
from maze_rl.training.slots import Apply, Moment, Objective, Outcome, Skip, Verdict
from maze_rl.training.source import StepBatch
from maze_rl.training.state import TrainingState
from maze_rl.training.update_rules.applied_scale import (
    GradientSum,
    clip_gradients,
    gradient_norm,
    scale_gradients,
    take_scaled_step,
)

Row = dict[str, Any]
Decision = Apply | Skip
_MOST = 1e12
"""Largest factor that is taken for one."""


class TrainingError(MazeRLError):
    """Raised when a loss or gradient is not finite; the step was not taken."""


@dataclass(frozen=True)
class Setting(Shown):
    """What holds for the steps of one phase."""

    objective: Objective
    multiplier: Callable[[int], float] = lambda updates: 1.0
    """Schedule: updates taken in the stretch -> factor on the peak learning rates."""
    steps: int = 1
    """Steps of the stretch."""
    held_out: Callable[[MazeTransformer], float] | None = None
    """Loss on mazes set aside for controllers; None where no maze comes twice, so that the training loss will do."""


@dataclass
class Sums(Shown):
    """What the micro-batches of a step add up to."""

    normaliser: float
    loss: float = 0.0
    """Per weight."""
    measures: dict[str, float] = field(default_factory=dict)
    """Per weight."""
    totals: dict[str, Tensor] = field(default_factory=dict)
    """Measures before they are divided."""
    rolls: list[Row] = field(default_factory=list)
    skipped: bool = False
    """Whether the update rule skipped every mini-batch."""
    norm: Tensor | None = None
    """Norm of the gradient as it is without the scales of the mini-batches; None where it has none."""


def take_step(state: TrainingState, config: TrainingConfig, setting: Setting, batch: StepBatch) -> Row:
    """Take one step on `batch`; return its measurements.

    Raises:
        TrainingError: The loss or the gradient is not finite, and no controller goes back; no weight was changed.
    """
    place, rate = state.updates, set_learning_rate(state, setting)
    state.optimizer.zero_grad(set_to_none=True)
    sums = add_up_gradients(state, config, setting.objective, batch)
    decision = _decide_step(state, sums, len(batch.mini_batches))
    parameters = state.parameters
    norm = float(clip_gradients(parameters, config.clip_norm, sums.norm))
    finite = math.isfinite(sums.loss) and math.isfinite(norm)
    if finite and isinstance(decision, Apply):
        _update(state, parameters, decision)
        state.updates += 1
    else:
        state.optimizer.zero_grad(set_to_none=True)
    taken = finite and isinstance(decision, Apply)
    verdict = _tell_controller(state, setting, place, sums.loss, norm, rate, taken)
    if not finite and verdict is not Verdict.GO_BACK:
        raise TrainingError(
            f"step {state.step + 1}: loss {sums.loss} and gradient norm {norm} are not finite: the step was not taken. "
            "Lower the learning rate or lengthen the warm-up."
        )
    _count(state, batch)
    return {
        "loss": sums.loss,
        **sums.measures,
        "learning_rate": rate,
        "gradient_norm": norm,
        "loss_weight": sums.normaliser,
        "padding_share": 1 - batch.tokens / batch.padded_tokens,
        **({"rolls": sums.rolls} if sums.rolls else {}),
        **_controller_record(state, verdict),
    }


def set_learning_rate(state: TrainingState, setting: Setting) -> float:
    """Write the rate of this step into the optimizer; return that of the last group."""
    multiplier = setting.multiplier(state.updates)
    if state.controller is not None:
        with named_in_errors("controller", state.controller):
            factor = state.controller.multiplier()
        if not is_number(factor, 0, _MOST):
            name = type(state.controller).__name__
            raise ConfigurationError(f"controller {name}: expected a factor of 0 or above, got {factor!r}.")
        multiplier *= factor
    for group in state.optimizer.param_groups:
        group["lr"] = group["peak_lr"] * multiplier
    return state.optimizer.param_groups[-1]["lr"]


def add_up_gradients(state: TrainingState, config: TrainingConfig, objective: Objective, batch: StepBatch) -> Sums:
    """Add up the gradients of a step, normalised by its weights, each mini-batch scaled by the update rule.

    Mini-batches of unlike scales are added up twice, scaled and as they are: the second sum is what is clipped by, or
    a step of small scales, or of few mini-batches that were not skipped, would be as long as any other.
    """
    model, minis = state.model, batch.mini_batches
    with named_in_errors("objective", objective):
        weights = [float(sum(objective.weight(model, micro) for micro in mini)) for mini in minis]
    sums = Sums(sum(weights))
    if not 0 < sums.normaliser < math.inf:
        raise TrainingError(f"step {state.step + 1}: the weights of its loss add up to {sums.normaliser}, not above 0.")
    decisions = _decide_mini_batches(state, config, objective, minis, weights)
    sums.skipped = all(isinstance(decision, Skip) for decision in decisions)
    scales = [decision.scale if isinstance(decision, Apply) else 0.0 for decision in decisions]
    parameters = state.parameters
    if len(set(scales)) == 1:
        losses = _differentiate(state, config, objective, minis, sums)
        if scales[0] != 1:
            sums.norm = gradient_norm(parameters)
            scale_gradients(parameters, scales[0])
    else:
        losses, plain, scaled = [], GradientSum(parameters), GradientSum(parameters)
        for mini, scale in zip(minis, scales, strict=True):
            losses += _differentiate(state, config, objective, [mini], sums)
            plain.add(1.0)
            scaled.add(scale)
            state.optimizer.zero_grad(set_to_none=True)
        plain.put_back()
        sums.norm = gradient_norm(parameters)
        scaled.put_back()
    sums.loss = float(sum(losses)) / sums.normaliser
    sums.measures = {name: float(value) / sums.normaliser for name, value in sums.totals.items()}
    for decision, loss, weight in zip(decisions, losses, weights, strict=True):
        _log_roll(sums, decision, loss / weight if decision.record else loss)
    return sums


def _decide_mini_batches(
    state: TrainingState, config: TrainingConfig, objective: Objective, minis: list[list[Any]], weights: list[float]
) -> list[Decision]:
    """Ask a rule that is asked per mini-batch for each, in order; any other takes them whole here."""
    if state.update_rule.per != "mini_batch":
        return [Apply()] * len(minis)
    found: list[Decision] = []
    for number, (mini, weight) in enumerate(zip(minis, weights, strict=True)):
        measure = _measuring(state.model, objective, mini, weight, autocast(state.model, config))
        found.append(_decide(state, Moment(state.step, number, measure)))
    return found


def _differentiate(
    state: TrainingState, config: TrainingConfig, objective: Objective, minis: list[list[Any]], sums: Sums
) -> list[Tensor]:
    """Add the gradients of mini-batches to those of the parameters; return the loss of each, a sum."""
    model, losses = state.model, []
    with weights_once(model) as held:
        leaves = [*held, *state.parameters]
        for mini in minis:
            loss = torch.zeros((), device=model.cfg.device or "cpu")
            for found in micro_losses(
                model,
                objective,
                mini,
                leaves=leaves,
                divisor=sums.normaliser,
                gradient=not sums.skipped,
                precision=lambda: autocast(model, config),
            ):
                loss += found.total
                for name, value in found.measures.items():
                    sums.totals[name] = sums.totals.get(name, 0.0) + value
            losses.append(loss)
    return losses


def autocast(model: MazeTransformer, config: TrainingConfig) -> torch.autocast:
    """Return the context in which losses are computed: under ``bfloat16`` matrix products take it."""
    device = torch.device(model.cfg.device or "cpu")
    return torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bfloat16")


def _measuring(
    model: MazeTransformer, objective: Objective, mini: list[Any], weight: float, precision: torch.autocast
) -> Callable[[], float]:
    def measure() -> float:
        with torch.no_grad(), precision:
            return sum(float(objective.loss(model, micro).total) for micro in mini) / weight

    return measure


def _decide_step(state: TrainingState, sums: Sums, mini_batches: int) -> Decision:
    """Ask a rule that is asked once a step; a rule that is asked per mini-batch has spoken by now."""
    if state.update_rule.per == "mini_batch":
        return Skip() if sums.skipped else Apply()
    decision = _decide(state, Moment(state.step, mini_batches, lambda: sums.loss))
    _log_roll(sums, decision, sums.loss)
    return decision


def _decide(state: TrainingState, moment: Moment) -> Decision:
    """Ask the update rule, and check its answer: it may be somebody else's."""
    rule = state.update_rule
    with named_in_errors("update rule", rule):
        decision = rule.decide(moment)
    if isinstance(decision, Skip):
        return decision
    numbers = (decision.scale, decision.noise) if isinstance(decision, Apply) else ()
    if not (numbers and all(is_number(value, -_MOST, _MOST) for value in numbers)):
        raise ConfigurationError(
            f"update rule {type(rule).__name__}: expected Apply with a finite scale, or Skip(), got {decision!r}."
        )
    if decision.noise and (rule.per, rule.apply_to) != ("step", "update"):
        raise ConfigurationError(
            f"update rule {type(rule).__name__}: noise is for per='step' with apply_to='update', not {rule.apply_to!r}."
        )
    return decision


def _log_roll(sums: Sums, decision: Decision, loss: Tensor | float) -> None:
    if decision.record:
        applied = decision.scale if isinstance(decision, Apply) else None
        sums.rolls.append({"applied": applied, "loss": float(loss), **decision.record})


def _update(state: TrainingState, parameters: list[Tensor], decision: Apply) -> None:
    """Step the optimizer; the rule's scale falls on the clipped gradient or on what the step changed."""
    noise = stream_key(state.seed, "noise", state.step)
    take_scaled_step(state.optimizer, parameters, decision, noise, on_update=state.update_rule.apply_to == "update")


def _tell_controller(
    state: TrainingState, setting: Setting, place: int, loss: float, norm: float, rate: float, taken: bool
) -> Verdict:
    """Let the controller learn from the step, and do what it asks for."""
    if state.controller is None:
        return Verdict.GO_ON
    held_out, model = setting.held_out, state.model
    outcome = Outcome(
        step=place,
        steps=setting.steps,
        loss=loss,
        gradient_norm=norm,
        learning_rate=rate,
        taken=taken,
        held_out=(lambda: loss) if held_out is None else (lambda: held_out(model)),
    )
    with named_in_errors("controller", state.controller):
        verdict = state.controller.observe(outcome)
    if not isinstance(verdict, Verdict):
        raise ConfigurationError(f"controller {type(state.controller).__name__}: expected a Verdict, got {verdict!r}.")
    if verdict is Verdict.REMEMBER:
        state.remember()
    if verdict is Verdict.GO_BACK:
        return Verdict.GO_BACK if state.go_back() else Verdict.GO_ON
    return verdict


def _controller_record(state: TrainingState, verdict: Verdict) -> Row:
    record = dict(getattr(state.controller, "record", {}))
    if verdict is not Verdict.GO_ON:
        record["verdict"] = verdict.value
    return {"controller": record} if record else {}


def _count(state: TrainingState, batch: StepBatch) -> None:
    state.step += 1
    state.tokens += batch.tokens
    state.mazes += sum(micro.num_mazes for mini in batch.mini_batches for micro in mini)
    state.leaks += batch.leaks
    state.longest_path = max(state.longest_path, batch.longest_path)
