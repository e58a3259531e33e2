"""What SPIN asks of a causal language model of Hugging Face: to read pairs, to score answers, and to write them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Float64, Int64
from torch import Tensor, nn
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from maze_rl.errors import ConfigurationError
from maze_rl.models.decoding import choose_at
from maze_rl.training.spin.generation import written_lengths
from maze_rl.training.spin.sequence_log_probability import before_responses, summed_scores

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TokenPair = tuple[Sequence[int], Sequence[int]]
"""Ids of a prompt and of its real answer, the end included."""


def encode_pairs(tokenizer: "PreTrainedTokenizerBase", pairs: Sequence[tuple[str, str]]) -> list[TokenPair]:
    """Return the ids of texts ``(prompt, answer)``, each answer with one end behind it.

    The two are encoded apart, as the model writes behind the tokens of a prompt. A prompt has the tokens that the
    tokenizer puts before a text (a beginning, where it has one), and none of those that it puts behind one (an end); an
    answer has none but the end.

    Raises:
        ConfigurationError: The tokenizer has no token that ends a text, or a pair is no two texts.
    """
    end = tokenizer.eos_token_id
    if not isinstance(end, int):
        raise ConfigurationError("the tokenizer has no eos_token: set one, as tokenizer.eos_token = '<end>'.")
    found = []
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2:
            raise ConfigurationError(f"a pair is {pair!r}: expected two texts, (prompt, answer).")
        prompt, answer = pair
        ids = list(tokenizer(answer, add_special_tokens=False)["input_ids"])
        found.append((_beginning(tokenizer, prompt), ids if ids[-1:] == [end] else [*ids, end]))
    return found


def _beginning(tokenizer: "PreTrainedTokenizerBase", prompt: str) -> list[int]:
    """Return the ids of a text that goes on: with what the tokenizer puts before it, without what it puts behind it."""
    whole = list(tokenizer(prompt)["input_ids"])
    plain = list(tokenizer(prompt, add_special_tokens=False)["input_ids"])
    for behind in range(len(whole) - len(plain) + 1):
        last = len(whole) - behind
        if whole[last - len(plain) : last] == plain:
            return whole[:last]
    return whole


def causal_log_probabilities(
    model: nn.Module,
    tokens: Int64[Tensor, "batch pos"],
    starts: Int64[Tensor, " batch"],
    lengths: Int64[Tensor, " batch"],
) -> Float[Tensor, " batch"]:
    """Return the log probability of each answer under a causal language model, nats.

    Args:
        model: Of `transformers`, a `peft` model around one too.
        tokens: Prompts and answers, right-padded with anything: the padding is masked.
        starts: Position of the first token of each answer, at least 1.
        lengths: Tokens before the padding; the answer is ``tokens[row, starts[row]:lengths[row]]``.
    """
    mask = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]
    response = before_responses(tokens, starts, lengths)
    read = tokens.masked_fill(~mask, 0)  # our padding may be no word of this model
    logits = model(input_ids=read, attention_mask=mask.long(), use_cache=False).logits[:, :-1]
    return summed_scores(logits[response], tokens, response)


@torch.no_grad()
def write_answers(
    model: nn.Module,
    prompts: Sequence[Sequence[int]],
    *,
    end: int,
    most_tokens: int,
    temperature: float | int = 1.0,
    uniforms: Float64[Tensor, "num most_new"] | None = None,
    batch_size: int = 16,
) -> tuple[Int64[Tensor, "num new"], Int64[Tensor, " num"]]:
    """Let `model.generate` write an answer behind each prompt, drawn from the whole of its distribution.

    What it writes behind one does not depend on the prompts beside it. The model's own `generation_config` (top-k,
    penalties) is set aside meanwhile: SPIN needs samples of the model as it is.

    Args:
        model: A model of `transformers` that has `generate`.
        prompts: Ids of each, at least one.
        end: The token that ends an answer.
        most_tokens: Most tokens of an answer, at least 1.
        temperature: 0 writes the most likely answer; above, samples it with `uniforms`.
        uniforms: Random numbers in [0, 1), one for each token of each answer, needed above temperature 0.
        batch_size: Answers written together.

    Returns:
        The written ids, padded with `end`, and how many each answer has: up to its end, or `most_tokens`.
    """
    written = torch.full((len(prompts), most_tokens), end)
    order = sorted(range(len(prompts)), key=lambda row: len(prompts[row]))
    settings = GenerationConfig(do_sample=False, max_new_tokens=most_tokens, eos_token_id=end, pad_token_id=end)
    device = next(model.parameters()).device
    kept, model.generation_config = model.generation_config, GenerationConfig()  # type: ignore[assignment]
    try:
        for first in range(0, len(prompts), batch_size):
            rows = order[first : first + batch_size]
            ids, mask = (tensor.to(device) for tensor in _left_padded([prompts[row] for row in rows], end))
            draw = LogitsProcessorList()
            if temperature > 0:
                assert uniforms is not None
                draw.append(_Draw(uniforms[rows].to(device), ids.shape[1], temperature))
            new = model.generate(  # type: ignore[operator]
                input_ids=ids, attention_mask=mask, generation_config=settings, logits_processor=draw
            )[:, ids.shape[1] :]
            written[rows, : new.shape[1]] = new.cpu()
    finally:
        model.generation_config = kept
    return written, written_lengths(written, torch.full((len(prompts),), most_tokens), end)


class _Draw(LogitsProcessor):
    """Leaves of each row's words the one that its number draws, so that the most likely word is a sample.

    Sampling as `generate` does it takes from one stream for all rows of a batch, and from the one of the whole program.
    """

    def __init__(self, uniforms: Float64[Tensor, "rows most_new"], width: int, temperature: float | int) -> None:
        self.uniforms, self.width, self.temperature = uniforms, width, temperature

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        drawn = choose_at(scores, self.temperature, self.uniforms[:, input_ids.shape[1] - self.width])
        return torch.full_like(scores, -torch.inf).scatter(1, drawn[:, None], 0.0)


def _left_padded(rows: Sequence[Sequence[int]], padding: int) -> tuple[Tensor, Tensor]:
    """Return ids that all end in the last column, and the mask of those that are no padding."""
    longest = max(map(len, rows))
    ids = torch.tensor([[padding] * (longest - len(row)) + list(row) for row in rows])
    return ids, torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
