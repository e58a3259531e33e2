"""References: what analyses read, from plain runs of the whole model, one sequence at a time and without padding."""

import importlib
import pkgutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import maze_rl.interp
from maze_rl.interp.activations.probe_sites import ProbeSites
from maze_rl.interp.inputs.pair_tokens import PairTokens
from maze_rl.interp.interventions import head_ablation
from maze_rl.tokenization.spans import Region

MODULES = {
    each.name.rpartition(".")[2]: importlib.import_module(each.name)
    for each in pkgutil.walk_packages(maze_rl.interp.__path__, "maze_rl.interp.")
    if not each.ispkg
}
"""Every module of the analyses, by its name without the folders."""
called: list[str] = []
"""Which of the references below were used."""


def logits_of(model: Any, row: Tensor, *hooks: Any) -> Tensor:
    """Return the logits of one sequence, [pos, d_vocab]."""
    with torch.no_grad():
        return model.run_with_hooks(row[None], fwd_hooks=list(hooks))[0]


def final_of(model: Any, row: Tensor, *changes: tuple[int, Any]) -> Tensor:
    """Return what the last block of one sequence's run leaves, [pos, d_model], with blocks' outputs changed."""
    kept: list[Tensor] = []
    last = f"blocks.{model.cfg.n_layers - 1}.hook_resid_post"
    hooks = [(f"blocks.{layer}.hook_resid_post", change) for layer, change in changes]
    logits_of(model, row, *hooks, (last, lambda stream, hook: kept.append(stream[0].clone())))
    return kept[0]


def cache_of(model: Any, row: Tensor) -> Any:
    """Return everything that one sequence's run leaves."""
    return _cached(model, tuple(row.tolist()))


@lru_cache(maxsize=200)
def _cached(model: Any, row: tuple[int, ...]) -> Any:
    with torch.no_grad():
        return model.run_with_cache(torch.tensor(row)[None])[1]


def difference(logits: Tensor, pairs: PairTokens, row: int) -> Tensor:
    return logits[pairs.position[row], pairs.right[row]] - logits[pairs.position[row], pairs.wrong[row]]


def differences(model: Any, tokens: Tensor, pairs: PairTokens) -> Tensor:
    """Return every row's logit difference."""
    rows = range(len(pairs))
    return torch.stack([difference(logits_of(model, real(tokens[row], pairs, row)), pairs, row) for row in rows])


def real(tokens: Tensor, pairs: PairTokens, row: int) -> Tensor:
    return tokens[: int(pairs.position[row]) + 1]


def whole(decisions: Any, maze: int) -> Tensor:
    return decisions.tokens[maze, : int(decisions.spans.lengths[maze])]


def _streams(model: Any, cache: Any, position: int) -> Tensor:
    names = ["blocks.0.hook_resid_pre", *(f"blocks.{layer}.hook_resid_post" for layer in range(model.cfg.n_layers))]
    return torch.stack([cache[name][0, position] for name in names])


def streams_at(model: Any, tokens: Tensor, position: Tensor) -> Tensor:
    called.append("streams_at")
    found = (
        _streams(model, cache_of(model, row[: at + 1]), at) for row, at in zip(tokens, position.tolist(), strict=True)
    )
    return torch.stack(list(found))


def path_start_sites(model: Any, batch: Any, *, seed: int = 0, batch_size: int = 256) -> ProbeSites:
    called.append("path_start_sites")
    tokenization = model.tokenization.with_options(random_offsets=False)
    encoded = tokenization.encode_batch(batch, streams=np.arange(len(batch)), seed=seed, prompt_only=True)
    streams, bags = [], []
    for tokens, at in zip(encoded.tokens, encoded.spans.path_start.tolist(), strict=True):
        cache = cache_of(model, tokens[: at + 1])
        streams.append(_streams(model, cache, at))
        bags.append((cache["hook_embed"] + cache["hook_pos_embed"])[0].mean(dim=0))
    return ProbeSites(batch, torch.stack(streams).float().numpy(), torch.stack(bags).float().numpy())


def cell_streams(
    model: Any, mazes: Any, *, loops: Any = None, cells: Any = None, seed: int = 0, batch_size: int = 16
) -> np.ndarray:
    called.append("cell_streams")
    tokenization = model.tokenization.with_options(random_offsets=False)
    encoded = tokenization.encode_batch(mazes, streams=np.arange(len(mazes)), seed=seed, prompt_only=True)
    kept = list(range(1, model.loops + 1)) if loops is None else list(loops)
    layers, (rows, cols) = model.cfg.n_layers // model.loops, mazes.shape
    found = np.zeros((len(mazes), len(kept), rows * cols, model.cfg.d_model), np.float32)
    for maze, tokens in enumerate(encoded.tokens):
        cache = cache_of(model, tokens[: int(encoded.spans.path_start[maze]) + 1])
        for place in np.flatnonzero(encoded.spans.regions[maze] == Region.ADJACENCY):
            row, col = encoded.spans.cells[maze, place].tolist()
            for number, loop in enumerate(kept):
                stream = cache[f"blocks.{layers * loop - 1}.hook_resid_post"]
                found[maze, number, row * cols + col] = stream[0, place].numpy()
    return found if cells is None else np.take_along_axis(found, cells[:, None, :, None], axis=2)


def decision_streams(model: Any, decisions: Any, *, batch_size: int = 256) -> Tensor:
    called.append("decision_streams")
    caches = {maze: cache_of(model, whole(decisions, maze)) for maze in np.unique(decisions.maze)}
    pairs = zip(decisions.maze, decisions.position, strict=True)
    return torch.stack([_streams(model, caches[maze], at) for maze, at in pairs])


def stream_patterns(model: Any, decisions: Any, reducers: Sequence[Any], *, batch_size: int = 64) -> None:
    called.append("stream_patterns")
    for maze in range(len(decisions.tokens)):
        tokens = whole(decisions, maze)
        cache = cache_of(model, tokens)
        for reducer in reducers:
            reducer.begin(maze, maze + 1, len(tokens))
            for layer in range(model.cfg.n_layers):
                reducer.add(layer, cache["pattern", layer])


def pair_logits(model: Any, tokens: Tensor, position: Tensor, batch_size: int = 256) -> Tensor:
    called.append("pair_logits")
    return torch.stack([logits_of(model, row[: at + 1])[at] for row, at in zip(tokens, position.tolist(), strict=True)])


class DecisionStream:
    """Every change by a run of its own, which begins with the tokens."""

    def __init__(self, model: Any, tokens: Tensor, position: Tensor) -> None:
        called.append("DecisionStream")
        self._model, self._tokens, self._position = model, tokens, position
        self.streams = streams_at(model, tokens, position)[:, 1:].swapaxes(0, 1)
        self.choices = pair_logits(model, tokens, position).argmax(dim=-1)

    def go_on(self, changes: Sequence[Any]) -> list[Tensor]:
        chosen = [torch.empty_like(change.rows) for change in changes]
        for row in range(len(self._tokens)):
            asked = [(of, place) for of, each in enumerate(changes) for place in (each.rows == row).nonzero()[:, 0]]
            if asked:
                for (of, place), choice in zip(asked, self._choices(row, changes, asked), strict=True):
                    chosen[of][place] = choice
        return chosen

    def _choices(self, row: int, changes: Sequence[Any], asked: list[tuple[int, Tensor]]) -> Tensor:
        """Return the choices after some changes of one sequence, which runs once for each of them."""
        at = int(self._position[row])

        def put(stream: Tensor, hook: Any) -> Tensor:
            for copy, (of, place) in enumerate(asked):
                if changes[of].layer == hook.layer():
                    stream[copy, at] = changes[of].streams[place]
            return stream

        hooks: list[Any] = [(f"blocks.{layer}.hook_resid_post", put) for layer in range(self._model.cfg.n_layers)]
        with torch.no_grad():
            logits = self._model.run_with_hooks(self._tokens[row, : at + 1].repeat(len(asked), 1), fwd_hooks=hooks)
        return logits[:, at].argmax(dim=-1)


def patched(model: Any, pairs: PairTokens, component: str, mask: Tensor) -> Tensor:
    """Return LD_patched - LD_corrupt of denoising where `mask`, [pair, layer]."""
    rows = []
    for row in range(len(pairs)):
        clean, corrupt = (real(tokens[row], pairs, row) for tokens in (pairs.clean, pairs.corrupt))
        cache, before = cache_of(model, clean), difference(logits_of(model, corrupt), pairs, row)
        chosen = mask[row, : len(clean)]

        def put(value: Tensor, hook: Any, cache: Any = cache, chosen: Tensor = chosen) -> Tensor:
            value[:, chosen] = cache[hook.name][:, chosen]
            return value

        names = [f"blocks.{layer}.hook_{component}" for layer in range(model.cfg.n_layers)]
        after = [difference(logits_of(model, corrupt, (name, put)), pairs, row) for name in names]
        rows.append(torch.stack(after) - before)
    return torch.stack(rows)


def estimated(model: Any, pairs: PairTokens, groups: dict[str, Tensor]) -> np.ndarray:
    """Return (clean - corrupt) . dLD/da of the residual streams on the corrupt run, [pair, layer, group]."""
    rows = []
    for row in range(len(pairs)):
        clean, corrupt = (real(tokens[row], pairs, row) for tokens in (pairs.clean, pairs.corrupt))
        cache, kept = cache_of(model, clean), []

        def keep(value: Tensor, hook: object, kept: list[Tensor] = kept) -> None:
            kept.append(value)

        hooks = [(f"blocks.{layer}.hook_resid_pre", keep) for layer in range(model.cfg.n_layers)]
        with torch.enable_grad():
            logits = model.run_with_hooks(corrupt[None], fwd_hooks=hooks)[0]
            slopes = torch.autograd.grad(difference(logits, pairs, row), kept)
        parts = [
            ((cache["resid_pre", layer] - value) * slope).sum(dim=-1)[0].detach()
            for layer, (value, slope) in enumerate(zip(kept, slopes, strict=True))
        ]
        masks = torch.stack([mask[row, : len(clean)] for mask in groups.values()], dim=1).to(parts[0])
        rows.append(torch.stack(parts) @ masks)
    return torch.stack(rows).numpy()


def right_by_set(
    model: Any, decisions: Any, forks: Any, sets: Any, how: str, reference: Any, seed: int, batch_size: int
) -> np.ndarray:
    """Return where the choice is right without each set of heads: whole runs, the heads' outputs put in."""
    called.append("_right_by_set")
    layers = range(model.cfg.n_layers)
    last = {maze: int(decisions.position[decisions.maze == maze].max()) for maze in range(len(decisions.tokens))}
    caches = {maze: cache_of(model, whole(decisions, maze)) for maze in last}
    decided = {maze: np.isin(np.arange(last[maze] + 1), decisions.position[decisions.maze == maze]) for maze in last}
    donors = head_ablation._donors(len(last), len(last), True, seed)

    def mean(layer: int, kind: bool) -> Tensor:
        return torch.cat([caches[m]["z", layer][0, : last[m] + 1][decided[m] == kind] for m in last]).mean(dim=0)

    means = {layer: torch.stack([mean(layer, kind) for kind in (False, True)]) for layer in layers}

    def instead(maze: int, layer: int, length: int) -> Tensor:
        if how == "mean":
            at = np.zeros(length, np.int64)
            at[: last[maze] + 1] = decided[maze]
            return means[layer][at]
        places = np.minimum(np.arange(length), last[donors[maze]])
        return caches[donors[maze]]["z", layer][0, places]

    right = np.zeros((len(sets), len(forks)), np.bool_)
    for number, chosen in enumerate(sets):
        for maze in np.unique(forks.maze):
            tokens, rows = whole(decisions, maze), np.flatnonzero(forks.maze == maze)
            values = {layer: instead(maze, layer, len(tokens)) for layer in layers}

            def put(z: Tensor, hook: Any, values: Any = values, chosen: Any = chosen) -> Tensor:
                for layer, head in chosen:
                    if layer == hook.layer():
                        z[0, :, head] = values[layer][:, head]
                return z

            logits = logits_of(model, tokens, *((f"blocks.{layer}.attn.hook_z", put) for layer in layers))
            asked = forks.take(rows)
            right[number, rows] = head_ablation.right_choices(asked, logits[asked.position])
    return right


def turned(model: Any, edit: Any, rows: np.ndarray, layer: int, arrow: Tensor) -> np.ndarray:
    """Return where steering turns the choice: whole runs, the arrow added to what the layer leaves."""
    called.append("_turned")
    found = np.zeros(len(rows), np.bool_)
    for place, row in enumerate(rows):
        at, site = int(edit.position[row]), int(edit.site[row])

        def put(stream: Tensor, hook: object, site: int = site, row: int = row) -> Tensor:
            stream[0, site] += arrow[row]
            return stream

        logits = logits_of(model, edit.tokens[row, : at + 1], (f"blocks.{layer}.hook_resid_post", put))
        found[place] = int(logits[at].argmax()) == int(edit.answer[row])
    return found


REFERENCES = {
    "streams_at": streams_at,
    "path_start_sites": path_start_sites,
    "cell_streams": cell_streams,
    "decision_streams": decision_streams,
    "stream_patterns": stream_patterns,
    "pair_logits": pair_logits,
    "DecisionStream": DecisionStream,
    "_right_by_set": right_by_set,
    "_turned": turned,
}


@contextmanager
def in_place() -> Iterator[None]:
    """Put the references in the place of what they are references of, in every analysis."""
    patch = pytest.MonkeyPatch()
    for module in MODULES.values():
        for name, reference in REFERENCES.items():
            if hasattr(module, name):
                patch.setattr(module, name, reference)
    called.clear()
    try:
        yield
    finally:
        patch.undo()
