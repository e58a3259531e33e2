"""Every field of `HookedTransformerConfig`: the analyses are right for any value of it, or refuse in one line.

What is right is what stock TransformerLens gives: whole runs by `run_with_hooks`, one sequence at a time, of a plain
`HookedTransformer` with the same weights. A field that TransformerLens adds fails here until it stands in a table.
"""

from collections.abc import Callable
from dataclasses import fields
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor
from transformer_lens import HookedTransformer, HookedTransformerConfig

from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.decision_stream import Change, DecisionStream
from maze_rl.interp.activations.logit_lens import logit_lens
from maze_rl.interp.activations.probe_sites import streams_at
from maze_rl.interp.inputs.decisions import Decisions
from maze_rl.interp.inputs.pair_tokens import PairTokens
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, pair_logits
from maze_rl.interp.inputs.recombined_mazes import RecombinedMazes
from maze_rl.interp.interventions.activation_patching import patch_map
from maze_rl.interp.interventions.attribution_patching import attribution_maps
from maze_rl.interp.interventions.edge_steering import steer_edges
from maze_rl.interp.interventions.head_ablation import ablate_heads
from maze_rl.interp.interventions.interchange import interchange
from maze_rl.interp.interventions.logit_attribution import logit_attribution
from maze_rl.interp.interventions.patch_effects import total_effect
from maze_rl.interp.interventions.path_patching import path_patch
from maze_rl.models.build import build_bare
from maze_rl.models.decoding import decode_paths
from maze_rl.models.untrained import untrained_twin
from maze_rl.tokenization.tokenization import load_tokenization

PLAIN: dict[str, Any] = {
    "n_layers": 2,
    "d_model": 12,
    "n_heads": 4,
    "d_head": 4,
    "d_mlp": 20,
    "n_ctx": 30,
    "d_vocab": 20,
    "act_fn": "gelu",
    "normalization_type": "LN",
    "dtype": torch.float64,
    "device": "cpu",
}
ROTARY = {"positional_embedding_type": "rotary"}
YARN = ROTARY | {"use_yarn_rope": True, "yarn_factor": 4.0, "yarn_original_max_position_embeddings": 4}
NTK = ROTARY | {"use_NTK_by_parts_rope": True, "NTK_original_ctx_len": 8}
LOCAL = {"use_local_attn": True, "window_size": 3, "attn_types": ["local", "global"]}
GROUPED = {"n_key_value_heads": 2}
EXPERTS = {"num_experts": 3, "experts_per_token": 2, "dtype": torch.float32}  # their sum is float32
OLMO = {"original_architecture": "Olmo2ForCausalLM", "normalization_type": "RMS", "d_head": 3}
ANY, PLAIN_STREAM, LINEAR, ALONE, MLPS = "any", "plain stream", "linear", "alone", "mlps"
"""What refuses: every analysis; those that go on from a stream; attribution to the logits; keys and values of heads
that share them; what asks for MLPs."""

RIGHT: dict[str, dict[str, Any]] = {
    "n_layers": {"n_layers": 3},
    "d_model": {"d_model": 8},
    "n_heads": {"n_heads": 2},
    "d_head": {"d_head": 6},
    "d_mlp": {"d_mlp": 7},
    "d_vocab": {"d_vocab": 24},
    "n_ctx": {"n_ctx": 12},
    "d_vocab_out": {"d_vocab_out": 22},
    "act_fn": {"act_fn": "silu"},
    "gated_mlp": {"gated_mlp": True},
    "eps": {"eps": 0.1},
    "normalization_type": {"normalization_type": "RMS"},
    "uses_rms_norm": {"normalization_type": None},
    "layer_norm_folding": {"normalization_type": "LNPre"},
    "post_embedding_ln": {"post_embedding_ln": True},
    "use_attn_scale": {"use_attn_scale": False},
    "attn_scale": {"attn_scale": 0.7},
    "scale_attn_by_inverse_layer_idx": {"scale_attn_by_inverse_layer_idx": True},
    "attn_scores_soft_cap": {"attn_scores_soft_cap": 0.5},
    "use_attention_sinks": {"use_attention_sinks": True},
    "use_logn_attn": {"use_logn_attn": True, "train_seq_length": 4},
    "train_seq_length": {"use_logn_attn": True, "train_seq_length": 7},
    "use_local_attn": LOCAL,
    "window_size": LOCAL | {"window_size": 2},
    "attn_types": LOCAL | {"attn_types": ["global", "local"]},
    "rotary_dim": ROTARY | {"rotary_dim": 2},
    "rotary_base": ROTARY | {"rotary_base": 7},
    "rotary_base_local": ROTARY | LOCAL | {"rotary_base_local": 5},
    "rotary_scaling_factor": ROTARY | {"rotary_scaling_factor": 3.0},
    "rotary_adjacent_pairs": ROTARY | {"rotary_adjacent_pairs": True},
    "use_NTK_by_parts_rope": NTK,
    "NTK_by_parts_factor": NTK | {"NTK_by_parts_factor": 2.0},
    "NTK_by_parts_low_freq_factor": NTK | {"NTK_by_parts_low_freq_factor": 0.5},
    "NTK_by_parts_high_freq_factor": NTK | {"NTK_by_parts_high_freq_factor": 2.0},
    "NTK_original_ctx_len": NTK | {"NTK_original_ctx_len": 20},
    "use_yarn_rope": YARN,
    "yarn_factor": YARN | {"yarn_factor": 2.0},
    "yarn_attention_factor": YARN | {"yarn_attention_factor": 1.3},
    "yarn_beta_fast": YARN | {"yarn_beta_fast": 2.0},
    "yarn_beta_slow": YARN | {"yarn_beta_slow": 0.1},
    "yarn_original_max_position_embeddings": YARN | {"yarn_original_max_position_embeddings": 9},
    "yarn_truncate": YARN | {"yarn_truncate": False},
    "yarn_global_attn_only": YARN | LOCAL | {"yarn_global_attn_only": True},
    "num_experts": EXPERTS,
    "experts_per_token": EXPERTS | {"experts_per_token": 1},
    "norm_topk_prob": EXPERTS | {"norm_topk_prob": True},
    "use_attn_result": {"use_attn_result": True},
    "use_hook_mlp_in": {"use_hook_mlp_in": True},
    "use_split_qkv_input": {"use_split_qkv_input": True},
    "use_attn_in": {"use_attn_in": True},
    "use_hook_tokens": {"use_hook_tokens": True},
    "ungroup_grouped_query_attention": GROUPED | {"ungroup_grouped_query_attention": True},
    "dtype": {"dtype": torch.float32},
}
"""Field -> a configuration in which it counts, and for which all analyses are right."""
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "attention_dir": ({"attention_dir": "bidirectional"}, ANY),
    "use_dynamic_ntk_rope": (ROTARY | {"use_dynamic_ntk_rope": True, "train_seq_length": 4}, ANY),
    "parallel_attn_mlp": ({"parallel_attn_mlp": True}, PLAIN_STREAM),
    "positional_embedding_type": ({"positional_embedding_type": "shortformer"}, PLAIN_STREAM),
    "use_normalization_before_and_after": (
        {"use_normalization_before_and_after": True, "normalization_type": "RMS"},
        PLAIN_STREAM,
    ),
    "original_architecture": (OLMO, PLAIN_STREAM),
    "use_qk_norm": ({"use_qk_norm": True}, PLAIN_STREAM),
    "clip_qkv": ({"clip_qkv": 0.2}, PLAIN_STREAM),
    "output_logits_soft_cap": ({"output_logits_soft_cap": 2.0}, LINEAR),
    "final_rms": ({"final_rms": True}, LINEAR),
    "n_key_value_heads": (GROUPED, ALONE),
    "attn_only": ({"attn_only": True, "d_mlp": None}, MLPS),
}
"""Field -> a configuration in which it counts, and which analyses refuse; all others are right."""
MORE = {
    "alibi": {"positional_embedding_type": "alibi"},
    "rotary": ROTARY,
    "grouped, each head with its input": GROUPED | {"use_split_qkv_input": True},
    "all at once": LOCAL
    | GROUPED
    | ROTARY
    | {
        "gated_mlp": True,
        "use_attention_sinks": True,
        "attn_scores_soft_cap": 2.0,
        "normalization_type": "RMSPre",
    },
}
"""Further configurations for which all but keys and values of grouped heads are right."""
ELSEWHERE = {"load_in_4bit"}
"""With tests of their own."""
NO_EFFECT = {
    "device",
    "n_devices",
    "model_name",
    "from_checkpoint",
    "checkpoint_index",
    "checkpoint_label_type",
    "checkpoint_value",
    "tokenizer_name",
    "tokenizer_prepends_bos",
    "default_prepend_bos",
    "init_mode",
    "init_weights",
    "initializer_range",
    "seed",
    "n_params",
    "trust_remote_code",
    "quantization_method",
    "relative_attention_max_distance",
    "relative_attention_num_buckets",
    "decoder_start_token_id",
    "tie_word_embeddings",
}
"""Names, places and first weights; and what other classes than `HookedTransformer` read."""
CASES = {name: (changes, "") for name, changes in (RIGHT | MORE).items()} | REFUSED


class Pair:
    """A model of ours and a stock one of the same weights."""

    def __init__(self, changes: dict[str, Any]) -> None:
        shape = PLAIN | changes
        self.stock = HookedTransformer(HookedTransformerConfig(**shape)).eval()
        self.model = build_bare(shape, None)
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for parameter in self.stock.parameters():
                noise = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
                parameter += (0.4 * noise).to(parameter.dtype)
        self.model.load_state_dict(self.stock.state_dict())


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[str, Pair, str]:
    changes, refused = CASES[request.param]
    return request.param, Pair(changes), refused


@pytest.fixture(scope="module")
def plain(load_script: Callable[..., ModuleType]) -> ModuleType:
    return load_script("plain_runs", "tests/interp")


GROUPS = {"early": torch.arange(12) < 4, "late": torch.arange(12) >= 4}


def _groups(pairs: PairTokens) -> dict[str, Tensor]:
    return {name: mask.expand(len(pairs), -1) for name, mask in GROUPS.items()}


def _patched_heads(plain: ModuleType, model: Any, pairs: PairTokens) -> Tensor:
    """Return the changes by patching one head everywhere, [pair, layer, head]."""
    rows = []
    for row in range(len(pairs)):
        clean, corrupt = (plain.real(tokens[row], pairs, row) for tokens in (pairs.clean, pairs.corrupt))
        cache, before = plain.cache_of(model, clean), plain.difference(plain.logits_of(model, corrupt), pairs, row)
        for layer in range(model.cfg.n_layers):
            for head in range(model.cfg.n_heads):

                def put(z: Tensor, hook: Any, head: int = head, cache: Any = cache) -> Tensor:
                    z[:, :, head] = cache[hook.name][:, :, head]
                    return z

                after = plain.logits_of(model, corrupt, (f"blocks.{layer}.attn.hook_z", put))
                rows.append(plain.difference(after, pairs, row) - before)
    return torch.stack(rows).reshape(len(pairs), model.cfg.n_layers, model.cfg.n_heads)


def _path(plain: ModuleType, model: Any, pairs: PairTokens, receiver: tuple[int, int, str]) -> Tensor:
    """Return what head 1 of layer 0 tells a head of the next layer, from whole runs."""
    layer, head, letter = receiver
    found = []
    for row in range(len(pairs)):
        clean, corrupt = (plain.real(tokens[row], pairs, row) for tokens in (pairs.clean, pairs.corrupt))
        step = plain.cache_of(model, clean)["z", 0][:, :, 1] - plain.cache_of(model, corrupt)["z", 0][:, :, 1]
        moved: list[Tensor] = []

        def move(stream: Tensor, hook: object, step: Tensor = step) -> Tensor:
            return stream + step @ model.blocks[0].attn.W_O[1]

        def keep(value: Tensor, hook: object, moved: list[Tensor] = moved) -> None:
            moved.append(value[:, :, head].clone())

        name = f"blocks.{layer}.attn.hook_{letter}"
        plain.logits_of(model, corrupt, (f"blocks.{layer}.hook_resid_pre", move), (name, keep))

        def tell(value: Tensor, hook: object, moved: list[Tensor] = moved) -> Tensor:
            value[:, :, head] = moved[0]
            return value

        after = plain.logits_of(model, corrupt, (name, tell))
        found.append(
            plain.difference(after, pairs, row) - plain.difference(plain.logits_of(model, corrupt), pairs, row)
        )
    return torch.stack(found)


def _gone_on(model: Any, pairs: PairTokens, stream: type) -> Any:
    run = stream(model, pairs.clean, pairs.position)
    rows = torch.arange(len(pairs))
    put = [Change(layer, rows, -0.5 * run.streams[layer].roll(1, dims=0)) for layer in range(model.cfg.n_layers)]
    return torch.stack([run.choices, *run.go_on(put)])


Asked = Callable[[Any, PairTokens], Any]
Expected = Callable[[ModuleType, Any, PairTokens], Any]


def _asked(pairs: PairTokens) -> tuple[Tensor, ...]:
    return pairs.clean, pairs.position, pairs.right, pairs.wrong


def _of_component(component: Any) -> tuple[Asked, Expected]:
    def asked(m: Any, pairs: PairTokens) -> Any:
        return patch_map(m, pairs, component=component, groups=_groups(pairs)).numerators

    def expected(plain: ModuleType, m: Any, pairs: PairTokens) -> Any:
        return torch.stack([plain.patched(m, pairs, component, mask) for mask in _groups(pairs).values()], dim=-1)

    return asked, expected


def _of_receiver(letter: str) -> tuple[Asked, Expected]:
    return (
        lambda m, pairs: path_patch(m, pairs, (0, 1), [(1, 1, letter)]).numerators,  # type: ignore[list-item]
        lambda plain, m, pairs: _path(plain, m, pairs, (1, 1, letter)),
    )


ANALYSES: dict[str, tuple[set[str], Asked, Expected]] = {
    "patch_map of the stream": ({PLAIN_STREAM}, *_of_component("resid_pre")),
    "patch_map of attention": ({PLAIN_STREAM}, *_of_component("attn_out")),
    "patch_map of MLPs": ({PLAIN_STREAM, MLPS}, *_of_component("mlp_out")),
    "patch_map of heads": (
        {PLAIN_STREAM},
        lambda m, p: patch_map(
            m, p, component="head", groups={"all": torch.ones_like(p.clean, dtype=torch.bool)}
        ).numerators[..., 0],
        _patched_heads,
    ),
    "path_patch to queries": ({PLAIN_STREAM}, *_of_receiver("q")),
    "path_patch to keys": ({PLAIN_STREAM, ALONE}, *_of_receiver("k")),
    "path_patch to values": ({PLAIN_STREAM, ALONE}, *_of_receiver("v")),
    "path_patch of MLPs": (
        {PLAIN_STREAM, MLPS},
        lambda m, p: path_patch(m, p, (0, "mlp"), ["logits"]).denominators,
        lambda plain, m, p: plain.differences(m, p.clean, p) - plain.differences(m, p.corrupt, p),
    ),
    "attribution_maps": (
        set(),
        lambda m, p: attribution_maps(m, p, components=("resid_pre",), groups=_groups(p))["resid_pre"].numerators,
        lambda plain, m, p: plain.estimated(m, p, _groups(p)),
    ),
    "attribution_maps of MLPs": (
        {MLPS},
        lambda m, p: attribution_maps(m, p)["mlp_out"].denominators[:, 0],
        lambda plain, m, p: plain.differences(m, p.clean, p) - plain.differences(m, p.corrupt, p),
    ),
    "DecisionStream": (
        {PLAIN_STREAM},
        lambda m, p: _gone_on(m, p, DecisionStream),
        lambda plain, m, p: _gone_on(m, p, plain.DecisionStream),
    ),
    "logit_attribution": (
        {PLAIN_STREAM, LINEAR},
        lambda m, p: logit_attribution(m, *_asked(p)).contributions.sum(axis=1),
        lambda plain, m, p: plain.differences(m, p.clean, p),
    ),
    "logit_lens": (
        set(),
        lambda m, p: logit_lens(m, *_asked(p)).logit_differences[:, -1],
        lambda plain, m, p: plain.differences(m, p.clean, p),
    ),
    "total_effect": (
        set(),
        total_effect,
        lambda plain, m, p: plain.differences(m, p.clean, p) - plain.differences(m, p.corrupt, p),
    ),
    "pair_logits": (
        set(),
        lambda m, p: pair_logits(m, p.clean, p.position),
        lambda plain, m, p: plain.pair_logits(m, p.clean, p.position),
    ),
    "streams_at": (
        set(),
        lambda m, p: streams_at(m, p.clean, p.position),
        lambda plain, m, p: plain.streams_at(m, p.clean, p.position),
    ),
}
"""Analysis -> what it refuses, how it is asked, and what it must say."""
NOT_ATTRIBUTED = ("RMS", "RMSPre")


def test_every_field_stands_in_one_table() -> None:
    named = [*RIGHT, *REFUSED, *NO_EFFECT, *ELSEWHERE]
    assert sorted(named) == sorted(each.name for each in fields(HookedTransformerConfig))


def test_a_model_of_ours_computes_what_a_stock_one_does(case: tuple[str, Pair, str], pairs: PairTokens) -> None:
    both = case[1]
    tolerance = 1e-4 if both.model.cfg.dtype == torch.float32 else 1e-9
    with torch.no_grad():
        assert (both.model(pairs.clean) - both.stock(pairs.clean)).abs().max() < tolerance


def test_every_analysis_is_right_or_refuses(case: tuple[str, Pair, str], plain: ModuleType, pairs: PairTokens) -> None:
    name, both, refused = case
    if both.model.cfg.n_key_value_heads is not None and not both.model.cfg.ungroup_grouped_query_attention:
        name, refused = "n_key_value_heads", ALONE
    few = next(iter(pairs.chunks(3)))
    tolerance = 1e-3 if both.model.cfg.dtype == torch.float32 else 1e-8
    for analysis, (refuses, asked, expected) in ANALYSES.items():
        said = _refusal(asked, both.model, few)
        if refused in refuses | {ANY}:
            assert name in said, analysis
        elif analysis == "logit_attribution" and both.model.cfg.normalization_type in NOT_ATTRIBUTED:
            assert "normalization is RMS" in said
        else:
            assert not said, analysis
            found, right = (
                torch.as_tensor(each) for each in (asked(both.model, few), expected(plain, both.stock, few))
            )
            assert found.shape == right.shape, analysis
            assert (found - right).abs().max() < tolerance, analysis


def _refusal(asked: Asked, model: Any, pairs: PairTokens) -> str:
    """Return what an analysis says where it refuses, a line; empty where it does not."""
    try:
        asked(model, pairs)
    except ConfigurationError as refusal:
        assert "\n" not in str(refusal)
        return str(refusal)
    return ""


def test_four_bit_weights_are_refused_by_every_analysis(pairs: PairTokens) -> None:
    """Built, they need bitsandbytes."""
    model = Pair({}).model
    model.cfg.load_in_4bit = True
    assert [
        name for name, (_, asked, _) in ANALYSES.items() if "load_in_4bit" not in _refusal(asked, model, pairs)
    ] == []


def test_what_goes_on_layer_by_layer_refuses_first_thing() -> None:
    """Those that need mazes too; `test_every_model.py` has their values."""
    model: Any = build_bare(PLAIN | {"parallel_attn_mlp": True}, None)
    for run in (
        lambda: ablate_heads(model, object.__new__(Decisions), [(0, 1)]),
        lambda: interchange(model, object.__new__(RecombinedMazes)),
        lambda: steer_edges(model, object.__new__(PatchingPairs)),
    ):
        with pytest.raises(ConfigurationError, match=r"relies on a plain residual stream.* parallel_attn_mlp=True"):
            run()


def test_the_untrained_twin_has_the_whole_configuration(case: tuple[str, Pair, str]) -> None:
    name = case[0]
    model = build_bare(
        {key: value for key, value in (PLAIN | CASES[name][0]).items() if key != "n_ctx"} | {"d_vocab": 65, "seed": 5},
        load_tokenization("edges", canvas=4),
    )
    before = torch.get_rng_state()
    twin = untrained_twin(model, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    same = {each.name: getattr(model.cfg, each.name) for each in fields(model.cfg)}
    assert {each.name: getattr(twin.cfg, each.name) for each in fields(twin.cfg)} == same | {"seed": None}
    state, other = model.state_dict(), twin.state_dict()
    assert {key: value.shape for key, value in state.items()} == {key: value.shape for key, value in other.items()}
    assert not torch.equal(state["embed.W_E"], other["embed.W_E"])
    assert twin.tokenization == model.tokenization


@pytest.mark.parametrize("changes", [GROUPED, {"output_logits_soft_cap": 2.0}, {"parallel_attn_mlp": True}, ROTARY])
def test_our_decoder_writes_what_whole_runs_say(changes: dict[str, Any]) -> None:
    both = Pair(changes)
    tokens = torch.arange(1, 11)[None]
    expected = tokens
    with torch.no_grad():
        for _ in range(5):
            expected = torch.cat([expected, both.stock(expected)[:, -1:].argmax(dim=-1)], dim=1)
    written = decode_paths(both.model, tokens, torch.tensor([10]), torch.tensor([5]))
    assert torch.equal(written, expected[:, 10 : 10 + written.shape[1]])


def test_segments_are_refused_where_attention_would_not_keep_to_them(pairs: PairTokens) -> None:
    both, segments = Pair(GROUPED), torch.zeros_like(pairs.clean)
    with pytest.raises(ConfigurationError, match=r"^segments: attention of this model's shape"):
        both.model(pairs.clean, segments=segments)
    plain = Pair({}).model
    assert torch.allclose(plain(pairs.clean, segments=segments)[0, :7], plain(pairs.clean)[0, :7])
