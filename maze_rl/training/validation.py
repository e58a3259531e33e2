"""Validation while training: loss and exactness on fixed mazes of the validation split."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64
from numpy import ndarray

from maze_rl.configs.losses import leaves_origin_out
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.ranges import check_squares
from maze_rl.configs.training import TrainingConfig
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.splits import SMALLEST_SPLIT_SIZE
from maze_rl.models.build import MazeTransformer
from maze_rl.models.readout import logits_at
from maze_rl.models.weights_once import weights_once
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.examples import Examples, encode_examples
from maze_rl.training.loss_weights import LossWeights, path_from_first_choice, path_only
from maze_rl.training.losses import loss_functions
from maze_rl.training.objective import CrossEntropy
from maze_rl.training.source import split_by_length


def validator(
    config: TrainingConfig, tokenization: Tokenization, seed: int
) -> Callable[[MazeTransformer], dict[str, Any]]:
    """Return a function that measures a model on the validation mazes of the last phase.

    It reports `validation_loss` (the run's own loss, nats per weight) and `validation_exact`: the share of
    mazes on which every next token, given a reference shortest path so far, is an optimal one; the origin does not
    count where the loss leaves it out. In mazes without cycles that equals the rate of exact greedy rollouts. Sizes
    under 4 are left out (they have no mazes to hold back); where all are, nothing is measured.
    """
    examples = held_back_examples(config.phases[-1].mazes, tokenization, np.arange(config.validation_mazes), seed)
    if examples is None:
        return lambda model: {}
    micro_batches = list(split_by_length(examples, config.micro_batch_tokens))
    loss = config.loss_at(config.phases[-1])
    objective = CrossEntropy(loss_functions(loss))
    asked = path_from_first_choice if leaves_origin_out(loss) else path_only

    @torch.no_grad()
    def validate(model: MazeTransformer) -> dict[str, Any]:
        total, exact = 0.0, 0
        weight = sum(objective.weight(model, micro) for micro in micro_batches)
        with weights_once(model):
            for micro in micro_batches:
                total += float(objective.loss(model, micro).total)
                exact += int(exact_sequences(model, micro, asked).sum())
        return {"validation_loss": total / weight, "validation_exact": exact / len(examples)}

    return validate


def held_back_examples(
    mazes: MazeSpec, tokenization: Tokenization, indices: Int64[ndarray, " num"], seed: int
) -> Examples | None:
    """Return mazes of the validation split by index, encoded; None where no size is large enough to hold mazes back."""
    sizes = tuple(size for size in check_squares(mazes.sizes) if size >= SMALLEST_SPLIT_SIZE)
    if not sizes:
        return None
    spec = replace(mazes, sizes=sizes, split="validation")
    return encode_examples(tokenization, generate_mazes(spec, indices, seed), seed, int(indices[0]))


def exact_sequences(model: MazeTransformer, examples: Examples, asked: LossWeights = path_only) -> torch.Tensor:
    """Return Bool[batch]: whether every most likely next token that is `asked` for on the path is an optimal one."""
    chosen, device = asked(examples)[:, 1:] > 0, model.cfg.device
    best = logits_at(model, examples.tokens[:, :-1].to(device), chosen.to(device)).argmax(dim=-1, keepdim=True)
    right = (best.cpu() == examples.optimal[:, 1:][chosen]).any(dim=-1)
    wrong = torch.zeros(chosen.shape, dtype=torch.int64)
    wrong[chosen] = (~right).long()
    return wrong.sum(dim=1) == 0
