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


def test_a_row_with_its_own_numbers_does_not_depend_on_its_neighbours() -> None:
    model = make("learned", "edges")
    prompts, spans = model.tokenization.encode(generate((2, 3, 4, 5), "dfs_percolation", num=24), prompt_only=True)
    uniforms = torch.rand((24, 12), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    budget = torch.arange(24) % 7 + 6
    together = decode_paths(model, prompts, spans.lengths, budget, temperature=0.7, uniforms=uniforms)
    for rows in (slice(3, 4), slice(5, 16), slice(23, None, None)):
        apart = decode_paths(
            model,
            prompts[rows, : spans.lengths[rows].max()],
            spans.lengths[rows],
            budget[rows],
            temperature=0.7,
            uniforms=uniforms[rows],
        )
        assert torch.equal(apart, together[rows, : apart.shape[1]])
        assert (together[rows, apart.shape[1] :] == PADDING).all()


def test_numbers_invert_the_distribution() -> None:
    model = make("none", "edges")
    prompts, spans = model.tokenization.encode(generate(4, num=1), prompt_only=True)
    draws = 20_000
    uniforms = (torch.arange(draws, dtype=torch.float64)[:, None] + 0.5) / draws
    one = torch.ones(draws, dtype=torch.int64)
    rows, lengths = prompts.expand(draws, -1), spans.lengths.expand(draws)
    found = decode_paths(model, rows, lengths, one, temperature=2.0, uniforms=uniforms)[:, 0]
    with torch.no_grad():
        expected = torch.softmax(model(prompts)[0, -1] / 2.0, dim=-1)
    shares = torch.bincount(found, minlength=len(expected)) / draws
    assert (shares - expected).abs().max() <= 1 / draws
    greedy = decode_paths(model, rows[:5], lengths[:5], one[:5])
    assert torch.equal(decode_paths(model, rows[:5], lengths[:5], one[:5], uniforms=uniforms[:5]), greedy)
