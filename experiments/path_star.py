"""Does next-token prediction learn to look ahead on path-star graphs, and does writing the path backwards cure it?

A script with a loop of its own: ``python experiments/path_star.py``. Path-star graphs (Bachmann and Nagarajan, The
pitfalls of next-token prediction, 2403.06963): a centre from which `degree` arms of `length` edges lead outwards,
the edges in random order, node names random; given the centre and the end of one arm, write the arm. Forward, every
token but the first after the centre can be copied from the edge list by following the current node, so that the
training signal of the one decision is drowned: the published finding is accuracy 1 / degree, the rate of guessing
an arm, however long one trains. Backwards, from the leaf, every step is forced. With the arm written backwards
first as a scratchpad, the forward path is a copy.

Expected: forward at 1 / degree, backwards and scratchpad near 1. Cost: about ten minutes a run on one CPU core.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from maze_rl.errors import ConfigurationError
from maze_rl.intervals import wilson
from maze_rl.models.build import build_bare
from maze_rl.seeding import numpy_generator, stream_key
from maze_rl.workflows.arms_script import run_script

ORDERS = ("forward", "backward", "scratchpad")
HEADS = 4


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The graphs, the model and the training."""

    degree: int = 3
    length: int = 4
    nodes: int = 20
    layers: int = 3
    d_model: int = 96
    steps: int = 3000
    batch_size: int = 128
    rate: float = 1e-3
    test: int = 1000

    @property
    def prompt(self) -> int:
        """Tokens before the answer: the edges, a mark, centre, leaf, a mark."""
        return 2 * self.degree * self.length + 4


def draw(settings: Settings, num: int, random: np.random.Generator, order: str) -> np.ndarray:
    """Return Int64[num, pos]: prompts with their answers; node names 0 to nodes - 1, then the two marks."""
    arms = settings.degree * settings.length
    names = random.permuted(np.tile(np.arange(settings.nodes), (num, 1)), axis=1)[:, : arms + 1]
    centre, outer = names[:, :1], names[:, 1:].reshape(num, settings.degree, settings.length)
    inner = np.concatenate([np.repeat(centre[:, None], settings.degree, axis=1), outer[:, :, :-1]], axis=2)
    edges = np.stack([inner, outer], axis=-1).reshape(num, arms, 2)
    shuffled = np.take_along_axis(edges, random.permuted(np.tile(np.arange(arms), (num, 1)), axis=1)[..., None], axis=1)
    arm = outer[np.arange(num), random.integers(settings.degree, size=num)]
    path = np.concatenate([centre, arm], axis=1)
    answers = {"forward": path, "backward": path[:, ::-1], "scratchpad": np.concatenate([path[:, ::-1], path], axis=1)}
    query, marks = np.concatenate([centre, arm[:, -1:]], axis=1), np.full((num, 1), settings.nodes)
    return np.concatenate([shuffled.reshape(num, -1), marks, query, marks + 1, answers[order]], axis=1)


def train(settings: Settings, order: str, seed: int) -> dict[str, float | str | int]:
    """Train on fresh graphs and return the accuracies on held-out ones."""
    example = draw(settings, 1, numpy_generator(seed, "shape"), order)
    shape = {
        "n_layers": settings.layers,
        "d_model": settings.d_model,
        "n_heads": HEADS,
        "d_head": settings.d_model // HEADS,
        "d_vocab": settings.nodes + 2,
        "n_ctx": example.shape[1],
        "act_fn": "gelu",
        "normalization_type": "LN",
    }
    model = build_bare(shape, None, seed=seed).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.rate, weight_decay=0.01)
    warm = max(1, settings.steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / warm))
    random = numpy_generator(seed, "path_star", order)
    for step in range(settings.steps):
        tokens = torch.from_numpy(draw(settings, settings.batch_size, random, order))
        loss = torch.nn.functional.cross_entropy(*predictions(model, tokens, settings))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % 500 == 0:
            print(f"{order} seed {seed} step {step}: loss {float(loss.detach()):.3f}", flush=True)
    return {"order": order, "seed": seed} | measure(model.eval(), settings, order)


def predictions(model: torch.nn.Module, tokens: Tensor, settings: Settings) -> tuple[Tensor, Tensor]:
    """Return the logits of the answer's tokens but its first, which the query names, and those tokens."""
    logits = model(tokens[:, :-1])[:, settings.prompt :]
    return logits.flatten(0, 1), tokens[:, settings.prompt + 1 :].flatten()


@torch.no_grad()
def measure(model: torch.nn.Module, settings: Settings, order: str) -> dict[str, float]:
    """Let the model write whole answers; return the rates of whole arms and, teacher-forced, of single tokens."""
    tokens = torch.from_numpy(draw(settings, settings.test, numpy_generator(stream_key(0, "test")), order))
    logits, goals = predictions(model, tokens, settings)
    forced = (logits.argmax(dim=-1) == goals).reshape(len(tokens), -1)
    written = tokens[:, : settings.prompt + 1]
    while written.shape[1] < tokens.shape[1]:
        written = torch.cat([written, model(written)[:, -1:].argmax(dim=-1)], dim=1)
    solved = (written == tokens)[:, -settings.length :].all(dim=1)
    rate = wilson(int(solved.sum()), len(tokens))
    decision = forced[:, settings.length + 1 if order == "scratchpad" else 0]
    return {
        "solved": rate.value,
        "low": rate.low,
        "high": rate.high,
        "token_accuracy": float(forced.float().mean()),
        "first_step": float(decision.float().mean()),
    }


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, value in vars(Settings()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--orders", nargs="+", default=list(ORDERS), choices=ORDERS)
    return parser.parse_args(arguments)


def check(settings: Settings, seeds: int) -> None:
    """Check the settings.

    Raises:
        ConfigurationError: There is a fault.
    """
    wanted = {name: 1 for name in vars(settings)} | {"steps": 0, "d_model": 4, "rate": 0}
    for name, least in wanted.items():
        if not (value := getattr(settings, name)) >= least:
            raise ConfigurationError(f"--{name.replace('_', '-')} is {value}: {least} or more, please.")
    if seeds < 1:
        raise ConfigurationError(f"--seeds is {seeds}: 1 or more, please.")
    if settings.d_model % HEADS:
        raise ConfigurationError(f"--d-model is {settings.d_model}: no multiple of {HEADS} heads.")
    if settings.nodes < settings.degree * settings.length + 1:
        raise ConfigurationError(f"{settings.nodes} names are too few for {settings.degree} arms of {settings.length}.")


def main(arguments: Sequence[str] | None = None) -> list[dict[str, float | str | int]]:
    """Train every order for every seed; print one row each."""
    read = vars(parse(arguments))
    seeds, orders = read.pop("seeds"), read.pop("orders")
    settings = Settings(**read)
    check(settings, seeds)
    rows = []
    for order in orders:
        for seed in range(seeds):
            rows.append(train(settings, order, seed))
            print(json.dumps(rows[-1]), flush=True)
    return rows


if __name__ == "__main__":
    run_script(main)
