"""The state of an optimizer as a tree with text keys, which safetensors and JSON can hold."""

from typing import Any

import torch
from torch import Tensor

from maze_rl.errors import ConfigurationError

Tree = dict[str, Any]


def optimizer_tree(optimizer: torch.optim.Optimizer) -> Tree:
    """Return the state: `tensors` and `plain` values named ``index.name``, and the groups."""
    values = optimizer.state_dict()
    tensors, plain = {}, {}
    for index, entries in values["state"].items():
        for name, value in entries.items():
            (tensors if isinstance(value, Tensor) else plain)[f"{index}.{name}"] = value
    return {"tensors": tensors, "plain": plain, "param_groups": values["param_groups"]}


def load_optimizer_tree(optimizer: torch.optim.Optimizer, tree: Tree) -> None:
    """Take up a state that `optimizer_tree` returned, on disk in between."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in (tree["tensors"] | tree["plain"]).items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    groups = [group | ({"betas": tuple(group["betas"])} if "betas" in group else {}) for group in tree["param_groups"]]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def optimizer_equal(first: torch.optim.Optimizer, second: torch.optim.Optimizer) -> bool:
    """Tell whether two optimizers hold bit-identical state: what exact resume promises."""
    ours, theirs = optimizer_tree(first), optimizer_tree(second)
    tensors, others = ours.pop("tensors"), theirs.pop("tensors")
    same_keys = tensors.keys() == others.keys() and ours == theirs
    return same_keys and all(torch.equal(tensors[key], others[key]) for key in tensors)


def split_tree(tree: Tree, prefix: str = "") -> tuple[dict[str, Tensor], Tree]:
    """Take the tensors out of a tree; return them by dotted path, and the tree with their paths in their places."""
    tensors: dict[str, Tensor] = {}
    rest: Tree = {}
    for name, value in tree.items():
        if not isinstance(name, str):
            raise ConfigurationError(f"the state to be saved has the key {name!r} under {prefix!r}: use text keys.")
        path = f"{prefix}{name}"
        if isinstance(value, Tensor):
            tensors[path], rest[name] = value, {"tensor": path}
        elif isinstance(value, dict):
            inner, rest[name] = split_tree(value, f"{path}/")
            tensors |= inner
        else:
            rest[name] = value
    return tensors, rest


def join_tree(tensors: dict[str, Tensor], rest: Tree) -> Tree:
    """Undo `split_tree`."""
    return {name: _joined(tensors, value) for name, value in rest.items()}


def _joined(tensors: dict[str, Tensor], value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value.keys() == {"tensor"} and isinstance(value["tensor"], str):
        return tensors[value["tensor"]]
    return join_tree(tensors, value)
