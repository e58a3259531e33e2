"""LoRA: the base model at the start, switched off exactly, merged exactly, and nothing left of it afterwards."""

import copy
from collections.abc import Callable

import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.folding import folded_copy, parameter_counts
from maze_rl.models.parametrizations.low_rank import adapter_parameters, adapters_enabled, add_adapters, merge_adapters
from maze_rl.models.weights_once import weights_once
from maze_rl.tokenization.tokenization import load_tokenization

TOKENIZATION = load_tokenization("edges", canvas=4)
BASES = {
    "plain": {},
    "over unified weights": {"parametrizations": ("unified_weights:v6,parts=all",)},
    "beside scaled writes": {"parametrizations": ("residual_scaling",)},
}


def make(base: str = "plain", dtype: torch.dtype = torch.float64) -> MazeTransformer:
    config = ModelConfig(**{"n_layers": 2, "d_model": 16, "n_heads": 2, "d_mlp": 24} | BASES[base])  # type: ignore
    return build_model(config, TOKENIZATION, seed=3, dtype=dtype)


def tokens() -> torch.Tensor:
    return TOKENIZATION.encode(generate((3, 4), num=6, seed=2)).tokens


def train_a_little(model: MazeTransformer, steps: int = 3) -> None:
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.05)
    for _ in range(steps):
        optimizer.zero_grad()
        with weights_once(model):
            model(tokens(), return_type="loss").backward()
        optimizer.step()


@pytest.fixture(params=BASES)
def model(request: pytest.FixtureRequest) -> MazeTransformer:
    return make(request.param)


def test_at_the_start_the_logits_are_those_of_the_base_bit_for_bit(model: MazeTransformer) -> None:
    before = model(tokens())
    add_adapters(model, rank=3)
    assert torch.equal(model(tokens()), before)


def test_off_is_the_base_bit_for_bit_after_training(model: MazeTransformer) -> None:
    before = model(tokens())
    add_adapters(model, rank=3)
    train_a_little(model)
    trained = model(tokens())
    assert (trained - before).abs().max() > 1e-3
    with adapters_enabled(model, False):
        assert torch.equal(model(tokens()), before)
    assert torch.equal(model(tokens()), trained)


def test_roles_switch_inside_weights_once_without_touching_its_gradients(model: MazeTransformer) -> None:
    add_adapters(model, rank=2)
    train_a_little(model)
    with adapters_enabled(model, False):
        base = model(tokens())

    def gradients(look: Callable[[], None]) -> list[torch.Tensor]:
        model.zero_grad()
        with weights_once(model):
            look()
            model(tokens(), return_type="loss").backward()
            look()
        return [p.grad.clone() for p in model.parameters() if p.grad is not None]

    def look_at_base() -> None:
        with torch.no_grad(), adapters_enabled(model, False):
            assert torch.equal(model(tokens()), base)

    plain, looked = gradients(lambda: None), gradients(look_at_base)
    assert len(plain) == len(looked) == 2 * 2 * 6
    assert all(torch.equal(one, other) for one, other in zip(plain, looked, strict=True))


def test_only_the_adapters_train_and_all_of_them_do(model: MazeTransformer) -> None:
    add_adapters(model, rank=3)
    train_a_little(model)
    model.zero_grad()
    model(tokens(), return_type="loss").backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad == name.endswith((".A", ".B")), name
        if parameter.requires_grad:
            assert parameter.grad.abs().max() > 1e-9, name  # type: ignore[union-attr]


@pytest.mark.parametrize("rank", [1, 4, 16])
def test_the_count_is_rank_times_inputs_and_outputs(rank: int) -> None:
    model = make()
    add_adapters(model, rank)
    expected = 2 * rank * (4 * (16 + 16) + 2 * (16 + 24))
    assert adapter_parameters(model) == expected == parameter_counts(model).trained


def test_the_change_has_the_rank_of_the_whole_matrix() -> None:
    model = make()
    before = {name: getattr(model, name).clone() for name in ("W_Q", "W_O", "W_in")}
    add_adapters(model, rank=3)
    train_a_little(model)
    q, o, mlp = ((getattr(model, name) - old)[1] for name, old in before.items())
    joined = (q.permute(1, 0, 2).flatten(1), o.flatten(0, 1), mlp)
    assert [int(torch.linalg.matrix_rank(matrix, tol=1e-9)) for matrix in joined] == [3, 3, 3]


def test_merging_changes_no_logit_and_leaves_the_model_as_it_was_built(model: MazeTransformer) -> None:
    keys, names = list(model.state_dict()), [name for name, _ in model.named_parameters()]
    trains = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    kept = dict(model.named_parameters())
    classes = [type(module) for module in model.modules()]
    add_adapters(model, rank=3)
    train_a_little(model)
    trained = model(tokens())
    merge_adapters(model)
    assert (model(tokens()) - trained).abs().max() < 1e-12
    assert list(model.state_dict()) == keys
    assert [name for name, _ in model.named_parameters()] == names  # an optimizer counts on the order
    assert {name: parameter.requires_grad for name, parameter in model.named_parameters()} == trains
    assert all(parameter is kept[name] for name, parameter in model.named_parameters())
    assert [type(module) for module in model.modules()] == classes
    train_a_little(model)
    assert not torch.allclose(model(tokens()), trained)


def test_merging_in_single_precision() -> None:
    model = make(dtype=torch.float32)
    add_adapters(model, rank=3, alpha=1)
    train_a_little(model)
    trained, folded = model(tokens()), folded_copy(model)
    merge_adapters(model)
    assert (model(tokens()) - trained).abs().max() <= 1e-5
    assert (folded(tokens()) - trained).abs().max() <= 1e-5


def test_rounds_of_adapters_follow_one_another(model: MazeTransformer) -> None:
    for seed in range(3):
        add_adapters(model, rank=2, seed=seed)
        train_a_little(model, steps=1)
        merge_adapters(model)
    assert model(tokens()).isfinite().all()
    assert adapter_parameters(model) == 0


def test_copies_live_on_when_the_model_is_merged_and_adapted_again(model: MazeTransformer) -> None:
    early = copy.deepcopy(model)
    add_adapters(model, rank=2)
    train_a_little(model)
    opponent = copy.deepcopy(model)
    expected, start = opponent(tokens()), early(tokens())
    merge_adapters(model)
    add_adapters(model, rank=1)
    train_a_little(model)
    assert torch.equal(opponent(tokens()), expected)
    assert torch.equal(early(tokens()), start)
    merge_adapters(opponent)
    assert (opponent(tokens()) - expected).abs().max() < 1e-12
    assert all(p.requires_grad for name, p in opponent.named_parameters() if "W_pos" not in name)


def test_a_checkpoint_goes_into_a_model_with_the_same_adapters(model: MazeTransformer) -> None:
    fresh = copy.deepcopy(model)
    add_adapters(model, rank=2, seed=1)
    train_a_little(model)
    add_adapters(fresh, rank=2, seed=7)
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh(tokens()), model(tokens()))
    merge_adapters(fresh)
    merge_adapters(model)
    assert torch.equal(fresh(tokens()), model(tokens()))


def test_full_fine_tuning_stays_possible_and_the_seed_decides() -> None:
    first, second, third = make(), make(), make()
    for model, seed in ((first, 0), (second, 0), (third, 1)):
        add_adapters(model, rank=2, seed=seed)
        train_a_little(model, 1)
    assert torch.equal(first(tokens()), second(tokens()))
    assert not torch.equal(first(tokens()), third(tokens()))


def test_misuse_is_told() -> None:
    model = make()
    with pytest.raises(ConfigurationError, match="no adapters to merge"):
        merge_adapters(model)
    with pytest.raises(ConfigurationError, match="expected 1 to d_model, 16"):
        add_adapters(model, rank=17)
    add_adapters(model, rank=1)
    with pytest.raises(ConfigurationError, match="has adapters already"):
        add_adapters(model, rank=1)
