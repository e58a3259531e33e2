"""The recipe of `maze-5to9-causal`, the control of what searches: one path for each maze behind a causal prompt.

A plain transformer of six layers, one token for each lattice edge, the origin in the prompt, and paths that grow
longer while it trains. It ends level with walking towards the target (its card has the table).
"""

from dataclasses import replace

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import Phase, RunConfig, TrainingConfig

CAUSAL_STEPS = 900
_LENGTH_LIMITS = (2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32)
"""Longest path of each part of the curriculum; after the last one there is no limit."""
_CURRICULUM_SHARE = 0.6
"""Share of the steps the limits take together, evenly; the rest trains on all lengths."""


def causal_run(mazes: MazeSpec, *, steps: int = CAUSAL_STEPS, seed: int = 0, loss: str = "path_only") -> RunConfig:
    """Return the run on a CPU that makes such a model."""
    training = TrainingConfig(
        phases=growing_lengths(mazes, steps),
        loss=loss,
        warmup_steps=min(100, max(1, steps // 10)),
        checkpoint_every=max(250, steps // 10),
        micro_batch_tokens=4096,
    )
    tokens = TokenizationConfig(format="edges", canvas=12, random_offsets=True)
    return RunConfig(training=training, tokenization=tokens, model=ModelConfig(), seed=seed)


def growing_lengths(mazes: MazeSpec, steps: int) -> tuple[Phase, ...]:
    """Return phases whose mazes are `mazes` with path lengths that grow to the full distribution."""
    ends_at = mazes.endpoints
    if ends_at.path_lengths:
        return (Phase(steps=steps, mazes=mazes),)  # the lengths are chosen already
    parts = len(_LENGTH_LIMITS)
    ends = [int(steps * _CURRICULUM_SHARE * (number + 1) / parts) for number in range(parts)]
    phases, start = [], 0
    for limit, end in zip([*_LENGTH_LIMITS, ends_at.max_path_length], [*ends, steps], strict=True):
        reachable = limit is None or limit >= ends_at.min_path_length
        narrower = ends_at.max_path_length is None or limit is None or limit <= ends_at.max_path_length
        if end > start and reachable and narrower:
            shorter = replace(mazes, endpoints=replace(ends_at, max_path_length=limit))
            phases.append(Phase(steps=end - start, mazes=shorter))
            start = end
    return tuple(phases)
