"""Who sees whom: prompts see all of themselves, paths what is earlier in their own segment; both kernels agree."""

from collections.abc import Callable

import pytest
import torch

from maze_rl.models.build import MazeTransformer
from maze_rl.models.visibility import prompt_positions, sight_of
from maze_rl.tokenization.layouts import PADDING, PATH_START

Make = Callable[..., MazeTransformer]


def keep(value: torch.Tensor, hook: object) -> torch.Tensor:
    return value


def every_pattern(model: MazeTransformer) -> list:
    return [(f"blocks.{layer}.attn.hook_pattern", keep) for layer in range(model.cfg.n_layers)]


def two_segments(tokens: torch.Tensor) -> torch.Tensor:
    """Segment 0 is the prompt and padding; of what stands behind, the first three tokens are one, the rest another."""
    begin = (tokens == PATH_START).int().argmax(dim=1, keepdim=True)
    place = torch.arange(tokens.shape[1]) - begin
    return ((place > 0).long() + (place > 3).long()) * (tokens != PADDING)


@pytest.mark.parametrize("segmented", [False, True])
@pytest.mark.parametrize("prompt", ["visible", "causal"])
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_the_fused_kernel_equals_the_stock_path(
    make_searching: Make, ragged: Callable, dtype: torch.dtype, bound: float, prompt: str, segmented: bool
) -> None:
    model = make_searching(dtype=dtype, prompt=prompt)
    tokens = ragged(model)
    segments = two_segments(tokens) if segmented else None
    fused = model(tokens, segments=segments)
    stock = model.run_with_hooks(tokens, segments=segments, fwd_hooks=every_pattern(model))
    real = tokens != PADDING
    assert (~real).any()
    assert (fused[real] - stock[real]).abs().max() < bound
    assert fused.isfinite().all()


def test_the_stock_path_shows_the_pattern_of_the_rule(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model)
    segments = two_segments(tokens)
    _, cache = model.run_with_cache(tokens, segments=segments, names_filter=lambda name: name.endswith("hook_pattern"))
    expected = torch.zeros((*tokens.shape, tokens.shape[1]), dtype=torch.bool)
    for row, ids in enumerate(tokens.tolist()):
        begin = ids.index(PATH_START)
        for query, word in enumerate(ids):
            for key, other in enumerate(ids):
                seen = key <= query and segments[row, key] in (0, segments[row, query])
                seen = (seen or (query < begin and key < begin)) and other != PADDING
                expected[row, query, key] = seen or (query == key)
                assert word == PADDING or query < begin or key <= query or not expected[row, query, key]
    for pattern in cache.values():
        assert torch.equal(pattern > 0, expected[:, None].expand(pattern.shape))
        assert torch.allclose(pattern.sum(-1), torch.ones((), dtype=pattern.dtype))


def influence(model: MazeTransformer, tokens: torch.Tensor, at: int, **settings: object) -> torch.Tensor:
    """Return where the stream changes before the unembedding if the embedding at one position does."""

    def change(value: torch.Tensor, hook: object) -> torch.Tensor:
        return torch.where(torch.arange(value.shape[1])[None, :, None] == at, value + 1.0 * value.roll(1, -1), value)

    stop = {"stop_at_layer": model.cfg.n_layers}
    changed = model.run_with_hooks(tokens, fwd_hooks=[("hook_embed", change)], **stop, **settings)
    return (changed - model(tokens, **stop, **settings)).abs().amax(dim=-1)[0] > 0


def test_prompts_see_later_tokens_and_paths_do_not(make_searching: Make, ragged: Callable) -> None:
    tokens = ragged(make_searching(), 1)
    begin, length = int((tokens[0] == PATH_START).nonzero()), tokens.shape[1]
    for prompt, first in (("visible", 0), ("causal", begin - 1)):
        model = make_searching(prompt=prompt)
        changed = influence(model, tokens, begin - 1)
        assert changed.tolist() == [first <= position for position in range(length)]
    model = make_searching()
    for at in (begin, begin + 2):
        assert influence(model, tokens, at).tolist() == [at <= position for position in range(length)]


def test_a_segment_sees_the_prompt_and_itself_alone(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model, 1)
    segments = two_segments(tokens)
    inside = int((segments[0] == 1).nonzero()[0])
    changed = influence(model, tokens, inside, segments=segments)
    assert changed.tolist() == [bool(segment == 1) for segment in segments[0]]
    second = int((segments[0] == 2).nonzero()[0])
    assert not influence(model, tokens, second, segments=segments)[:second].any()
    assert influence(model, tokens, 1, segments=segments).all()


def test_segments_are_of_one_pass_alone(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model)
    plain = model(tokens)
    assert not torch.allclose(model(tokens, segments=two_segments(tokens)), plain)
    assert torch.equal(model(tokens), plain)
    assert model.shared.segments is None
    assert model.shared.sight is None


def test_padding_is_seen_by_nothing_but_itself(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model)
    whole = model(tokens)
    for row, ids in enumerate(tokens):
        real = ids[ids != PADDING]
        assert (model(real[None])[0] - whole[row, : len(real)]).abs().max() < 1e-12


def test_an_attention_mask_hides_what_it_marks(make_searching: Make, ragged: Callable) -> None:
    model = make_searching()
    tokens = ragged(model, 2)
    mask = torch.ones_like(tokens)
    mask[0, 1] = 0
    sight = sight_of(tokens, prompt_visible=True, attention_mask=mask)
    assert not sight.visible[0, 2:, 1].any()
    assert sight.visible[1, 2:4, 1].all()
    assert sight.visible[0, 1, 1]


def test_the_prompt_ends_before_the_first_path_start() -> None:
    tokens = torch.tensor([[PADDING, 0, 12, PATH_START, 13, PATH_START], [0, 12, 13, 14, 15, PADDING]])
    assert prompt_positions(tokens).tolist() == [
        [False, True, True, False, False, False],
        [True, True, True, True, True, False],
    ]
