"""The masked-paths script: what it writes and hides, that hidden tokens are not seen, and that it trains."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from maze_rl.errors import ConfigurationError
from maze_rl.models.random_streams import torch_generator
from maze_rl.tokenization.layouts import PATH_END, PATH_START
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.arms_script import ArmSettings, drawn

TINY = ["--layers", "1", "--d-model", "16", "--batch-size", "4", "--test", "5", "--seeds", "1"]


@pytest.fixture(scope="module")
def script(load_script: Callable[[str], Any]) -> Any:
    return load_script("masked_paths")


@pytest.fixture(scope="module")
def tokens(script: Any) -> torch.Tensor:
    tokenization = load_tokenization("cells", canvas=script.CANVAS, origin="path", random_offsets=True)
    return script.write(tokenization, drawn(4, 12, 0, 0, "train"), 3)


def test_answers_are_the_path_and_then_ends_alone(script: Any, tokens: torch.Tensor) -> None:
    tokenization = load_tokenization("cells", canvas=script.CANVAS, origin="path", random_offsets=True)
    solution = drawn(4, 12, 0, 0, "train")
    cell_tokens = tokenization.layout.cell_tokens[..., 0]
    spans = tokenization.encode_batch(solution.batch, streams=torch.arange(12).numpy(), seed=3).spans
    given = tokens.shape[1] - script.ANSWER
    assert (tokens[:, given - 2] == PATH_START).all()
    for row in range(12):
        places = solution.paths[row, : solution.lengths[row] + 1] + spans.offsets[row].numpy()
        path = cell_tokens[places[:, 0], places[:, 1]].tolist()
        assert tokens[row, given - 1] == path[0]
        answer = tokens[row, given:].tolist()
        assert answer == path[1:] + [PATH_END] * (script.ANSWER - len(path) + 1)


def test_a_share_from_none_to_all_is_hidden_and_one_token_at_least(script: Any) -> None:
    chosen = script.hidden(4000, torch_generator(0, "hidden"))
    share = chosen.float().mean(dim=1)
    assert chosen.any(dim=1).all()
    assert 0.45 < share.mean() < 0.55 and share.min() <= 0.04 and share.max() == 1.0
    assert (share < 0.25).float().mean() == pytest.approx(0.25, abs=0.03), "drawn evenly"


def test_what_is_hidden_is_not_seen_and_all_else_is(script: Any, tokens: torch.Tensor) -> None:
    settings = ArmSettings(layers=2, d_model=16)
    tokenization = load_tokenization("cells", canvas=script.CANVAS, origin="path", random_offsets=True)
    model = script.build(settings, "masked", tokenization, 0)
    given, mask = tokens.shape[1] - script.ANSWER, model.cfg.d_vocab - 1
    shown = tokens.clone()
    shown[:, given:] = mask
    later = shown.clone()
    later[:, -1] = tokens[:, given]
    assert not torch.equal(model(shown)[:, given], model(later)[:, given]), "it sees what stands behind"
    read: list[torch.Tensor] = []
    watched = lambda given_tokens: read.append(given_tokens.clone()) or model(given_tokens)  # noqa: E731
    watched.cfg = model.cfg  # type: ignore[attr-defined]
    script.measure(watched, "masked", tokens)
    for number, each in enumerate(read):
        assert (each[:, given + number :] == mask).all(), "nothing of the answer is seen before it is written"


def test_it_trains_both_arms_and_refuses_what_is_out_of_range(script: Any, capsys: pytest.CaptureFixture[str]) -> None:
    rows = script.main([*TINY, "--steps", "2"])
    assert [row["arm"] for row in rows] == list(script.ARMS)
    assert all(0 <= row["low@5"] <= row["shortest@5"] <= row["high@5"] <= 1 for row in rows)
    assert '"arm": "masked"' in capsys.readouterr().out
    for flag in ("--seeds", "--layers", "--test"):
        with pytest.raises(ConfigurationError, match=flag):
            script.main([flag, "0"])
