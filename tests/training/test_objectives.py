"""The objectives beside plain cross-entropy, against plain computations."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from maze_rl.configs.canvas import Asked
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer
from maze_rl.models.readout import logits_at, streams_by_loop, unembedded
from maze_rl.tokenization.layouts import PADDING, TARGET_END, TARGET_START
from maze_rl.training.examples import Examples, encode_examples
from maze_rl.training.false_targets import FalseTargets, other_targets
from maze_rl.training.hints import Hints, listed_places
from maze_rl.training.laws import run, tiny_searching_run
from maze_rl.training.losses import loss_functions
from maze_rl.training.objective import CrossEntropy
from maze_rl.training.path_dropout import PathDropout
from maze_rl.training.source import split_by_length

Make = Callable[..., MazeTransformer]


def examples_of(model: MazeTransformer, loops: int | None = None, **asked: int) -> Examples:
    mazes = generate((2, 3, 5), num=8, seed=5)
    wanted = Asked(**({"starts": 4, "stray_tokens": 6, "mazes_per_canvas": 2} | asked))
    return encode_examples(model.tokenization, mazes, 7, 20, wanted, loops)


def plain(factors: tuple = ()) -> CrossEntropy:
    return CrossEntropy(loss_functions("path_only_set"), factors)


def test_streams_by_loop_are_what_the_blocks_of_one_pass_leave(make_asked: Make) -> None:
    model = make_asked()
    micro = examples_of(model, 2)
    tokens, segments = micro.tokens, micro.spans.segments
    layers = model.maze_config.n_layers
    with torch.no_grad():
        for loops, stream in enumerate(streams_by_loop(model, tokens, segments=segments), 1):
            assert stream.equal(model(tokens, stop_at_layer=loops * layers, segments=segments))
    assert loops == model.loops


def test_each_decision_finds_its_cell_in_the_prompt(make_asked: Make) -> None:
    model = make_asked()
    spans = examples_of(model).spans
    places = listed_places(spans)
    asked = spans.after_path_start[:, 1:].nonzero().tolist()
    for row, at in asked:
        place = int(places[row, at])
        assert spans.open_sides[row, place] >= 0
        assert spans.cells[row, place].equal(spans.cells[row, at])
    assert len(asked) > 50


@pytest.mark.parametrize("loops", [1, 2])
def test_hints_ask_each_cell_once_its_target_is_near(make_asked: Make, loops: int) -> None:
    model = make_asked()
    micro = examples_of(model, loops)
    layers, positions = model.maze_config.n_layers, listed_places(micro.spans)
    wanted, heard = torch.zeros((), dtype=torch.float64), 0
    for loop in range(1, loops + 1):
        stream = model(micro.tokens, stop_at_layer=loop * layers, segments=micro.spans.segments)
        log_probabilities = unembedded(model, stream).log_softmax(dim=-1)
        for row, at in (micro.remaining[:, 1:] >= 0).nonzero().tolist():
            if micro.remaining[row, at + 1] <= loop:
                right = [token for token in micro.optimal[row, at + 1].tolist() if token >= 0]
                wanted = wanted - log_probabilities[row, positions[row, at], right].mean() / loops
                heard += 1
    hints = Hints(plain(), 0.5)
    found, alone = hints.loss(model, micro), plain().loss(model, micro)
    assert heard > 10
    assert float(found.measures["hint_loss"]) == pytest.approx(float(wanted.detach()), rel=1e-9)
    assert found.total.detach().allclose((alone.total + 0.5 * wanted).detach(), rtol=1e-9, atol=0)
    assert float(found.measures["accuracy"]) == float(alone.measures["accuracy"])
    assert hints.weight(model, micro) == plain().weight(model, micro)


@pytest.mark.parametrize("starts", [0, 4])
def test_hidden_cells_are_unseen_and_nothing_is_asked_behind_them(make_asked: Make, starts: int) -> None:
    """Equal to sequences that have padding where a cell is hidden, scored where a cell stands."""
    model = make_asked()
    micro = examples_of(model, 2, starts=starts, stray_tokens=0, mazes_per_canvas=1)
    dropout = PathDropout(plain(), 0.4, seed=3)
    asked, all_asked = dropout._asked(model, micro), plain().asked(model, micro)
    hidden = (asked.tokens == PADDING) & (all_asked.tokens != PADDING)
    assert int(hidden.sum()) > 5
    assert asked.weight.equal(all_asked.weight * ~hidden[asked.chosen])
    assert 0 < float(asked.weight.sum()) < float(all_asked.weight.sum())
    assert dropout.weight(model, micro) == float(asked.weight.sum())
    first = torch.zeros_like(hidden)
    first[torch.arange(len(hidden)), micro.spans.path_start + 1] = True
    assert not (hidden & first).any()
    if starts:
        assert asked.segments is not None
        assert not hidden[asked.segments > 1].any()  # single steps: their one cell is where the walk stands
    logits = logits_at(model, asked.tokens, asked.chosen, segments=asked.segments, loops=2)
    shown = logits.log_softmax(dim=-1)
    total = sum(
        -(weight * mass * shown[row, ids]).sum()
        for row, (ids, mass, weight) in enumerate(zip(asked.ids, asked.mass, asked.weight, strict=True))
    )
    assert dropout.loss(model, micro).total.detach().allclose(torch.as_tensor(total).detach(), rtol=1e-9, atol=0)


def test_what_is_hidden_depends_on_the_sequence_and_the_seed_alone(make_asked: Make) -> None:
    model = make_asked()
    whole = examples_of(model)
    apart = list(split_by_length(whole, 60))
    assert len(apart) > 1
    dropout = PathDropout(plain(), 0.3, seed=1)
    assert sum(dropout.weight(model, micro) for micro in apart) == pytest.approx(dropout.weight(model, whole))
    other = PathDropout(plain(), 0.3, seed=2)
    assert not other._asked(model, whole).tokens.equal(dropout._asked(model, whole).tokens)


def test_a_share_of_nothing_is_the_plain_objective(make_asked: Make) -> None:
    model = make_asked()
    micro = replace(examples_of(model), loops=2)
    assert PathDropout(plain(), 0.0).loss(model, micro).total.equal(plain().loss(model, micro).total)


@pytest.mark.parametrize("gradient_loops", [None, 1])
def test_false_targets_are_searched_for_first(make_asked: Make, gradient_loops: int | None) -> None:
    """Equal to a model of three loops that reads other targets in its first one; gradients from its own loops alone."""
    model = make_asked(loops=3)
    micro = examples_of(model, 2)
    base = CrossEntropy(loss_functions("path_only_set"), (), gradient_loops)
    asked = base.asked(model, micro)
    first = other_targets(asked, micro.spans.layout, 0.6, 3)
    changed = first != asked.tokens
    assert 1 < int(changed.any(dim=1).sum()) < len(first)
    with torch.no_grad():
        own, other = (model.input_to_embed(tokens)[0] for tokens in (asked.tokens, first))

    def recall(value: torch.Tensor, hook: object) -> torch.Tensor:
        return own

    hooks = [("hook_embed", lambda value, hook: other), ("blocks.1.recall.hook_embed", recall)]
    with model.hooks(fwd_hooks=[*hooks, ("blocks.2.recall.hook_embed", recall)]):  # type: ignore[list-item]
        wanted = base.score(model, asked, 3)
    found = FalseTargets(base, 0.6, seed=3).loss(model, micro)
    assert found.total.detach().allclose(wanted.total.detach(), rtol=1e-9, atol=0)
    assert not found.total.detach().allclose(base.loss(model, micro).total.detach(), rtol=1e-6, atol=0)
    assert FalseTargets(base, 0.6).weight(model, micro) == base.weight(model, micro)
    found.total.backward()
    assert all(parameter.grad is not None for parameter in model.blocks[0].parameters() if parameter.requires_grad)


def test_false_targets_are_cells_asked_about_whatever_else_is_in_the_batch(make_asked: Make) -> None:
    model = make_asked()
    micro = examples_of(model, 2, starts=6)
    asked = plain().asked(model, micro)
    first = other_targets(asked, micro.spans.layout, 1.0, 0)
    changed = first != asked.tokens
    assert changed.any(dim=1).all()
    for row, at in changed.nonzero().tolist():
        assert int(first[row, at]) in asked.tokens[row, asked.chosen[row]].tolist()
        before = asked.tokens[row, :at].tolist()
        assert TARGET_START in before and TARGET_END not in before
    some = other_targets(plain().asked(model, micro.rows(torch.arange(2, 4))), micro.spans.layout, 1.0, 0)
    assert some.equal(first[2:4, : some.shape[1]])
    assert not other_targets(asked, micro.spans.layout, 1.0, 1).equal(first)
    assert FalseTargets(plain(), 0.0).loss(model, micro).total.equal(plain().loss(model, micro).total)


class Own:
    """An objective of one's own, some of whose methods may be at fault."""

    def __init__(self, plain: CrossEntropy, fault: str) -> None:
        self.plain, self.fault = plain, fault

    def weight(self, model: MazeTransformer, micro: Examples) -> float:
        if self.fault == "weight":
            raise ValueError("no weight here")
        return self.plain.weight(model, micro)

    def loss(self, model: MazeTransformer, micro: Examples) -> object:
        if self.fault == "loss":
            raise ValueError("no loss here")
        return 3.0 if self.fault == "number" else self.plain.loss(model, micro)


def own(plain: CrossEntropy, fault: str = "none") -> object:
    return None if fault == "nothing" else Own(plain, fault)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("weight", "no weight here"),
        ("loss", "no loss here"),
        ("number", "expected a Loss"),
        ("nothing", "expected an object with weight"),
    ],
)
def test_an_objective_of_ones_own_that_fails_is_named_in_one_line(
    fault: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    with pytest.raises(ConfigurationError, match=f"objective .*{reason}") as caught:
        run(tiny_searching_run(objective=f"test_objectives:own,fault={fault}"))
    assert "\n" not in str(caught.value)


def test_an_objective_of_ones_own_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    assert run(tiny_searching_run(objective="test_objectives:own")).step == 6
