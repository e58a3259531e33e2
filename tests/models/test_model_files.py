"""Models on disk: exact round trips, stock keys, and one clear line for every kind of damage."""

import json
import re
from inspect import unwrap
from pathlib import Path

import pytest
import torch
from transformer_lens import HookedTransformer, HookedTransformerConfig

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import CheckpointError, ConfigurationError, UnknownNameError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.model_files import load_model, save_model
from maze_rl.models.verified_files import read_folder, write_folder
from maze_rl.tokenization.tokenization import load_tokenization


@pytest.fixture
def model() -> MazeTransformer:
    config = ModelConfig(n_layers=1, d_model=16, n_heads=2, positions="learned")
    return build_model(config, load_tokenization("edges", canvas=6, random_offsets=True))


@pytest.fixture
def saved(model: MazeTransformer, tmp_path: Path) -> Path:
    save_model(model, tmp_path / "model", {"sizes": [3]})
    return tmp_path / "model"


def test_round_trip_is_exact(model: MazeTransformer, saved: Path) -> None:
    loaded = load_model(saved)
    ids = model.tokenization.encode(generate(4, num=3)).tokens
    assert torch.equal(loaded(ids), model(ids))
    assert loaded.tokenization == model.tokenization
    assert loaded.about == {
        "sizes": [3],
        "trained_embedding": "factored",
        "trained_unembedding": "all",
        "trained_parametrizations": [],
    }
    assert not loaded.training


def test_a_file_from_before_parametrizations_loads(model: MazeTransformer, saved: Path) -> None:
    files = {name: (saved / name).read_bytes() for name in ("model.json", "model.safetensors")}
    description = json.loads(files["model.json"])
    for name in ("parametrizations", "value_norm", "reverse_positions", "memory"):
        del description["model"][name]
    for name in ("trained_parametrizations", "not_stock"):
        del description[name]
    write_folder(saved, files | {"model.json": json.dumps(description).encode()})
    ids = model.tokenization.encode(generate(4, num=3)).tokens
    assert torch.equal(load_model(saved)(ids), model(ids))


def test_saving_leaves_the_live_model_parametrized(model: MazeTransformer, saved: Path) -> None:
    assert "embed.parametrizations.W_E.original" in dict(model.named_parameters())


def test_stock_transformer_lens_loads_the_weights(model: MazeTransformer, saved: Path) -> None:
    from safetensors.torch import load_file

    description = json.loads((saved / "model.json").read_text())
    stock = HookedTransformer(HookedTransformerConfig(**description["hooked_transformer"]))
    stock.load_state_dict(load_file(saved / "model.safetensors"))
    ids = model.tokenization.encode(generate(4, num=3)).tokens
    assert (stock(ids) - model(ids)).abs().max() < 1e-5


def test_its_own_vocabulary_lies_beside_it(model: MazeTransformer, saved: Path) -> None:
    from transformers import AutoTokenizer

    maze = generate(4, num=1)[0]
    text = model.tokenization.to_text(maze)
    ids = AutoTokenizer.from_pretrained(saved / "tokenizer")(text)["input_ids"]
    assert ids == model.tokenization.encode(maze).tokens[0].tolist()


def test_damage_names_the_file(saved: Path) -> None:
    weights = saved / "model.safetensors"
    whole = weights.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (bytes(flipped), whole[:-1], b""):
        weights.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=re.escape(str(weights))):
            load_model(saved)
    weights.unlink()
    with pytest.raises(CheckpointError, match=re.escape(str(weights))):
        load_model(saved)
    weights.write_bytes(whole)
    (saved / "checksums.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"checksums\.json"):
        load_model(saved)


def test_a_folder_without_a_model_and_an_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no trained model"):
        load_model(tmp_path)
    with pytest.raises(UnknownNameError, match="unknown model"):
        load_model("no-such-model")


def test_a_full_disk_leaves_the_previous_folder(tmp_path: Path) -> None:
    folder = tmp_path / "5"
    write_folder(folder, {"a": b"old", "b": b"old"})

    def full(path: Path, data: bytes) -> None:
        if path.name == "b":
            raise OSError(28, "No space left on device")
        path.write_bytes(data)

    with pytest.raises(CheckpointError, match="No space left on device"):
        write_folder(folder, {"a": b"new", "b": b"new"}, full)
    assert read_folder(folder, ("a", "b")) == {"a": b"old", "b": b"old"}
    assert [path.name for path in tmp_path.iterdir()] == ["5"]


def test_missing_checksums_are_said_to_be_missing(saved: Path) -> None:
    (saved / "checksums.json").unlink()
    with pytest.raises(CheckpointError, match=r"checksums\.json: the file is missing or cannot be read"):
        load_model(saved)


@pytest.mark.parametrize("step", ["250", 250.0, True])
def test_a_checkpoint_is_a_whole_number(step: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^checkpoint is .*: expected a whole number"):
        unwrap(load_model)("maze-5to9-cpu", checkpoint=step)


def test_a_checkpoint_says_of_itself_how_far_it_was_trained() -> None:
    last, first = load_model("maze-5to9-cpu"), load_model("maze-5to9-cpu", checkpoint=250)
    assert (first.about["name"], first.about["steps"]) == ("maze-5to9-cpu at step 250", 250)
    assert first.about["mazes"] == 250 * last.about["mazes"] // last.about["steps"]
    assert {"tokens", "seconds", "validation_exact_by_loops"} & set(first.about) == set()
    assert first.about["sizes"] == last.about["sizes"]
    assert "tokens" in load_model("maze-5to9-cpu").about


def test_a_device_of_torch_is_one(saved: Path) -> None:
    assert load_model(saved, device=torch.device("cpu")).cfg.device == "cpu"
    with pytest.raises(ConfigurationError, match="device 'meta' cannot be used"):
        load_model(saved, device=torch.device("meta"))
