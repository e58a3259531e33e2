"""Hints: the next cell asked not only behind the path but of every loop's stream, where the prompt lists a cell.

After loop t the stream at a listed cell is read by the model's own last norm and unembedding, and asked for the next
cell towards the target, if that is at most t steps away: what a search that spreads by one step a loop can know then
(the hints of algorithmic reasoning, Velickovic et al. 2022, arXiv 2205.15659). The cells are those that the
sequence asks about behind its prompt. It is there to be compared with: no shipped model was trained so.
"""

from dataclasses import replace

import torch
from jaxtyping import Int64
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.models.readout import logits_of, predictable_words, streams_by_loop
from maze_rl.tokenization.spans import TokenSpans
from maze_rl.training.examples import Examples
from maze_rl.training.objective import CrossEntropy, hits, summed
from maze_rl.training.slots import Loss


class Hints(Shown):
    """The objective of supervised training, and hints beside it.

    Args:
        plain: The objective without hints.
        weight: What the mean of the hints over loops is multiplied by.
    """

    def __init__(self, plain: CrossEntropy, weight: int | float = 1.0) -> None:
        self.plain, self.hint_weight = plain, weight

    def weight(self, model: HookedTransformer, micro: Examples) -> float:
        """Return the sum of the weights of the plain objective: hints come on top."""
        return self.plain.weight(model, micro)

    def loss(self, model: HookedTransformer, micro: Examples) -> Loss:
        """Return the weighted sum of the plain loss, plus that of the hints of all loops, divided by their number.

        Raises:
            ConfigurationError: The model has no loops.
        """
        if self.hint_weight == 0:
            return self.plain.loss(model, micro)  # in one pass, which rounds otherwise than one for each loop
        asked, words = self.plain.asked(model, micro), predictable_words(model)
        streams = list(streams_by_loop(model, asked.tokens, segments=asked.segments, loops=micro.loops))
        logits = logits_of(model, streams[-1][asked.chosen], words)
        rows = asked.predicted.nonzero()[:, 0]
        place = listed_places(micro.spans)[asked.predicted]
        away = micro.remaining[:, 1:][asked.predicted]
        hinted = torch.zeros((), device=logits.device)
        for loop, stream in enumerate(streams, 1):
            known = ((place >= 0) & (away >= 0) & (away <= loop)).to(logits.device)
            part = replace(asked, ids=asked.ids[known], mass=asked.mass[known], weight=asked.weight[known])
            at = stream[rows.to(known.device)[known], place.to(known.device)[known]]
            hinted = hinted + summed(part, logits_of(model, at, words))
        hinted = hinted / len(streams)
        measures = {"accuracy": (asked.weight * hits(asked, logits)).sum(), "hint_loss": hinted.detach()}
        return Loss(summed(asked, logits) + self.hint_weight * hinted, measures)


def listed_places(spans: TokenSpans) -> Int64[Tensor, "batch next"]:
    """Return for each token but the first where the prompt lists the cell named before it; -1 where it does not."""
    rows = torch.arange(len(spans.tokens))[:, None]
    side = spans.layout.canvas
    flat = spans.cells[..., 0].long() * side + spans.cells[..., 1]
    listed = spans.open_sides >= 0
    table = torch.full((len(flat), side * side), -1)
    table[rows.expand_as(flat)[listed], flat[listed]] = spans.positions.expand_as(flat)[listed]
    return torch.where(flat >= 0, table[rows, flat.clamp(min=0)], -1)[:, :-1]
