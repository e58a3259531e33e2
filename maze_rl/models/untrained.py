"""The control every claim about training needs: the same network before it learned anything."""

from dataclasses import fields

from transformer_lens import HookedTransformer

from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.build import MazeTransformer, build_bare, build_model


def untrained_twin(model: HookedTransformer, seed: int = 0) -> MazeTransformer:
    """Return a freshly initialised model of the same architecture and tokenization, in evaluation mode.

    One without a `maze_config` may have any shape: all fields of its `HookedTransformerConfig` are taken over.
    """
    config = getattr(model, "maze_config", None)
    device = model.cfg.device or "cpu"
    if config is not None:
        twin = build_model(config, tokenization_of(model), seed=seed, device=device, dtype=model.cfg.dtype)
    else:
        shape = {each.name: getattr(model.cfg, each.name) for each in fields(model.cfg)}
        # The weights come from `seed`; a seed of the configuration would set those of the whole process.
        shape |= {"seed": None, "init_weights": True, "tokenizer_name": None}
        twin = build_bare(shape, tokenization_of(model), seed=seed)
        twin.cfg.device = device
        twin.to(device, print_details=False)
    twin.about = {"name": "untrained"}
    return twin.eval()
