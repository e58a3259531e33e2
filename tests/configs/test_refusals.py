"""What a run asks of its prompts and its network cannot do is refused in one clear line."""

import pytest

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.configs.training import Phase, RunConfig, TrainingConfig
from maze_rl.errors import MazeRLError

PHASES = (Phase(steps=3, mazes=MazeSpec(sizes=(4,), split="train")),)
SEARCHING = {"n_layers": 1, "loops": 4, "embedding": "waves", "unembedding": "path", "prompt": "visible"}


def make(training: dict, tokens: dict, model: dict) -> RunConfig:
    asked = {"starts": 3, "stray_tokens": 4, "mazes_per_canvas": 2, "training_loops": (1, 4)}
    return RunConfig(
        training=TrainingConfig(phases=PHASES, **(asked | training)),
        tokenization=TokenizationConfig(**({"format": "cells", "origin": "path"} | tokens)),
        model=ModelConfig(**(SEARCHING | model)),
    )


REFUSED: list[tuple[dict, dict, dict, str]] = [
    ({"loss": "all"}, {}, {"unembedding": "all"}, "prompt visible with loss all"),
    ({"loss": "weighted:0.5"}, {}, {"prompt": "causal"}, "unembedding path with loss weighted"),
    ({}, {"origin": "prompt"}, {}, "need origin path"),
    ({"mazes_per_canvas": 1}, {"origin": "prompt"}, {}, "need origin path"),
    ({}, {}, {"positions": "learned"}, "with positions learned"),
    ({"starts": 0}, {}, {"positions": "rotary"}, "with positions rotary"),
    ({}, {}, {"loops": None, "reverse_positions": True, "prompt": "causal"}, "use positions none"),
    ({"starts": 0, "mazes_per_canvas": 1}, {}, {"loops": None, "reverse_positions": True}, "with reverse_positions"),
    ({}, {"format": "unique_cells"}, {}, "with format unique_cells"),
    ({"mazes_per_canvas": 1}, {"format": "row_column"}, {"embedding": "free"}, "with format row_column"),
    ({"stray_tokens": 0, "mazes_per_canvas": 1}, {"format": "row_column"}, {}, "waves with format row_column"),
    ({}, {"format": "edges", "walls": True}, {}, "with format edges and walls"),
    ({}, {}, {"loops": None}, "of a model without loops"),
    ({"training_loops": (2, 5)}, {}, {}, "of a model built with 4 loops"),
    ({"training_loops": (3, 2)}, {}, {}, "training_loops is"),
    ({"training_loops": (0, 2)}, {}, {}, "training_loops is"),
    ({"training_loops": (2,)}, {}, {}, "training_loops is"),
    ({"starts": -1}, {}, {}, "starts is -1"),
    ({"stray_tokens": -1}, {}, {}, "stray_tokens is -1"),
    ({"mazes_per_canvas": 0}, {}, {}, "mazes_per_canvas is 0"),
    ({"weight_factors": ("nearby",)}, {}, {}, "nearby"),
    ({"weight_factors": ("auto_curriculum:-1",)}, {}, {}, "auto_curriculum"),
    ({"objective": "hint"}, {}, {}, "unknown objective"),
    ({"objective": "hints:-1"}, {}, {}, "hints"),
    ({"objective": "hints", "training_loops": ()}, {}, {"loops": None}, "objective hints asks"),
    ({"objective": "hints"}, {"format": "edges"}, {}, "every loop: use format cells\\."),
    ({"objective": "hints"}, {}, {"prompt": "causal"}, "every loop: use a visible prompt\\."),
    ({"objective": "cross_entropy:1"}, {}, {}, "has no options: write cross_entropy alone"),
    ({"objective": "hints:1e9"}, {}, {}, "0 to 1e6"),
    ({"objective": "hints"}, {"path": "moves"}, {}, "objective hints asks"),
    ({"objective": "hints", "gradient_loops": 2}, {}, {}, "gradient_loops None"),
    ({"objective": "path_dropout:2"}, {}, {}, "path_dropout"),
    ({"objective": "false_targets", "training_loops": ()}, {}, {"loops": None}, "false_targets needs a model with"),
    ({"objective": "path_dropout"}, {"path": "moves"}, {}, "path_dropout with path moves"),
    ({"gradient_loops": 0}, {}, {}, "gradient_loops is 0"),
    ({"gradient_loops": 1, "training_loops": ()}, {}, {"loops": None}, "gradient_loops 1 of a model without loops"),
    ({}, {}, {"loops": 0}, "applied at least once"),
    ({}, {}, {"loops": -3}, "applied at least once"),
    ({}, {}, {"memory": 4}, "loops with memory"),
    ({}, {}, {"loops": None, "outer_norm": True}, "outer_norm is a norm between loops"),
    ({}, {}, {"prompt": "seen"}, "unknown prompt"),
    ({}, {}, {"unembedding": "paths"}, "unknown unembedding"),
]


def test_what_fits_together_is_taken() -> None:
    run = make({}, {}, {})
    assert (run.training.asked.starts, run.model.blocks) == (3, 4)


@pytest.mark.parametrize(("training", "tokens", "model", "reason"), REFUSED, ids=str)
def test_what_does_not_is_refused_in_one_line(training: dict, tokens: dict, model: dict, reason: str) -> None:
    with pytest.raises(MazeRLError, match=reason) as caught:
        make(training, tokens, model)
    assert "\n" not in str(caught.value)


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(MazeRLError) as caught:
        make({"training_loops": (2, 9)}, {"origin": "prompt"}, {"positions": "learned"})
    for part in ("need origin path", "positions learned", "built with 4 loops"):
        assert part in str(caught.value)
