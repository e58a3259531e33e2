"""Small models that each lack something an analysis may rely on, and what analyses are given of them."""

from collections.abc import Callable
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.configs.model import ModelConfig
from maze_rl.interp.attention.attention_maps import GroupedAttention
from maze_rl.interp.inputs.decisions import Decisions, find_decisions
from maze_rl.interp.inputs.pair_tokens import PairTokens
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, make_pairs
from maze_rl.interp.inputs.recombined_mazes import RecombinedMazes, recombine_mazes
from maze_rl.interp.materials import Materials, Setting, gather, pairs_of_any_depth
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.mazes.solve import solve_batch
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

SHAPE = {"n_layers": 2, "d_model": 24, "n_heads": 2}
LOOPS = {"loops": 2, "outer_norm": True}
VARIANTS: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "default": (
        {"name": "cells", "origin": "path"},
        LOOPS | {"prompt": "visible", "embedding": "waves", "unembedding": "path"},
        "plain causal edges origin",
    ),
    "visible": ({"name": "edges"}, {"prompt": "visible"}, "causal cells loops starts"),
    "loops": ({"name": "unique_cells"}, LOOPS | {"positions": "learned"}, "plain cells starts"),
    "stock": ({"name": "unique_cells"}, {"positions": "learned"}, "cells loops starts"),
    "origin on path": (
        {"name": "unique_cells", "origin": "path"},
        {"positions": "learned"},
        "origin cells loops starts",
    ),
}
"""Models, by name: how they read, how they are built, and what they lack."""
SETTING = Setting(size=4, num_mazes=40, num_pairs=40, num_probed=80, num_swapped=960, split=None)
MAZES = generate(4, "dfs", num=40, seed=3).batches[0]
MAZES_STEPS = solve_batch(MAZES).lengths


class Case:
    """One model and what analyses are given; `plain` are the references."""

    def __init__(self, name: str, plain: ModuleType) -> None:
        given, built, lacks = VARIANTS[name]
        self.plain, self.lacks = plain, set(lacks.split())
        self.mazes = MAZES
        self.tokenization: Tokenization = load_tokenization(canvas=8, **given)
        config = ModelConfig(**SHAPE | built)
        self.model: MazeTransformer = build_model(config, self.tokenization, dtype=torch.float64)
        _randomize(self.model)
        self.model.eval()
        self.decisions: Decisions = find_decisions(self.tokenization, MAZES)
        self.patched = _pairs_of(self.decisions)
        listed = self.decisions.spans.regions[:8] == Region.ADJACENCY
        at = torch.arange(listed.shape[1]) == self.patched.position[:, None]
        length = self.patched.clean.shape[1]
        self.groups = {"listed": listed[:, :length], "decision": at[:, :length]}

    @cached_property
    def pairs(self) -> PatchingPairs:
        return make_pairs(self.tokenization, size=4, num=12, depths=(0, 16), split=None)

    @cached_property
    def few_decisions(self) -> Decisions:
        return find_decisions(self.tokenization, MAZES.take(np.arange(12)))

    @cached_property
    def two_walks(self) -> Decisions:
        """Of mazes with short paths."""
        return find_decisions(self.tokenization, MAZES.take(np.flatnonzero(MAZES_STEPS <= 4)[:2]))

    @cached_property
    def far_decisions(self) -> Decisions:
        return find_decisions(self.tokenization, generate(6, "dfs", num=160, seed=4).batches[0])

    @cached_property
    def any_depth(self) -> PatchingPairs:
        return pairs_of_any_depth(self.tokenization, Setting(size=4, num_pairs=12, split=None))

    @cached_property
    def materials(self) -> Materials:
        return gather(self.tokenization, SETTING)

    @cached_property
    def larger(self) -> MazeBatch:
        return generate(5, "dfs", num=60, seed=3).batches[0]

    @cached_property
    def swapped(self) -> RecombinedMazes:
        spec = spec_from_arguments(sizes=(4,), algorithm="dfs", split=None)
        return recombine_mazes(self.tokenization, spec, num=960)

    def grouped(self, make: Callable[..., GroupedAttention] = GroupedAttention) -> GroupedAttention:
        groups = np.arange(self.decisions.tokens.shape[1])[None] % 3 + np.zeros((len(self.decisions), 1), np.int64)
        return make(self.model, self.decisions, groups, np.ones((len(self.decisions), 3)))

    def summed(self, reducer: Any, stream: Callable[..., None] | None = None) -> Any:
        reducers = list(reducer.values()) if isinstance(reducer, dict) else [reducer]
        (stream or self.plain.MODULES["attention_maps"].stream_patterns)(self.model, self.decisions, reducers)
        return [each.means if hasattr(each, "means") else each.sums for each in reducers]

    def by_group(self, pairs: PairTokens, groups: dict[str, Tensor]) -> Tensor:
        """Return the changes by patching residual streams, [pair, layer, group], from whole runs."""
        parts = [self.plain.patched(self.model, pairs, "resid_pre", mask) for mask in groups.values()]
        return torch.stack(parts, dim=-1)


def _randomize(model: MazeTransformer) -> None:
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.15 * torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)


def _pairs_of(decisions: Decisions) -> PairTokens:
    """Return 8 sequences up to a decision, and each with another token in a place of its list."""
    rows = np.array([np.flatnonzero(decisions.maze == maze)[-1] for maze in range(8)])
    position = torch.from_numpy(decisions.position[rows])
    length = int(position.max()) + 1
    clean = decisions.tokens[:8, :length].clone()
    clean[torch.arange(length) > position[:, None]] = PADDING
    corrupt, each = clean.clone(), torch.arange(8)
    corrupt[each, 1 + 3 * each] = clean[each, 5 + 3 * each]
    ids = torch.from_numpy(decisions.next_ids[rows])
    right = torch.from_numpy(decisions.optimal[rows].argmax(axis=1))
    wrong = ids.masked_fill(torch.arange(4) == right[:, None], -1).amax(dim=1)
    return PairTokens(clean, corrupt, position, ids[each, right], wrong)
