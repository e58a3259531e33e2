"""A network trained to perfection on a few mazes, always written the same way: right there, and nowhere else."""

import numpy as np
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import MazeRLError
from maze_rl.interp.requirements import analysed_tokenization
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import Encoded, Tokenization

NUM_MAZES = 48
SHAPE = ModelConfig(n_layers=3, d_model=72, n_heads=3, positions="learned", embedding="free")
_MOST_STEPS, _RATE = 400, 3e-3


def train_memorizer(tokenization: Tokenization, *, num_mazes: int = NUM_MAZES, seed: int = 0) -> MazeTransformer:
    """Train until every path token of `num_mazes` training mazes is the likeliest, on the path's loss alone.

    Args:
        tokenization: How mazes are written; their size is the canvas.
        num_mazes: Mazes to memorise.
        seed: Seed of the weights and of the mazes; they belong to the training split.

    Raises:
        MazeRLError: 400 full-batch steps of AdamW were not enough.
    """
    tokens, spans = memorised_sequences(tokenization, num_mazes, seed)
    asked = spans.after_path_start[:, 1:]
    with torch.random.fork_rng(devices=[]):
        model = build_model(SHAPE, analysed_tokenization(tokenization), seed=seed)
        optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.0)
        for _ in range(_MOST_STEPS):
            logits = model(tokens[:, :-1])[asked]
            goals = tokens[:, 1:][asked]
            if bool((logits.argmax(dim=-1) == goals).all()):
                break
            loss = torch.nn.functional.cross_entropy(logits, goals)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        else:
            raise MazeRLError(f"{_MOST_STEPS} steps did not memorise {num_mazes} mazes (seed {seed}): use fewer mazes.")
    model.tokenization = tokenization
    model.about = {"name": "memorizer", "memorised": num_mazes}
    return model.eval()


def memorised_mazes(tokenization: Tokenization, num_mazes: int = NUM_MAZES, seed: int = 0) -> MazeBatch:
    """Return the mazes a memorizer of this seed was trained on."""
    return generate(tokenization.canvas, "dfs", num_mazes, seed, split="train").batches[0]


def memorised_sequences(tokenization: Tokenization, num_mazes: int = NUM_MAZES, seed: int = 0) -> Encoded:
    """Return their sequences, in the one edge order they were trained in."""
    batch = memorised_mazes(tokenization, num_mazes, seed)
    fixed = analysed_tokenization(tokenization)
    return fixed.encode_batch(batch, streams=np.arange(num_mazes), seed=seed)
