"""Dropout of path tokens: the cells walked so far are hidden at random, so that the next one must come from the maze.

A hidden token is replaced by ``<PADDING>``, which nothing but itself sees, and nothing is asked behind it: where the
walk stands is not known there. The first cell of a path always stands. What is hidden is a function of (seed, sequence)
alone. It is there to be compared with: no shipped model was trained so.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.tokenization.layouts import PADDING, PATH_START
from maze_rl.training.examples import Examples
from maze_rl.training.objective import CrossEntropy, Decisions
from maze_rl.training.sequence_draws import generator_of
from maze_rl.training.slots import Loss


class PathDropout(Shown):
    """The objective of supervised training on paths some of whose cells are hidden.

    Args:
        plain: The objective without dropout.
        share: Chance of a cell to be hidden, 0 to 1.
        seed: Seed of the run.
    """

    def __init__(self, plain: CrossEntropy, share: int | float = 0.1, seed: int = 0) -> None:
        self.plain, self.share, self.seed = plain, share, seed

    def weight(self, model: HookedTransformer, micro: Examples) -> float:
        """Return the sum of the weights of what is asked behind cells that stand."""
        self.plain.weight(model, micro)  # what it refuses is refused here too
        return float(self._asked(model, micro).weight.sum())

    def loss(self, model: HookedTransformer, micro: Examples) -> Loss:
        """Return the weighted sum, nats, as `CrossEntropy.loss` does."""
        return self.plain.score(model, self._asked(model, micro), micro.loops)

    def _asked(self, model: HookedTransformer, micro: Examples) -> Decisions:
        asked = self.plain.asked(model, micro)
        hidden = self._hidden(asked).to(asked.tokens.device)
        return replace(
            asked, tokens=asked.tokens.masked_fill(hidden, PADDING), weight=asked.weight * ~hidden[asked.chosen]
        )

    def _hidden(self, asked: Decisions) -> Bool[Tensor, "batch input"]:
        """Draw which positions are hidden; each row from a stream of its own, whatever rows stand beside it."""
        tokens = asked.tokens.cpu()
        if asked.segments is None:
            path = ((tokens == PATH_START).cumsum(dim=1) > 0) & (tokens != PATH_START) & (tokens != PADDING)
            segments = path.long()
        else:
            segments = asked.segments.cpu()
        same = torch.nn.functional.pad(segments[:, 1:] == segments[:, :-1], (1, 0))
        may = (segments > 0) & same  # else the first cell of its path
        hidden = np.zeros(tokens.shape, np.bool_)
        for row, where in zip(range(len(tokens)), may.numpy(), strict=True):
            draw = generator_of(tokens[row], self.seed, "path_dropout")
            hidden[row, where] = draw.random(int(where.sum())) < self.share
        return torch.from_numpy(hidden)
