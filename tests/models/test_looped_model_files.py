"""Models that search, on disk: factors of waves kept, the block once, checkpoints widened, adapters merged."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer
from maze_rl.models.model_files import checkpoint_steps, load_model, save_model, weights_of
from maze_rl.models.parametrizations.low_rank import adapter_parameters, adapters_enabled, add_adapters, merge_adapters
from maze_rl.models.verified_files import tensor_bytes, write_folder

Make = Callable[..., MazeTransformer]


@pytest.mark.parametrize("positions", ["none", "learned"])
@pytest.mark.parametrize("embedding", ["waves", "factored", "free"])
def test_round_trip_is_exact(
    make_searching: Make, ragged: Callable, tmp_path: Path, embedding: str, positions: str
) -> None:
    model = make_searching(embedding=embedding, positions=positions, dtype=torch.float32)
    tokens = ragged(model)
    before = model(tokens)
    save_model(model, tmp_path / "a", {"sizes": [3]})
    loaded = load_model(tmp_path / "a")
    assert torch.equal(loaded(tokens), before)
    assert torch.equal(model(tokens), before)
    assert torch.equal(loaded.with_loops(5)(tokens), model.with_loops(5)(tokens))
    assert loaded.maze_config.embedding == "free"
    assert (loaded.about["trained_embedding"], loaded.about["trained_unembedding"]) == (embedding, "path")
    save_model(loaded, tmp_path / "b", loaded.about)
    again = load_model(tmp_path / "b")
    assert torch.equal(again(tokens), before)
    assert again.about["trained_embedding"] == embedding


def test_files_hold_the_block_and_the_factors_alone(make_searching: Make, tmp_path: Path) -> None:
    model = make_searching(dtype=torch.float32)
    save_model(model, tmp_path / "a", {})
    weights = load_file(tmp_path / "a" / "model.safetensors")
    assert {name.split(".")[1] for name in weights if name.startswith("blocks.")} == {"0", "1"}
    assert not any(name.endswith(("mask", "IGNORE", "W_pos", "b_U", "W_E", "W_U")) for name in weights)
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert set(weights) == trained
    description = json.loads((tmp_path / "a" / "model.json").read_text())
    assert description["hooked_transformer"] is None
    assert set(description["not_stock"]) == {"loops", "prompt"}


@pytest.mark.parametrize("embedding", ["waves", "factored"])
def test_a_model_with_adapters_is_saved_with_what_they_change(
    make_searching: Make, ragged: Callable, tmp_path: Path, embedding: str
) -> None:
    model = make_searching(embedding=embedding, dtype=torch.float32)
    tokens = ragged(model)
    plain = model(tokens)
    add_adapters(model, 2)
    assert torch.equal(model(tokens), plain)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.1
    adapted = model(tokens)
    assert not torch.allclose(adapted, plain)
    save_model(model, tmp_path / "a", {})
    assert (load_model(tmp_path / "a")(tokens) - adapted).abs().max() < 1e-5


def test_adapters_act_in_every_loop_and_merge(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model)
    plain, names = model(tokens), list(dict(model.named_parameters()))
    add_adapters(model, 3)
    sides = 16 * 3 + 3 * 16, 16 * 3 + 3 * 64  # rank times inputs and outputs: attention's matrices, the MLP's
    assert adapter_parameters(model) == 2 * (4 * sides[0] + 2 * sides[1])
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.1
    adapted = model(tokens)
    with adapters_enabled(model, False):
        assert torch.equal(model(tokens), plain)
        assert torch.equal(model.with_loops(3)(tokens), plain)
    assert torch.equal(model.with_loops(3)(tokens), adapted)
    model(tokens).square().sum().backward()
    merge_adapters(model)
    assert list(dict(model.named_parameters())) == names
    assert (model(tokens) - adapted).abs().max() < 1e-11
    assert not torch.allclose(adapted, plain)


def test_a_checkpoint_in_half_precision_is_widened(make_searching: Make, ragged: Callable, tmp_path: Path) -> None:
    model = make_searching(dtype=torch.float32)
    tokens = ragged(model)
    save_model(model, tmp_path, {})
    for step, factor in ((10, 0.5), (200, 1.0)):
        state = {name: (value * factor).half() for name, value in weights_of(model).items()}
        write_folder(tmp_path / "checkpoints" / str(step), {"model.safetensors": tensor_bytes(state)})
    assert checkpoint_steps(tmp_path) == [10, 200]
    near, other = load_model(tmp_path, checkpoint=200), load_model(tmp_path, checkpoint=10)
    assert near.W_E.dtype == torch.float32
    assert (near(tokens) - model(tokens)).abs().max() < 0.2
    assert not torch.equal(near(tokens), model(tokens))
    assert (other(tokens) - model(tokens)).abs().max() > 0.5
    assert torch.equal(load_model(tmp_path)(tokens), model(tokens))
    with pytest.raises(ConfigurationError, match=r"has no checkpoint of step 11: there are 10, 200\.$"):
        load_model(tmp_path, checkpoint=11)


def test_a_checkpoint_of_another_model_is_refused_by_name(make_searching: Make, tmp_path: Path) -> None:
    save_model(make_searching(dtype=torch.float32), tmp_path, {})
    other = make_searching(dtype=torch.float32, d_model=32)
    state = {"model.safetensors": tensor_bytes(weights_of(other))}
    write_folder(tmp_path / "checkpoints" / "3", state)
    with pytest.raises(CheckpointError, match="do not fit the model"):
        load_model(tmp_path, checkpoint=3)


def test_a_checkpoint_of_a_run_loads(make_searching: Make, ragged: Callable, tmp_path: Path) -> None:
    for embedding in ("waves", "factored", "free"):
        model, place = make_searching(embedding=embedding, dtype=torch.float32), tmp_path / embedding
        tokens = ragged(model)
        save_model(model, place, {})
        files = {"model.safetensors": tensor_bytes(model.state_dict())}  # as training writes them: not folded
        write_folder(place / "checkpoints" / "7", files)
        assert torch.equal(load_model(place, checkpoint=7)(tokens), model(tokens))


def test_a_loaded_model_knows_its_mazes(make_searching: Make, tmp_path: Path) -> None:
    model = make_searching(dtype=torch.float32)
    save_model(model, tmp_path, {})
    loaded = load_model(tmp_path)
    assert loaded.tokenization == model.tokenization
    mazes = generate(4, num=2)
    assert torch.equal(loaded.tokenization.encode(mazes).tokens, model.tokenization.encode(mazes).tokens)
