"""Words that stand in prompts only are never predicted, and take no part in the loss."""

from collections.abc import Callable

import pytest
import torch

from maze_rl.configs.tokenization import PATHS
from maze_rl.models.build import MazeTransformer
from maze_rl.models.readout import logits_at, predictable_words
from maze_rl.models.written_words import NEVER
from maze_rl.tokenization.layouts import PATH_END

Make = Callable[..., MazeTransformer]


@pytest.mark.parametrize("embedding", ["waves", "factored", "free"])
@pytest.mark.parametrize("path", PATHS)
def test_only_words_of_a_path_can_be_predicted(
    make_searching: Make, ragged: Callable, embedding: str, path: str
) -> None:
    model = make_searching(embedding=embedding, options={"canvas": 4, "origin": "path", "path": path})
    layout = model.tokenization.layout
    written = {
        int(number)
        for number in ({"cells": layout.cell_ids.flatten(), "moves": layout.move_ids, "turns": layout.turn_ids}[path])
    }
    written.add(PATH_END)
    assert predictable_words(model).tolist() == sorted(written)
    other = [number for number in range(len(layout.words)) if number not in written]
    with torch.no_grad():
        model.ln_final.w *= 20  # whatever the stream
    tokens = model.tokenization.encode(_mazes()).tokens
    assert (model(tokens)[..., other] == NEVER).all()
    assert set(model(tokens).argmax(-1).flatten().tolist()) <= written


def _mazes() -> object:
    from maze_rl.mazes.generate import generate

    return generate((3, 4), num=4)


@pytest.mark.parametrize("embedding", ["waves", "free"])
def test_their_columns_and_biases_never_train(make_searching: Make, ragged: Callable, embedding: str) -> None:
    model = make_searching(embedding=embedding)
    model(ragged(model)).log_softmax(-1).square().sum().backward()
    assert not model.unembed.b_U.requires_grad
    columns = model.unembed.parametrizations.W_U.original
    assert columns.shape == (16, len(predictable_words(model)))
    assert columns.grad.abs().sum(0).gt(0).all()


def test_a_model_of_all_words_says_so(make_searching: Make) -> None:
    assert predictable_words(make_searching(unembedding="all")) is None


def test_what_is_kept_of_a_pass_without_gradient_serves_one_with(make_searching: Make) -> None:
    """Words that were first looked up in inference mode are used in training later, in one process."""
    model = make_searching(unembedding="path", options={"canvas": 7, "origin": "path"})  # not looked up before
    tokens = model.tokenization.encode(_mazes()).tokens
    chosen = torch.zeros(tokens.shape, dtype=torch.bool)
    chosen[:, -2] = True
    with torch.inference_mode():
        logits_at(model, tokens, chosen, words=predictable_words(model))
    logits_at(model, tokens, chosen, words=predictable_words(model)).sum().backward()
