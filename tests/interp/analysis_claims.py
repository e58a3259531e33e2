"""What every analysis relies on, how it is called, and what it must give: the table behind `test_every_model.py`."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from maze_rl import generate, load_tokenization
from maze_rl.interp.activations.decision_stream import Change
from maze_rl.interp.activations.jacobian_lens import JacobianLens
from maze_rl.interp.inputs.patching_pairs import SolvedPairs, control_tokens, flip_tokens
from maze_rl.interp.inputs.position_groups import position_groups
from maze_rl.interp.interventions.attribution_patching import Node, attribution_maps
from maze_rl.interp.materials import Setting, demanding_mazes
from maze_rl.mazes.solve import solve
from maze_rl.tokenization.layouts import PADDING, PATH_START
from maze_rl.tokenization.spans import Region

POST = "blocks.*.hook_resid_post"


@dataclass(frozen=True)
class Claim:
    """What a function relies on, how it is called (with it and a `model_variants.Case`), and what it must give."""

    needs: str
    """Words of `REASONS` in `test_every_model`; where there are two ways to fit, they stand on both sides of a bar."""
    call: Callable[[Any, Any], Any]
    expected: Callable[[Any], Any] | None = None
    """None: what the same call gives with the references of `plain_runs` in place."""


def _continued(f: Any, c: Any) -> Any:
    run = f(c.model, c.patched.clean, c.patched.position)
    rows = torch.arange(8)
    put = [Change(layer, rows, -0.5 * run.streams[layer].roll(1, dims=0)) for layer in range(c.model.cfg.n_layers)]
    return run.streams, run.choices, run.go_on(put)


def _block_by_block(f: Any, c: Any) -> Any:
    """What leaves the last block at the decisions, gone through block by block."""
    stream = c.model.input_to_embed(c.patched.clean)[0]
    blocks, rows = f(c.model, c.patched.clean, "this"), torch.arange(8)
    for layer in range(c.model.cfg.n_layers):
        stream = blocks.through(layer, blocks.entering(layer, stream, rows, 0), rows, 0)
    return stream[rows, c.patched.position]


def _ablated(f: Any, c: Any) -> Any:
    """A random network is never right: that the id it chooses is even stands for it."""

    def even(forks: Any, logits: Any) -> Any:
        return logits.argmax(dim=-1).numpy() % 2 == 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(c.plain.MODULES["head_ablation"], "right_choices", even)
        return [f(c.model, c.few_decisions, [(0, 1), (1, 0)], how=how, num_random=3) for how in ("mean", "resample")]


def _steered(f: Any, c: Any) -> Any:
    """A random network solves nothing: its own choice before stands for the answer."""
    module = c.plain.MODULES["edge_steering"]
    edits = module._edits

    def solvable(model: Any, pairs: Any, seed: int) -> Any:
        every = np.ones(len(pairs), np.bool_)
        made = edits(model, pairs, seed)
        chosen = [c.plain.pair_logits(model, each.tokens, each.position).argmax(dim=-1) for each in made]
        return tuple(
            replace(each, asked=every, solved=every, answer=answer) for each, answer in zip(made, chosen, strict=True)
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_edits", solvable)
        return f(c.model, c.pairs, layers=(0,), strengths=(1.0, 8.0))


def _features(c: Any) -> Any:
    """The mean stream where a slot ends, less that at the end of the list, edge by edge."""
    at_ends: dict[tuple[int, ...], list[Any]] = {}
    closing = []
    for row, position in enumerate(c.pairs.position.tolist()):
        stream = c.plain.cache_of(c.model, c.pairs.clean[row, : position + 1])["resid_post", 0][0]
        last = {tuple(edge): at for at, edge in enumerate(c.pairs.spans.edges[row].tolist()) if edge[0] >= 0}
        closing.append(stream[max(last.values()) + 1])
        for edge, at in last.items():
            at_ends.setdefault(edge, []).append(stream[at])
    found = torch.full((2, 4, 4, c.model.cfg.d_model), torch.nan, dtype=torch.float64)
    for edge, streams in at_ends.items():
        found[edge] = torch.stack(streams).mean(dim=0) - torch.stack(closing).mean(dim=0)
    return {0: found}


def _path_effect(c: Any) -> Any:
    """What the ways from head 1 of layer 0 straight to the MLP of layer 1 and to the logits carry.

    One run has the head of the clean run and every other output as it was, one the MLP of layer 1 as it answers that.
    """
    rows = []
    for row in range(8):
        clean, corrupt = (c.plain.real(tokens[row], c.patched, row) for tokens in (c.patched.clean, c.patched.corrupt))
        was, other = c.plain.cache_of(c.model, corrupt), c.plain.cache_of(c.model, clean)
        seen: dict[str, Any] = {}

        def head(z: Any, hook: object, other: Any = other) -> Any:
            z[:, :, 1] = other["z", 0][:, :, 1]
            return z

        def frozen(value: Any, hook: Any, was: Any = was) -> Any:
            return was[hook.name]

        def see(value: Any, hook: Any, seen: dict[str, Any] = seen) -> None:
            seen[hook.name] = value.clone()

        last = f"blocks.{c.model.cfg.n_layers - 1}.hook_resid_post"
        outputs = [f"blocks.{at}.hook_{part}_out" for at in range(c.model.cfg.n_layers) for part in ("attn", "mlp")]
        hooks = [("blocks.0.attn.hook_z", head), *((name, frozen) for name in outputs[1:])]
        c.plain.logits_of(c.model, corrupt, *hooks, ("blocks.1.hook_resid_mid", see), (last, see))
        block = c.model.blocks[1]
        told = block.mlp(block.ln2(seen["blocks.1.hook_resid_mid"]))

        def answers(value: Any, hook: object, told: Any = told) -> Any:
            return told

        def reaches(value: Any, hook: object, seen: dict[str, Any] = seen, was: Any = was, last: str = last) -> Any:
            return value + seen[last] - was[last]

        after = c.plain.logits_of(c.model, corrupt, ("blocks.1.hook_mlp_out", answers), (last, reaches))
        before = c.plain.logits_of(c.model, corrupt)
        rows.append(c.plain.difference(after, c.patched, row) - c.plain.difference(before, c.patched, row))
    return torch.stack(rows)


def _answers(f: Any, c: Any) -> Any:
    found = f(c.model, c.mazes.take(np.arange(3)), loops=3, batch_size=2)
    return found.moves, found.confidence


def _naive_answers(c: Any) -> Any:
    """Every cell asked alone, of a model that is built with so many loops."""
    moves, confidence = np.full((3, 3, 16), -1), np.zeros((3, 3, 16))
    given = c.tokenization.encode_batch(c.mazes.take(np.arange(3)), streams=np.arange(3), prompt_only=True)
    ids = c.tokenization.layout.cell_ids
    for maze, tokens in enumerate(given.tokens):
        prompt, solved = tokens[: int(given.spans.path_start[maze]) + 1], solve(c.mazes[maze])
        for loop in range(3):
            model = c.model.with_loops(loop + 1)
            for cell in range(16):
                row, col = divmod(cell, 4)
                with torch.no_grad():
                    logits = model(torch.cat([prompt, torch.tensor([int(ids[row, col])])])[None])[0, -1]
                chances = logits.softmax(dim=-1)
                for direction, (down, right) in enumerate([(1, 0), (0, 1), (-1, 0), (0, -1)]):
                    other = row + down, col + right
                    if 0 <= other[0] < 4 and 0 <= other[1] < 4:
                        if int(logits.argmax()) == int(ids[other]):
                            moves[maze, loop, cell] = direction
                        if other in solved.optimal_next((row, col)):
                            confidence[maze, loop, cell] += float(chances[int(ids[other])])
    return moves, confidence


TRANSPLANT: dict[str, Any] = {"loop": 2, "loops": 4, "least_steps": 3}


def _transplanted(f: Any, c: Any) -> Any:
    found = f(c.model, c.mazes.take(np.arange(4)), batch_size=3, **TRANSPLANT)
    return found.takers, found.answers.moves, found.control.moves


def _naively_transplanted(c: Any) -> Any:
    """Every cell asked alone, of a whole run whose stream is changed by a hook after the block that ends loop 2."""
    module = c.plain.MODULES["transplanted_states"]
    batch = c.mazes.take(np.arange(4))
    distances = np.stack([solve(maze).distances.ravel() for maze in batch])
    takers, others = module._drawn_cells(distances, TRANSPLANT["least_steps"], 0)
    targets = np.array([maze.target[0] * 4 + maze.target[1] for maze in batch])
    given = c.tokenization.encode_batch(batch, streams=np.arange(4), prompt_only=True)
    ids = c.tokenization.layout.cell_ids
    found = []
    for givers in (targets, others):
        moves = np.full((4, 4, 16), -1)
        for maze, tokens in enumerate(given.tokens):
            prompt, spans = tokens[: int(given.spans.path_start[maze]) + 1], given.spans
            at = {
                tuple(spans.cells[maze, place].tolist()): place
                for place in range(len(prompt))
                if spans.regions[maze, place] == Region.ADJACENCY
            }
            taker, giver = (at[divmod(int(cells[maze]), 4)] for cells in (takers, givers))

            def put(stream: Any, hook: object, taker: int = taker, giver: int = giver) -> Any:
                stream[0, taker] = stream[0, giver]
                return stream

            for loop, cell in np.ndindex(4, 16):
                model = c.model.with_loops(loop + 1)
                hooks = [("blocks.3.hook_resid_post", put)] if loop >= 1 else []
                asked = torch.cat([prompt, torch.tensor([int(ids[divmod(cell, 4)])])])
                likeliest = int(c.plain.logits_of(model, asked, *hooks)[-1].argmax())
                for direction, (down, right) in enumerate([(1, 0), (0, 1), (-1, 0), (0, -1)]):
                    row, col = cell // 4 + down, cell % 4 + right
                    if 0 <= row < 4 and 0 <= col < 4 and likeliest == int(ids[row, col]):
                        moves[maze, loop, cell] = direction
        found.append(moves)
    return takers, *found


def _kernel(f: Any, c: Any) -> Any:
    found = f(c.model, c.mazes.take(np.arange(5)), batch_size=2)
    return found.mass, found.shares, found.pairs, found.entropy


def _naive_kernel(c: Any) -> Any:
    """The kernel by loops over mazes, layers, heads and pairs of cells."""
    layers, heads, side = c.model.cfg.n_layers, c.model.cfg.n_heads, 4
    mass, shares = np.zeros((layers, heads, 7, 7)), np.zeros((5, layers, heads, 6))
    pairs, entropy = np.zeros((5, 2)), np.zeros((5, layers, heads))
    given = c.tokenization.encode_batch(c.mazes.take(np.arange(5)), streams=np.arange(5), prompt_only=True)
    for maze, tokens in enumerate(given.tokens):
        at, graph = {}, c.mazes[maze].connections
        for position, (cell, region) in enumerate(zip(given.spans.cells[maze], given.spans.regions[maze], strict=True)):
            if region == Region.ADJACENCY:
                at[tuple(cell.tolist())] = position
        cache = c.plain.cache_of(c.model, tokens[: int(given.spans.path_start[maze]) + 1])
        for (row, col), query in at.items():
            for (other_row, other_col), key in at.items():
                down, right = other_row - row, other_col - col
                corner = min(row, other_row), min(col, other_col)
                group = 0 if (down, right) == (0, 0) else 3
                if abs(down) + abs(right) == 1:
                    group = 1 if graph[0 if down else 1][corner] else 2
                    pairs[maze, group - 1] += 1
                for layer in range(layers):
                    seen = cache["pattern", layer][0, :, query, key].numpy() / side**2
                    mass[layer, :, down + 3, right + 3] += seen / 5
                    shares[maze, layer, :, group] += seen
            for layer in range(layers):
                seen = cache["pattern", layer][0, :, query]
                shares[maze, layer, :, 4] += seen[:, int(given.spans.target_start[maze])].numpy() / side**2
                entropy[maze, layer] += -(seen * seen.clamp(min=1e-300).log()).sum(dim=-1).numpy() / side**2
    shares[..., 5] = 1 - shares[..., :5].sum(axis=-1)
    return mass, shares, pairs, entropy


NODES = (Node("resid_pre", 1, "listed"), Node("mlp_out", 0, "decision"))


def _confirmed(f: Any, c: Any) -> Any:
    maps = attribution_maps(c.model, c.patched, groups=c.groups)
    return [each.value for each in f(c.model, maps, NODES, c.patched, groups=c.groups).exact]


def _exact(c: Any) -> Any:
    total = _total(c).sum()
    return [
        float(c.plain.patched(c.model, c.patched, n.component, c.groups[n.place])[:, n.layer].sum() / total)
        for n in NODES
    ]


def _total(c: Any) -> Any:
    pairs = c.patched
    return c.plain.differences(c.model, pairs.clean, pairs) - c.plain.differences(c.model, pairs.corrupt, pairs)


def _logits(c: Any) -> Any:
    """Logits at each decision."""
    rows = [c.plain.logits_of(c.model, c.plain.whole(c.decisions, maze)) for maze in range(len(c.mazes))]
    return torch.stack([rows[maze][at] for maze, at in zip(c.decisions.maze, c.decisions.position, strict=True)])


def _final(c: Any) -> Any:
    """Return the stream that leaves the last layer, at the decisions of the pairs."""
    return c.plain.streams_at(c.model, c.patched.clean, c.patched.position)[:, -1]


def _rows(c: Any) -> Any:
    """What leaves the layers at every position of the mazes."""
    caches = [c.plain.cache_of(c.model, c.plain.whole(c.decisions, maze)) for maze in range(len(c.mazes))]
    names = [f"blocks.{layer}.hook_resid_post" for layer in range(c.model.cfg.n_layers)]
    return {name: torch.cat([cache[name][0] for cache in caches]) for name in names}


def _sorted(rows: Any) -> Any:
    return rows[rows[:, 0].argsort()]


def _autoencoded(f: Any, c: Any) -> Any:
    """SAELens is optional: a trainer that returns its first batch stands for it."""
    kind = SimpleNamespace

    def trainer(cfg: Any, sae: Any, data_provider: Any) -> Any:
        return kind(fit=lambda: next(data_provider))

    names = {"StandardTrainingSAE": vars, "StandardTrainingSAEConfig": kind, "SAETrainer": trainer}
    config = {"LoggingConfig": kind, "SAETrainerConfig": kind}
    with pytest.MonkeyPatch.context() as patch:
        for name, values in {"sae_lens": names, "sae_lens.config": config}.items():
            module = ModuleType(name)
            vars(module).update(values)
            patch.setitem(sys.modules, name, module)
        batch = f(c.model, c.mazes, "blocks.1.hook_resid_post", d_sae=4, num_rows=9, batch_size=16)
    return torch.cdist(batch, _rows(c)["blocks.1.hook_resid_post"]).amin(dim=1)


def _forks(pairs: Any, layout: Any) -> Any:
    return torch.from_numpy(layout.cell_ids[tuple(pairs.pairs.forks.T)]).long()


def _opened(f: Any, c: Any) -> Any:
    """Whole sequences: the prompt's last token, the path behind it, the fork at the decision, padding behind."""
    edits = f(c.tokenization, c.pairs)
    rows, start = torch.arange(len(c.pairs))[:, None], c.pairs.spans.path_start
    steps = c.pairs.position - start
    moved = edits.position - steps
    place = torch.arange(int(steps.max()) + 1)
    path = edits.tokens[rows, (moved[:, None] + place).clamp(max=edits.tokens.shape[1] - 1)]
    return torch.where(place <= steps[:, None], path, PADDING), edits.tokens[rows[:, 0], edits.position]


def _path_of_pairs(c: Any) -> Any:
    start, steps = c.pairs.spans.path_start, c.pairs.position - c.pairs.spans.path_start
    place = torch.arange(int(steps.max()) + 1)
    path = c.pairs.clean[
        torch.arange(len(start))[:, None], (start[:, None] + place).clamp(max=c.pairs.clean.shape[1] - 1)
    ]
    path = torch.where(place <= steps[:, None], path, PADDING)
    assert (path[:, 0] == PATH_START).all()
    return path, _forks(c.pairs, c.tokenization.layout)


def _asked(c: Any) -> tuple[Any, ...]:
    return c.patched.clean, c.patched.position, c.patched.right, c.patched.wrong


def _at_decision(found: Any) -> Any:
    """Return the token at each decision position."""
    tokens = found.clean if hasattr(found, "clean") else found.tokens
    rows = torch.as_tensor(found.maze) if hasattr(found, "maze") else torch.arange(len(tokens))
    return tokens[rows, torch.as_tensor(found.position)]


def _words(c: Any, cells: Any) -> Any:
    return torch.from_numpy(c.tokenization.layout.cell_ids[tuple(np.asarray(cells).T)]).long()


def _all_solved(c: Any) -> SolvedPairs:
    num = len(c.pairs)
    return SolvedPairs(np.arange(num), num, num, num)


def _control(f: Any, c: Any) -> Any:
    patch_map = c.plain.MODULES["activation_patching"].patch_map
    return f(c.model, c.pairs, patch_map(c.model, flip_tokens(c.pairs), groups=position_groups(c.pairs))).numerators


def _read_cells(f: Any, c: Any) -> Any:
    return f(c.model, c.mazes.take(np.arange(5)), loops=(1, 2), batch_size=3)


def _probed_cells(f: Any, c: Any) -> Any:
    found = f(c.model, generate(5, "dfs", num=60, seed=3).batches[0], loops=(2,), control_model=c.model)
    return {name: (each.scores, each.other_mazes, each.untrained) for name, each in found.probes.items()}


def _of_variables(probes: Any) -> Any:
    return {name: (each.score.by_layer, each.score.explained, each.finding.effect) for name, each in probes.items()}


def _scores(found: Any) -> Any:
    return {name: (each.by_layer, each.explained, each.total) for name, each in found.items()}


def _swapped_neighbours(f: Any, c: Any) -> Any:
    return f(c.model, c.swapped, num=3, batch_size=2).answers


def _naively_swapped_neighbours(c: Any) -> Any:
    """The fork asked alone, of whole runs in which hooks set its neighbours' streams after either loop."""
    module, mazes = c.plain.MODULES["neighbour_states"], c.swapped
    pairs = np.sort(module.numpy_generator(0, "neighbour_pairs").permutation(len(mazes))[:3])
    bases, sources = (mazes.batch.take(rows[pairs]) for rows in (mazes.base, mazes.source))
    ids, answers = c.tokenization.layout.cell_ids, np.full((3, 2), -1)
    for row in range(3):
        fork = bases.origins[row].tolist()
        around = [(fork[0] + down, fork[1] + right) for down, right in ((1, 0), (0, 1), (-1, 0), (0, -1))]
        (base, at), (source, there) = (_prompt_and_cells(c, batch, row) for batch in (bases, sources))
        cache, near = c.plain.cache_of(c.model, source), [cell for cell in around if cell in at]
        asked = torch.cat([base, torch.tensor([int(ids[tuple(fork)])])])
        for loop in range(2):

            def put(
                stream: Any, hook: Any, cache: Any = cache, near: Any = near, at: Any = at, there: Any = there
            ) -> Any:
                for cell in near:
                    stream[0, at[cell]] = cache[hook.name][0, there[cell]]
                return stream

            hooks = [(f"blocks.{2 * each + 1}.hook_resid_post", put) for each in range(loop + 1)]
            answers[row, loop] = int(c.plain.logits_of(c.model.with_loops(loop + 1), asked, *hooks)[-1].argmax())
    return answers


def _prompt_and_cells(c: Any, batch: Any, row: int) -> Any:
    """Return the prompt of one maze of a batch, and where it lists each cell."""
    given = c.tokenization.encode_batch(batch, streams=np.arange(len(batch)), prompt_only=True)
    prompt = given.tokens[row, : int(given.spans.path_start[row]) + 1]
    listed = np.flatnonzero(given.spans.regions[row, : len(prompt)] == Region.ADJACENCY)
    return prompt, {tuple(given.spans.cells[row, place].tolist()): int(place) for place in listed}


def _read_outs(f: Any, c: Any) -> Any:
    found = f(c.model, sizes=(4, 5), num=5, loops=(2,))
    return found.weights, found.constants, found.quality


def _with_hidden_cells(f: Any, c: Any) -> Any:
    found = f(c.model, c.mazes.take(np.arange(3)), limit=2, batch_size=2)
    return found.plain.moves[:, -1], found.hidden.moves[:, -1]


def _naively_with_hidden_cells(c: Any) -> Any:
    """Every cell asked alone, with and without scores that hooks set to minus infinity."""
    batch = c.mazes.take(np.arange(3))
    given = c.tokenization.encode_batch(batch, streams=np.arange(3), prompt_only=True)
    ids, found = c.tokenization.layout.cell_ids, []
    for limit in (99, 2):
        moves = np.full((3, 16), -1)
        for maze, tokens in enumerate(given.tokens):
            prompt = tokens[: int(given.spans.path_start[maze]) + 1]
            listed = given.spans.regions[maze, : len(prompt)] == Region.ADJACENCY
            for cell in range(16):
                row, col = divmod(cell, 4)
                about = torch.cat([given.spans.cells[maze, : len(prompt)].long(), torch.tensor([[row, col]])])
                known = torch.cat([listed, torch.tensor([True])])
                apart = (about[:, None] - about[None]).abs().amax(dim=-1)
                unseen = (apart >= limit) & known[:, None] & known[None]

                def hide(scores: Any, hook: object, unseen: Any = unseen) -> Any:
                    return scores.masked_fill(unseen, float("-inf"))

                hooks = [(f"blocks.{layer}.attn.hook_attn_scores", hide) for layer in range(c.model.cfg.n_layers)]
                asked = torch.cat([prompt, torch.tensor([int(ids[row, col])])])
                chosen = int(c.plain.logits_of(c.model, asked, *hooks)[-1].argmax())
                for direction, (down, right) in enumerate([(1, 0), (0, 1), (-1, 0), (0, -1)]):
                    other = row + down, col + right
                    if 0 <= other[0] < 4 and 0 <= other[1] < 4 and chosen == int(ids[other]):
                        moves[maze, cell] = direction
        found.append(moves)
    return tuple(found)


def _edited_midway(f: Any, c: Any) -> Any:
    return f(
        c.model,
        c.pairs.pairs.clean.take(np.arange(3)),
        c.pairs.pairs.flipped.take(np.arange(3)),
        loop=2,
        loops=4,
        batch_size=2,
    ).answers.moves


def _naively_edited_midway(c: Any) -> Any:
    """Every cell asked alone, of runs in which hooks put another embedding in the place of the recalled one."""
    batches = [getattr(c.pairs.pairs, name).take(np.arange(3)) for name in ("clean", "flipped")]
    clean, flipped = (c.tokenization.encode_batch(each, streams=np.arange(3), prompt_only=True) for each in batches)
    ids, moves = c.tokenization.layout.cell_ids, np.full((3, 4, 16), -1)
    for maze, loop, cell in np.ndindex(3, 4, 16):
        row, col = divmod(cell, 4)
        start, end = torch.tensor([int(ids[row, col])]), int(clean.spans.path_start[maze]) + 1
        asked, other = (torch.cat([each.tokens[maze, :end], start]) for each in (clean, flipped))
        model = c.model.with_loops(loop + 1)
        with torch.no_grad():
            embedded = model.input_to_embed(other[None])[0]

        def recall(value: Any, hook: object, embedded: Any = embedded) -> Any:
            return embedded

        layers = model.cfg.n_layers // model.loops
        hooks = [(f"blocks.{layers * later}.recall.hook_embed", recall) for later in range(2, loop + 1)]
        chosen = int(c.plain.logits_of(model, asked, *hooks)[-1].argmax())
        for direction, (down, right) in enumerate([(1, 0), (0, 1), (-1, 0), (0, -1)]):
            beside = row + down, col + right
            if 0 <= beside[0] < 4 and 0 <= beside[1] < 4 and chosen == int(ids[beside]):
                moves[maze, loop, cell] = direction
    return moves


def _sources(c: Any) -> list[Any]:
    return ["path", "prompt"] if c.tokenization.layout.lists_cells else ["path"]


def _mean_jacobians(f: Any, c: Any) -> Any:
    return [f(c.model, c.two_walks, source=source, batch_size=1).jacobians for source in _sources(c)]


def _mean_differences(c: Any) -> Any:
    """Mean Jacobians by central differences: every number of every stream moved up and down."""
    walks, d_model, moved = c.two_walks, c.model.cfg.d_model, 1e-4
    found = []
    for source in _sources(c):
        means = torch.zeros(c.model.cfg.n_layers, d_model, d_model, dtype=torch.float64)
        for row, cell in enumerate(walks.cells):
            maze, here = walks.maze[row], int(walks.position[row])
            steps = walks.position[walks.maze == maze]
            place = here
            if source == "prompt":
                listed = (walks.spans.regions[maze] == Region.ADJACENCY).numpy()
                place = int(np.flatnonzero((walks.spans.cells[maze].numpy() == cell).all(axis=1) & listed)[0])
            else:
                steps = steps[steps >= here]
            for layer in range(c.model.cfg.n_layers):
                for number in range(d_model):
                    ends = []
                    for sign in (1, -1):

                        def move(stream: Any, hook: object, at: Any = (place, number), by: float = sign * moved) -> Any:
                            stream[0, at[0], at[1]] += by
                            return stream

                        ends.append(c.plain.final_of(c.model, walks.tokens[maze], (layer, move))[steps].mean(dim=0))
                    means[layer, :, number] += (ends[0] - ends[1]) / (2 * moved)
        found.append(means / len(walks))
    return found


def _named_cells(f: Any, c: Any) -> Any:
    found = f(c.model, _any_lens(c), c.decisions)
    return found.logit, found.jacobian, found.chance


def _any_lens(c: Any) -> JacobianLens:
    layers, d_model = (0, c.model.cfg.n_layers - 1), c.model.cfg.d_model
    maps = torch.from_numpy(np.random.default_rng(5).normal(size=(2, d_model, d_model)))
    return JacobianLens(layers=layers, jacobians=maps, source="path")


def _naively_named_cells(c: Any) -> Any:
    """Cells are gone to step by step, and streams are those of single whole runs."""
    lens, ids = _any_lens(c), c.tokenization.layout.cell_ids
    named, chances = {True: [], False: []}, []
    for row in np.flatnonzero(c.decisions.distance >= 3):
        maze = c.decisions.maze[row]
        walk = [tuple(cell) for cell in solve(c.mazes[int(maze)]).path]
        here = walk.index(tuple(c.decisions.cells[row]))
        seen, ring, rings = set(walk[max(0, here - 1) : here + 1]), [walk[here]], []
        for _ in range(3):
            ring = sorted({tuple(other) for cell in ring for other in c.mazes[int(maze)].neighbours(cell)} - seen)
            seen |= set(ring)
            rings.append(ring)
        cache = c.plain.cache_of(c.model, c.decisions.tokens[maze])
        for carried in (False, True):
            choices = np.zeros((2, 3), bool)
            for place, layer in enumerate(lens.layers):
                stream = cache["resid_post", layer][0, int(c.decisions.position[row])]
                stream = lens.jacobians[place] @ stream if carried else stream
                logits = c.model.unembed(c.model.ln_final(stream[None, None]))[0, 0].detach()
                for step, ring in enumerate(rings):
                    best = max(ring, key=lambda cell: float(logits[int(ids[cell])]))
                    choices[place, step] = best == walk[here + 1 + step]
            named[carried].append(choices)
        chances.append([1 / len(ring) for ring in rings])
    return np.stack(named[False]), np.stack(named[True]), np.array(chances)


CLAIMS: dict[str, Claim] = {
    "activation_patching.patch_map": Claim(
        "",
        lambda f, c: f(c.model, c.patched, groups=c.groups).numerators,
        lambda c: c.by_group(c.patched, c.groups),
    ),
    "activation_patching.Patcher": Claim(
        "",
        lambda f, c: f(c.model, c.patched, "mlp_out", "denoise").change(c.groups["listed"]),
        lambda c: c.plain.patched(c.model, c.patched, "mlp_out", c.groups["listed"]),
    ),
    "answers_by_loop.answers_by_loop": Claim("loops starts", _answers, _naive_answers),
    "adjacency_heads.find_adjacency_heads": Claim("edges", lambda f, c: f(c.model, c.decisions)),
    "adjacency_heads.adjacency_attention": Claim("edges", lambda f, c: c.summed(f(c.model, c.decisions))),
    "attention_maps.stream_patterns": Claim("", lambda f, c: c.summed(c.grouped(), f)),
    "attention_maps.GroupedAttention": Claim("", lambda f, c: c.summed(c.grouped(f))),
    "attribution_patching.attribution_maps": Claim(
        "",
        lambda f, c: f(c.model, c.patched, components=("resid_pre",), groups=c.groups)["resid_pre"].numerators,
        lambda c: c.plain.estimated(c.model, c.patched, c.groups),
    ),
    "attribution_patching.confirm": Claim("", _confirmed, _exact),
    "battery.run_battery": Claim("plain causal edges origin", lambda f, c: f(c.model, c.materials)),
    "battery.attention_scores": Claim("causal edges", lambda f, c: f(c.model, c.decisions, 0)),
    "pair_patching.patch": Claim(
        "",
        lambda f, c: f(c.model, c.pairs, _all_solved(c), 0).denoise.numerators,
        lambda c: c.by_group(flip_tokens(c.pairs), position_groups(c.pairs)),
    ),
    "pair_patching.control_map": Claim(
        "",
        _control,
        lambda c: c.by_group(control_tokens(c.pairs), position_groups(c.pairs, c.pairs.control_slot)),
    ),
    "cell_kernel.cell_kernel": Claim("cells", _kernel, _naive_kernel),
    "cell_probes.probe_cells": Claim("loops cells", _probed_cells),
    "cell_streams.cell_streams": Claim("loops cells", _read_cells, lambda c: _read_cells(c.plain.cell_streams, c)),
    "hidden_cells.hide_far_cells": Claim("loops starts cells", _with_hidden_cells, _naively_with_hidden_cells),
    "midway_edits.edit_midway": Claim("loops starts cells", _edited_midway, _naively_edited_midway),
    "readouts.fit_readouts": Claim("loops cells", _read_outs),
    "compute_frontier.compute_frontier": Claim("", lambda f, c: f(c.model, c.far_decisions)),
    "compute_frontier.right_by_layer": Claim(
        "", lambda f, c: f(c.model, c.decisions, c.plain.MODULES["decisions"].decision_streams(c.model, c.decisions))
    ),
    "decision_stream.DecisionStream": Claim("", _continued),
    "decisions.find_decisions": Claim(
        "",
        lambda f, c: _at_decision(f(c.tokenization, c.mazes)),
        lambda c: _words(c, c.decisions.cells),
    ),
    "decisions.neighbour_ids": Claim(
        "",
        lambda f, c: f(c.tokenization, np.array([[0, 0]], np.int16), (4, 4))[0],
        lambda c: np.array([*_words(c, [(1, 0), (0, 1)]), -1, -1]),
    ),
    "decisions.decision_streams": Claim("", lambda f, c: f(c.model, c.decisions)),
    "decisions.decision_logits": Claim("", lambda f, c: f(c.model, c.decisions), _logits),
    "decisions.read_out": Claim(
        "",
        lambda f, c: f(c.model, _final(c)),
        lambda c: c.plain.pair_logits(c.model, c.patched.clean, c.patched.position),
    ),
    "distance_probe.latent_state": Claim("origin", lambda f, c: f(c.model, c.mazes)),
    "distance_probe.untrained_scores": Claim("origin", lambda f, c: f(c.model, c.mazes)),
    "edge_consolidation.ConsolidationAttention": Claim("causal", lambda f, c: c.summed(f(c.model, c.decisions))),
    "edge_consolidation.measure_consolidation": Claim("causal", lambda f, c: f(c.model, c.decisions)),
    "edge_steering.steer_edges": Claim("plain causal edges", _steered),
    "edge_steering.edge_features": Claim("edges", lambda f, c: f(c.model, c.pairs, (0,)), _features),
    "emergence.emergence": Claim("", lambda f, c: f(c.model, c.mazes)),
    "flip_rate.flip_rates": Claim("", lambda f, c: f(c.model, c.pairs)),
    "flip_rate.logit_sensitivity": Claim("", lambda f, c: f(c.model, c.pairs)),
    "frontier_heads.find_frontier_heads": Claim("edges", lambda f, c: f(c.model, c.decisions)),
    "frontier_heads.frontier_attention": Claim("edges", lambda f, c: c.summed(f(c.model, c.decisions))),
    "head_ablation.ablate_heads": Claim("", _ablated),
    "hook_names.check_hook_names": Claim("", lambda f, c: list(f(c.model, POST)), lambda c: list(_rows(c))),
    "interchange.interchange": Claim("", lambda f, c: f(c.model, c.swapped, layers=(0,), draws=1)),
    "labelled_activations.stream": Claim(
        "",
        lambda f, c: {
            name: torch.cat([part[name] for part in parts])
            for parts in [list(f(c.model, c.mazes, POST, batch_size=20))]
            for name in parts[0].activations
        },
        _rows,
    ),
    "labelled_activations.collect": Claim("", lambda f, c: f(c.model, c.mazes, POST).activations, _rows),
    "logit_attribution.logit_attribution": Claim(
        "",
        lambda f, c: f(c.model, *_asked(c)).contributions.sum(axis=1),
        lambda c: c.plain.differences(c.model, c.patched.clean, c.patched),
    ),
    "jacobian_lens.fit_jacobian_lens": Claim("", _mean_jacobians, _mean_differences),
    "jacobian_lens.next_cells": Claim("", _named_cells, _naively_named_cells),
    "logit_lens.logit_lens": Claim("", lambda f, c: f(c.model, *_asked(c))),
    "on_path_probe.on_path_probe": Claim("origin", lambda f, c: f(c.model, c.mazes, least_steps=1)),
    "patch_effects.total_effect": Claim("", lambda f, c: f(c.model, c.patched), _total),
    "patching_pairs.make_pairs": Claim(
        "",
        lambda f, c: _at_decision(f(c.tokenization, size=4, num=12, depths=(0, 16), split=None)),
        lambda c: _forks(c.pairs, c.tokenization.layout),
    ),
    "patching_pairs.pair_logits": Claim("", lambda f, c: f(c.model, c.patched.clean, c.patched.position)),
    "patching_pairs.solved_pairs": Claim("", lambda f, c: f(c.model, c.pairs)),
    "path_patching.path_patch": Claim(
        "", lambda f, c: f(c.model, c.patched, (0, 1), ["logits", (1, "mlp")]).numerators, _path_effect
    ),
    "position_groups.position_groups": Claim(
        "",
        lambda f, c: torch.stack(list(f(c.pairs).values())).sum(dim=0),
        lambda c: c.pairs.spans.real.long(),
    ),
    "probe_sites.path_start_sites": Claim("", lambda f, c: f(c.model, c.mazes)),
    "probe_sites.streams_at": Claim("", lambda f, c: f(c.model, c.patched.clean, c.patched.position)),
    "recombined_mazes.recombine_mazes": Claim(
        "",
        lambda f, c: _at_decision(c.swapped),
        lambda c: _words(c, c.swapped.batch.origins),
    ),
    "residual_replay.Readout": Claim(
        "",
        lambda f, c: f(c.model, c.patched.right, c.patched.wrong).of(_final(c)),
        lambda c: c.plain.differences(c.model, c.patched.clean, c.patched),
    ),
    "residual_replay.ResidualReplay": Claim(
        "",
        lambda f, c: f(c.model, *_asked(c)).logit_difference,
        lambda c: c.plain.differences(c.model, c.patched.clean, c.patched),
    ),
    "materials.gather": Claim(
        "",
        lambda f, c: _at_decision(c.materials.pairs),
        lambda c: _forks(c.materials.pairs, c.tokenization.layout),
    ),
    "materials.pairs_of_any_depth": Claim(
        "",
        lambda f, c: _at_decision(f(c.tokenization, Setting(size=4, num_pairs=12, split=None))),
        lambda c: _forks(c.any_depth, c.tokenization.layout),
    ),
    "materials.demanding_mazes": Claim(
        "",
        lambda f, c: f(c.tokenization, Setting(size=5, num_mazes=20)),
        lambda c: demanding_mazes(load_tokenization("edges", canvas=8), Setting(size=5, num_mazes=20)),
    ),
    "scorecard.control_probes": Claim("origin | loops cells", lambda f, c: f(c.model, c.materials)),
    "scorecard.score": Claim("plain edges origin | loops cells starts", lambda f, c: f(c.model, c.materials)),
    "verdict.judge": Claim(
        "plain edges origin | loops cells starts",
        lambda f, c: f(c.model, c.materials.setting, materials=c.materials),
    ),
    "loop_battery.run_loop_battery": Claim(
        "loops cells starts",
        lambda f, c: f(c.model, replace(c.materials, setting=replace(c.materials.setting, num_mazes=100))).state,
    ),
    "cell_state.cell_state": Claim("loops cells", lambda f, c: _of_variables(f(c.model, c.larger).probes)),
    "cell_state.untrained_cell_scores": Claim("loops cells", lambda f, c: _scores(f(c.model, c.larger))),
    "neighbour_states.swap_neighbour_states": Claim(
        "loops starts cells", _swapped_neighbours, _naively_swapped_neighbours
    ),
    "single_blocks.SingleBlocks": Claim("", _block_by_block, lambda c: _final(c)),
    "sparse_autoencoders.activation_batches": Claim(
        "",
        lambda f, c: _sorted(torch.cat(list(f(c.model, c.mazes, "blocks.1.hook_resid_post", batch_size=1)))),
        lambda c: _sorted(_rows(c)["blocks.1.hook_resid_post"]),
    ),
    "sparse_autoencoders.train_sparse_autoencoder": Claim("", _autoencoded, lambda c: torch.zeros(16)),
    "transplanted_states.transplant_target_state": Claim("loops starts cells", _transplanted, _naively_transplanted),
    "tree_and_cycle_edits.open_added_edges": Claim("", _opened, _path_of_pairs),
    "wall_probe.wall_probe": Claim("", lambda f, c: f(c.model, c.mazes)),
}
