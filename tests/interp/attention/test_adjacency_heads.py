import numpy as np
import pytest
import torch

from maze_rl.calibration.hand_built import Kind, build_hand_built
from maze_rl.calibration.prompt_reading import ADJACENCY
from maze_rl.configs.model import ModelConfig
from maze_rl.interp.attention.adjacency_heads import adjacency_attention, find_adjacency_heads
from maze_rl.interp.attention.attention_maps import stream_patterns
from maze_rl.interp.inputs.decisions import Decisions, find_decisions
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import load_tokenization


def decisions(name: str, num: int = 60) -> Decisions:
    batch = generate(4, "dfs", num=num, seed=1, max_path_length=8).batches[0]
    return find_decisions(load_tokenization(name, canvas=4), batch)


def untrained(name: str) -> MazeTransformer:
    return build_model(ModelConfig(n_layers=6, d_model=48, n_heads=3), load_tokenization(name, canvas=4)).eval()


@pytest.mark.parametrize("name", ["edges", "unique_cells"])
@pytest.mark.parametrize("kind", ["wave", "greedy", "decoy"])
def test_hand_built_models_have_their_adjacency_head(name: str, kind: Kind) -> None:
    model = build_hand_built(kind, load_tokenization(name, canvas=4), n_layers=6)
    found = find_adjacency_heads(model, decisions(name), control_model=untrained(name))
    assert found.head == ADJACENCY and ADJACENCY in found.confirmed
    assert found.finding.verdict == "yes" and found.finding.effect.value == pytest.approx(1, abs=1e-3)
    assert found.walled.high < 0.01 and found.far.high < 0.01 and found.incident.low > 0.99
    assert found.p_values[ADJACENCY] < 0.001 and 0.5 < found.stability <= 1
    assert found.untrained is not None and found.untrained.verdict == "no"


def test_untrained_models_have_none() -> None:
    found = find_adjacency_heads(untrained("edges"), decisions("edges"))
    assert found.finding.verdict == "no" and found.confirmed == () and abs(found.finding.effect.value) < 0.05
    assert found.untrained is None and found.scores.shape == (6, 3)


@pytest.mark.parametrize("name", ["edges", "unique_cells"])
def test_attention_is_that_of_plain_loops(name: str) -> None:
    asked, model = decisions(name, 12), untrained(name)
    attention = adjacency_attention(model, asked)
    stream_patterns(model, asked, [attention], batch_size=5)
    with torch.no_grad():
        _, cache = model.run_with_cache(asked.tokens)
    expected = np.zeros_like(attention.sums)
    edges = asked.spans.edges.numpy()
    for row, maze in enumerate(asked.maze):
        u = tuple(map(int, asked.cells[row]))
        open_cells = asked.batch[int(maze)].neighbours(u)
        groups: dict[str, list[set]] = {"incident": [], "walled": [], "far": []}
        positions: dict[tuple, list[int]] = {}
        own = asked.tokens[maze, asked.position[row]]
        for position, edge in enumerate(edges[maze].tolist()):
            if edge[0] >= 0 and asked.tokens[maze, position] != own:
                positions.setdefault(tuple(edge), []).append(position)
        for edge in positions:
            ends = {(edge[1], edge[2]), (edge[1] + (edge[0] == 0), edge[2] + (edge[0] == 1))}
            walls = any(abs(r - u[0]) + abs(c - u[1]) == 1 and (r, c) not in open_cells for r, c in ends)
            groups["incident" if u in ends else "walled" if walls else "far"].append(edge)  # type: ignore[arg-type]
        if not groups["walled"]:
            continue
        for place, members in enumerate(groups.values()):
            for layer in range(model.cfg.n_layers if members else 0):
                pattern = cache["pattern", layer][maze, :, asked.position[row]].numpy()
                mass = sum(pattern[:, positions[edge]].sum(axis=1) for edge in members)  # type: ignore[index]
                tokens, incident = (
                    sum(len(positions[edge]) for edge in each) for each in (members, groups["incident"])
                )
                expected[maze, layer, :, place] += mass * incident / tokens
    np.testing.assert_allclose(attention.sums, expected, atol=1e-4)


@pytest.mark.parametrize(("sought", "score"), [("own", 0.0), ("neighbour", 1.0)])
def test_a_head_that_finds_its_own_token_alone_is_no_adjacency_head(sought: str, score: float) -> None:
    asked, model = decisions("unique_cells"), untrained("unique_cells")
    attention = adjacency_attention(model, asked)
    length = asked.tokens.shape[1]
    attention.begin(0, len(asked.tokens), length)
    own = asked.tokens[:, :, None] == asked.tokens[:, None]
    listed = (asked.spans.cells[..., 0] >= 0) & (asked.spans.regions == Region.ADJACENCY)
    own &= listed[:, None]
    if sought == "neighbour":
        # the other cell of a <--> b ; stands two tokens on, or two back
        edges = asked.spans.edges[:, :, None] == asked.spans.edges[:, None]
        same_edge = edges.all(dim=-1) & listed[:, :, None] & listed[:, None]
        other = same_edge & ~torch.eye(length, dtype=torch.bool)
        own = (own.float() @ other.float()) > 0
    pattern = own / own.sum(dim=2, keepdim=True).clamp(min=1)
    for layer in range(model.cfg.n_layers):
        attention.add(layer, pattern[:, None].expand(-1, 3, -1, -1))
    found = find_adjacency_heads(model, asked, attention=attention)
    assert found.finding.effect.value == pytest.approx(score, abs=1e-6)
