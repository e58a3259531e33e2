"""Batched decoding with a cache equals a plain loop that runs the whole sequence again for every token."""

import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.tokenization.layouts import PADDING, PATH_END
from maze_rl.tokenization.tokenization import load_tokenization


def make(positions: str, tokens: str) -> MazeTransformer:
    config = ModelConfig(n_layers=2, d_model=16, n_heads=2, positions=positions)
    return build_model(config, load_tokenization(tokens, canvas=5), seed=1, dtype=torch.float64)


@torch.no_grad()
def plain_loop(model: MazeTransformer, prompt: torch.Tensor, budget: int) -> list[int]:
    written: list[int] = []
    while len(written) < budget:
        logits = model(torch.cat([prompt, torch.tensor(written, dtype=torch.int64)])[None])
        written.append(int(logits[0, -1].argmax()))
        if written[-1] == PATH_END:
            break
    return written


@pytest.mark.parametrize("tokens", ["edges", "unique_cells"])
@pytest.mark.parametrize("positions", ["none", "learned", "rotary"])
def test_equals_a_plain_loop_for_prompts_of_different_lengths(positions: str, tokens: str) -> None:
    model = make(positions, tokens)
    prompts, spans = model.tokenization.encode(generate((2, 3, 4, 5), "dfs_percolation", num=24), prompt_only=True)
    with torch.no_grad():  # make the end as likely as the best other token, so that rows stop at different times
        logits = model(prompts)[torch.arange(24), spans.lengths - 1]
        model.unembed.b_U[PATH_END] = (logits.max(dim=1).values - logits[:, PATH_END]).quantile(0.2)
    budget = torch.arange(24) % 7 + 3
    written = decode_paths(model, prompts, spans.lengths, budget)
    lengths = set()
    for row in range(24):
        expected = plain_loop(model, prompts[row, : spans.lengths[row]], int(budget[row]))
        assert written[row, : len(expected)].tolist() == expected
        assert (written[row, len(expected) :] == PADDING).all()
        lengths.add((len(expected), expected[-1] == PATH_END))
    assert len(set(spans.lengths.tolist())) > 2
    assert any(ended for _, ended in lengths)
    assert len({length for length, _ in lengths}) > 1


def test_sampling_is_seeded_and_follows_the_temperature() -> None:
    model = make("none", "edges")
    prompts, spans = model.tokenization.encode(generate(4, num=200), prompt_only=True)
    one = torch.ones(200, dtype=torch.int64)

    def draw(seed: int, temperature: float) -> torch.Tensor:
        return decode_paths(
            model, prompts, spans.lengths, one, temperature=temperature, generator=torch.Generator().manual_seed(seed)
        )

    assert torch.equal(draw(0, 1.0), draw(0, 1.0))
    assert not torch.equal(draw(0, 1.0), draw(1, 1.0))
    greedy = decode_paths(model, prompts, spans.lengths, one)
    assert torch.equal(draw(0, 1e-6), greedy)
    assert (draw(0, 5.0) == greedy).float().mean() < 0.5


def test_a_hook_sees_and_changes_every_step() -> None:
    model = make("rotary", "edges")
    prompts, spans = model.tokenization.encode(generate(3, num=4), prompt_only=True)
    budget = torch.full((4,), 5)
    plain = decode_paths(model, prompts, spans.lengths, budget)
    seen = []

    def flatten(pattern: torch.Tensor, hook: object) -> torch.Tensor:
        seen.append(pattern.shape[2])
        return torch.ones_like(pattern) / pattern.shape[-1]

    with model.hooks(fwd_hooks=[("blocks.1.attn.hook_pattern", flatten)]):
        hooked = decode_paths(model, prompts, spans.lengths, budget)
    assert seen[0] == prompts.shape[1]
    assert set(seen[1:]) == {1}
    assert plain.shape != hooked.shape or not torch.equal(plain, hooked)
