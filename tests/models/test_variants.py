"""What no stock model has (value norm, reverse positions, memory): every hook works, files and decoding too."""

import json
from pathlib import Path

import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.models.folding import folded_copy
from maze_rl.models.model_files import load_model, save_model
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.workflows.export import export

TOKENIZATION = load_tokenization("edges", canvas=5)
VARIANTS = {
    "value_norm": {"value_norm": True},
    "reverse_positions": {"reverse_positions": True},
    "multiplied": {"reverse_positions": True, "reverse_form": "multiply"},
    "memory": {"memory": 6},
    "selected": {"memory": 6, "memory_kind": "selector"},
    "all": {"value_norm": True, "reverse_positions": True, "memory": 6},
}


def make(variant: str, dtype: torch.dtype = torch.float64, **fields: object) -> MazeTransformer:
    shape = {"n_layers": 2, "d_model": 16, "n_heads": 2} | VARIANTS.get(variant, {}) | fields
    return build_model(ModelConfig(**shape), TOKENIZATION, seed=1, dtype=dtype)  # type: ignore[arg-type]


def flags(variant: str) -> list[str]:
    """What of a variant is a part of its own; the rest says of which kind it is."""
    return [flag for flag in VARIANTS[variant] if flag not in ("reverse_form", "memory_kind")]


def tokens() -> torch.Tensor:
    return TOKENIZATION.encode(generate((3, 4, 5), num=6, seed=2)).tokens


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_is_another_function_on_the_same_plain_weights(variant: str) -> None:
    model, plain = make(variant), make("")
    assert torch.equal(model.W_Q, plain.W_Q)
    assert torch.equal(model.W_E, plain.W_E)
    assert (model(tokens()) - plain(tokens())).abs().max() > 1e-3


@pytest.mark.parametrize("variant", VARIANTS)
def test_later_tokens_are_not_seen(variant: str) -> None:
    model, ids = make(variant), tokens()
    changed = ids.clone()
    changed[:, 9:] = ids[:, 9:].flip(1)
    assert (model(ids)[:, :9] - model(changed)[:, :9]).abs().max() < 1e-12


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_cache_has_all_names_and_every_activation_counts(variant: str) -> None:
    model, ids = make(variant), tokens()
    logits, cache = model.run_with_cache(ids)
    assert (logits - model(ids)).abs().max() < 1e-12
    assert set(make("").run_with_cache(ids)[1].keys()) <= set(cache.keys())
    for name in ("hook_v", "hook_attn_scores", "hook_pattern", "hook_z"):
        hooked = model.run_with_hooks(ids, fwd_hooks=[(f"blocks.0.attn.{name}", lambda value, hook: value * 1.5)])
        assert (hooked - logits).abs().max() > 1e-9, name
    decomposed = cache.decompose_resid(return_labels=False).sum(dim=0)
    assert (decomposed - cache["blocks.1.hook_resid_post"]).abs().max() < 1e-12


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("positions", ["none", "learned"])
def test_decoding_with_a_cache_equals_the_whole_sequence_again(variant: str, positions: str) -> None:
    model = make(variant, positions=positions)
    prompts, spans = TOKENIZATION.encode(generate((2, 3, 5), "dfs_percolation", num=12), prompt_only=True)
    written = decode_paths(model, prompts, spans.lengths, torch.full((12,), 7))
    assert len(set(spans.lengths.tolist())) > 2
    with torch.no_grad():
        for row in range(12):
            sequence = prompts[row, : spans.lengths[row]]
            for token in written[row][written[row] != 0]:
                assert int(model(sequence[None])[0, -1].argmax()) == int(token)
                sequence = torch.cat([sequence, token[None]])


@pytest.mark.parametrize("form", ["add", "multiply"])
def test_reverse_positions_score_by_distance(form: str) -> None:
    model = make("reverse_positions", reverse_form=form)
    _, cache = model.run_with_cache(tokens())
    attention = model.blocks[1].attn
    q, k = cache["blocks.1.attn.hook_q"], cache["blocks.1.attn.hook_k"]
    assert attention.distances.shape == (2, model.cfg.n_ctx, 8)
    scores = cache["blocks.1.attn.hook_attn_scores"]
    for i, j in ((0, 0), (9, 0), (9, 4), (17, 17)):
        by_key, by_distance = ((q[:, i] * other).sum(-1) for other in (k[:, j], attention.distances[:, i - j]))
        expected = (by_key + by_distance if form == "add" else by_key * by_distance) / 8**0.5
        assert (scores[:, :, i, j] - expected).abs().max() < 1e-12


@pytest.mark.parametrize("form", ["add", "multiply"])
def test_reverse_positions_see_distances_alone(form: str) -> None:
    """In one layer with no other positions, what stands far away may move as long as distances stay."""
    model = make("reverse_positions", n_layers=1, reverse_form=form)
    ids = tokens()[:1, :12]
    mask = torch.ones(1, 15, dtype=torch.int64)
    mask[:, :3] = 0
    padded = torch.cat([torch.zeros(1, 3, dtype=ids.dtype), ids], dim=1)
    assert (model(padded, attention_mask=mask)[:, 3:] - model(ids)).abs().max() < 1e-12
    swapped = ids.clone()
    swapped[0, [2, 5]] = ids[0, [5, 2]]
    assert (model(swapped)[0, -1] - model(ids)[0, -1]).abs().max() > 1e-6


def test_a_selector_chooses_among_the_cells_of_every_head() -> None:
    model, ids = make("selected"), tokens()
    _, cache = model.run_with_cache(ids)
    memory, x = model.blocks[1].mlp.memory, cache["blocks.1.ln2.hook_normalized"]
    assert (memory.S1.shape, memory.S2.shape, memory.E.shape) == ((16, 11), (2, 11, 6), (2, 6, 8))
    hidden = torch.nn.functional.gelu(x @ memory.S1 + memory.b1)
    said = memory.b
    for head in range(2):
        pattern = torch.softmax(hidden @ memory.S2[head] + memory.b2[head], dim=-1)
        assert (cache["blocks.1.mlp.memory.hook_pattern"][:, :, head] - pattern).abs().max() < 1e-12
        said = said + pattern @ memory.E[head] @ memory.P[head]
    assert (cache["blocks.1.mlp.memory.hook_out"] - said).abs().max() < 1e-12
    silent = model.run_with_hooks(
        ids, fwd_hooks=[(f"blocks.{layer}.mlp.memory.hook_out", lambda value, hook: value * 0) for layer in (0, 1)]
    )
    assert (silent - make("")(ids)).abs().max() < 1e-12


def test_memory_attends_to_its_cells() -> None:
    model, ids = make("memory"), tokens()
    _, cache = model.run_with_cache(ids)
    memory, x = model.blocks[1].mlp.memory, cache["blocks.1.ln2.hook_normalized"]
    pattern = torch.softmax(x @ memory.K.T / 4, dim=-1)
    assert (cache["blocks.1.mlp.memory.hook_pattern"] - pattern).abs().max() < 1e-12
    assert (cache["blocks.1.mlp.memory.hook_out"] - pattern @ memory.V).abs().max() < 1e-12
    silent = model.run_with_hooks(
        ids, fwd_hooks=[(f"blocks.{layer}.mlp.memory.hook_out", lambda value, hook: value * 0) for layer in (0, 1)]
    )
    assert (silent - make("")(ids)).abs().max() < 1e-12


@pytest.mark.parametrize("variant", VARIANTS)
def test_all_trains(variant: str) -> None:
    model = make(variant)
    logits = model(tokens())
    direction = torch.randn(logits.shape, generator=torch.Generator().manual_seed(1), dtype=logits.dtype)
    (logits * direction).sum().backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and not name.endswith("b_K"):  # attention does not see a shift of all keys
            assert parameter.grad is not None and parameter.grad.abs().max() > 1e-9, name


@pytest.mark.parametrize("variant", VARIANTS)
def test_files_bring_it_back_and_say_that_it_is_not_stock(variant: str, tmp_path: Path) -> None:
    model = make(variant, torch.float32)
    save_model(model, tmp_path / "run", {})
    loaded = load_model(tmp_path / "run")
    assert torch.equal(loaded(tokens()), model(tokens()))
    description = json.loads((tmp_path / "run" / "model.json").read_text())
    assert description["hooked_transformer"] is None
    assert description["not_stock"] == flags(variant)
    assert (folded_copy(loaded)(tokens()) - model(tokens())).abs().max() < 1e-5


@pytest.mark.parametrize("variant", VARIANTS)
def test_export_refuses_in_one_line_that_names_it(variant: str, tmp_path: Path) -> None:
    save_model(make(variant, torch.float32), tmp_path / "run", {})
    with pytest.raises(ConfigurationError, match=" and ".join(flags(variant))) as error:
        export(tmp_path / "run", tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_export_writes_a_parametrized_model_folded(tmp_path: Path) -> None:
    from safetensors.torch import load_file
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    model = make("", torch.float32, parametrizations=("unified_embeddings:2", "unified_weights:v6", "residual_scaling"))
    save_model(model, tmp_path / "run", {"sizes": [3]})
    out = export(tmp_path / "run", tmp_path / "out")
    description = json.loads((out / "model.json").read_text())
    stock = HookedTransformer(HookedTransformerConfig(**description["hooked_transformer"]))
    stock.load_state_dict(load_file(out / "model.safetensors"))
    assert (stock(tokens()) - model(tokens())).abs().max() <= 1e-5
    again = load_model(out)
    assert again.about["trained_parametrizations"] == list(model.maze_config.parametrizations)
    assert again.about["trained_embedding"] == "factored"
