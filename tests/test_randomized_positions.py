"""The randomized-positions script: what is drawn, that it acts, that no token's place depends on later ones."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from maze_rl.models.build import build_model
from maze_rl.models.random_streams import torch_generator
from maze_rl.tokenization.layouts import PATH_END
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization
from maze_rl.workflows.arms_script import drawn

TINY = ["--layers", "1", "--d-model", "16", "--batch-size", "4", "--test", "5", "--seeds", "1"]


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("randomized_positions")


@pytest.fixture(scope="module")
def tokenization(script: Any) -> Tokenization:
    return load_tokenization("cells", canvas=script.CANVAS, origin="path", random_offsets=True)


def test_places_ascend_and_all_are_drawn_alike(script: Any) -> None:
    places = script.drawn_positions(4000, 5, 20, torch_generator(0, "places"))
    assert (places.diff(dim=1) > 0).all() and places.min() == 0 and places.max() == 19
    share = torch.bincount(places.flatten(), minlength=20) / 4000
    assert ((share - 5 / 20).abs() < 0.03).all()


def test_what_is_asked_is_the_path_behind_its_origin(script: Any, tokenization: Tokenization) -> None:
    solution = drawn(4, 6, 0, 0, "train")
    encoded = script.write(tokenization, solution, 3)
    asked = script.asked(encoded)
    for row in range(6):
        answer = encoded.tokens[row, 1:][asked[row]].tolist()
        places = solution.paths[row, 1 : solution.lengths[row] + 1] + encoded.spans.offsets[row].numpy()
        assert answer == [*tokenization.layout.cell_tokens[places[:, 0], places[:, 1], 0].tolist(), PATH_END]


def test_positions_act_and_no_place_depends_on_what_follows(script: Any, tokenization: Tokenization) -> None:
    encoded = script.write(tokenization, drawn(4, 6, 0, 0, "train"), 3)
    shape = script.shape_of(script.ArmSettings(layers=1, d_model=16), "randomized")
    model = build_model(shape, tokenization).eval()

    def read(arm: str, tokens: torch.Tensor, seed: int) -> torch.Tensor:
        return script.read(model, arm, encoded._replace(tokens=tokens), 16, torch_generator(seed, "places")).detach()

    whole = read("randomized", encoded.tokens, 0)
    assert not torch.allclose(whole, read("randomized", encoded.tokens, 1), atol=1e-3)
    assert not torch.allclose(whole, read("learned", encoded.tokens, 0), atol=1e-3)
    shorter = int(encoded.spans.path_start.max()) + 3
    torch.testing.assert_close(read("randomized", encoded.tokens[:, :shorter], 0), whole[:, :shorter])
    read_again = read("randomized", encoded.tokens, 0)
    torch.testing.assert_close(read_again, whole)
    model.pos_embed.W_pos.grad = None
    script.read(model, "randomized", encoded, 16, torch_generator(0, "places")).sum().backward()
    assert int((model.pos_embed.W_pos.grad.abs().sum(dim=1) > 0).sum()) > encoded.tokens.shape[1]  # type: ignore[union-attr]


def test_a_model_that_is_always_right_is_right_and_one_wrong_cell_counts(
    script: Any, tokenization: Tokenization, monkeypatch: pytest.MonkeyPatch
) -> None:
    solution = drawn(5, 8, 1, 0, "test")
    tokens = script.write(tokenization, solution, 0).tokens
    right = torch.nn.functional.one_hot(tokens.roll(-1, 1), len(tokenization.vocabulary)).float()
    monkeypatch.setattr(script, "read", lambda *given: right)
    assert script.measure(None, "learned", tokenization, solution, 5)["shortest@5"] == 1.0
    start = script.write(tokenization, solution, 0).spans.path_start
    right[0, int(start[0]) + 1] = 0  # the step from the origin
    right[1, int(start[1])] = 0  # the origin itself is given
    assert script.measure(None, "learned", tokenization, solution, 5)["shortest@5"] == 7 / 8


def test_it_trains_every_arm(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = script.main([*TINY, "--steps", "2"])
    assert [row["arm"] for row in rows] == list(script.ARMS)
    assert all(0 <= row[f"low@{size}"] <= row[f"high@{size}"] <= 1 for row in rows for size in script.SIZES)
    assert '"arm": "randomized"' in capsys.readouterr().out
