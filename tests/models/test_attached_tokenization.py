"""What is attached to a model is checked before anything is changed, and kept as its files hold it."""

from typing import Any

import numpy as np
import pytest
import torch

from maze_rl.errors import MazeRLError
from maze_rl.mazes.generate import generate
from maze_rl.models.attached_tokenization import attach_tokenization
from maze_rl.models.build import MazeTransformer, build_bare
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

SHAPE = {"n_layers": 1, "d_model": 8, "n_heads": 1, "d_head": 8, "d_mlp": 8, "act_fn": "relu"}


@pytest.fixture
def edges() -> Tokenization:
    return load_tokenization("edges", canvas=5)


@pytest.fixture
def model(edges: Tokenization) -> MazeTransformer:
    return build_bare(SHAPE, edges)


@pytest.mark.parametrize("given", ["4..5", "4,5", [4, 5], (4, 5), range(4, 6), np.arange(4, 6)])
def test_sizes_are_read_as_everywhere_and_kept_as_plain_numbers(
    given: Any, model: MazeTransformer, edges: Tokenization
) -> None:
    about = attach_tokenization(model, edges, name="mine", sizes=given).about
    assert about == {"name": "mine", "sizes": [4, 5]}
    assert [type(size) for size in about["sizes"]] == [int, int]


def test_one_size_is_one(model: MazeTransformer, edges: Tokenization) -> None:
    assert attach_tokenization(model, edges, sizes=5).about["sizes"] == [5]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sizes": [0]}, "maze size 0 is out of bounds"),
        ({"sizes": ["x"]}, "x"),
        ({"sizes": [4.5]}, "is no size"),
        ({"tokenization": "unique_cells"}, "d_vocab is"),
    ],
)
def test_what_is_refused_leaves_the_model_as_it_was(
    changes: dict[str, Any], said: str, model: MazeTransformer, edges: Tokenization
) -> None:
    attach_tokenization(model, edges, name="mine", sizes="4..5", algorithm="dfs")
    before = dict(model.about)
    with pytest.raises(MazeRLError, match=said):
        attach_tokenization(model, **({"tokenization": edges} | changes))
    assert model.tokenization is edges
    assert model.about == before
    tokens = edges.encode(generate(4, num=2, seed=1)).tokens
    assert torch.equal(model.to_tokens(edges.decode(tokens)), tokens)
