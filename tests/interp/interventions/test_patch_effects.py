"""Effects of patches are ratios of sums; their intervals count layouts."""

from dataclasses import replace

import numpy as np
import pytest

from maze_rl.interp.activations.logit_lens import LogitLens
from maze_rl.interp.interventions.logit_attribution import LogitAttribution
from maze_rl.interp.interventions.patch_effects import PatchMap
from maze_rl.interp.interventions.path_patching import PathEffect

RANDOM = np.random.default_rng(1)
VALUES = RANDOM.normal(1.0, 0.5, size=(30, 2, 3))
UNITS = RANDOM.uniform(1.0, 2.0, size=(30, 3))
LAYOUTS = np.repeat(np.arange(30), 3)


def often(values: np.ndarray) -> np.ndarray:
    """Repeat each pair three times."""
    return np.repeat(values, 3, axis=0)


def test_a_map_counts_layouts() -> None:
    once = PatchMap(
        component="head", direction="denoise", places=("a", "b", "c"), numerators=VALUES, denominators=UNITS
    )
    clustered = replace(once, numerators=often(VALUES), denominators=often(UNITS), layouts=LAYOUTS)
    as_mazes = replace(clustered, layouts=None)
    assert clustered.interval(1, "b") == pytest.approx(once.interval(1, "b"))
    assert as_mazes.interval(1, "b").low > clustered.interval(1, "b").low
    for name, ends in once.intervals(draws=300)._asdict().items():
        np.testing.assert_allclose(getattr(clustered.intervals(draws=300), name), ends)
    assert replace(once, layouts=np.arange(30)).interval(0, "a") == once.interval(0, "a")


def test_a_path_counts_layouts() -> None:
    once = PathEffect(
        sender=(0, 1), receivers=("logits",), direction="noise", numerators=VALUES[:, 0, 0], denominators=UNITS[:, 0]
    )
    clustered = replace(once, numerators=often(once.numerators), denominators=often(once.denominators), layouts=LAYOUTS)
    assert clustered.interval() == pytest.approx(once.interval())
    assert replace(clustered, layouts=None).interval().low > clustered.interval().low


def test_lens_and_attribution_count_layouts() -> None:
    lens = LogitLens(names=("embedding", "layer 0"), logit_differences=VALUES[..., 0], is_right=VALUES[..., 0] > 1)
    clustered = replace(
        lens, logit_differences=often(lens.logit_differences), is_right=often(lens.is_right), layouts=LAYOUTS
    )
    assert clustered.mean_differences()[0] == pytest.approx(lens.mean_differences()[0])
    alone, narrow = clustered.right_rates()[1], replace(clustered, layouts=None).right_rates()[1]
    assert alone.high - alone.low > 1.5 * (narrow.high - narrow.low)
    parts = LogitAttribution(names=("a", "b"), contributions=often(VALUES[..., 1]), layouts=LAYOUTS)
    once = LogitAttribution(names=("a", "b"), contributions=VALUES[..., 1])
    assert parts.intervals()[1] == pytest.approx(once.intervals()[1])
