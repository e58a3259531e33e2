"""An analysis is right for a model or refuses it: every public function, on models that each lack something.

A function that is given no model and no tokenization stands in `NO_MODEL`. Every other says in `analysis_claims.py`
what it relies on: on a model without that it must refuse in one clear line, on any other agree with plain runs of the
whole model (`plain_runs.py`). A new function that does neither fails here.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import maze_rl.interp
from maze_rl.errors import ConfigurationError
from maze_rl.interp.probes.distance_probe import latent_state
from maze_rl.models.build import build_bare

CAUSAL, LOOPED = "maze-5to9-causal", "maze-5to9-cpu"
NAMED = {"cells": LOOPED, "loops": LOOPED, "starts": LOOPED}
"""The shipped model that a refusal names; that of causal prompts for all other reasons."""
REASONS = {
    "plain": "relies on a plain residual stream",
    "causal": "relies on a causal prompt",
    "edges": "relies on edges in the prompt",
    "cells": "relies on cells in the prompt",
    "loops": "relies on loops",
    "starts": "relies on prompts that do not name the origin",
    "origin": "relies on the origin in the prompt",
}
CHECKS = {
    "battery.check_tested",
    "battery.Subject",
    "loop_battery.LoopSubject",
    "judged_battery.judge_beside_twin",
    "scorecard.check_scored",
    "scorecard.goes_by_loop",
    "materials.check_setting",
}
"""With all of `requirements`, the checks themselves, and what is given a model that was checked."""
NO_MODEL = {
    "score_table": "scores_html scores_line",
    "activation_patching": "single_positions check_names",
    "algorithm_clocks": "wave_rounds filling_rounds either_rounds doubling_rounds manhattan_rounds",
    "answers_by_loop": "are_among listed_at",
    "attention_maps": "group_sizes decisions_per_maze listed_cells flat_cells",
    "attribution_patching": "shortlist",
    "battery": "growth_of_reach named_heads",
    "cell_probes": "cell_rows cells_of_other_mazes",
    "cell_features": "split_halves variable_of base_features one_hot flat degrees open_edges open_sides open_to "
    "neighbour_cells manhattan alive_after reached_after far_cells of_other_mazes control_values",
    "cell_streams": "kept_loops spread_loops",
    "cell_variables": "next_step local_features",
    "compute_frontier": "pooled",
    "decisions": "in_batches right_choices",
    "judged_battery": "run_tests",
    "held_variables": "beyond_controls",
    "materials": "plain_mazes",
    "reach": "measure_reach",
    "scorecard": "combined",
    "within_reach": "check_axis steps_at",
    "distance_probe": "site_scores probe_variables score_labels",
    "doubling": "fit_growth",
    "edge_consolidation": "consolidation_applies",
    "emergence": "first_right reach_by_layer correlations",
    "hook_names": "last_layer_needed",
    "interchange": "spread_layers data_span orthonormal",
    "look_ahead": "look_ahead ideal_look_ahead ideal_curves fit_curve pooled_steps steps_seen skills widths",
    "pair_tokens": "check_direction",
    "patching_pairs": "flip_tokens control_tokens",
    "maze_draws": "layouts_of sums_by_layout redrawn_sums rates_over_layouts percentile_interval",
    "position_groups": "listed_groups",
    "position_labels": "control_labels label_positions",
    "random_head_sets": "random_head_sets",
    "readouts": "save_readouts load_readouts",
    "ridge_probe": "within_maze_pairs",
    "rival_algorithms": "settle_loops enough_settle compare_rivals",
    "ring_drift": "ring_correlations ring_slopes best_range",
    "rule_exclusion": "exclude_rules",
    "sign_flips": "sign_flip_p_values select_heads selection_stability false_discovery_rate mean_over_mazes head_means",
    "single_blocks": "at_decision",
    "simple_rules": "manhattan straight_line straight_on right_hand left_hand first_listed last_listed lowest_id "
    "highest_id right_share",
}
"""Statistics, labels and rules, by module: what they are given is no model's."""
READ_ALONE = {"decisions.read_out", "residual_replay.Readout"}
"""What reads a stream that it is given: the test runs the model to have one."""
FREE = {f"{module}.{name}" for module, names in NO_MODEL.items() for name in names.split()}


def public_functions() -> dict[str, Callable[..., Any]]:
    """Every public function of every analysis, and every public class that is made with a model."""
    found = {}
    for each in pkgutil.walk_packages(maze_rl.interp.__path__, "maze_rl.interp."):
        module, short = importlib.import_module(each.name), each.name.rpartition(".")[2]
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
                continue
            made_with_model = inspect.isclass(value) and "model" in inspect.signature(value.__init__).parameters
            if inspect.isfunction(value) or made_with_model:
                found[f"{short}.{name}"] = value
    return found


PUBLIC = public_functions()
ANALYSES = sorted(set(PUBLIC) - FREE - CHECKS - {name for name in PUBLIC if name.startswith("requirements.")})

LONG = ("interchange.interchange", "scorecard.score", "verdict.judge")


@pytest.fixture(scope="module")
def claims(load_script: Callable[..., ModuleType]) -> Mapping[str, Any]:
    return load_script("analysis_claims", "tests/interp").CLAIMS


@pytest.fixture(scope="module", params=["default", "visible", "loops", "origin on path"])
def case(request: pytest.FixtureRequest, load_script: Callable[..., ModuleType]) -> Any:
    """One model, with what analyses are given."""
    plain = load_script("plain_runs", "tests/interp")
    return load_script("model_variants", "tests/interp").Case(request.param, plain)


def differences(left: Any, right: Any, where: str = "") -> list[str]:
    """Return where two results differ by more than 1e-5, by path."""
    if isinstance(left, str | None):
        return [] if left == right else [f"{where}: {left!r} and {right!r}"]
    if parts := _parts(left):
        others = _parts(right)
        if list(parts) != list(others):
            return [f"{where}: {list(parts)} and {list(others)}"]
        return [each for name in parts for each in differences(parts[name], others[name], f"{where}.{name}")]
    one, two = (
        np.asarray(each.detach() if isinstance(each, torch.Tensor) else each, np.float64) for each in (left, right)
    )
    same = one.shape == two.shape and np.allclose(one, two, rtol=1e-5, atol=1e-5, equal_nan=True)
    return [] if same else [f"{where}: {one} and {two}"]


def _parts(value: Any) -> dict[Any, Any]:
    """Return what a result is made of, by name; nothing for numbers."""
    if is_dataclass(value):
        return {each.name: getattr(value, each.name) for each in fields(value) if each.name != "spans"}
    if isinstance(value, Mapping):
        return dict(value)
    return dict(enumerate(value)) if isinstance(value, list | tuple) else {}


def test_functions_without_a_model_have_no_such_parameter() -> None:
    assert set(PUBLIC) >= FREE | CHECKS, "a function in these lists is gone"
    parameters = {name: set(inspect.signature(PUBLIC[name]).parameters) for name in FREE}
    assert [name for name, given in parameters.items() if given & {"model", "tokenization"}] == []


def test_every_analysis_says_what_it_relies_on(claims: Mapping[str, Any]) -> None:
    assert sorted(claims) == ANALYSES


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=pytest.mark.slow) if each in LONG else each for each in ANALYSES]
)
def test_analysis_is_right_or_refuses(name: str, case: Any, claims: Mapping[str, Any]) -> None:
    claim = claims[name]
    module, attribute = name.split(".")

    def run() -> Any:
        return claim.call(getattr(case.plain.MODULES[module], attribute), case)

    ways = [case.lacks & set(way.split()) for way in claim.needs.split("|")]
    if all(ways):
        missing = set.union(*ways)
        with pytest.raises(ConfigurationError) as refusal:
            run()
        said = str(refusal.value)
        named = [NAMED.get(each, CAUSAL) for each in missing if REASONS[each] in said]
        assert named and named[0] in said and "\n" not in said
        return
    found = run()
    if claim.expected is not None:
        expected = claim.expected(case)
    else:
        with case.plain.in_place():
            expected = run()
        assert case.plain.called, "this ran none of the references"
    assert differences(found, expected) == []


def test_distances_are_probed_where_the_origin_is_not_in_the_prompt(case: Any) -> None:
    found = latent_state(case.model, case.mazes, variables=("distance",))
    with case.plain.in_place():
        expected = latent_state(case.model, case.mazes, variables=("distance",))
    assert case.plain.called and differences(found, expected) == []


@pytest.fixture(scope="module")
def ahead(load_script: Callable[..., ModuleType]) -> Any:
    """A model that lacks nothing of the above, but whose attention looks ahead, into padding too."""
    plain = load_script("plain_runs", "tests/interp")
    made = load_script("model_variants", "tests/interp").Case("stock", plain)
    shape = {each.name: getattr(made.model.cfg, each.name) for each in fields(made.model.cfg)}
    made.model = build_bare(shape | {"attention_dir": "bidirectional"}, made.tokenization)
    return made


@pytest.mark.parametrize("name", ANALYSES)
def test_attention_that_looks_ahead_is_refused_by_all_that_run_the_model(
    name: str, ahead: Any, claims: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, attribute = name.split(".")
    ran: list[str] = []
    forward = type(ahead.model).forward

    def counted(self: Any, *args: Any, **settings: Any) -> Any:
        ran.append(name)
        return forward(self, *args, **settings)

    monkeypatch.setattr(type(ahead.model), "forward", counted)
    try:
        claims[name].call(getattr(ahead.plain.MODULES[module], attribute), ahead)
    except ConfigurationError as refusal:
        assert "attention_dir='bidirectional'" in str(refusal) and "\n" not in str(refusal)
        assert not ran
    else:
        assert not ran or name in READ_ALONE
