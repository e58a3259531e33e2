import pytest

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.interp.activations.hook_names import check_hook_names, last_layer_needed
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.tokenization import load_tokenization


@pytest.fixture(scope="module")
def model() -> MazeTransformer:
    return build_model(ModelConfig(n_layers=12, d_model=8, n_heads=1), load_tokenization("edges", canvas=4))


def test_full_names_keep_their_order_and_come_once(model: MazeTransformer) -> None:
    names = ("blocks.2.hook_resid_post", "hook_embed", "blocks.2.hook_resid_post")
    assert check_hook_names(model, names) == names[:2]


def test_patterns_come_in_layer_order(model: MazeTransformer) -> None:
    found = check_hook_names(model, "blocks.*.hook_resid_post")
    assert found == tuple(f"blocks.{layer}.hook_resid_post" for layer in range(12))
    # a star stops at a dot
    assert check_hook_names(model, "blocks.*.hook_resid_*")[:3] == (
        "blocks.0.hook_resid_pre",
        "blocks.0.hook_resid_mid",
        "blocks.0.hook_resid_post",
    )
    assert len(check_hook_names(model, ["blocks.*.hook_resid_post", "blocks.1.*.hook_z"])) == 13


@pytest.mark.parametrize(
    ("asked", "nearest"),
    [
        ("blocks.2.hook_resid_pots", "blocks.2.hook_resid_post"),
        ("blocks.12.hook_resid_post", "blocks.11.hook_resid_post"),
        ("blocks.0.atn.hook_z", "blocks.0.attn.hook_z"),
        ("hook_embd", "hook_embed"),
        ("blocks.*.hook_resid_pots", "blocks.0.hook_resid_post"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(model: MazeTransformer, asked: str, nearest: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        check_hook_names(model, ["hook_embed", asked])
    assert f"unknown hook {asked!r}. Did you mean {nearest!r}?" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_name_is_refused(model: MazeTransformer) -> None:
    with pytest.raises(ConfigurationError, match="names is empty"):
        check_hook_names(model, [])


def test_layers_behind_the_last_needed_are_spared() -> None:
    assert last_layer_needed(["hook_embed"], 6) == 0
    assert last_layer_needed(["hook_embed", "blocks.2.hook_resid_post", "blocks.0.attn.hook_z"], 6) == 3
    assert last_layer_needed(["blocks.2.hook_resid_post", "ln_final.hook_normalized"], 6) is None
