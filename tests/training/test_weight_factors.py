"""Factors on the weights against plain computations."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from maze_rl.configs.canvas import Asked
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer
from maze_rl.training.examples import Examples, encode_examples
from maze_rl.training.losses import loss_functions
from maze_rl.training.objective import CrossEntropy
from maze_rl.training.weight_factors import auto_curriculum, weight_factor, within_reach

Make = Callable[..., MazeTransformer]


def examples_of(model: MazeTransformer, loops: int | None = None) -> Examples:
    mazes = generate((2, 3, 5), num=8, seed=5)
    asked = Asked(starts=4, stray_tokens=6, mazes_per_canvas=2)
    if model.tokenization.name not in ("cells", "edges"):
        asked = Asked(starts=4)
    return encode_examples(model.tokenization, mazes, 7, 20, asked, loops)


@pytest.mark.parametrize("per_loop", [1.0, 2.5])
def test_within_reach_leaves_out_what_lies_further(make_asked: Make, per_loop: float) -> None:
    model = make_asked()
    for loops in (1, 2):
        examples = examples_of(model, loops)
        factor = within_reach(per_loop)(model, examples)
        inside = 0
        for row, at in (examples.remaining >= 0).nonzero().tolist():
            near = int(examples.remaining[row, at]) <= per_loop * loops + 1
            assert factor[row, at] == float(near)
            inside += near
        assert 0 < inside < examples.decisions
    assert within_reach(per_loop)(model, examples_of(model)).eq(1).all()


@torch.no_grad()
def first_wrong(model: MazeTransformer, examples: Examples) -> dict[tuple[int, int], int | None]:
    """Place of the first wrong token of every path, each as a sequence of its own; None where all are right."""
    found = {}
    for row, segments in enumerate(examples.spans.segments):
        prompt = torch.arange(int(examples.spans.path_start[row]) + 1)
        for number in range(1, int(segments.max()) + 1):
            places = torch.cat([prompt, (segments == number).nonzero()[:, 0]])
            best = model(examples.tokens[row, places][None])[0].argmax(-1).tolist()
            wrong = [
                int(places[place])
                for place in range(1, len(places))
                if examples.remaining[row, places[place]] >= 0
                and best[place - 1] not in examples.optimal[row, places[place]].tolist()
            ]
            found[row, number] = wrong[0] if wrong else None
    return found


@pytest.mark.parametrize(
    ("tokens", "path"), [("cells", "cells"), ("edges", "moves"), ("cells", "turns"), ("row_column", "cells")]
)
@pytest.mark.parametrize("beyond", [0, 1, 3])
def test_auto_curriculum_goes_a_little_beyond_the_first_error(
    make_asked: Make, tokens: str, path: str, beyond: int
) -> None:
    model = make_asked(tokens, path, unembedding="path")
    with torch.no_grad():  # right now and then, not only by luck
        words = torch.from_numpy(model.tokenization.layout.written_ids)
        model.unembed.b_U[words] = torch.randn(len(words), generator=torch.Generator().manual_seed(0)).double()
    examples = examples_of(model)
    factor = auto_curriculum(beyond)(model, examples)
    tokens_beyond = beyond * examples.spans.layout.tokens_per_step
    left_out = 0
    for (row, number), wrong in first_wrong(model, examples).items():
        for at in (examples.spans.segments[row] == number).nonzero()[:, 0].tolist():
            kept = wrong is None or at <= wrong + tokens_beyond
            assert factor[row, at] == float(kept)
            left_out += not kept
    assert left_out


def test_auto_curriculum_asks_the_loops_of_the_step(make_asked: Make) -> None:
    model = make_asked("edges", "moves", loops=3, unembedding="path")
    with torch.no_grad():  # so strong that every loop turns what is most likely round
        for weight in (model.blocks[0].mlp.W_in, model.blocks[0].mlp.W_out, model.blocks[0].attn.W_V):
            weight *= 30
        model.outer_norm.w *= 30
    examples = examples_of(model, 1)
    ours = auto_curriculum(0)(model, examples)
    assert torch.equal(ours, auto_curriculum(0)(model.with_loops(1), replace(examples, loops=None)))
    assert not torch.equal(ours, auto_curriculum(0)(model, replace(examples, loops=3)))


def test_factors_multiply_and_the_loss_takes_the_weights_that_were_summed(make_asked: Make) -> None:
    model = make_asked()
    examples = examples_of(model, 1)
    factors = [within_reach(), auto_curriculum(1)]
    objective = CrossEntropy(loss_functions("path_only"), factors)
    expected = examples.spans.after_path_start.float()
    for factor in factors:
        expected = expected * factor(model, examples)
    weight = objective.weight(model, examples)
    assert weight == float(expected.sum())
    before = objective.loss(model, examples).measures["accuracy"]
    calls = []
    counted = CrossEntropy(loss_functions("path_only"), [lambda *given: calls.append(1) or within_reach()(*given)])
    counted.weight(model, examples)
    counted.loss(model, examples)
    counted.loss(model, examples)
    assert len(calls) == 1, "a factor may ask the model: once for each step"
    assert 0 <= float(before) <= weight


def test_factors_are_named_with_their_options(make_asked: Make) -> None:
    model = make_asked()
    examples = examples_of(model, 1)
    for text, plain in (("within_reach:2.5", within_reach(2.5)), ("auto_curriculum:3", auto_curriculum(3))):
        assert torch.equal(weight_factor(text)(model, examples), plain(model, examples))
    with pytest.raises(UnknownNameError, match="within_reach"):
        weight_factor("within")
    with pytest.raises(ConfigurationError):
        weight_factor("auto_curriculum:-1")
