"""The scorecard's materials are what they are said to be, its verdict follows its rule, and bad input is refused."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from maze_rl import load_tokenization
from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.interp.behaviour.flip_rate import FAR
from maze_rl.interp.behaviour.simple_rules import manhattan
from maze_rl.interp.finding import Finding
from maze_rl.interp.scorecard import Scorecard, Setting, gather, score
from maze_rl.intervals import Interval

SETTING = Setting(size=4, split=None, num_mazes=40, num_pairs=40, num_probed=80, max_distance=10, seed=3)


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
    assert wave.searches and wave.verdict == "searches, by distances to the target"
    assert not decoy.searches and decoy.verdict == "represents, does not use"


def card(**verdicts: str) -> Scorecard:
    values = {"yes": (1.0, 0.9, 1.0), "no": (0.0, 0.0, 0.1), "unclear": (0.5, 0.2, 0.8)}
    findings = {
        name: Finding(name=name, effect=Interval(*values[verdict]), threshold=0.5, num_mazes=50)
        for name, verdict in verdicts.items()
    }
    parts = {
        "flips": SimpleNamespace(finding=findings["S1"]),
        "swaps": SimpleNamespace(finding=findings["S3"]),
        "latent": SimpleNamespace(best=SimpleNamespace(finding=findings["S2"]), holds="distances to the target"),
        "frontier": SimpleNamespace(finding=findings["S4"]),
        "rules": SimpleNamespace(finding=findings["S5"]),
    }
    made = object.__new__(Scorecard)
    for name, value in parts.items():
        object.__setattr__(made, name, value)
    return made


@pytest.mark.parametrize(
    ("verdicts", "searches", "said"),
    [
        ("yes yes yes no yes", True, "searches, by distances to the target"),
        ("yes no yes yes yes", True, "searches, by distances to the target"),
        ("yes no yes no yes", False, "yes to S1, S3, S5; no to S2, S4"),
        ("yes yes yes yes no", False, "yes to S1, S2, S3, S4; no to S5"),
        ("yes no yes unclear yes", False, "unclear: too few mazes for these intervals"),
        ("unclear yes yes yes yes", False, "unclear: too few mazes for these intervals"),
        ("unclear yes yes no no", False, "yes to S2, S3; no to S4, S5"),
        ("no yes unclear no no", False, "yes to S2; no to S1, S4, S5"),
        ("no yes no no no", False, "represents, does not use"),
        ("yes yes no yes yes", False, "plans, as far as behaviour shows; no causal search state found"),
        ("no no no no no", False, "no search found"),
    ],
)
def test_the_combined_verdict(verdicts: str, searches: bool, said: str) -> None:
    made = card(**dict(zip(("S1", "S2", "S3", "S4", "S5"), verdicts.split(), strict=True)))
    assert made.searches is searches
    assert made.verdict == said


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


@pytest.mark.parametrize("name", ["num_mazes", "num_pairs", "num_probed", "num_swapped", "max_distance"])
@pytest.mark.parametrize("value", [0, -5])
def test_a_setting_of_nothing_is_refused(name: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=f"^{name} is {value}: expected a whole number, at least [12]"):
        Setting(size=5, **{name: value})
