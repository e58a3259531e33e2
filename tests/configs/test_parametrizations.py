import pytest

from maze_rl.configs.folding import not_exported, not_stock, what_folds
from maze_rl.configs.model import ModelConfig
from maze_rl.configs.parametrizations import PARAMETRIZATIONS, read_parametrizations
from maze_rl.errors import ConfigurationError, UnknownNameError


def test_options_are_read_and_completed() -> None:
    (first, second) = read_parametrizations(["unified_embeddings:16", "unified_weights:v6,parts=all"])
    assert first.options == {"expansion": 16, "middle": 1}
    assert second.options == {"version": "v6", "parts": "all", "expansion": 16}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("unified_weight", "Did you mean 'unified_weights'"),
        ("unified_weights:v2", "one of v1, v3, v4, v5, v6"),
        ("unified_weights:v4,parts=input", "one of output, multiply, all"),
        ("unified_embeddings:0", "a whole number, at least 1"),
        ("residual_scaling:1.5", "0.01 to 0.99"),
        ("residual_scaling:size=2", "unknown option of residual_scaling"),
    ],
)
def test_what_cannot_be_used_says_what_would(text: str, message: str) -> None:
    with pytest.raises((ConfigurationError, UnknownNameError), match=message):
        ModelConfig(parametrizations=(text,))


def test_once_is_enough() -> None:
    with pytest.raises(ConfigurationError, match="names unified_weights twice"):
        ModelConfig(parametrizations=("unified_weights:v1", "unified_weights:v6"))


def test_contradictions_name_both_sides() -> None:
    with pytest.raises(ConfigurationError, match=r"value_affine .* set value_norm .* too"):
        ModelConfig(parametrizations=("value_affine",))
    with pytest.raises(ConfigurationError, match="reverse_positions with positions rotary"):
        ModelConfig(reverse_positions=True, positions="rotary")
    with pytest.raises(ConfigurationError, match="memory is 1"):
        ModelConfig(memory=1)
    with pytest.raises(ConfigurationError, match=r"reverse_form needs reverse positions: set reverse_positions .*"):
        ModelConfig(reverse_form="multiply")
    with pytest.raises(ConfigurationError, match=r"memory_kind needs memory cells: set memory .* too"):
        ModelConfig(memory_kind="selector")
    with pytest.raises(ConfigurationError, match=r"v5 predicts what is per input; use parts=multiply or all"):
        ModelConfig(parametrizations=("unified_weights:v5,parts=output",))
    with pytest.raises(ConfigurationError, match="value_norm with one dimension per head"):
        ModelConfig(value_norm=True, d_model=8, n_heads=8)


def test_the_lists_of_json_are_the_same_configuration() -> None:
    config = ModelConfig(parametrizations=("residual_scaling",))
    assert ModelConfig(**(vars(config) | {"parametrizations": ["residual_scaling"]})) == config


def test_files_from_before_have_none_of_it() -> None:
    old = {"n_layers": 2, "d_model": 8, "n_heads": 2, "d_mlp": None, "act_fn": "gelu", "positions": "none"}
    assert ModelConfig(**old) == ModelConfig(n_layers=2, d_model=8, n_heads=2)  # type: ignore[arg-type]


def test_every_method_tells_how_it_folds() -> None:
    config = ModelConfig(parametrizations=tuple(PARAMETRIZATIONS), value_norm=True, reverse_positions=True, memory=4)
    told = what_folds(config)
    assert set(told) == {*PARAMETRIZATIONS, "embedding", "value_norm", "reverse_positions", "memory"}
    assert all("folds exactly" in told[name] for name in [*PARAMETRIZATIONS, "embedding"])
    assert "affine part" in told["value_norm"]
    assert all(told[name].startswith("stays") for name in ("value_norm", "reverse_positions", "memory"))
    assert not_stock(config) == ("value_norm", "reverse_positions", "memory")
    assert what_folds(ModelConfig(embedding="free")) == {}
    assert not_stock(ModelConfig()) == ()


def test_an_export_holds_loops_and_a_visible_prompt_but_no_other_part() -> None:
    config = ModelConfig(loops=3, prompt="visible", value_norm=True)
    assert not_stock(config) == ("loops", "prompt", "value_norm")
    assert not_exported(config) == ("value_norm",)
    assert all(what_folds(config)[flag].startswith("stays") for flag in not_stock(config))
