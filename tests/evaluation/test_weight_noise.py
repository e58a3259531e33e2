"""Disturbing weights: relative to each tensor, the same for every size and model, undone afterwards."""

import numpy as np
import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.evaluation.measures import find_measure, no_path_token_first, rollout_rates
from maze_rl.evaluation.weight_noise import LEVELS, accuracy_under_noise, direction, disturbed, loss_slice
from maze_rl.mazes.generate import generate
from maze_rl.mazes.solve import BatchSolution, solve_batch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.outcomes import Rollouts, Stop
from maze_rl.tokenization.tokenization import Tokenization


@pytest.fixture(scope="module")
def model() -> MazeTransformer:
    tokenization = Tokenization(TokenizationConfig(format="edges", canvas=5))
    return build_model(ModelConfig(n_layers=1, d_model=16, n_heads=2, embedding="free"), tokenization).eval()


@pytest.fixture(scope="module")
def tests() -> list[BatchSolution]:
    return [solve_batch(generate((size,), "dfs", 20, 1).batches[0]) for size in (3, 4)]


def test_noise_has_the_rms_of_its_tensor_times_its_size(model: MazeTransformer) -> None:
    weight = model.blocks[0].mlp.W_in
    before = weight.detach().clone()
    with disturbed(model, 0.1, 0, 0):
        change = weight.detach() - before
    rms = float(before.square().mean().sqrt())
    assert float(change.square().mean().sqrt()) == pytest.approx(0.1 * rms, rel=0.1)


def test_weights_are_what_they_were_afterwards_even_after_an_error(model: MazeTransformer) -> None:
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    with pytest.raises(RuntimeError, match="stop"), disturbed(model, 0.3, 0, 1):
        raise RuntimeError("stop")
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())


def test_directions_are_shared_by_sizes_and_differ_by_draw_and_tensor(model: MazeTransformer) -> None:
    weight = model.blocks[0].attn.W_Q
    assert torch.equal(direction("a", weight, 0, 0), direction("a", weight, 0, 0))
    for other in (direction("a", weight, 0, 1), direction("b", weight, 0, 0), direction("a", weight, 1, 0)):
        assert not torch.equal(direction("a", weight, 0, 0), other)


def test_no_noise_is_the_model_itself(model: MazeTransformer, tests: list[BatchSolution]) -> None:
    noise, line = accuracy_under_noise(model, tests, 0), loss_slice(model, tests, 0)
    plain = rollout_rates(model, tests, 0)
    assert noise["noise_path_loss@0"] == pytest.approx(plain["path_loss@4"])
    assert line["slice_path_loss@0"] == pytest.approx(plain["path_loss@4"])
    assert {f"noise_exact@{level:g}" for level in LEVELS} <= noise.keys()
    assert noise["noise_path_loss@0.3"] != noise["noise_path_loss@0"]


def test_a_first_token_of_no_path_is_counted() -> None:
    cells = np.zeros((4, 1, 2), np.int16)
    stops = np.array([Stop.MALFORMED_TOKEN, Stop.MALFORMED_TOKEN, Stop.END, Stop.MALFORMED_CELL], np.int8)
    rollouts = Rollouts(cells, np.array([0, 1, 0, 0]), stops)
    assert no_path_token_first(rollouts, num_given=0).tolist() == [True, False, False, False]
    assert no_path_token_first(rollouts, num_given=1).tolist() == [False, True, False, False]


def test_measures_are_found_by_name() -> None:
    assert find_measure("rollouts") is rollout_rates
    with pytest.raises(UnknownNameError, match="Did you mean 'rollouts'"):
        find_measure("rollout")
    with pytest.raises(ConfigurationError, match="cannot be imported"):
        find_measure("no.such:thing")
