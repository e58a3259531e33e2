"""What a model is, in one line and in a notebook: its shape, its tokens, what it was trained on."""

from typing import TYPE_CHECKING, Any

from maze_rl.configs.ranges import format_range
from maze_rl.displays.notebook_html import block, headed, table

if TYPE_CHECKING:
    from maze_rl.models.maze_transformer import MazeTransformer


def model_line(model: "MazeTransformer") -> str:
    """Return one line about a model."""
    return "; ".join(filter(None, [_shape(model), f"{_num_parameters(model):,} parameters", _tokens(model)]))


def model_html(model: "MazeTransformer") -> str:
    """Return facts about a model as a table; ``print`` lists its modules."""
    about: dict[str, Any] = getattr(model, "about", None) or {}
    facts = [("network", _shape(model)), ("parameters", f"{_num_parameters(model):,}"), ("tokens", _tokens(model))]
    if about.get("sizes"):
        algorithm = about.get("algorithm", "")
        facts.append(("trained on", f"sizes {format_range(tuple(about['sizes']))} {algorithm}".strip()))
    facts += [(name, str(about[name])) for name in ("loss", "steps") if name in about]
    rows = [fact for fact in facts if fact[1]]
    return block(headed(type(model).__name__, str(about.get("name", ""))), table(("", ""), rows, left=(0, 1)))


def _shape(model: "MazeTransformer") -> str:
    loops = f" applied {model.loops} times" if model.loops > 1 else ""
    layers = model.cfg.n_layers // model.loops
    return f"{layers} layer{'s' * (layers > 1)}{loops}, d_model {model.cfg.d_model}, {model.cfg.n_heads} heads"


def _num_parameters(model: "MazeTransformer") -> int:
    """Return how many numbers were trained: a loaded model may hold tables computed from fewer."""
    trained = (getattr(model, "about", None) or {}).get("num_parameters")
    return trained or sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def _tokens(model: "MazeTransformer") -> str:
    tokenization = getattr(model, "tokenization", None)
    return "" if tokenization is None else tokenization._headline()
