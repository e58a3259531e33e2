"""Many paths behind one prompt: loss and gradient are those of separate sequences; only what predicts is read."""

from collections.abc import Callable

import pytest
import torch

from maze_rl.configs.canvas import Asked
from maze_rl.configs.tokenization import PATHS
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer
from maze_rl.tokenization.layouts import PADDING
from maze_rl.training.examples import Examples, encode_examples
from maze_rl.training.losses import loss_functions
from maze_rl.training.model_inputs import model_inputs
from maze_rl.training.objective import CrossEntropy

Make = Callable[..., MazeTransformer]
ONE, MANY = Asked(starts=5), Asked(starts=4, stray_tokens=6, mazes_per_canvas=3)


def examples_of(model: MazeTransformer, asked: Asked, num: int = 6) -> Examples:
    return encode_examples(model.tokenization, generate((2, 3), "dfs_percolation", num=num, seed=5), 7, 20, asked)


def separate_loss(model: MazeTransformer, examples: Examples, loss: str) -> torch.Tensor:
    """The loss of every path as a sequence of its own behind its prompt; what the prompt loses counts once."""
    functions = loss_functions(loss)
    weights, targets = functions.weights(examples), functions.targets(examples)
    total = torch.zeros((), dtype=torch.float64)
    for row, segments in enumerate(examples.spans.segments):
        prompt = torch.arange(int(examples.spans.path_start[row]) + 1)
        for number in range(1, int(segments.max()) + 1):
            places = torch.cat([prompt, (segments == number).nonzero()[:, 0]])
            logits = model(examples.tokens[row, places][None])[0].log_softmax(-1)
            for place in range(1, len(places)):
                at = int(places[place])
                if at <= prompt[-1] and number > 1:
                    continue
                mass = targets.probabilities[row, at].double()
                surprise = -(mass * logits[place - 1, targets.ids[row, at].clamp(min=0)]).sum()
                total = total + weights[row, at].double() * surprise
    return total


def gradients(model: MazeTransformer, loss: torch.Tensor) -> torch.Tensor:
    model.zero_grad()
    loss.backward()
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.requires_grad and p.grad is not None])


FORMATS = [
    (tokens, path) for tokens in ("cells", "edges", "unique_cells", "row_column", "coordinate_tuples") for path in PATHS
]


def check_equal(model: MazeTransformer, examples: Examples, loss: str) -> None:
    together = CrossEntropy(loss_functions(loss)).loss(model, examples).total
    apart = separate_loss(model, examples, loss)
    assert float(apart.detach()) == pytest.approx(float(together.detach()), rel=1e-12)
    ours, theirs = gradients(model, together), gradients(model, apart)
    assert (ours - theirs).norm() < 1e-12 * theirs.norm()


@pytest.mark.parametrize(("tokens", "path"), FORMATS)
@pytest.mark.parametrize("prompt", ["visible", "causal"])
def test_loss_and_gradient_are_those_of_separate_sequences(
    make_asked: Make, tokens: str, path: str, prompt: str
) -> None:
    model = make_asked(tokens, path, prompt=prompt)
    check_equal(model, examples_of(model, ONE, 3), "graded:0.2")


@pytest.mark.parametrize("tokens", ["cells", "edges"])
@pytest.mark.parametrize("path", PATHS)
def test_so_are_those_of_several_mazes_on_a_canvas(make_asked: Make, tokens: str, path: str) -> None:
    model = make_asked(tokens, path)
    examples = examples_of(model, MANY)
    assert len(examples) < 6
    check_equal(model, examples, "path_only")


def test_a_loss_on_the_prompt_counts_it_once(make_asked: Make) -> None:
    for loss in ("all", "weighted:0.3"):
        model = make_asked("edges", prompt="causal")
        check_equal(model, examples_of(model, ONE, 3), loss)


def test_with_waves_and_logits_of_a_path_alone(make_asked: Make) -> None:
    model = make_asked(embedding="waves", unembedding="path")
    check_equal(model, examples_of(model, ONE, 3), "path_only_set")


def test_the_last_token_of_every_path_is_left_out(make_asked: Make) -> None:
    model = make_asked()
    examples = examples_of(model, ONE)
    spans = examples.spans
    weights = spans.after_path_start[:, 1:].float()
    read = model_inputs(spans, weights)
    assert int(read.chosen.sum()) == int((weights != 0).sum())
    for row in range(len(examples)):
        kept = []
        for place in range(int(spans.lengths[row])):
            following = place + 1 < int(spans.lengths[row])
            here = spans.segments[row, place : place + 2].tolist()
            if following and (place <= spans.path_start[row] or here[0] == here[1]):
                kept.append(place)
        tokens = examples.tokens[row, kept]
        assert read.tokens[row, : len(kept)].tolist() == tokens.tolist()
        assert (read.tokens[row, len(kept) :] == PADDING).all()
        assert read.segments[row, : len(kept)].tolist() == spans.segments[row, kept].tolist()
        chosen = [bool(weights[row, place]) for place in kept]
        assert read.chosen[row].tolist() == chosen + [False] * (read.tokens.shape[1] - len(kept))


def test_one_path_is_read_as_ever(make_asked: Make) -> None:
    model = make_asked()
    examples = examples_of(model, Asked())
    weights = torch.ones(len(examples), examples.tokens.shape[1] - 1)
    read = model_inputs(examples.spans, weights)
    assert read.segments is None
    assert torch.equal(read.tokens, examples.tokens[:, :-1])
    assert read.chosen.all()
