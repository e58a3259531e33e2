"""The control every claim about training needs: the same network before it learned anything."""

from maze_rl.models.build import MazeTransformer, build_bare, build_model

_SHAPE = (
    "n_layers", "d_model", "n_heads", "d_head", "d_mlp", "act_fn", "normalization_type", "use_attn_scale",
    "positional_embedding_type",
)  # fmt: skip


def untrained_twin(model: MazeTransformer, seed: int = 0) -> MazeTransformer:
    """Return a freshly initialised model of the same architecture and tokenization, in evaluation mode."""
    config = getattr(model, "maze_config", None)
    if config is not None:
        device, kind = model.cfg.device or "cpu", model.cfg.dtype
        twin = build_model(config, model.tokenization, seed=seed, device=device, dtype=kind)
    else:
        twin = build_bare({name: getattr(model.cfg, name) for name in _SHAPE}, model.tokenization, seed=seed)
    twin.about = {"name": "untrained"}
    return twin.eval()
