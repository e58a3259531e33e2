"""A step of a round on texts: the gradient of its mini-batches, the optimizer (or dice around it), a controller."""

import math
from collections.abc import Sequence
from typing import Any

from torch import nn

from maze_rl.training.learning_rates.controlled_optimizer import LearningRateController
from maze_rl.training.slots import Verdict
from maze_rl.training.spin.objective import SpinObjective
from maze_rl.training.spin.pair_batches import PairBatch
from maze_rl.training.step import TrainingError
from maze_rl.training.update_rules.applied_scale import gradient_norm
from maze_rl.training.update_rules.dice_optimizer import DiceOptimizer

Row = dict[str, Any]


def take_text_step(
    model: nn.Module, objective: SpinObjective, minis: Sequence[PairBatch], control: LearningRateController
) -> Row:
    """Take a step on some mini-batches, and return loss and measures before it, each per weight.

    Raises:
        TrainingError: Loss or gradient is not finite, and no controller goes back.
    """
    optimizer = control.optimizer
    optimizer.zero_grad(set_to_none=True)
    weights = [objective.weight(model, mini) for mini in minis]
    sums: dict[str, float] = {}
    for mini, weight in zip(minis, weights, strict=True):
        found = objective.loss(model, mini)
        share, loss = weight / sum(weights), found.total / weight
        for name, value in {"loss": found.total, **found.measures}.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach()) / sum(weights)
        if isinstance(optimizer, DiceOptimizer):
            loss = optimizer.weigh(loss)
        (share * loss).backward()
    norm = float(gradient_norm([weight for group in optimizer.param_groups for weight in group["params"]]))
    finite = math.isfinite(sums["loss"]) and math.isfinite(norm)
    rate = control.before_step()
    if finite:
        optimizer.step()
    verdict = control.after_step(sums["loss"], norm)
    if not finite and verdict is not Verdict.GO_BACK:
        raise TrainingError(
            f"loss {sums['loss']} and gradient norm {norm} are not finite: the step was not taken. Lower the learning "
            "rate or lengthen the warm-up."
        )
    told = {"controller": control.record} if control.record else {}
    return {**sums, "learning_rate": rate, "gradient_norm": norm, **told}
