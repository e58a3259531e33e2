"""A model that searches takes what a `HookedTransformer` takes, and refuses what would be wrong in one line."""

import pickle
from collections.abc import Callable

import pytest
import torch
from transformer_lens import ActivationCache, patching

from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer
from maze_rl.models.decoding import decode_paths
from maze_rl.models.folding import folded_copy
from maze_rl.models.readout import logits_at, predictable_words
from maze_rl.tokenization.layouts import PADDING, PATH_END, PATH_START

Make = Callable[..., MazeTransformer]


@pytest.mark.parametrize("positions", ["none", "learned", "rotary"])
@pytest.mark.parametrize("prompt", ["visible", "causal"])
def test_a_pass_that_starts_inside_agrees_with_the_whole_one(
    make_searching: Make, ragged: Callable, prompt: str, positions: str
) -> None:
    model = make_searching(prompt=prompt, positions=positions)
    tokens = ragged(model)
    logits, cache = model.run_with_cache(tokens)
    for layer in range(model.cfg.n_layers):
        for start in (layer, layer - model.cfg.n_layers):
            again = model(cache["resid_pre", layer], start_at_layer=start, tokens=tokens)
            assert (again - logits).abs().max() < 1e-12, layer
        if layer == 0 and prompt == "causal":  # the stream is the embedding
            assert (model(cache["resid_pre", 0], start_at_layer=0) - logits).abs().max() < 1e-12
            continue
        with pytest.raises(ConfigurationError, match=r"^start_at_layer: .* pass tokens too\.$"):
            model(cache["resid_pre", layer], start_at_layer=layer)
    assert torch.equal(model(tokens), model(tokens))


def test_a_pass_that_starts_inside_keeps_to_segments(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model)
    begin = (tokens == PATH_START).int().argmax(dim=1, keepdim=True)
    segments = (torch.arange(tokens.shape[1]) - begin).clamp(min=0).clamp(max=2)
    logits, cache = model.run_with_cache(tokens, segments=segments)
    again = model(cache["resid_pre", 3], start_at_layer=3, tokens=tokens, segments=segments)
    assert (again - logits).abs().max() < 1e-12
    assert (again - model(cache["resid_pre", 3], start_at_layer=3, tokens=tokens)).abs().max() > 1e-6


def test_a_plain_causal_model_starts_inside_without_tokens(make_searching: Make, ragged: Callable) -> None:
    model = make_searching(loops=None, outer_norm=False, prompt="causal")
    tokens = ragged(model)
    logits, cache = model.run_with_cache(tokens)
    assert (model(cache["resid_pre", 1], start_at_layer=1) - logits).abs().max() < 1e-12


def test_a_pass_stopped_between_loops_returns_what_the_last_block_left(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model)
    _, cache = model.run_with_cache(tokens)
    for layer in range(1, 7):
        assert torch.allclose(model(tokens, stop_at_layer=layer), cache["resid_post", layer - 1], atol=1e-12)


def test_logits_after_fewer_loops_are_those_of_the_model_with_fewer(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model)
    chosen = tokens == PATH_START
    for loops in (1, 2, 3):
        expected = model.with_loops(loops)(tokens)[chosen]
        assert (logits_at(model, tokens, chosen, loops=loops) - expected).abs().max() < 1e-12
        words = predictable_words(model)
        assert (logits_at(model, tokens, chosen, loops=loops, words=words) - expected[:, words]).abs().max() < 1e-12
    for wrong in (0, 4):
        with pytest.raises(ConfigurationError, match=f"^loops is {wrong}: this model is built with 3"):
            logits_at(model, tokens, chosen, loops=wrong)


@torch.no_grad()
def plain_loop(model: MazeTransformer, prompt: torch.Tensor, budget: int) -> list[int]:
    written: list[int] = []
    while len(written) < budget:
        logits = model(torch.cat([prompt, torch.tensor(written, dtype=torch.int64)])[None])
        written.append(int(logits[0, -1].argmax()))
        if written[-1] == PATH_END:
            break
    return written


@pytest.mark.parametrize(
    ("tokens", "positions", "embedding"),
    [
        ("cells", "none", "waves"),
        ("cells", "rotary", "waves"),
        ("edges", "learned", "waves"),
        ("unique_cells", "none", "factored"),
        ("coordinate_tuples", "rotary", "free"),
    ],
)
@pytest.mark.parametrize("prompt", ["visible", "causal"])
def test_decoding_with_a_cache_equals_a_plain_loop(
    make_searching: Make, tokens: str, positions: str, embedding: str, prompt: str
) -> None:
    model = make_searching(tokens, positions=positions, embedding=embedding, prompt=prompt)
    if embedding != "waves":
        model = folded_copy(model)
    prompts, spans = model.tokenization.encode(generate((2, 3, 4, 5), "dfs_percolation", num=16), prompt_only=True)
    with torch.no_grad():  # make the end as likely as the best other token, so that rows stop at different times
        logits = model(prompts)[torch.arange(16), spans.lengths - 1]
        model.unembed.b_U[PATH_END] += (logits.max(dim=1).values - logits[:, PATH_END]).quantile(0.3)
    budget = torch.arange(16) % 7 + 3
    written = decode_paths(model, prompts, spans.lengths, budget)
    lengths = set()
    for row in range(16):
        expected = plain_loop(model, prompts[row, : spans.lengths[row]], int(budget[row]))
        assert written[row, : len(expected)].tolist() == expected
        assert (written[row, len(expected) :] == PADDING).all()
        lengths.add(len(expected))
    assert len(set(spans.lengths.tolist())) > 2
    assert len(lengths) > 1


@pytest.mark.parametrize(
    ("positions", "cached"),
    # learned positions with a cache go wrong in TransformerLens itself: it adds the offset twice
    [("none", False), ("none", True), ("learned", False), ("rotary", False), ("rotary", True)],
)
@pytest.mark.parametrize("prompt", ["visible", "causal"])
def test_generate_continues_a_whole_prompt(make_searching: Make, prompt: str, positions: str, cached: bool) -> None:
    model = make_searching(prompt=prompt, positions=positions)
    prompts, _ = model.tokenization.encode(generate(4, num=2), prompt_only=True)
    with torch.no_grad():
        model.ln_final.b.zero_()  # else one word is the most likely everywhere
    settings = {"stop_at_eos": False, "do_sample": False, "verbose": False, "use_past_kv_cache": cached}
    expected = prompts
    for _ in range(5):
        expected = torch.cat([expected, model(expected)[:, -1:].argmax(-1)], dim=1)
    found = model.generate(prompts, max_new_tokens=5, return_type="tokens", **settings)
    assert torch.equal(found, expected)
    assert len(set(expected[:, -5:].flatten().tolist())) > 1
    assert model.continued is None


def test_generate_refuses_a_part_of_a_visible_prompt(make_searching: Make) -> None:
    model = make_searching()
    prompts, _ = model.tokenization.encode(generate(4, num=2), prompt_only=True)
    for cached in (False, True):
        with pytest.raises(ConfigurationError, match=r"^a visible prompt must be given whole"):
            model.generate(prompts[:, :-2], max_new_tokens=2, use_past_kv_cache=cached, verbose=False)


def test_a_prompt_in_parts_is_refused(make_searching: Make) -> None:
    from maze_rl.models.decoding import Cache

    model = make_searching()
    prompts, _ = model.tokenization.encode(generate(4, num=2), prompt_only=True)
    cache = Cache(2, prompts.shape[1], model, prompts.device)
    part = prompts[:, :5]
    with pytest.raises(ConfigurationError, match=r"^a visible prompt must be given whole, up to <PATH_START>"):
        model(part, past_kv_cache=cache, attention_mask=torch.ones_like(part))
    causal = make_searching(prompt="causal")
    cache = Cache(2, prompts.shape[1], causal, prompts.device)
    parts = [causal(ids, past_kv_cache=cache, attention_mask=torch.ones_like(ids)) for ids in (part, prompts[:, 5:])]
    assert (torch.cat(parts, dim=1) - causal(prompts)).abs().max() < 1e-12


SUMS: list[tuple[str, tuple, dict]] = [
    ("accumulated_resid", (), {}),
    ("accumulated_resid", (3,), {"incl_mid": True}),
    ("decompose_resid", (), {}),
    ("decompose_resid", (2,), {"mode": "attn"}),
    ("get_full_resid_decomposition", (), {}),
    ("stack_head_results", (), {"apply_ln": True}),
    ("stack_head_results", (), {"incl_remainder": True}),
    ("stack_neuron_results", (2,), {"incl_remainder": True}),
    ("stack_neuron_results", (2,), {"apply_ln": True}),
    ("logit_attrs", (torch.zeros(1, 1, 16), 3), {}),
]


@pytest.mark.parametrize(("name", "settings", "options"), SUMS, ids=str)
def test_sums_over_layers_are_refused_where_there_are_loops(
    make_searching: Make, ragged: Callable, name: str, settings: tuple, options: dict
) -> None:
    model = make_searching()
    tokens = ragged(model)
    _, cache = model.run_with_cache(tokens)
    _, alone = model.run_with_cache(tokens[:1], remove_batch_dim=True)
    for either in (cache, alone, cache.apply_slice_to_batch_dim(0)):
        assert isinstance(either, ActivationCache)
        with pytest.raises(ConfigurationError, match=f"^{name}.* no sum of what layers wrote") as caught:
            getattr(either, name)(*settings, **options)
        assert "\n" not in str(caught.value)


def test_what_is_only_stacked_is_as_in_stock(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    _, cache = model.run_with_cache(ragged(model))
    heads, labels = cache.stack_head_results(return_labels=True)
    assert labels[:3] == ["L0H0", "L0H1", "L1H0"]
    for layer in range(6):
        written = heads[2 * layer : 2 * layer + 2].sum(0) + model.blocks[layer].attn.b_O
        assert (written - cache["attn_out", layer]).abs().max() < 1e-11
    neurons = cache.stack_neuron_results(1)
    assert (neurons.sum(0) + model.blocks[0].mlp.b_out - cache["mlp_out", 0]).abs().max() < 1e-11
    with pytest.raises(ConfigurationError, match="name all settings"):
        cache.stack_head_results(2, False, True)


def test_sums_over_layers_are_right_without_loops(make_searching: Make, ragged: Callable) -> None:
    for changes in ({"loops": 1}, {"loops": None, "outer_norm": False}):
        model = make_searching(**changes)
        _, cache = model.run_with_cache(ragged(model))
        parts = cache.decompose_resid()
        assert (parts.sum(0) - cache["resid_post", 1]).abs().max() < 1e-11
        assert (model.accumulated_bias(1) - model.blocks[0].attn.b_O - model.blocks[0].mlp.b_out).abs().max() < 1e-6


def test_biases_of_loops_do_not_add_up(make_searching: Make) -> None:
    with pytest.raises(ConfigurationError, match=r"^accumulated_bias"):
        make_searching().accumulated_bias(2)


def test_processing_the_weights_in_place_is_right_or_refused(make_searching: Make, ragged: Callable) -> None:
    for changes in ({}, {"loops": 1}, {"embedding": "free", "unembedding": "all"}):
        model = make_searching(**changes)
        for process in (model.process_weights_, lambda model=model: model.fold_layer_norm(model.state_dict())):
            with pytest.raises(ConfigurationError, match=r"^processing weights of a model with loops"):
                process()
    computed = make_searching(loops=None, outer_norm=False)
    with pytest.raises(ConfigurationError, match="fold them first"):
        computed.process_weights_()
    plain = folded_copy(make_searching(loops=None, outer_norm=False, unembedding="all", dtype=torch.float32))
    tokens = ragged(plain)
    before = plain(tokens).log_softmax(-1)
    plain.process_weights_()
    assert (plain(tokens).log_softmax(-1) - before).abs().max() < 2e-5


def test_patching_of_transformer_lens_runs(make_searching: Make, ragged: Callable) -> None:
    model = make_searching(dtype=torch.float32)
    tokens = ragged(model)
    _, cache = model.run_with_cache(tokens[1:2])
    result = patching.get_act_patch_attn_head_out_all_pos(
        model, tokens[:1], cache, lambda logits: logits[0, -1, PATH_END]
    )
    assert result.shape == (6, 2)
    assert result.std() > 0


@pytest.mark.parametrize("flag", ["use_attn_result", "use_split_qkv_input", "use_attn_in", "use_hook_mlp_in"])
def test_flags_of_transformer_lens_change_nothing(make_searching: Make, ragged: Callable, flag: str) -> None:
    model = make_searching()
    tokens = ragged(model)
    before = model(tokens)
    getattr(model, f"set_{flag}")(True)
    assert (model(tokens) - before).abs().max() < 1e-12


@pytest.mark.parametrize("loops", [None, 2])
@pytest.mark.parametrize("way", ["double", "bfloat16", "half"])
def test_the_configuration_follows_the_type_of_the_weights(make_searching: Make, way: str, loops: int | None) -> None:
    """By torch's own methods as by TransformerLens's `to`: caches and norms are made in that type."""
    model = getattr(make_searching(loops=loops, outer_norm=loops is not None), way)()
    kind = getattr(torch, {"double": "float64", "half": "float16"}.get(way, way))
    assert model.cfg.dtype == model.blocks[-1].attn.cfg.dtype == kind
    tokens, spans = model.tokenization.encode(generate(3, num=3, seed=1), prompt_only=True)
    written = decode_paths(model, tokens, spans.lengths, torch.full((3,), 4))
    plain = make_searching(loops=loops, outer_norm=loops is not None).to(kind, print_details=False)
    assert torch.equal(written, decode_paths(plain, tokens, spans.lengths, torch.full((3,), 4)))
    assert model.run_with_cache(tokens)[1]["pattern", 0].dtype == kind


def test_a_model_whose_weights_another_view_changed_goes_on(make_searching: Make) -> None:
    model = make_searching()
    model.with_loops(2).double()  # the parameters are the same objects
    tokens, spans = model.tokenization.encode(generate(3, num=3, seed=1), prompt_only=True)
    assert len(decode_paths(model, tokens, spans.lengths, torch.full((3,), 4))) == 3


@pytest.mark.parametrize("loops", [None, 2])
def test_a_model_goes_to_another_process_and_back(make_searching: Make, loops: int | None) -> None:
    model = folded_copy(make_searching(loops=loops, outer_norm=loops is not None))
    copied = pickle.loads(pickle.dumps(model))
    tokens = model.tokenization.encode(generate(3, num=3, seed=1)).tokens
    assert torch.equal(copied(tokens), model(tokens))
    with torch.no_grad():
        copied.blocks[0].attn.W_Q += 1
        assert not torch.equal(copied(tokens), model(tokens))
    assert len(list(copied.parameters())) == len(list(model.parameters()))
