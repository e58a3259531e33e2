"""Half of the mazes are fitted on: intervals are given where the other half is large enough, and refused elsewhere."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.decision_stream import DecisionStream
from maze_rl.interp.activations.residual_replay import ResidualReplay
from maze_rl.interp.attention.adjacency_heads import find_adjacency_heads
from maze_rl.interp.attention.attention_maps import stream_patterns
from maze_rl.interp.attention.edge_consolidation import measure_consolidation
from maze_rl.interp.attention.frontier_heads import find_frontier_heads
from maze_rl.interp.behaviour.compute_frontier import compute_frontier
from maze_rl.interp.behaviour.flip_rate import flip_rates, logit_sensitivity
from maze_rl.interp.inputs.cell_features import Halves, split_halves
from maze_rl.interp.inputs.decisions import Decisions, decision_logits, find_decisions
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, control_tokens, flip_tokens, make_pairs, solved_pairs
from maze_rl.interp.inputs.recombined_mazes import RecombinedMazes, recombine_mazes
from maze_rl.interp.inputs.tree_and_cycle_edits import open_added_edges
from maze_rl.interp.interventions.activation_patching import patch_map
from maze_rl.interp.interventions.attribution_patching import attribution_maps
from maze_rl.interp.interventions.edge_steering import edge_features, steer_edges
from maze_rl.interp.interventions.head_ablation import ablate_heads
from maze_rl.interp.interventions.interchange import interchange
from maze_rl.interp.interventions.logit_attribution import logit_attribution
from maze_rl.interp.interventions.patch_effects import total_effect
from maze_rl.interp.interventions.path_patching import path_patch
from maze_rl.interp.probes.distance_probe import latent_state, untrained_scores
from maze_rl.interp.probes.emergence import emergence
from maze_rl.interp.probes.on_path_probe import on_path_probe
from maze_rl.interp.probes.wall_probe import wall_probe
from maze_rl.interp.requirements import (
    check_tokens,
    require_causal_prompt,
    require_edges_in_prompt,
    require_origin_in_prompt,
    require_plain_stream,
)
from maze_rl.interp.scorecard import check_scored
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.splits import maze_hashes
from maze_rl.models.build import build_model
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

TOKENIZATION = load_tokenization("unique_cells", canvas=4)
MODEL = build_model(ModelConfig(n_layers=2, d_model=24, n_heads=2), TOKENIZATION).eval()
MAZES = generate(4, "dfs", num=40, seed=1).batches[0]


@pytest.mark.parametrize("path", ["moves", "turns"])
def test_decisions_that_are_no_cells_are_refused(path: str) -> None:
    tokenization = load_tokenization("cells", canvas=4, path=path)
    with pytest.raises(ConfigurationError, match=f"need one token per cell of the path .* trained on {path}"):
        find_decisions(tokenization, MAZES)


@pytest.mark.parametrize("probe", [latent_state, wall_probe, on_path_probe, emergence])
def test_probes_need_two_halves(probe: Callable) -> None:
    with pytest.raises(ConfigurationError, match=r"num is 39: one half .* fitted on.* use 40 or more"):
        probe(MODEL, MAZES.take(np.arange(39)))
    probe(MODEL, MAZES)


@pytest.mark.parametrize("probe", [latent_state, untrained_scores, emergence])
def test_probes_for_distances_refuse_cells_out_of_reach(probe: Callable) -> None:
    """Their d = -1 is no distance."""
    cut_off = generate(4, "percolation", num=40, seed=1, percolation=0.5).batches[0]
    with pytest.raises(ConfigurationError, match="of 40 mazes have cells from which no way leads to the target"):
        probe(MODEL, cut_off)
    for reads_none in (wall_probe, on_path_probe):
        reads_none(MODEL, cut_off)


@pytest.mark.parametrize("score", [find_adjacency_heads, find_frontier_heads, measure_consolidation])
def test_heads_are_chosen_and_judged_on_different_layouts(score: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every maze stands at an even and at an odd place: what is judged was never seen when heads were chosen."""
    twice = find_decisions(TOKENIZATION, MAZES.take(np.repeat(np.arange(40), 2)))
    seen = []

    def spy(batch: MazeBatch, seed: int = 0) -> Halves:
        seen.append(halves := split_halves(batch, seed))
        return halves

    monkeypatch.setattr(f"{score.__module__}.split_halves", spy)
    found = score(MODEL, twice)
    (halves,) = seen
    hashes = maze_hashes(twice.batch)
    assert not set(hashes[halves.fit].tolist()) & set(hashes[halves.held_out].tolist())
    findings = [found.finding] if hasattr(found, "finding") else found.findings
    assert all(finding.num_mazes <= len(halves.held_out) for finding in findings)


@pytest.mark.parametrize("score", [find_adjacency_heads, find_frontier_heads, measure_consolidation])
def test_attention_scores_need_two_halves(score: Callable) -> None:
    with pytest.raises(ConfigurationError, match=r"num is 39: one half .* fitted on.* use 40 or more"):
        score(MODEL, find_decisions(TOKENIZATION, MAZES.take(np.arange(39))))
    score(MODEL, find_decisions(TOKENIZATION, MAZES))


WORDS = {
    "spelled": load_tokenization("unique_cells", canvas=4),
    "larger": load_tokenization("edges", canvas=6),
    "query first": load_tokenization("edges", canvas=4, query="first"),
}
"""Ways to write that the model below does not read."""
ASKED = {
    "decision_logits": lambda m, t: decision_logits(m, decided(t)),
    "compute_frontier": lambda m, t: compute_frontier(m, decided(t)),
    "frontier of known streams": lambda m, t: compute_frontier(m, decided(t), streams=torch.zeros(1, 5, 1)),
    "find_adjacency_heads": lambda m, t: find_adjacency_heads(m, decided(t)),
    "find_frontier_heads": lambda m, t: find_frontier_heads(m, decided(t)),
    "measure_consolidation": lambda m, t: measure_consolidation(m, decided(t)),
    "stream_patterns": lambda m, t: stream_patterns(m, decided(t), []),
    "ablate_heads": lambda m, t: ablate_heads(m, decided(t), [(0, 0)], num_random=1),
    "ablate_heads by others": lambda m, t: ablate_heads(
        m, decided(m.tokenization), [(0, 0)], num_random=1, reference=decided(t)
    ),
    "solved_pairs": lambda m, t: solved_pairs(m, paired(t)),
    "flip_rates": lambda m, t: flip_rates(m, paired(t)),
    "logit_sensitivity": lambda m, t: logit_sensitivity(m, paired(t)),
    "steer_edges": lambda m, t: steer_edges(m, paired(t), layers=(0,), strengths=(1.0,)),
    "edge_features": lambda m, t: edge_features(m, paired(t), (0,)),
    "open_added_edges": lambda m, t: open_added_edges(m.tokenization, paired(t)),
    "patch_map": lambda m, t: patch_map(m, flip_tokens(paired(t)), positions=[0]),
    "patch_map of controls": lambda m, t: patch_map(m, control_tokens(paired(t)), positions=[0]),
    "path_patch": lambda m, t: path_patch(m, flip_tokens(paired(t)), (0, 0), ["logits"]),
    "attribution_maps": lambda m, t: attribution_maps(m, flip_tokens(paired(t))),
    "total_effect": lambda m, t: total_effect(m, flip_tokens(paired(t))),
    "some pairs": lambda m, t: patch_map(m, flip_tokens(paired(t)).rows(slice(0, 2)), positions=[0]),
    "interchange": lambda m, t: interchange(m, swapped(t), layers=[0]),
}
"""Analyses of decisions, pairs or swaps that know how they are written; the others are given mazes or bare tokens."""


@cache
def decided(tokenization: Tokenization) -> Decisions:
    return find_decisions(tokenization, MAZES)


@cache
def paired(tokenization: Tokenization) -> PatchingPairs:
    return make_pairs(tokenization, size=4, num=8, split=None)


@cache
def swapped(tokenization: Tokenization) -> RecombinedMazes:
    return recombine_mazes(tokenization, spec_from_arguments(sizes=(4,), split=None), num=640)


@pytest.mark.parametrize("written", WORDS)
@pytest.mark.parametrize("asked", ASKED)
def test_mazes_in_other_words_are_refused(asked: str, written: str) -> None:
    model = build_hand_built("wave", load_tokenization("edges", canvas=4), n_layers=4)
    with pytest.raises(ConfigurationError, match=r"^the mazes are written .* the model's edges") as refusal:
        ASKED[asked](model, WORDS[written])
    said = str(refusal.value)
    assert said.endswith("make them with model.tokenization.") and "\n" not in said


def test_mazes_on_a_smaller_canvas_are_read() -> None:
    small = load_tokenization("edges", canvas=4)
    model = build_hand_built("wave", load_tokenization("edges", canvas=6), n_layers=4)
    check_tokens(model, small.layout)
    check_tokens(model, None)
    decision_logits(model, decided(small))


def test_each_requirement_says_what_is_relied_on_what_there_is_and_what_to_use() -> None:
    built = ModelConfig(n_layers=1, loops=2, d_model=12, n_heads=1, prompt="visible")
    tokenization = load_tokenization("cells", canvas=4, origin="path")
    model = build_model(built, tokenization)
    refusals: dict[Callable[[], None], str] = {
        lambda: require_plain_stream(model, "this"): (
            "this relies on a plain residual stream, and this model has loops, which add the embedding again before "
            "each: use a model without loops, such as maze-5to9-causal, or intervene by model.run_with_hooks."
        ),
        lambda: require_causal_prompt(model, "this"): (
            "this relies on a causal prompt, and all of this model's prompt sees all of it (prompt='visible'): use a "
            "model with prompt='causal', such as maze-5to9-causal, or intervene by model.run_with_hooks."
        ),
        lambda: require_edges_in_prompt(tokenization.layout, "this"): (
            "this relies on edges in the prompt, each with tokens of its own, and format cells lists cells: use a "
            "model whose format lists edges, such as maze-5to9-causal."
        ),
        lambda: require_origin_in_prompt(tokenization.layout, "this"): (
            "this relies on the origin in the prompt, and here it stands behind <PATH_START>, on the path "
            "(origin='path'): use a model with origin='prompt', such as maze-5to9-causal."
        ),
    }
    for refuse, said in refusals.items():
        with pytest.raises(ConfigurationError) as refusal:
            refuse()
        assert str(refusal.value) == said


def test_plain_models_and_those_set_by_hand_meet_every_requirement() -> None:
    for model in (MODEL, build_hand_built("wave", TOKENIZATION, n_layers=2)):
        require_plain_stream(model, "this")
        require_causal_prompt(model, "this")
        require_edges_in_prompt(model.tokenization.layout, "this")
        require_origin_in_prompt(model.tokenization.layout, "this")


def test_one_loop_is_a_plain_model() -> None:
    """Between loops the stream is changed; one loop has nothing between."""
    shape = {"n_layers": 2, "d_model": 24, "n_heads": 2}
    looped = build_model(ModelConfig(**shape, loops=1, outer_norm=True), TOKENIZATION).eval()
    plain = build_model(ModelConfig(**shape), TOKENIZATION).eval()
    plain.load_state_dict(looped.state_dict(), strict=False)
    pairs = make_pairs(TOKENIZATION, size=4, num=4, depths=(0, 3), split=None)
    pairs = flip_tokens(pairs)
    assert np.array_equal(patch_map(looped, pairs).effects, patch_map(plain, pairs).effects)


def halved(stream: torch.Tensor, hook: object) -> torch.Tensor:
    return stream / 2


@pytest.mark.parametrize("permanent", [False, True])
def test_what_goes_on_from_the_middle_of_a_run_refuses_hooks(permanent: bool) -> None:
    """A hook acts on whole sequences; on a part of one, or a second time on a stream, it does something else."""
    pairs = make_pairs(TOKENIZATION, size=4, num=4, depths=(0, 3), split=None)
    ends = pairs.position, pairs.right, pairs.wrong
    model = build_hand_built("wave", TOKENIZATION, n_layers=4)
    model.add_hook("blocks.1.hook_resid_pre", halved, is_permanent=permanent)
    refused: list[Callable[[], object]] = [
        lambda: ResidualReplay(model, pairs.clean, *ends),
        lambda: DecisionStream(model, pairs.clean, pairs.position),
        lambda: patch_map(model, flip_tokens(pairs)),
        lambda: path_patch(model, flip_tokens(pairs), (0, 0), ["logits"]),
        lambda: logit_attribution(model, pairs.clean, *ends),
        lambda: check_scored(model),
    ]
    for refuse in refused:
        with pytest.raises(
            ConfigurationError, match=r"this model is hooked at blocks\.1\.hook_resid_pre: take hooks off"
        ):
            refuse()
    model.reset_hooks(including_permanent=True)
    for accept in refused:
        accept()
