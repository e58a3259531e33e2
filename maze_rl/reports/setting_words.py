"""Values of a configuration in words, and what its fields are called."""

from collections.abc import Sequence
from typing import Any

_PARTS = {"training": "", "model": "model", "tokenization": "tokens", "start": "begun from"}
_NAMES = {
    "training.loss": "loss",
    "training.lr_controller": "learning-rate controller",
    "training.schedule": "learning-rate schedule",
    "training.weight_factors": "factors on the loss weights",
    "training.starts": "further starts asked for",
    "training.stray_tokens": "stray tokens in a prompt, at most",
    "training.mazes_per_canvas": "mazes in a prompt, at most",
    "training.training_loops": "loops drawn in training",
    "training.gradient_loops": "last loops that gradients go through",
    "training.growing_loops": "loops grow with the sizes",
    "training.batch_size": "mazes in a mini-batch",
    "training.accumulation": "mini-batches in a step",
    "training.micro_batch_tokens": "tokens computed at once",
    "training.matrix_learning_rate": "learning rate of matrices",
    "training.clip_norm": "largest gradient norm",
    "training.warmup_steps": "warm-up, steps",
    "training.checkpoint_every": "steps between checkpoints",
    "training.validate_every": "steps between validations",
    "model.n_layers": "model: layers",
    "model.d_model": "model: width",
    "model.n_heads": "model: heads",
    "model.d_mlp": "model: hidden width",
    "model.act_fn": "model: activation",
    "model.prompt": "model: what the prompt sees",
    "model.unembedding": "model: words it can predict",
    "tokenization.path": "tokens: a path is written as",
    "tokenization.origin": "tokens: the origin stands in the",
    "tokenization.query": "tokens: origin and target stand",
    "tokenization.random_offsets": "tokens: mazes anywhere on the canvas",
    "start.model": "begun from the model",
    "start.digest": "begun from weights",
}
"""Paths whose plain name would not say what they are; all others are named after their field."""


def setting_name(path: str) -> str:
    """Return what a reader sees for a field of the configuration, e.g. ``training.warmup_steps``."""
    part, _, name = path.rpartition(".")
    plain = name.replace("_", " ")
    outer = _PARTS.get(part.partition(".")[0], part.replace("_", " "))
    return _NAMES.get(path, f"{outer}: {plain}" if outer else plain)


def value_words(value: Any) -> str:
    """Write a value of a configuration: ``none``, ``yes``, ``1,024``, ``0.01``, ``4, 18``, or ``(0, 0), (7, 7)``."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    if _is_list(value):
        return ", ".join(f"({value_words(item)})" if _is_list(item) else value_words(item) for item in value) or "none"
    return str(value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def path_length_words(lengths: Sequence[Sequence[Any]]) -> str:
    """Write (steps, weight) pairs: ``5–8``; with the weights, as in ``5 (weight 2)``, where these differ."""
    if len({weight for _, weight in lengths}) < 2:
        return size_words([steps for steps, _ in lengths])
    return ", ".join(f"{steps} (weight {weight:g})" for steps, weight in lengths)


def size_words(sizes: Sequence[Any]) -> str:
    """Write maze sizes: ``[5, 6, 7, 9]`` -> ``5–7, 9``; rectangles as ``4×7``."""
    runs: list[list[int]] = []
    for size in sorted(size for size in sizes if isinstance(size, int)):
        if runs and size == runs[-1][-1] + 1:
            runs[-1].append(size)
        else:
            runs.append([size])
    squares = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs]
    return ", ".join(squares + ["×".join(map(str, size)) for size in sizes if not isinstance(size, int)])
