"""Do positions drawn at random let a path of any length be read, where learned and rotary ones do not?

A script with a loop of its own: ``python experiments/randomized_positions.py``. Randomized positions are those of Ruoss
and others (2023, arXiv 2305.16843): the tokens of a sequence have the numbers of a random subset of all places of the
context, in order, so that places which only longer sequences reach are trained by short ones. The subset is as large as
prompt and longest possible path together, and its first numbers are used: no token's place depends on what follows it.

Depth-first mazes of 3x3 to 5x5, listed as cells in a visible prompt, one path each, plain layers. The arms differ in
their positions alone: ``none`` (order is seen through the causal mask of the path), ``learned``, ``rotary`` and
``randomized``, which has the table of ``learned``. A row has the share of mazes with every cell of the one shortest
path right, from the origin on; all larger mazes are longer than any that was trained.

Expectation: all about level at 5x5, ``none`` and ``randomized`` ahead of the other two at 6x6 and 8x8, ``learned`` near
nothing there.
Cost: ten minutes of one CPU core for an arm and seed, by extrapolation from 40 steps.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int64
from torch import Tensor

from maze_rl.configs.model import ModelConfig
from maze_rl.intervals import wilson
from maze_rl.mazes.solve import BatchSolution
from maze_rl.models.build import build_model
from maze_rl.models.maze_transformer import MazeTransformer
from maze_rl.models.random_streams import torch_generator
from maze_rl.tokenization.tokenization import Encoded, Tokenization, load_tokenization
from maze_rl.workflows.arms_script import TEST_SEED, ArmSettings, Row, drawn, run_arms, run_script, train_by

ARMS = ("none", "learned", "rotary", "randomized")
CANVAS = 12
"""Larger than the mazes, so that the context has places to draw from."""
SIZES = (5, 6, 8, 10)


def write(tokenization: Tokenization, solution: BatchSolution, seed: int) -> Encoded:
    """Return prompts with their paths, the origin first."""
    return tokenization.encode_batch(solution.batch, streams=np.arange(len(solution)), seed=seed, solution=solution)


def drawn_positions(num: int, room: int, context: int, random: torch.Generator) -> Int64[Tensor, "num room"]:
    """Draw `room` of the places 0 to `context` - 1 for each of `num` sequences, ascending."""
    return torch.rand(num, context, generator=random).topk(room, dim=1).indices.sort(dim=1).values


def read(model: MazeTransformer, arm: str, encoded: Encoded, cells: int, random: torch.Generator) -> Tensor:
    """Return logits [batch, pos, d_vocab]; positions are drawn where the arm has such."""
    if arm != "randomized":
        return model(encoded.tokens)
    num, length = encoded.tokens.shape
    room = int(encoded.spans.path_start.max()) + cells + 2  # a path visits every cell at most, and ends
    places = drawn_positions(num, room, model.cfg.n_ctx, random)[:, :length]
    return model.run_with_hooks(
        encoded.tokens, fwd_hooks=[("hook_pos_embed", lambda value, hook: model.pos_embed.W_pos[places])]
    )


def asked(encoded: Encoded) -> Tensor:
    """Mark the positions whose next token is asked for: from the origin up to the last cell."""
    position = torch.arange(encoded.tokens.shape[1] - 1)
    return (position > encoded.spans.path_start[:, None]) & (position < encoded.spans.lengths[:, None] - 1)


@torch.no_grad()
def measure(
    model: MazeTransformer, arm: str, tokenization: Tokenization, solution: BatchSolution, size: int
) -> dict[str, float]:
    """Return the share of mazes walked right from the origin to the end.

    A tree has one shortest path, and greedy decoding writes it exactly where every next token is right behind the right
    ones before it: one pass tells.
    """
    encoded = write(tokenization, solution, 0)
    found = read(model, arm, encoded, size * size, torch_generator(TEST_SEED, "positions"))[:, :-1].argmax(dim=-1)
    solved = ((found == encoded.tokens[:, 1:]) | ~asked(encoded)).all(dim=1)
    rate = wilson(int(solved.sum()), len(solved))
    return {f"shortest@{size}": rate.value, f"low@{size}": rate.low, f"high@{size}": rate.high}


def shape_of(settings: ArmSettings, arm: str) -> ModelConfig:
    """Return the network of an arm."""
    return ModelConfig(
        n_layers=settings.layers,
        d_model=settings.d_model,
        n_heads=4,
        embedding="waves",
        prompt="visible",
        positions="learned" if arm == "randomized" else arm,
    )


def train(settings: ArmSettings, arm: str, seed: int) -> Row:
    """Train one arm on fresh mazes; return what it writes for held-out ones."""
    tokenization = load_tokenization("cells", canvas=CANVAS, origin="path", random_offsets=True)
    model = build_model(shape_of(settings, arm), tokenization, seed=seed).train()
    random = torch_generator(seed, "positions")

    def loss_of(solution: BatchSolution, step: int) -> Tensor:
        encoded = write(tokenization, solution, seed + step)
        cells, chosen = int(np.prod(solution.batch.connections.shape[-2:])), asked(encoded)
        logits = read(model, arm, encoded, cells, random)[:, :-1][chosen]
        return torch.nn.functional.cross_entropy(logits, encoded.tokens[:, 1:][chosen])

    row: Row = {"arm": arm, "seed": seed, "cpu_seconds": train_by(loss_of, model, settings, seed, arm)}
    for size in SIZES:
        row |= measure(model.eval(), arm, tokenization, drawn(size, settings.test, TEST_SEED, 0, "test"), size)
    return row


def main(arguments: Sequence[str] | None = None) -> list[Row]:
    """Train every arm for every seed; print one row each."""
    return run_arms(train, __doc__ or "", ARMS, arguments)


if __name__ == "__main__":
    run_script(main)
