"""False targets: sequences that are first searched for other targets, so that a search must undo what it finds.

Of a step of T loops, the sequences drawn begin with T // 2 loops for targets that are not theirs, and T loops for their
own follow. Their streams then hold a whole field that leads elsewhere, at a source that is no target. In mazes larger
than those trained on a search was seen to make such sources by itself and to keep them (`experiments/RESULTS.md`,
flagship). The idea is that of corrupted states (for loops: 2510.14095), with states that are
wrong in the way a search is wrong. Which sequences and which targets is a function of (seed, sequence) alone.
"""

import torch
from jaxtyping import Int64
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.models.readout import recalled
from maze_rl.tokenization.layouts import TARGET_END, TARGET_START, Layout
from maze_rl.training.examples import Examples
from maze_rl.training.objective import CrossEntropy, Decisions
from maze_rl.training.sequence_draws import generator_of
from maze_rl.training.slots import Loss


class FalseTargets(Shown):
    """The objective of supervised training, on streams some of which have searched for other targets before.

    Args:
        plain: The objective without them.
        share: Chance of a sequence to begin so, 0 to 1.
        seed: Seed of the run.
    """

    def __init__(self, plain: CrossEntropy, share: int | float = 0.5, seed: int = 0) -> None:
        self.plain, self.share, self.seed = plain, share, seed

    def weight(self, model: HookedTransformer, micro: Examples) -> float:
        """Return the sum of the weights of the plain objective: as much is asked."""
        return self.plain.weight(model, micro)

    def loss(self, model: HookedTransformer, micro: Examples) -> Loss:
        """Return the weighted sum, nats, as `CrossEntropy.loss` does.

        No gradient goes through the loops for other targets. A sequence that has none is given as many for its own, so
        that nothing depends on what else is in its micro-batch.
        """
        asked = self.plain.asked(model, micro)
        loops: int = model.maze_config.loops if micro.loops is None else micro.loops  # type: ignore[assignment, union-attr]
        if loops < 2 or self.share == 0:
            return self.plain.score(model, asked, micro.loops)
        first = other_targets(asked, micro.spans.layout, self.share, self.seed)
        layers: int = model.maze_config.n_layers  # type: ignore[assignment, union-attr]
        with torch.no_grad():
            left = model(first, stop_at_layer=loops // 2 * layers, **_segments_of(asked))
        begun = recalled(model, left, model.input_to_embed(asked.tokens)[0])
        return self.plain.score(model, asked, micro.loops, begun=begun)


def _segments_of(asked: Decisions) -> dict[str, Tensor]:
    return {} if asked.segments is None else {"segments": asked.segments}


def other_targets(asked: Decisions, layout: Layout, share: float, seed: int) -> Int64[Tensor, "batch input"]:
    """Return the tokens with other targets in the sequences drawn: any further cells that a sequence asks about."""
    tokens, chosen = asked.tokens.cpu(), asked.chosen.cpu()
    is_cell = torch.zeros(len(layout.words), dtype=torch.bool)
    is_cell[torch.from_numpy(layout.cell_ids.flatten()).long()] = True
    opened, closed = (tokens == TARGET_START).cumsum(dim=1) > 0, (tokens == TARGET_END).cumsum(dim=1) > 0
    target = opened & ~closed & is_cell[tokens]
    others = tokens.clone()
    for row in range(len(tokens)):
        draw = generator_of(tokens[row], seed, "false_targets")
        about = tokens[row, chosen[row] & is_cell[tokens[row]]]
        about = about[~torch.isin(about, tokens[row, target[row]])]
        if len(about) and draw.random() < share:
            drawn = draw.integers(len(about), size=int(target[row].sum()))
            others[row, target[row]] = about[torch.from_numpy(drawn)]
    return others.to(asked.tokens.device)
