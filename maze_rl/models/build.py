"""Build the network: the only module that constructs a `HookedTransformer`.

The stock model is built first; then single components change class (same parameters, same hooks, another
forward), so that TransformerLens's names, caches and patching keep working while unhooked insides run on
fused kernels.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.components.attention import Attention
from transformer_lens.components.layer_norm import LayerNorm
from transformer_lens.components.transformer_block import TransformerBlock

from maze_rl.configs.model import ModelConfig, check_embedding
from maze_rl.configs.options import is_count
from maze_rl.errors import ConfigurationError
from maze_rl.models.attached_tokenization import about_of, tokenization_of
from maze_rl.models.context_room import longest_sequence
from maze_rl.models.factored_embedding import FactoredTokens
from maze_rl.models.forward_pass import ForwardPass
from maze_rl.models.fused_attention import FusedAttention
from maze_rl.models.fused_block import FusedBlock
from maze_rl.models.fused_layer_norm import FusedLayerNorm
from maze_rl.models.hooked_models import hooked_part
from maze_rl.models.maze_transformer import MazeTransformer
from maze_rl.models.memory_layer import add_memory
from maze_rl.models.no_positions import NoPositions
from maze_rl.models.parametrizations.parametrize_model import parametrize_model
from maze_rl.models.random_streams import torch_generator, torch_seed
from maze_rl.models.reverse_positions import add_reverse_positions
from maze_rl.models.stock_fields import NOT_FUSED, found_among
from maze_rl.models.tied_loops import LoopStart, OuterNorm, Recall
from maze_rl.models.tied_parameters import is_tied, share_parameters, tie
from maze_rl.models.wave_embedding import share_waves
from maze_rl.models.written_words import WrittenAlone, write_path_alone
from maze_rl.tokenization.tokenization import Tokenization

FUSED = {Attention: FusedAttention, LayerNorm: FusedLayerNorm, TransformerBlock: FusedBlock}


def build_model(
    config: ModelConfig,
    tokenization: Tokenization,
    *,
    seed: int = 0,
    device: str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> MazeTransformer:
    """Build a freshly initialised model; the global random state is left as it was.

    Args:
        config: Shape of the network.
        tokenization: Gives the vocabulary and the longest sequence.
        seed: Seed of the weights.
        device: Torch device.
        dtype: Parameter type.

    Raises:
        ConfigurationError: The embedding is `factored` and the format has no token that stands for a whole cell, or a
            parametrization of one's own fails.
    """
    check_embedding(config.embedding, tokenization.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "init"))
        model = _constructed(_stock_config(config, tokenization, dtype))
        _scale_residual_writes(model)
        _fuse(model)
        _share_pass(model)
        if config.positions == "none":
            _remove_positions(model)
        _vary(model, config, seed)
        _tie_loops(model, config)
        # Below the factors of the embedding, which then add up what the parametrizations compute.
        parametrize_model(model, config.parametrizations, seed)
        if config.unembedding == "path":
            write_path_alone(model, tokenization.layout)
        if config.embedding == "factored":
            _factor_tokens(model, tokenization, written_listed=config.unembedding == "all")
            if config.unembedding == "path":
                parametrize.register_parametrization(model.unembed, "W_U", WrittenAlone(tokenization.layout))
        elif config.embedding == "waves":
            share_waves(model, tokenization.layout)
    model.tokenization, model.maze_config, model.about = tokenization, config, {}
    model.cfg.device = device
    return model.to(device, print_details=False)  # type: ignore[return-value]


def with_loops(model: HookedTransformer, loops: int) -> MazeTransformer:
    """Return the same network with its block applied `loops` times, in the mode `model` is in.

    The parameters are the same objects: what trains one trains the other.

    Raises:
        ConfigurationError: The model has no loops, `loops` is below 1, or the model has hooks.
    """
    config = getattr(model, "maze_config", None)
    if config is None or not config.looped:
        raise ConfigurationError("loops: this model has none: its layers have weights of their own, each used once.")
    if not is_count(loops):
        raise ConfigurationError(f"loops is {loops}: the block is applied at least once.")
    if (hooked := hooked_part(model)) is not None:
        raise ConfigurationError(
            f"loops: this model is hooked at {hooked}, and hooks stay with the number of loops they were put on: take "
            "them off (model.reset_hooks(including_permanent=True)), and hook what with_loops returns."
        )
    # Its own weights are thrown away: plain ones cost least.
    view = build_alike(model, replace(config, loops=loops, embedding="free", parametrizations=()))
    sources = dict(model.named_modules())
    for name, module in view.named_modules():
        if module._parameters and not is_tied(module):
            share_parameters(module, sources[name])
    for name, module in model.named_children():
        if name not in view._modules:  # what parametrizations compute from
            view.add_module(name, module)
    view.maze_config, view.about = replace(config, loops=loops), about_of(model)
    return view.train(model.training)


def build_alike(model: HookedTransformer, config: ModelConfig | None, *, seed: int = 0) -> MazeTransformer:
    """Build a fresh model with the tokenization, device, type and, where it has no stock shape, the shape of another.

    Args:
        model: The other.
        config: What is built, its loops for one; None for a model that has no `maze_config`.
        seed: Seed of the weights.
    """
    device = model.cfg.device or "cpu"
    if config is not None and model.cfg.normalization_type is not None:
        return build_model(config, tokenization_of(model), seed=seed, device=device, dtype=model.cfg.dtype)
    shape = {each.name: getattr(model.cfg, each.name) for each in fields(model.cfg)}
    # The weights come from `seed`; a seed of the configuration would set those of the whole process.
    shape |= {"seed": None, "init_weights": True, "tokenizer_name": None}
    if config is not None:
        shape["n_layers"] = config.blocks
    alike = build_bare(shape, tokenization_of(model), config=config, seed=seed)
    alike.cfg.device = device
    return alike.to(device, print_details=False)  # type: ignore[return-value]


def build_bare(
    shape: Mapping[str, Any], tokenization: Tokenization | None, *, config: ModelConfig | None = None, seed: int = 0
) -> MazeTransformer:
    """Build a stock model of any shape: for weights set by hand, for a twin of such a model, for other tokens.

    Args:
        shape: Fields of `HookedTransformerConfig`.
        tokenization: Gives the vocabulary and the longest sequence where `shape` does not; None for other tokens.
        config: Its loops, prompt and positions, where they are no stock model's; `shape` says the rest, and its
            `n_layers` are the blocks of all loops.
        seed: Seed of TransformerLens's own initial weights; the global random state is left as it was.
    """
    given: dict[str, Any] = {"default_prepend_bos": False}  # no format has a token that begins a text
    if tokenization is not None:
        given |= {"d_vocab": len(tokenization.vocabulary), "n_ctx": longest_sequence(tokenization)}
    stock = HookedTransformerConfig(**{**given, **shape, "device": "cpu"})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "init"))
        model = _constructed(stock)
    _fuse(model)
    _share_pass(model)
    if config is not None:
        if config.positions == "none":
            _remove_positions(model)
        _tie_loops(model, config)
        model.maze_config = config
    if stock.normalization_type is None:
        model.ln_final = nn.Identity()  # TransformerLens leaves it out; whoever unembeds need not ask
    if tokenization is not None:
        model.tokenization = tokenization
    model.about = {}
    return model.eval()


def _constructed(config: HookedTransformerConfig) -> MazeTransformer:
    with warnings.catch_warnings():
        # TransformerLens 3.x says on every construction that 4.0 removes the class; we pin below 4.
        warnings.filterwarnings("ignore", message="HookedTransformer is deprecated", category=DeprecationWarning)
        return MazeTransformer(config, move_to_device=False)


def _stock_config(config: ModelConfig, tokenization: Tokenization, dtype: torch.dtype) -> HookedTransformerConfig:
    d_head = config.d_model // config.n_heads
    rotary = config.positions == "rotary"
    return HookedTransformerConfig(
        n_layers=config.blocks,
        d_model=config.d_model,
        n_heads=config.n_heads,
        d_head=d_head,
        d_mlp=config.mlp_width,
        act_fn=config.act_fn,
        normalization_type="LN",
        d_vocab=len(tokenization.vocabulary),
        n_ctx=longest_sequence(tokenization),
        positional_embedding_type="rotary" if rotary else "standard",
        rotary_dim=d_head if rotary else None,
        device="cpu",
        dtype=dtype,
        default_prepend_bos=False,
    )


@torch.no_grad()
def _scale_residual_writes(model: HookedTransformer) -> None:
    """Divide what writes to the residual stream by sqrt(2 n_layers), as in GPT-2, so its variance stays bounded."""
    for block in model.blocks:
        for weight in (block.attn.W_O, block.mlp.W_out):  # type: ignore[union-attr]
            weight /= math.sqrt(2 * model.cfg.n_layers)  # type: ignore[operator]


def _factor_tokens(model: HookedTransformer, tokenization: Tokenization, *, written_listed: bool) -> None:
    std = float(model.embed.W_E.detach().std())
    with (
        torch.no_grad()
    ):  # a cell's column of W_U is a sum of three vectors: keep its variance, and the first loss near ln V
        model.unembed.W_U /= math.sqrt(3)
    for module, name in ((model.embed, "W_E"), (model.unembed, "W_U")):
        unembeds = name == "W_U"
        scale = std / math.sqrt(3) if unembeds else std
        listed = written_listed or not unembeds
        factored = FactoredTokens(tokenization.layout, model.cfg.d_model, scale, transposed=unembeds, listed=listed)
        parametrize.register_parametrization(module, name, factored.to(model.cfg.dtype))


def _fuse(model: HookedTransformer) -> None:
    if found_among(model.cfg, NOT_FUSED):
        return
    for module in model.modules():
        if type(module) in FUSED:
            module.__class__ = FUSED[type(module)]


def _share_pass(model: MazeTransformer) -> None:
    model.shared = ForwardPass()
    for block in model.blocks:
        block.attn.shared = model.shared  # type: ignore[union-attr, assignment]


def _tie_loops(model: MazeTransformer, config: ModelConfig) -> None:
    """Let the blocks of all later loops have the parameters of the first, and recall the embedding between loops."""
    if not config.looped:
        return
    layers = config.n_layers
    norm = OuterNorm(config.d_model, model.cfg.eps, model.cfg.dtype) if config.outer_norm else None
    if norm is not None:
        model.outer_norm = norm
    for number in range(layers, config.blocks):
        block: Any = model.blocks[number]
        if number % layers == 0:
            block.__class__ = LoopStart
            block.recall = Recall(model.shared, norm)
        tie_to: Any = model.blocks[number % layers]
        for part in ("ln1", "attn", "ln2", "mlp"):
            tie(getattr(block, part), getattr(tie_to, part))
    model.setup()  # names the new hooks


def _vary(model: HookedTransformer, config: ModelConfig, seed: int) -> None:
    """Add what no stock model has; its first values come from streams of their own."""
    for attention in (block.attn for block in model.blocks):
        attention.normalize_values = config.value_norm  # type: ignore[union-attr, assignment]
    if config.reverse_positions:
        add_reverse_positions(model, config.reverse_form, torch_generator(seed, "reverse_positions"))
    if config.memory:
        add_memory(model, config.memory, config.memory_kind, torch_generator(seed, "memory"))


def _remove_positions(model: HookedTransformer) -> None:
    model.pos_embed.__class__ = NoPositions
    model.pos_embed.W_pos.requires_grad_(False).zero_()
