"""Fold parametrized weights into plain ones: the same function under stock `HookedTransformer` keys.

A fresh plain model is filled with the values the parametrizations compute. (Removing parametrizations
from a deep copy instead would break the original: both share the class torch made for them.)
"""

from dataclasses import replace

from torch import Tensor, nn
from torch.nn.utils import parametrize

from maze_rl.models.build import MazeTransformer, build_model


def folded_state(model: nn.Module) -> dict[str, Tensor]:
    """Return the state dict `model` would have if every parametrized weight were a plain parameter."""
    state = {name: value for name, value in model.state_dict().items() if ".parametrizations." not in name}
    for prefix, module in model.named_modules():
        if parametrize.is_parametrized(module):
            for name in module.parametrizations:  # type: ignore[union-attr]
                state[f"{prefix}.{name}"] = getattr(module, name).detach().clone()
    return state


def folded_copy(model: MazeTransformer) -> MazeTransformer:
    """Return a plain model that computes what `model` does; the live model and its optimizer stay as they are."""
    config = replace(model.maze_config, embedding="free")
    plain = build_model(config, model.tokenization, device=model.cfg.device or "cpu", dtype=model.cfg.dtype)
    plain.load_state_dict(folded_state(model))
    plain.about = model.about
    return plain.eval()
