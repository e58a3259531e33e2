"""Is predicting masked cells of a path, any of them from any others, better than predicting the next one?

A script with a loop of its own: ``python experiments/masked_paths.py``. The masked objective of MLM-U (Nolte and others
2024, arXiv 2412.05117), as a comparator: depth-first mazes of 3x3 to 5x5, one path each. `masked` is a transformer that
sees in both directions; of the tokens behind the origin a share drawn evenly from 0 to 1 is hidden, and the hidden ones
are asked for. It writes from left to right, all that is not written yet being hidden. `next` has the same layers and
steps, a visible prompt and next-token prediction. Answers have room for 25 tokens, the path and then ends alone, so
sizes beyond 5x5 are not asked for.

Expectation: `masked` is ahead at equal steps, as in the paper; it has more tokens to learn from.
Cost: ten minutes of one CPU core for an arm and seed, by extrapolation from 20 steps.
"""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from maze_rl.configs.model import ModelConfig
from maze_rl.intervals import wilson
from maze_rl.mazes.solve import BatchSolution
from maze_rl.models.build import build_bare, build_model
from maze_rl.models.maze_transformer import MazeTransformer
from maze_rl.models.random_streams import torch_generator
from maze_rl.tokenization.layouts import PATH_END
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization
from maze_rl.workflows.arms_script import TEST_SEED, ArmSettings, Row, drawn, run_arms, run_script, train_by

ARMS = ("next", "masked")
CANVAS = 8
ANSWER = 25
"""Tokens behind the origin: a path of 5x5 has 24 steps at most."""
HEADS = 4


def write(tokenization: Tokenization, solution: BatchSolution, seed: int) -> Int64[Tensor, "batch pos"]:
    """Return prompts with the origin and the answer: the path to the target, then ends. All are of one length."""
    encoded = tokenization.encode_batch(solution.batch, streams=np.arange(len(solution)), seed=seed, solution=solution)
    given = int(encoded.spans.path_start[0]) + 2  # trees of one shape list as many cells
    answers = torch.full((len(solution), ANSWER), PATH_END)
    written = encoded.tokens[:, given : given + ANSWER]
    real = torch.arange(given, given + written.shape[1]) < encoded.spans.lengths[:, None]
    answers[:, : written.shape[1]] = torch.where(real, written, PATH_END)
    return torch.cat([encoded.tokens[:, :given], answers], dim=1)


def hidden(num: int, random: torch.Generator) -> Bool[Tensor, "batch answer"]:
    """Draw which tokens of each answer are hidden: a share drawn evenly, one at least."""
    share, order = torch.rand(num, 1, generator=random), torch.rand(num, ANSWER, generator=random)
    return (order < share) | (order == order.amin(dim=1, keepdim=True))


def build(settings: ArmSettings, arm: str, tokenization: Tokenization, seed: int) -> MazeTransformer:
    """Return the network of an arm; `masked` has one word more, which hides others."""
    if arm == "next":
        shape = ModelConfig(
            n_layers=settings.layers,
            d_model=settings.d_model,
            n_heads=HEADS,
            embedding="free",
            prompt="visible",
            positions="learned",
        )
        return build_model(shape, tokenization, seed=seed)
    bare = {
        "n_layers": settings.layers,
        "d_model": settings.d_model,
        "n_heads": HEADS,
        "d_head": settings.d_model // HEADS,
        "act_fn": "gelu",
        "normalization_type": "LN",
        "attention_dir": "bidirectional",
        "d_vocab": len(tokenization.vocabulary) + 1,
    }
    return build_bare(bare, tokenization, seed=seed)


def asked_loss(model: MazeTransformer, arm: str, tokens: Tensor, random: torch.Generator) -> Tensor:
    """Return the mean cross-entropy, nats, of what is asked for."""
    given = tokens.shape[1] - ANSWER
    if arm == "next":
        answers = tokens[:, given:]
        asked = (answers == PATH_END).cumsum(dim=1) <= 1  # up to the first end
        return torch.nn.functional.cross_entropy(model(tokens)[:, given - 1 : -1][asked], answers[asked])
    chosen = torch.nn.functional.pad(hidden(len(tokens), random), (given, 0))
    shown = tokens.masked_fill(chosen, model.cfg.d_vocab - 1)
    return torch.nn.functional.cross_entropy(model(shown)[chosen], tokens[chosen])


@torch.no_grad()
def measure(model: MazeTransformer, arm: str, tokens: Tensor) -> dict[str, float]:
    """Let the model write the answers from left to right; right is what has every cell of the one shortest path."""
    given = tokens.shape[1] - ANSWER
    written = tokens.clone()
    written[:, given:] = model.cfg.d_vocab - 1 if arm == "masked" else PATH_END
    for place in range(given, tokens.shape[1]):
        read = written if arm == "masked" else written[:, :place]
        logits = model(read)[:, place if arm == "masked" else place - 1]
        written[:, place] = logits[:, : model.cfg.d_vocab - (arm == "masked")].argmax(dim=-1)
    path = (tokens[:, given:] == PATH_END).cumsum(dim=1) <= 1
    solved = ((written == tokens)[:, given:] | ~path).all(dim=1)
    rate = wilson(int(solved.sum()), len(solved))
    return {"shortest@5": rate.value, "low@5": rate.low, "high@5": rate.high}


def train(settings: ArmSettings, arm: str, seed: int) -> Row:
    """Train one arm on fresh mazes; return what it writes for held-out ones."""
    tokenization = load_tokenization("cells", canvas=CANVAS, origin="path", random_offsets=True)
    model = build(settings, arm, tokenization, seed).train()
    random = torch_generator(seed, "hidden")

    def loss_of(solution: BatchSolution, step: int) -> Tensor:
        return asked_loss(model, arm, write(tokenization, solution, seed + step), random)

    spent = train_by(loss_of, model, settings, seed, arm)
    tests = write(tokenization, drawn(5, settings.test, TEST_SEED, 0, "test"), 0)
    return {"arm": arm, "seed": seed, "cpu_seconds": spent} | measure(model.eval(), arm, tests)


def main(arguments: Sequence[str] | None = None) -> list[Row]:
    """Train every arm for every seed; print one row each."""
    return run_arms(train, __doc__ or "", ARMS, arguments)


if __name__ == "__main__":
    run_script(main)
