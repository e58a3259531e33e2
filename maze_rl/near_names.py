"""Which of some names was meant: one that was mistyped, cut short, or is called something else elsewhere."""

import re
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher

SAME_MEANING = (
    ("accumulation", "gradient_accumulation_steps", "grad_accum"),
    ("algorithm", "generator", "maze_ctor", "method"),
    ("batch_size", "bs", "per_device_train_batch_size"),
    ("clip_norm", "grad_clip", "max_grad_norm"),
    ("d_model", "width", "hidden_size", "n_embd", "embed_dim"),
    ("data", "dataset", "train_dataset"),
    ("heads", "n_heads", "num_heads", "n_head", "num_attention_heads"),
    ("layers", "n_layers", "num_layers", "n_layer", "num_hidden_layers", "depth"),
    ("learning_rate", "lr"),
    ("lora", "rank"),
    ("max_path_length", "max_length", "longest"),
    ("min_path_length", "min_length", "shortest"),
    ("num", "n", "num_mazes", "n_mazes", "count", "samples", "evaluation_mazes"),
    ("options", "option", "maze_ctor_kwargs", "kwargs"),
    ("origin", "start"),
    ("out", "output_dir", "save_dir", "save_to", "folder", "path"),
    ("resume", "resume_from_checkpoint"),
    ("schedule", "scheduler", "lr_scheduler_type"),
    ("seed", "random_state", "rng"),
    ("sizes", "size", "grid", "grid_n", "shape"),
    ("start_from", "init_from", "pretrained"),
    ("steps", "max_steps", "epochs", "num_train_epochs", "iterations"),
    ("target", "goal", "end", "destination"),
    ("tokenizer", "format", "tokenization", "vocabulary"),
    ("workers", "n_jobs", "num_proc", "processes"),
)
"""Names of the same thing: ours, and those of libraries that people come from."""
_TYPO = 0.66
"""Words this much alike (`SequenceMatcher.ratio`) may be one, mistyped: ``dsf``, ``dfs``; not ``depth``, ``length``."""
_EVEN = 0.02


def nearest_names(name: str, choices: Iterable[str]) -> list[str]:
    """Return the choices that `name` may have been meant to be, best first: mostly one, several where all are as near.

    Names are near when their words are: in ``min_length`` and ``max_depth`` no word is, however many letters they
    share, and both words of ``min_length`` stand in ``min_path_length``.
    """
    ranked = []
    for choice in (each for each in choices if not each.startswith("(")):
        rank = _rank(name, choice)
        if rank is not None:
            ranked.append((rank, SequenceMatcher(None, _joined(name), _joined(choice)).ratio(), choice))
    if not ranked:
        return []
    best, alike, _ = max(ranked)
    found = [(-ratio, choice) for rank, ratio, choice in ranked if rank == best and ratio >= alike - _EVEN]
    return [choice for _, choice in sorted(found)]


def _rank(name: str, choice: str) -> int | None:
    """Return how near a choice is, the nearest highest; None where it is not."""
    given, known = _words(name), _words(choice)
    if not given or not known:
        return None
    if _joined(name) == _joined(choice):
        return 5
    if len(given) == len(known) and all(map(_is_cut, given, known)):
        return 4
    if any("_".join(given) in group and "_".join(known) in group for group in SAME_MEANING):
        return 3
    if len(given) < len(known) and all(map(_is_cut, given, known)):  # the beginning of a longer name
        return 2
    if len(given) == len(known) and all(map(_is_near, given, known)):
        return 1
    shorter, longer = sorted((given, known), key=len)
    rest: Iterator[str] = iter(longer)
    if len(given) != len(known) and all(any(_is_near(word, other) for other in rest) for word in shorter):
        return 0
    return None


def _is_cut(word: str, other: str) -> bool:
    """Tell whether two words are the same, or one is the beginning of the other."""
    shorter, longer = sorted((word, other), key=len)
    return word == other or (len(shorter) > 2 and longer.startswith(shorter))


def _is_near(word: str, other: str) -> bool:
    both_numbers = word.isdigit() and other.isdigit()
    return both_numbers or _is_cut(word, other) or SequenceMatcher(None, word, other).ratio() >= _TYPO


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.casefold())


def _joined(name: str) -> str:
    return "".join(_words(name))
