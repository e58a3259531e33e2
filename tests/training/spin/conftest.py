"""A tiny model, mazes with cycles, and the pairs of a round; a tiny GPT-Neo, its tokenizer, and text pairs."""

from collections.abc import Callable

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import GPTNeoConfig, GPTNeoForCausalLM, PreTrainedTokenizerFast

from maze_rl.configs.model import ModelConfig
from maze_rl.configs.spin import SpinConfig
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.tokenization.layouts import PADDING
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.training.spin.make_pairs import make_pairs
from maze_rl.training.spin.pair_batches import PairBatch
from maze_rl.training.spin.pair_table import Kind, PairTable

MakeModel = Callable[..., MazeTransformer]
MakePairs = Callable[..., PairTable]
MakeBatch = Callable[..., PairBatch]


@pytest.fixture
def make_model() -> MakeModel:
    def make(tokens: str = "edges", dtype: torch.dtype = torch.float64, seed: int = 1) -> MazeTransformer:
        config = ModelConfig(n_layers=2, d_model=16, n_heads=2, embedding="free", positions="rotary")
        return build_model(config, load_tokenization(tokens, canvas=4), seed=seed, dtype=dtype)

    return make


@pytest.fixture
def mazes() -> MazeCollection:
    return generate((2, 3, 4), "dfs_percolation", num=24, seed=5, percolation=0.4)


@pytest.fixture
def pairs_of(mazes: MazeCollection) -> MakePairs:
    """Makes the pairs of a round of short walks."""

    def make(model: MazeTransformer, round_number: int = 0, **settings: object) -> PairTable:
        given = {name: settings.pop(name) for name in ("previous", "batch_size", "seed") if name in settings}
        config = SpinConfig(**({"most_tokens": 8} | settings))  # type: ignore[arg-type]
        return make_pairs(model, config, mazes, **({"seed": 0} | given), round_number=round_number)  # type: ignore

    return make


@pytest.fixture
def batch_of() -> MakeBatch:
    """Makes a batch of pairs ``(prompt, real path, written path)`` given as ids."""

    def make(
        *pairs: tuple[list[int], list[int], list[int]], kinds: list[Kind] | None = None, reference: object = None
    ) -> PairBatch:
        rows = [prompt + real for prompt, real, _ in pairs] + [prompt + other for prompt, _, other in pairs]
        longest = max(map(len, rows))
        return PairBatch(
            torch.tensor([row + [PADDING] * (longest - len(row)) for row in rows]),
            torch.tensor([len(prompt) for prompt, _, _ in pairs] * 2),
            torch.tensor([len(row) for row in rows]),
            torch.zeros(2 * len(pairs), dtype=torch.float64) if reference is None else torch.as_tensor(reference),
            torch.tensor(kinds or [Kind.DISTINCT] * len(pairs), dtype=torch.int8),
            torch.ones(len(pairs)),
        )

    return make


NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
WORDS = ["<end>", "<pad>", "<unk>", "and", "is", "say", "then", ":", "it", "of", "the", "numbers", *NUMBERS]


@pytest.fixture
def texts() -> list[tuple[str, str]]:
    """Sums in words: a dozen pairs, prompts and answers of several lengths."""
    sums = [(0, 1), (1, 1), (2, 1), (3, 1), (0, 2), (1, 2), (2, 2), (3, 3), (4, 3), (5, 2), (6, 3), (4, 4)]
    pairs = [(f"say {NUMBERS[a]} and then {NUMBERS[b]} : it is", NUMBERS[a + b]) for a, b in sums[:6]]
    pairs += [(f"{NUMBERS[a]} and {NUMBERS[b]} is", NUMBERS[a + b]) for a, b in sums[6:]]
    return [(pairs[0][0], "of the numbers : one"), *pairs[1:]]


@pytest.fixture
def make_tokenizer() -> Callable[..., PreTrainedTokenizerFast]:
    def make(padding_side: str = "right", **tokens: object) -> PreTrainedTokenizerFast:
        inner = Tokenizer(WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
        inner.pre_tokenizer = Whitespace()  # type: ignore[reportAttributeAccessIssue]
        settings = {"eos_token": "<end>", "pad_token": "<pad>", "unk_token": "<unk>"} | tokens
        return PreTrainedTokenizerFast(tokenizer_object=inner, padding_side=padding_side, **settings)

    return make


@pytest.fixture
def make_gpt_neo() -> Callable[..., GPTNeoForCausalLM]:
    """Two layers, one of local attention; with dropout, for nothing may depend on it."""

    def make(seed: int = 0, dtype: torch.dtype = torch.float32) -> GPTNeoForCausalLM:
        config = GPTNeoConfig(
            vocab_size=len(WORDS),
            hidden_size=32,
            num_layers=2,
            num_heads=2,
            attention_types=[[["global", "local"], 1]],
            window_size=4,
            max_position_embeddings=24,
            initializer_range=0.3,
            resid_dropout=0.1,
            embed_dropout=0.1,
            attention_dropout=0.1,
            bos_token_id=0,
            eos_token_id=0,
        )
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return GPTNeoForCausalLM(config).to(dtype)  # type: ignore[reportArgumentType]

    return make


@pytest.fixture
def plain_score() -> Callable[..., float]:
    """Adds up log probabilities in a plain loop over one pair without padding."""

    def score(model: torch.nn.Module, prompt: list[int], answer: list[int]) -> float:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([[*prompt, *answer]])).logits[0].double()
        scores = torch.log_softmax(logits, dim=-1)
        return sum(float(scores[len(prompt) - 1 + place, word]) for place, word in enumerate(answer))

    return score
