import sys

import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.labelled_activations import collect
from maze_rl.interp.activations.sparse_autoencoders import activation_batches, train_sparse_autoencoder
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import load_tokenization

HOOK = "blocks.0.hook_resid_post"


@pytest.fixture(scope="module")
def model() -> MazeTransformer:
    config = ModelConfig(n_layers=1, d_model=8, n_heads=2, positions="learned")
    return build_model(config, load_tokenization("edges", canvas=5)).eval()


@pytest.fixture(scope="module")
def mazes() -> MazeCollection:
    return generate([4, 5], "dfs", num=300, seed=5)


def test_every_row_comes_once_and_shuffled(model: MazeTransformer, mazes: MazeCollection) -> None:
    rows = collect(model, mazes, HOOK, seed=2)[HOOK]
    batches = list(activation_batches(model, mazes, HOOK, batch_size=100, seed=2, buffer_batches=20))
    assert {tuple(batch.shape) for batch in batches} == {(100, 8)}
    assert len(batches) == len(rows) // 100
    joined = torch.cat(batches)
    # each batch draws on many mazes: neighbours are no more alike than any two rows
    assert (joined[1:] - joined[:-1]).norm(dim=1).mean() > 0.9 * (rows - rows.mean(0)).norm(dim=1).mean()
    # what is missing are fewer rows than a batch
    missing = rows.double().sum(0) - joined.double().sum(0)
    assert missing.abs().max() < 100 * rows.abs().max() and len(rows) - len(joined) < 100
    assert torch.cdist(joined, rows).min(dim=1).values.max() < 1e-2


def test_batches_repeat_with_the_seed_and_go_on_for_ever(model: MazeTransformer, mazes: MazeCollection) -> None:
    first, again, other = (next(activation_batches(model, mazes, HOOK, batch_size=50, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    endless = activation_batches(model, mazes, HOOK, batch_size=2000, buffer_batches=1, passes=None)
    assert sum(len(next(endless)) for _ in range(12)) > len(collect(model, mazes, HOOK))


def test_heads_are_joined_and_positions_chosen(model: MazeTransformer, mazes: MazeCollection) -> None:
    batches = activation_batches(model, mazes, "blocks.0.attn.hook_z", batch_size=10, positions=Region.ORIGIN)
    assert [tuple(batch.shape) for batch in batches] == [(10, 8)] * 30


def test_several_hooks_are_refused(model: MazeTransformer, mazes: MazeCollection) -> None:
    with pytest.raises(ConfigurationError, match="stands for 3 hooks"):
        next(activation_batches(model, mazes, "blocks.*.hook_resid_*"))


def test_a_missing_package_is_named(
    model: MazeTransformer, mazes: MazeCollection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sae_lens", None)
    with pytest.raises(ConfigurationError, match="needs the package sae-lens: pip install"):
        train_sparse_autoencoder(model, mazes, HOOK, d_sae=16, num_rows=100)


@pytest.mark.filterwarnings("default")
def test_sae_lens_trains_on_our_batches(model: MazeTransformer, mazes: MazeCollection) -> None:
    pytest.importorskip("sae_lens", exc_type=ImportError)
    rows = collect(model, mazes, HOOK, seed=77)[HOOK]
    options = {"d_sae": 32, "l1_coefficient": 0.05, "learning_rate": 1e-2, "batch_size": 256}

    def unexplained(num_rows: int) -> float:
        sae = train_sparse_autoencoder(model, mazes, HOOK, num_rows=num_rows, **options)
        return float((sae(rows).detach() - rows).var() / rows.var())

    assert unexplained(100_000) < 0.2 < unexplained(256)


@pytest.mark.parametrize("setting", ["batch_size", "buffer_batches"])
def test_batches_of_nothing_are_refused(setting: str, model: MazeTransformer, mazes: MazeCollection) -> None:
    with pytest.raises(ConfigurationError, match=rf"^{setting} is 0: expected a whole number, at least 1"):
        next(activation_batches(model, mazes, HOOK, **{setting: 0}))


@pytest.mark.parametrize("passes", [1, None])
def test_positions_that_no_maze_has_are_refused(
    passes: int | None, model: MazeTransformer, mazes: MazeCollection
) -> None:
    with pytest.raises(ConfigurationError, match=r"^positions: none of the mazes has such a position"):
        next(activation_batches(model, mazes, HOOK, positions=Region.PADDING, passes=passes))
    with pytest.raises(ConfigurationError, match=r"^passes is 0: "):
        next(activation_batches(model, mazes, HOOK, passes=0))
