"""The fused components compute what TransformerLens's own do, and give way to hooks on what they fuse."""

from itertools import product

import pytest
import torch
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.components import Attention, LayerNorm, PosEmbed, TransformerBlock

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.folding import folded_copy
from maze_rl.models.fused_attention import FusedAttention
from maze_rl.models.fused_block import FusedBlock
from maze_rl.models.fused_layer_norm import FusedLayerNorm
from maze_rl.models.no_positions import NoPositions
from maze_rl.tokenization.tokenization import load_tokenization

STOCK = {FusedAttention: Attention, FusedBlock: TransformerBlock, FusedLayerNorm: LayerNorm, NoPositions: PosEmbed}
OPTIONS = list(product(("none", "learned", "rotary"), ("factored", "free"), ("edges", "unique_cells")))


def make(
    positions: str = "none",
    embedding: str = "factored",
    tokens: str = "edges",
    dtype: torch.dtype = torch.float64,
    **shape: int,
) -> MazeTransformer:
    config = ModelConfig(
        **({"n_layers": 2, "d_model": 16, "n_heads": 2} | shape), positions=positions, embedding=embedding
    )
    model = build_model(config, load_tokenization(tokens, canvas=5), seed=3, dtype=dtype)
    with torch.no_grad():  # biases and gains start at 0 and 1, where errors in them would not show
        generator = torch.Generator().manual_seed(0)
        for name, parameter in model.named_parameters():
            if name.split(".")[-1] in ("b", "w") or ".b_" in name:
                parameter += 0.3 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
    return model


def stock_twin(model: MazeTransformer) -> HookedTransformer:
    """The same weights with every component's class put back to TransformerLens's own."""
    twin = folded_copy(model)
    for module in twin.modules():
        module.__class__ = STOCK.get(type(module), type(module))
    return twin


def some_tokens(model: MazeTransformer) -> torch.Tensor:
    return model.tokenization.encode(generate((3, 4, 5), "dfs_percolation", num=6, seed=2)).tokens


@pytest.mark.parametrize(("positions", "embedding", "tokens"), OPTIONS)
def test_logits_and_gradients_equal_stock(positions: str, embedding: str, tokens: str) -> None:
    model = make(positions, embedding, tokens)
    twin, ids, model = stock_twin(model), some_tokens(model), folded_copy(model)
    fused, stock = model(ids), twin(ids)
    assert (fused - stock).abs().max() < 1e-12
    assert torch.equal(fused.argmax(-1), stock.argmax(-1))
    direction = torch.randn(fused.shape, generator=torch.Generator().manual_seed(1), dtype=fused.dtype)
    (fused * direction).sum().backward()
    (stock * direction).sum().backward()
    pairs = list(zip(model.named_parameters(), twin.named_parameters(), strict=True))
    compared = 0
    for (name, ours), (_, theirs) in pairs:
        if ours.requires_grad and ours.grad is not None:
            assert theirs.grad is not None, name
            scale = theirs.grad.abs().max().clamp(min=1)
            assert (ours.grad - theirs.grad).abs().max() / scale < 1e-12, name
            compared += 1
    assert compared > 30


@pytest.mark.parametrize("positions", ["none", "learned", "rotary"])
def test_float32_equals_stock(positions: str) -> None:
    model = make(positions, dtype=torch.float32)
    ids = some_tokens(model)
    fused, stock = model(ids), stock_twin(model)(ids)
    assert (fused - stock).abs().max() < 1e-5
    assert torch.equal(fused.argmax(-1), stock.argmax(-1))


@pytest.mark.parametrize("positions", ["none", "learned", "rotary"])
def test_masked_left_padding_equals_stock(positions: str) -> None:
    model = make(positions)
    ids = some_tokens(model)
    mask = torch.ones_like(ids)
    mask[0, :7] = 0
    mask[2, :1] = 0
    fused, stock = model(ids, attention_mask=mask), stock_twin(model)(ids, attention_mask=mask)
    real = mask.bool()
    assert (fused[real] - stock[real]).abs().max() < 1e-12


def test_cache_names_and_values_equal_stock() -> None:
    model = make("rotary")
    ids = some_tokens(model)
    _, cache = model.run_with_cache(ids)
    _, reference = stock_twin(model).run_with_cache(ids)
    assert set(cache.keys()) == set(reference.keys())
    for name in cache:
        same = torch.where(reference[name].isinf(), 0.0, cache[name] - reference[name]).abs().max()
        assert same < 1e-11, name


HOOKED = [
    "blocks.0.attn.hook_attn_scores",
    "blocks.1.attn.hook_pattern",
    "blocks.0.ln1.hook_scale",
    "blocks.0.ln1.hook_normalized",
    "blocks.1.ln2.hook_normalized",
    "ln_final.hook_scale",
    "blocks.0.attn.hook_q",
    "blocks.0.attn.hook_z",
    "blocks.1.attn.hook_v",
    "blocks.0.hook_resid_mid",
    "blocks.1.hook_attn_out",
    "hook_embed",
    "hook_pos_embed",
    "blocks.0.mlp.hook_post",
    "blocks.1.hook_resid_post",
]


@pytest.mark.parametrize("name", HOOKED)
def test_a_hook_acts_as_in_stock(name: str) -> None:
    model = make("learned")
    ids = some_tokens(model)

    def change(value: torch.Tensor, hook: object) -> torch.Tensor:
        return value * 1.5 + 0.1

    ours = model.run_with_hooks(ids, fwd_hooks=[(name, change)])
    theirs = stock_twin(model).run_with_hooks(ids, fwd_hooks=[(name, change)])
    assert (ours - theirs).abs().max() < 1e-11
    assert (ours - model(ids)).abs().max() > 1e-6


def test_backward_hooks_fire() -> None:
    model = make()
    seen = []
    model.blocks[0].attn.hook_pattern.add_hook(lambda value, hook: seen.append(value.shape) and None, dir="bwd")
    model(some_tokens(model)).sum().backward()
    assert len(seen) == 1


@pytest.mark.parametrize("flag", ["use_attn_result", "use_split_qkv_input", "use_attn_in", "use_hook_mlp_in"])
def test_flags_equal_stock(flag: str) -> None:
    model = make()
    ids = some_tokens(model)
    plain, twin = model(ids), stock_twin(model)
    for either in (model, twin):
        getattr(either, f"set_{flag}")(True)
    assert (model(ids) - twin(ids)).abs().max() < 1e-12
    assert (model(ids) - plain).abs().max() < 1e-11


def test_patching_runs() -> None:
    from transformer_lens import patching

    model = make(dtype=torch.float32)
    ids = some_tokens(model)[:1, :20]
    _, cache = model.run_with_cache(some_tokens(model)[1:2, :20])
    result = patching.get_act_patch_attn_head_out_all_pos(model, ids, cache, lambda logits: logits[0, -1, 12])
    assert result.shape == (2, 2)
    assert result.std() > 0


def test_folding_keeps_the_function_and_returns_stock_keys() -> None:
    model = make("learned", "factored")
    ids = some_tokens(model)
    before = model(ids)
    folded = folded_copy(model)
    assert torch.equal(folded(ids), before)
    assert torch.equal(model(ids), before)  # the live model still works, parametrized
    stock = HookedTransformer(HookedTransformerConfig.from_dict(model.cfg.to_dict()))
    stock.load_state_dict(folded.state_dict())
    assert (stock(ids) - before).abs().max() < 1e-12


def test_factored_embedding_shares_rows_and_columns() -> None:
    model = make(embedding="factored", tokens="edges")
    layout, table = model.tokenization.layout, model.W_E
    factors = model.embed.parametrizations.W_E[0]
    own = model.embed.parametrizations.W_E.original
    cell = layout.cell_ids[2, 3]
    assert torch.allclose(table[cell], own[cell] + factors.rows[2] + factors.cols[3])
    edge = layout.edge_ids[0, 1, 3]  # (1,3)-(2,3)
    assert torch.allclose(table[edge], table[layout.cell_ids[1, 3]] + table[cell])


def test_walls_share_a_vector_and_fold_exactly() -> None:
    tokenization = load_tokenization("edges", canvas=5, walls=True, path="moves")
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=2), tokenization)
    layout, table = tokenization.layout, model.W_E
    shared = model.embed.parametrizations.W_E[0].wall
    walls = layout.wall_ids[layout.edge_ids >= 0]
    assert torch.allclose(table[walls], table[layout.edge_ids[layout.edge_ids >= 0]] + shared)
    assert torch.equal(folded_copy(model).W_E, table)


def test_listed_cells_are_their_cell_and_their_open_sides_and_fold_exactly() -> None:
    tokenization = load_tokenization("cells", canvas=5, path="moves")
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=2), tokenization)
    layout, table = tokenization.layout, model.W_E
    sides, cell = model.embed.parametrizations.W_E[0].sides, table[layout.cell_ids[2, 3]]
    assert sides.shape == (4, 8)
    assert torch.equal(table[layout.open_cell_ids[2, 3, 0]], cell)
    for down, right, up, left in product((0, 1), repeat=4):
        listed = table[layout.open_cell_ids[2, 3, down + 2 * right + 4 * up + 8 * left]]
        assert torch.allclose(listed, cell + down * sides[0] + right * sides[1] + up * sides[2] + left * sides[3])
    assert torch.equal(folded_copy(model).W_E, table)
    unembed = model.unembed.parametrizations.W_U[0].sides
    assert torch.allclose(model.W_U[:, layout.open_cell_ids[0, 0, 2]], model.W_U[:, layout.cell_ids[0, 0]] + unembed[1])


def test_cells_of_several_tokens_cannot_be_factored() -> None:
    with pytest.raises(ConfigurationError, match="embedding factored with format coordinate_tuples"):
        build_model(ModelConfig(n_layers=1, d_model=8, n_heads=2), load_tokenization("coordinate_tuples"))


def test_building_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = make()
    assert torch.equal(torch.rand(3), expected)
    assert torch.equal(first.W_Q, make().W_Q)


def test_no_positions_ignores_order_of_visible_tokens() -> None:
    """In one layer without positions, permuting tokens changes nothing for those that see all of them."""
    model = make("none", n_layers=1)
    ids = some_tokens(model)[:1]
    permuted = ids.clone()
    permuted[0, 1:4] = ids[0, [3, 1, 2]]
    assert (model(ids)[0, 4:] - model(permuted)[0, 4:]).abs().max() < 1e-12
    assert (model(ids)[0, 1:4] - model(permuted)[0, 1:4]).abs().max() > 1e-6
