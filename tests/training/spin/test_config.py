"""Settings of a round go to JSON and back, and bad ones are refused with the way out."""

import json
from dataclasses import asdict

import pytest

from maze_rl.configs.spin import INVALID_POLICIES, SPIN_LOSSES, TIE_POLICIES, SpinConfig
from maze_rl.errors import ConfigurationError, UnknownNameError


@pytest.mark.parametrize("loss", SPIN_LOSSES)
@pytest.mark.parametrize("tie_policy", TIE_POLICIES)
@pytest.mark.parametrize("invalid_policy", INVALID_POLICIES)
def test_settings_round_trip(loss: str, tie_policy: str, invalid_policy: str) -> None:
    if loss == "filtered" and tie_policy != "skip":
        with pytest.raises(ConfigurationError, match=f"tie_policy {tie_policy} with loss filtered"):
            SpinConfig(loss=loss, tie_policy=tie_policy, samples=2)
        return
    config = SpinConfig(
        beta=5,
        loss=loss,
        samples=4,
        temperature=0.7,
        prompts=10,
        most_tokens=30,
        window=3,
        tie_policy=tie_policy,
        invalid_policy=invalid_policy,
        length_normalised=True,
        nll=0.1,
        kl_stop=2.0,
        keep_best=False,
    )
    assert SpinConfig(**json.loads(json.dumps(asdict(config)))) == config
    assert SpinConfig(**json.loads(json.dumps(asdict(SpinConfig())))) == SpinConfig()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beta": 0}, "beta is 0: use a number above 0"),
        ({"beta": float("nan")}, "beta is nan"),
        ({"beta": True}, "beta is True"),
        ({"samples": 0}, "samples is 0: use a whole number, at least 1"),
        ({"samples": True}, "samples is True"),
        ({"prompts": 0}, "prompts is 0"),
        ({"window": 0}, "window is 0"),
        ({"most_tokens": 0}, "most_tokens is 0"),
        ({"temperature": -1}, "temperature is -1: use 0 or more"),
        ({"nll": -0.1}, "nll is -0.1"),
        ({"kl_stop": 0}, "kl_stop is 0: use a number of nats above 0, or none"),
        ({"temperature": 0, "samples": 2}, "samples is 2 at temperature 0"),
        ({"tie_policy": "as_real"}, "use samples of 2 or more"),
    ],
)
def test_bad_values_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SpinConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["loss", "tie_policy", "invalid_policy"])
def test_unknown_names_list_the_choices(name: str) -> None:
    with pytest.raises(UnknownNameError, match=rf"unknown {name} 'punsh'.* Choices: "):
        SpinConfig(**{name: "punsh"})  # type: ignore[arg-type]
