"""Text is a prompt like ids: the model's own tokenizer, nothing put before it, and the same paths by every way."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformers import AutoTokenizer

from maze_rl.configs.model import ModelConfig
from maze_rl.configs.tokenization import FORMATS
from maze_rl.errors import ConfigurationError
from maze_rl.mazes.generate import generate
from maze_rl.models.build import MazeTransformer, build_bare, build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.models.folding import folded_copy
from maze_rl.models.model_files import load_model
from maze_rl.shipped import shipped, shipped_names
from maze_rl.tokenization.layouts import PATH_END, SPECIAL_WORDS
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

MAZES = generate((4, 5), num=60, seed=5)
MOST = 20
GREEDY = {"do_sample": False, "verbose": False}
NETWORKS = {
    "none": {"positions": "none"},
    "learned": {"positions": "learned"},
    "rotary": {"positions": "rotary"},
    "visible in loops, learned": {"positions": "learned", "prompt": "visible", "loops": 2},
    "visible in loops, rotary": {"positions": "rotary", "prompt": "visible", "loops": 2},
}


def a_model(format_name: str = "edges", **settings: object) -> MazeTransformer:
    config = ModelConfig(**({"n_layers": 2, "d_model": 32, "n_heads": 2} | settings))  # type: ignore[arg-type]
    model = build_model(config, load_tokenization(format_name, canvas=7), seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return model


def ended(row: Tensor) -> list[int]:
    ids = row.tolist()
    return ids[: ids.index(PATH_END) + 1] if PATH_END in ids else ids


@torch.no_grad()
def paths_by_every_way(model: MazeTransformer) -> dict[str, list[list[int]]]:
    """Return the paths that follow the prompts of `MAZES`, by the way they were asked for."""
    tokenization = model.tokenization
    tokens, spans = tokenization.encode(MAZES, prompt_only=True)
    lengths = spans.lengths.tolist()
    texts = tokenization.decode(tokens)
    assert len(set(lengths)) > 1, "padding is not tried"
    left = model.to_tokens(texts, padding_side="left")
    written = decode_paths(model, tokens, spans.lengths, torch.full((len(tokens),), MOST))
    rows = [tokens[row : row + 1, :length] for row, length in enumerate(lengths)]

    def behind(text: str, length: int) -> list[int]:
        return model.to_tokens(text)[0, length:].tolist()

    return {
        "decoder": [ended(row) for row in written],
        "ids": [ended(model.generate(row, MOST, **GREEDY)[0, row.shape[1] :]) for row in rows],
        "text": [behind(model.generate(t, MOST, **GREEDY), n) for t, n in zip(texts, lengths, strict=True)],
        "texts": [behind(t, n) for t, n in zip(model.generate(texts, MOST, **GREEDY), lengths, strict=True)],
        "left": [ended(row[left.shape[1] :]) for row in model.generate(left, MOST, **GREEDY)],
        "stream": [
            ended(row[left.shape[1] :]) for row in torch.cat(list(model.generate_stream(left, MOST, **GREEDY)), dim=1)
        ],
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_ids_texts_and_our_decoder_write_the_same_paths(name: str) -> None:
    model = a_model(**NETWORKS[name])
    ways = paths_by_every_way(model)
    for way, paths in ways.items():
        assert paths == ways["decoder"], way
    left = model.to_tokens(
        model.tokenization.decode(model.tokenization.encode(MAZES, prompt_only=True).tokens[:9]), padding_side="left"
    )
    with torch.no_grad():
        paths = model.generate(left, MOST, use_past_kv_cache=False, **GREEDY)[:, left.shape[1] :]
    assert [ended(row) for row in paths] == ways["decoder"][:9]
    assert len({tuple(path) for path in ways["decoder"]}) > 20, "the paths do not depend on the mazes"


@pytest.mark.parametrize("name", shipped_names("models"))
def test_shipped_models_read_text(name: str) -> None:
    model = load_model(name)
    ways = paths_by_every_way(model)
    assert all(paths == ways["decoder"] for paths in ways.values())
    text = model.tokenization.to_text(MAZES[0])
    assert model.cfg.default_prepend_bos is False
    assert model.to_str_tokens(text)[0] == "<ADJLIST_START>"


@pytest.mark.parametrize("format_name", FORMATS)
def test_the_tokenizer_is_that_of_the_files(format_name: str, tmp_path: Path) -> None:
    model = a_model(format_name, embedding="free")
    tokens = model.tokenization.encode(MAZES).tokens
    texts = model.tokenization.decode(tokens)
    assert torch.equal(model.to_tokens(texts), tokens)
    assert model.to_tokens(texts, prepend_bos=True)[:, 0].unique().tolist() == [SPECIAL_WORDS.index("<ADJLIST_START>")]
    assert model.tokenizer is not None
    shipped_one = AutoTokenizer.from_pretrained(str(shipped("tokenizers", format_name)))
    for special in ("pad_token_id", "eos_token_id", "unk_token_id", "bos_token_id", "padding_side", "model_max_length"):
        assert getattr(model.tokenizer, special) == getattr(shipped_one, special), special
    model.set_tokenizer(shipped_one)
    assert torch.equal(model.to_tokens(texts, prepend_bos=True), tokens)
    assert model.to_string(tokens[0]).split(" <PADDING>")[0] == texts[0]


def test_a_tokenizer_of_other_words_is_refused() -> None:
    other = AutoTokenizer.from_pretrained(str(shipped("tokenizers", "cells")))
    with pytest.raises(ConfigurationError, match=r"^set_tokenizer: .* is id \d+ here and .* of this tokenizer"):
        a_model("edges").set_tokenizer(other)


def test_text_comes_back_with_all_words_up_to_the_end() -> None:
    model = load_model("maze-4to5-unique-cells")
    text = str(model.tokenization.decode(model.tokenization.encode(MAZES[0], prompt_only=True).tokens[0]))
    whole = model.generate(text, MOST, **GREEDY)
    assert whole.startswith(text + " (")
    assert whole.endswith(" <PATH_END>") and whole.count("<PATH_END>") == 1
    both = model.generate([text, model.tokenization.to_text(MAZES[1]).rsplit(" ", 3)[0]], MOST, **GREEDY)
    assert both[0] == whole


def test_copies_have_their_tokenizer() -> None:
    model = a_model(loops=2, positions="learned")
    text = model.tokenization.to_text(MAZES[0])
    ids = model.to_tokens(text)
    for copy in (deepcopy(model), model.with_loops(3), folded_copy(model)):
        assert torch.equal(copy.to_tokens(text), ids)
        assert copy.cfg.default_prepend_bos is False
        assert copy.tokenizer is not model.tokenizer
    assert torch.equal(model(text), model(ids))


@torch.no_grad()
@pytest.mark.parametrize("name", NETWORKS)
def test_texts_of_different_lengths_have_the_logits_of_each_alone(name: str) -> None:
    model = a_model(**NETWORKS[name])
    texts = model.tokenization.decode(model.tokenization.encode(MAZES.take(np.arange(8)), prompt_only=True).tokens)
    alone = torch.cat([model(text)[:, -1] for text in texts])
    assert torch.allclose(model(texts, padding_side="left")[:, -1], alone, atol=1e-4)


def test_prompts_padded_on_the_right_are_refused() -> None:
    model = a_model()
    tokens = model.tokenization.encode(MAZES, prompt_only=True).tokens
    for generate_by in (model.generate, model.generate_stream):
        with pytest.raises(ConfigurationError, match=r"^a prompt is padded on the right.*decode_paths\.$"):
            generate_by(tokens, MOST)


def _shape(tokenization: Tokenization | None = None) -> dict[str, object]:
    words = {} if tokenization else {"d_vocab": 20, "n_ctx": 40}
    return {"n_layers": 2, "d_model": 16, "n_heads": 2, "d_head": 8, "act_fn": "gelu", "seed": 1, **words}


@torch.no_grad()
def continued(model: HookedTransformer, tokens: Tensor, num: int) -> Tensor:
    for _ in range(num):
        tokens = torch.cat([tokens, model(tokens)[:, -1:].argmax(dim=-1)], dim=1)
    return tokens


@pytest.mark.parametrize("positions", ["standard", "rotary"])
@pytest.mark.parametrize("given", ["ids", "embeddings"])
def test_without_a_tokenizer_positions_are_right_too(positions: str, given: str) -> None:
    """TransformerLens 3.9 gives token p the embedding of position 2 p there, if it keeps keys and values."""
    model = build_bare(_shape() | {"positional_embedding_type": positions}, None)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(3))
    tokens = torch.arange(24).reshape(2, 12) % 19 + 1
    expected = continued(model, tokens, 6)
    prompt = tokens if given == "ids" else model.embed(tokens)
    found = model.generate(prompt, 6, False, return_type="tokens", **GREEDY)
    assert torch.equal(found[:, -6:], expected[:, -6:])


def test_the_stock_model_that_this_is_about_is_still_wrong() -> None:
    """Once it is not, `MazeTransformer.generate` need not do without the cache."""
    model = HookedTransformer(HookedTransformerConfig(**_shape(), device="cpu", initializer_range=1.0))
    tokens = torch.arange(12)[None] + 1
    expected = continued(model, tokens, 6)
    without = model.generate(tokens, 6, False, use_past_kv_cache=False, **GREEDY)
    assert torch.equal(without, expected)
    assert not torch.equal(model.generate(tokens, 6, False, **GREEDY), expected)


def test_a_bare_model_with_a_tokenization_reads_text(make_prompt: Callable[..., str]) -> None:
    tokenization = load_tokenization("edges", canvas=5)
    model = build_bare(_shape(tokenization), tokenization)
    text = make_prompt(tokenization)
    assert model.to_str_tokens(text)[0] == "<ADJLIST_START>"
    ids = model.to_tokens(text)
    assert torch.equal(
        model.generate(ids, 6, False, **GREEDY), model.generate(text, 6, False, return_type="tokens", **GREEDY)
    )
    assert torch.equal(model.generate(ids, 6, False, **GREEDY), continued(model, ids, 6))


@pytest.fixture
def make_prompt() -> Callable[..., str]:
    def make(tokenization: Tokenization) -> str:
        return str(tokenization.decode(tokenization.encode(MAZES[0], prompt_only=True).tokens[0]))

    return make


@pytest.mark.parametrize("text", ["hello world", ["<PATH_START>", "hello there"]])
def test_a_word_that_no_maze_has_is_named(text: str | list[str]) -> None:
    model = a_model()
    for read in (model, model.to_tokens, model.generate):
        with pytest.raises(ConfigurationError, match=r"^the word 'hello' is none of the \d+ that this model reads"):
            read(text)
