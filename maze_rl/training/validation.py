"""Validation while training: loss and exactness on fixed mazes of the validation split."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from maze_rl.configs.ranges import check_squares
from maze_rl.configs.training import TrainingConfig
from maze_rl.mazes.generate import generate_mazes
from maze_rl.mazes.splits import SMALLEST_SPLIT_SIZE
from maze_rl.models.build import MazeTransformer
from maze_rl.models.readout import logits_at
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.examples import Examples, encode_examples
from maze_rl.training.losses import loss_functions
from maze_rl.training.objective import soft_cross_entropy
from maze_rl.training.source import split_by_length


def validator(
    config: TrainingConfig, tokenization: Tokenization, seed: int
) -> Callable[[MazeTransformer], dict[str, Any]]:
    """Return a function that measures a model on the validation mazes of the last phase.

    It reports `validation_loss` (the run's own loss, nats per weight) and `validation_exact`: the share of
    mazes on which every next token, given a reference shortest path so far, is an optimal one. In mazes
    without cycles that equals the rate of exact greedy rollouts. Sizes under 4 are left out (they have no
    mazes to hold back); where all are, nothing is measured.
    """
    last = config.phases[-1].mazes
    sizes = tuple(size for size in check_squares(last.sizes) if size >= SMALLEST_SPLIT_SIZE)
    if not sizes:
        return lambda model: {}
    spec = replace(last, sizes=sizes, split="validation")
    mazes = generate_mazes(spec, np.arange(config.validation_mazes), seed)
    examples = encode_examples(tokenization, mazes, seed, 0)
    micro_batches = list(split_by_length(examples, config.micro_batch_tokens))
    losses = loss_functions(config.loss)

    @torch.no_grad()
    def validate(model: MazeTransformer) -> dict[str, Any]:
        total, weight_sum, exact = 0.0, 0.0, 0
        for micro in micro_batches:
            moved = Examples(micro.tokens.to(model.cfg.device), micro.spans, micro.optimal)
            weights, targets = losses.weights(micro.spans), losses.targets(micro)
            device_targets = type(targets)(targets.ids.to(model.cfg.device), targets.probabilities.to(model.cfg.device))
            total += float(soft_cross_entropy(model, moved, weights.to(model.cfg.device), device_targets).total)
            weight_sum += float(weights[:, 1:].sum())
            exact += int(exact_sequences(model, moved).sum())
        return {"validation_loss": total / weight_sum, "validation_exact": exact / len(examples)}

    return validate


def exact_sequences(model: MazeTransformer, examples: Examples) -> torch.Tensor:
    """Return Bool[batch]: whether every most likely next token on the path is an optimal one."""
    chosen = examples.spans.after_path_start[:, 1:]
    best = logits_at(model, examples.tokens[:, :-1], chosen.to(examples.tokens.device)).argmax(dim=-1, keepdim=True)
    right = (best.cpu() == examples.optimal[:, 1:][chosen]).any(dim=-1)
    wrong = torch.zeros(chosen.shape, dtype=torch.int64)
    wrong[chosen] = (~right).long()
    return wrong.sum(dim=1) == 0
