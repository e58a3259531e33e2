"""Validation while training: which tokens count."""

import pytest
import torch
from torch import Tensor

from maze_rl.models.build import MazeTransformer
from maze_rl.tokenization.layouts import PATH_END, PATH_START
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training import validation
from maze_rl.training.laws import fresh, tiny_run
from maze_rl.training.validation import validator


@pytest.mark.parametrize(("loss", "exact"), [("path_only", 0.0), ("path_from_first_choice", 1.0)])
def test_an_origin_that_the_loss_leaves_out_does_not_count(
    loss: str, exact: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    def knows_all_but_the_origin(model: MazeTransformer, tokens: Tensor, chosen: Tensor) -> Tensor:
        following = torch.nn.functional.pad(tokens[:, 1:], (0, 1), value=PATH_END)
        following = torch.where(tokens == PATH_START, PATH_END, following)[chosen]
        return torch.nn.functional.one_hot(following, model.cfg.d_vocab).float()

    config = tiny_run(loss=loss)
    validate = validator(config.training, Tokenization(config.tokenization), config.seed)
    model = fresh(config).model
    monkeypatch.setattr(validation, "logits_at", knows_all_but_the_origin)
    assert validate(model)["validation_exact"] == exact
