"""The scorecard's materials are what they are said to be, its verdict follows its rule, and bad input is refused."""

from dataclasses import replace

import numpy as np
import pytest

from maze_rl import load_tokenization
from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.interp.behaviour.flip_rate import FAR
from maze_rl.interp.behaviour.simple_rules import manhattan
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.materials import Setting, gather
from maze_rl.interp.scorecard import SCORES, combined, score

SETTING = Setting(size=4, split=None, num_mazes=40, num_pairs=40, num_probed=80, within=Within("distance", 10), seed=3)


def test_the_mazes_are_demanding_and_the_flips_far() -> None:
    materials = gather(load_tokenization("edges", canvas=4), SETTING)
    decisions = materials.decisions
    wrong = ~(manhattan(decisions) & decisions.optimal).any(axis=1)
    hard = decisions.is_fork & (decisions.look_ahead >= FAR) & wrong
    assert len(np.unique(decisions.maze[hard])) == 40 == len(decisions.batch)
    assert len(materials.pairs) == 40 and materials.pairs.depth.min() >= FAR
    assert decisions.distance.max() <= 10 and len(materials.probed) == 80
    again = gather(load_tokenization("edges", canvas=4), SETTING)
    assert (again.decisions.tokens == decisions.tokens).all() and (again.pairs.clean == materials.pairs.clean).all()


@pytest.mark.slow
def test_a_searcher_and_its_decoy() -> None:
    tokenization = load_tokenization("edges", canvas=4)
    materials = gather(tokenization, replace(SETTING, num_mazes=80, num_pairs=80, num_probed=160))
    wave, decoy = (score(build_hand_built(kind, tokenization), materials) for kind in ("wave", "decoy"))  # type: ignore[arg-type]
    assert wave.searches and wave.latent.holds == "distances to the target"
    assert decoy.verdict == "represents without use"


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ("yes yes yes no yes", "searches"),
        ("yes no yes yes yes", "searches"),
        ("yes no yes no yes", "undecided"),  # nothing found inside but use
        ("yes yes no yes yes", "undecided"),  # behaviour of a search, its state not found to be used
        ("unclear yes yes yes yes", "undecided"),
        ("yes yes yes yes no", "represents without use"),
        ("no yes no no no", "represents without use"),
        ("no yes unclear no unclear", "represents without use"),
        ("no unclear unclear no no", "heuristic"),
        ("no no no no no", "heuristic"),
        ("no no yes yes yes", "heuristic"),
    ],
)
def test_the_combined_verdict(verdicts: str, said: str) -> None:
    assert combined(dict(zip(SCORES, verdicts.split(), strict=True))) == said


def test_what_does_not_fit_is_refused_in_one_line() -> None:
    tokenization = load_tokenization("edges", canvas=4)
    model = build_hand_built("wave", tokenization, n_layers=4)
    materials = gather(tokenization, SETTING)
    with pytest.raises(ConfigurationError, match="at least 20 mazes"):
        score(model, replace(materials, setting=replace(SETTING, num_pairs=5)))
    with pytest.raises(ConfigurationError, match="size is 6"):
        score(model, replace(materials, setting=replace(SETTING, size=6)))
    with pytest.raises(ConfigurationError, match=r"4 x 4 in the split test are .* different ones"):
        gather(tokenization, replace(SETTING, split="test"))
    with pytest.raises(UnknownNameError, match="without cycles"):
        gather(tokenization, replace(SETTING, algorithm="dfs_percolation"))
    with pytest.raises(ConfigurationError, match="one token per cell"):
        score(build_like("row_column"), materials)


def build_like(token_format: str):
    model = build_hand_built("wave", load_tokenization("edges", canvas=4), n_layers=4)
    model.tokenization = load_tokenization(token_format, canvas=4)
    return model


@pytest.mark.parametrize("name", ["num_mazes", "num_pairs", "num_probed", "num_swapped"])
@pytest.mark.parametrize("value", [0, -5])
def test_a_setting_of_nothing_is_refused(name: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is {value}: expected a whole number, at least [12]"):
        Setting(size=5, **{name: value})
