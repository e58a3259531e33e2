"""The name that was meant: near in its words, not in its letters."""

import pytest

from maze_rl.near_names import SAME_MEANING, nearest_names

SETTINGS = (
    "accessible_cells",
    "max_depth",
    "forks",
    "min_path_length",
    "max_path_length",
    "path_lengths",
    "num",
    "seed",
    "sizes",
    "algorithm",
    "options",
    "split",
    "origin",
    "target",
    "origins",
    "targets",
    "first",
)
TRAINING = (
    "tokenizer",
    "layers",
    "n_layers",
    "num",
    "steps",
    "out",
    "learning_rate",
    "lora",
    "batch_size",
    "warmup_steps",
    "loops",
    "training_loops",
    "starts",
    "start_from",
    "origin",
    "canvas",
    "memory",
    "lr_controller",
)


@pytest.mark.parametrize(
    ("name", "choices", "nearest"),
    [
        ("min_length", SETTINGS, ["min_path_length"]),
        ("max_length", SETTINGS, ["max_path_length"]),
        ("min_lenght", SETTINGS, ["min_path_length"]),
        ("depth", SETTINGS, ["max_depth"]),
        ("fork", SETTINGS, ["forks"]),
        ("n", SETTINGS, ["num"]),
        ("num_mazes", SETTINGS, ["num"]),
        ("n_mazes", TRAINING, ["num"]),
        ("evaluation_mazes", TRAINING, ["num"]),
        ("size", SETTINGS, ["sizes"]),
        ("grid_n", SETTINGS, ["sizes"]),
        ("random_state", SETTINGS, ["seed"]),
        ("goal", SETTINGS, ["target"]),
        ("tokenization", TRAINING, ["tokenizer"]),
        ("format", TRAINING, ["tokenizer"]),
        ("num_layers", TRAINING, ["n_layers"]),
        ("lr", TRAINING, ["learning_rate"]),
        ("--lr", ("--learning-rate", "--lora", "--lr-controller"), ["--learning-rate"]),
        ("--n-layers", ("--layers", "--heads"), ["--layers"]),
        ("epochs", TRAINING, ["steps"]),
        ("output_dir", TRAINING, ["out"]),
        ("start", TRAINING, ["starts"]),
        ("pathonly", ("all", "path_only"), ["path_only"]),
        ("DFS", ("dfs", "wilson"), ["dfs"]),
        ("dsf", ("dfs", "dfs_percolation"), ["dfs"]),
        ("run7", ("run1", "run2"), ["run1", "run2"]),
    ],
)
def test_what_was_meant(name: str, choices: tuple[str, ...], nearest: list[str]) -> None:
    assert nearest_names(name, choices) == nearest


@pytest.mark.parametrize(
    ("name", "choices"),
    [
        ("min_length", ("max_depth", "accessible_cells", "forks")),
        ("max_length", ("max_depth", "accessible_cells", "forks")),
        ("xyzzy", SETTINGS + TRAINING),
        ("run", ("maze-5to9-cpu", "(or the folder of a run)")),
        ("", SETTINGS),
        ("tokenizer", ("sizes", "target")),
    ],
)
def test_nothing_is_suggested_that_only_looks_alike(name: str, choices: tuple[str, ...]) -> None:
    assert nearest_names(name, choices) == []


def test_no_name_has_two_meanings() -> None:
    names = [name for group in SAME_MEANING for name in group]
    assert len(names) == len(set(names))
