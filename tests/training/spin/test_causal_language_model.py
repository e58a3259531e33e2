"""A causal language model of Hugging Face as a player: scores against a plain loop, and samples of what it is."""

import numpy as np
import pytest
import torch
from tokenizers.processors import TemplateProcessing
from transformers import GenerationConfig

from maze_rl.errors import ConfigurationError
from maze_rl.training.spin.causal_language_model import causal_log_probabilities, encode_pairs, write_answers
from maze_rl.training.spin.generation import sample_numbers

END = 0
MOST = 5


def padded(rows: list[list[int]], padding: int) -> torch.Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [padding] * (longest - len(row)) for row in rows])


def scores_of(model: torch.nn.Module, pairs: list, padding: int = 30_000) -> list[float]:
    """Padded by ids that are no words of the model: our own padding is none either."""
    rows = [[*prompt, *answer] for prompt, answer in pairs]
    starts, lengths = (torch.tensor(found) for found in ([len(p) for p, _ in pairs], [len(row) for row in rows]))
    with torch.no_grad():
        return causal_log_probabilities(model, padded(rows, padding), starts, lengths).tolist()


def written_by(model: torch.nn.Module, prompts: list, seed: int = 0, **settings: object) -> list[list[int]]:
    numbers = sample_numbers(seed, 0, 0, np.arange(len(prompts)), MOST)
    settings = {"end": END, "most_tokens": MOST, "uniforms": numbers} | settings
    found, lengths = write_answers(model, prompts, **settings)  # type: ignore[arg-type]
    return [row[:length] for row, length in zip(found.tolist(), lengths.tolist(), strict=True)]


def test_an_answer_is_ended_once(make_tokenizer) -> None:
    pairs = encode_pairs(make_tokenizer(), [("one and two is", "three"), ("one and two is", "three<end>"), ("one", "")])
    assert pairs == [([13, 3, 14, 4], [15, END]), ([13, 3, 14, 4], [15, END]), ([13], [END])]


@pytest.mark.parametrize("template", ["$A <end>", "<end> $A <end>", "<end> $A", "<end> <pad> $A"])
def test_a_prompt_keeps_what_stands_before_it_and_not_what_would_end_it(template: str, make_tokenizer) -> None:
    tokenizer = make_tokenizer()
    special = [("<end>", END), ("<pad>", 1)]
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=template, special_tokens=special)
    before = [dict(special)[word] for word in template.partition("$A")[0].split()]
    asked = [("one and two is", "three"), ("one", "")]
    assert encode_pairs(tokenizer, asked) == [([*before, 13, 3, 14, 4], [15, END]), ([*before, 13], [END])]


def test_the_side_a_tokenizer_pads_on_changes_nothing(make_tokenizer, texts) -> None:
    assert encode_pairs(make_tokenizer("left"), texts) == encode_pairs(make_tokenizer("right"), texts)


def test_a_tokenizer_without_an_end_is_refused(make_tokenizer, texts) -> None:
    with pytest.raises(ConfigurationError, match="eos_token"):
        encode_pairs(make_tokenizer(eos_token=None), texts)


def test_scores_equal_a_plain_loop(make_gpt_neo, make_tokenizer, texts, plain_score) -> None:
    """All pairs in one padded batch; the end is scored, once, and the prompt is not."""
    model = make_gpt_neo(dtype=torch.float64).eval()
    pairs = encode_pairs(make_tokenizer(), texts)
    expected = [plain_score(model, *pair) for pair in pairs]
    assert scores_of(model, pairs) == pytest.approx(expected, abs=1e-5)
    without_end = [(prompt, answer[:-1]) for prompt, answer in pairs]
    assert all(more > less for more, less in zip(scores_of(model, without_end), expected, strict=True))


def test_padding_on_either_side_changes_no_score(make_gpt_neo, make_tokenizer, texts) -> None:
    model = make_gpt_neo(dtype=torch.float64).eval()
    pairs = encode_pairs(make_tokenizer(), texts)
    together = scores_of(model, pairs)
    assert scores_of(model, pairs, padding=1) == together
    for number in (1, 8):
        prompt, answer = pairs[number]
        assert scores_of(model, [pairs[number]]) == pytest.approx([together[number]], abs=1e-6)
        row = torch.tensor([[1] * 5 + prompt + answer])
        mask = torch.tensor([[0] * 5 + [1] * len(prompt + answer)])
        with torch.no_grad():
            logits = model(input_ids=row, attention_mask=mask, position_ids=(mask.cumsum(1) - 1).clamp(min=0)).logits
        left = torch.log_softmax(logits[0, -len(answer) - 1 : -1], -1).gather(1, torch.tensor(answer)[:, None]).sum()
        assert float(left) == pytest.approx(together[number], abs=1e-6)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_what_is_written_does_not_depend_on_the_prompts_beside_it(
    temperature: float, make_gpt_neo, make_tokenizer, texts
) -> None:
    model = make_gpt_neo(dtype=torch.float64).eval()
    prompts = [prompt for prompt, _ in encode_pairs(make_tokenizer(), texts)]
    together = written_by(model, prompts, seed=1, temperature=temperature)
    assert len({len(row) for row in together}) > 1
    assert together == written_by(model, prompts, seed=1, temperature=temperature, batch_size=1)
    assert together == written_by(model, prompts, seed=1, temperature=temperature, batch_size=5)
    assert all(END not in row[:-1] and (row[-1] == END or len(row) == MOST) for row in together)


def test_a_seed_decides_what_is_written_and_no_other_random_stream_is_touched(make_gpt_neo) -> None:
    model, prompts = make_gpt_neo().eval(), [[13, 3, 14, 4]] * 8
    before = torch.random.get_rng_state()
    first = written_by(model, prompts, seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    assert written_by(model, prompts, seed=1) == first != written_by(model, prompts, seed=2)
    assert len({tuple(row) for row in first}) > 1


def test_answers_are_samples_of_the_model_whatever_its_generation_settings_are(make_gpt_neo) -> None:
    model, prompt, num = make_gpt_neo().eval(), [13, 3, 14, 4], 2000
    own = GenerationConfig(do_sample=True, top_k=1, temperature=0.1, repetition_penalty=5.0)
    model.generation_config = own
    numbers = sample_numbers(0, 0, 0, np.arange(num), 1)
    settings = {"end": END, "most_tokens": 1, "batch_size": num, "uniforms": numbers}
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([prompt])).logits[0, -1]
    for temperature in (1.0, 2.0):
        found, _ = write_answers(model, [prompt] * num, temperature=temperature, **settings)
        shares = torch.bincount(found[:, 0], minlength=len(logits)) / num
        expected = torch.softmax(logits / temperature, dim=-1)
        assert float((shares - expected).abs().max()) < 0.04
    assert model.generation_config is own
