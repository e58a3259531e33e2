"""Sparse autoencoders on a model's activations: shuffled batches for any trainer, and a thin wrapper around SAELens.

A sparse autoencoder writes an activation x as a sparse sum of learned directions, ``x = W_dec f + b_dec`` with
``f = relu(W_enc x + b_enc)``, trained on ``|x - x'|^2 + coefficient * sum_i f_i |W_dec,i|`` (Bricken et al. 2023,
"Towards Monosemanticity"; the penalty weighted by decoder norms as in Anthropic's update of April 2024). Training
itself is SAELens's (https://github.com/decoderesearch/SAELens), an optional package.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.hook_names import check_hook_names
from maze_rl.interp.activations.labelled_activations import Mazes, Positions, stream
from maze_rl.seeding import numpy_generator


def activation_batches(
    model: HookedTransformer,
    mazes: Mazes,
    name: str,
    *,
    batch_size: int = 1024,
    seed: int = 0,
    positions: Positions = "all",
    buffer_batches: int = 16,
    passes: int | None = 1,
) -> Iterator[Float[Tensor, "batch d_in"]]:
    """Yield batches of one hook's activations, one row per position, shuffled within a buffer.

    Rows are drawn at random from a buffer of at least ``buffer_batches * batch_size`` of them, while the mazes last;
    heads are joined, so that `hook_z` gives rows of n_heads * d_head. Every row comes once per pass, but for the last
    few that fill no batch. Memory: the buffer and one batch of mazes.

    Args:
        model: Any model of mazes.
        mazes: The mazes, see `maze_rl.interp.activations.labelled_activations.stream`.
        name: Full name of one hook.
        batch_size: Rows per batch.
        seed: Seed of encoding and shuffling.
        positions: Which positions.
        buffer_batches: Batches in the buffer, at least 1.
        passes: How often the mazes are gone through, encoded anew each time; None for ever.

    Raises:
        UnknownNameError: The model has no such hook.
        ConfigurationError: `name` is a pattern for several hooks, `batch_size`, `buffer_batches` or `passes` is below
            1, no position of a whole pass is chosen, or as `stream`.
    """
    check_count("batch_size", batch_size)
    check_count("buffer_batches", buffer_batches)
    if passes is not None:
        check_count("passes", passes)
    hook, *others = check_hook_names(model, name)
    if others:
        raise ConfigurationError(f"{name} stands for {len(others) + 1} hooks: an autoencoder is trained on one.")
    generator, done = numpy_generator(seed, "activation_batches"), 0
    buffer: Tensor | None = None
    while passes is None or done < passes:
        found = 0
        for part in stream(model, mazes, hook, seed=seed + done, positions=positions):
            rows = part[hook].flatten(1)
            found += len(rows)
            buffer = rows if buffer is None else torch.cat([buffer, rows])
            if len(buffer) > buffer_batches * batch_size:
                buffer = buffer[torch.from_numpy(generator.permutation(len(buffer)))]
                while len(buffer) > buffer_batches * batch_size:
                    batch, buffer = buffer[:batch_size], buffer[batch_size:]
                    yield batch
        if found == 0:
            raise ConfigurationError("positions: none of the mazes has such a position, so there is nothing to yield.")
        done += 1
    if buffer is not None:
        order = generator.permutation(len(buffer))[: len(buffer) // batch_size * batch_size]
        for chosen in np.split(order, len(order) // batch_size) if len(order) else []:
            yield buffer[torch.from_numpy(chosen)]


def train_sparse_autoencoder(
    model: HookedTransformer,
    mazes: Mazes,
    name: str,
    *,
    d_sae: int,
    num_rows: int,
    l1_coefficient: int | float = 1.0,
    learning_rate: float = 3e-4,
    batch_size: int = 1024,
    seed: int = 0,
    positions: Positions = "all",
) -> Any:
    """Train a sparse autoencoder on one hook with SAELens and return it, a `sae_lens.StandardTrainingSAE`.

    Inputs are scaled to a mean norm of sqrt(d_in) while training; SAELens folds the scale into the weights at the end.
    The mazes are gone through as often as needed. For other kinds of autoencoders give `activation_batches` to
    `sae_lens.SAETrainer` oneself.

    Args:
        model: Any model of mazes.
        mazes: The mazes.
        name: Full name of the hook.
        d_sae: Number of directions to learn.
        num_rows: Positions to train on in all.
        l1_coefficient: Weight of the sparsity penalty.
        learning_rate: Step size of Adam.
        batch_size: Rows per step.
        seed: Seed of the weights, the encoding and the shuffling.
        positions: Which positions.

    Raises:
        ConfigurationError: The package sae-lens is not installed; and as for `activation_batches`.
    """
    sae_lens = _import_sae_lens()
    from sae_lens.config import LoggingConfig, SAETrainerConfig  # type: ignore[import-not-found]

    batches = activation_batches(model, mazes, name, batch_size=batch_size, seed=seed, positions=positions, passes=None)
    first = next(batches)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        sae = sae_lens.StandardTrainingSAE(
            sae_lens.StandardTrainingSAEConfig(
                d_in=first.shape[1],
                d_sae=d_sae,
                l1_coefficient=float(l1_coefficient),
                device=str(model.cfg.device),
                normalize_activations="expected_average_only_in",
            )
        )
        config = SAETrainerConfig(
            total_training_samples=num_rows,
            train_batch_size_samples=batch_size,
            lr=learning_rate,
            lr_end=learning_rate,
            device=str(model.cfg.device),
            n_checkpoints=0,
            checkpoint_path=None,
            save_final_checkpoint=False,
            n_batches_for_norm_estimate=8,
            logger=LoggingConfig(log_to_wandb=False),
        )
        return sae_lens.SAETrainer(cfg=config, sae=sae, data_provider=chain([first], batches)).fit()


def _import_sae_lens() -> Any:
    try:
        import sae_lens  # type: ignore[import-not-found]
    except ImportError:
        raise ConfigurationError(
            "training a sparse autoencoder needs the package sae-lens: pip install -c constraints.txt -e '.[sae]'."
        ) from None
    return sae_lens
