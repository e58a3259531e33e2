"""SPIN rounds of any causal language model of Hugging Face, on pairs of a prompt and a real answer.

    pairs = encode_pairs(tokenizer, [("two and two is", "four"), ...])
    game = TextGame(model, pairs, end=tokenizer.eos_token_id, config=SpinConfig(beta=0.1), seed=0)
    for _ in range(2):
        rows = game.play_round(lambda weights: torch.optim.RMSprop(weights, lr=5e-7), steps=100, batch_size=8)

The opponent of a round is the model as the round begins. All of it is trained, or the adapter of a `peft` model alone:
then the opponent is the model with the adapter off, see `adapter_off`. Either way it writes its answers and scores both
answers once, when the round begins: constants from there on, so that no second model is kept.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from maze_rl.configs.options import check_count
from maze_rl.configs.spin import SpinConfig
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.plain_numbers import index_of
from maze_rl.tokenization.layouts import PADDING
from maze_rl.training.learning_rates.controlled_optimizer import LearningRateController
from maze_rl.training.learning_rates.schedules import Schedule
from maze_rl.training.slots import Controller
from maze_rl.training.spin.adapter_off import adapter_off, begin_adapter, without_wrapper
from maze_rl.training.spin.causal_language_model import TokenPair, causal_log_probabilities, write_answers
from maze_rl.training.spin.generation import sample_numbers
from maze_rl.training.spin.make_pairs import joined, with_reference
from maze_rl.training.spin.objective import SpinObjective, falling_alarm, past_kl_stop
from maze_rl.training.spin.pair_batches import PairBatch, draw_pairs, pair_batch
from maze_rl.training.spin.pair_table import Kind, PairTable
from maze_rl.training.spin.samples import Samples
from maze_rl.training.spin.tabulate import Padded, tabulate_answers
from maze_rl.training.spin.text_step import Row, take_text_step

MOST_TOKENS = 256
"""Most tokens of an answer where the settings name none, as in the scripts of the paper."""
_OF_MAZES = ("prompts", "tie_policy", "invalid_policy", "keep_best")
"""Settings that only mazes give a sense."""


class TextGame(Shown):
    """Plays rounds, one `play_round` each.

    Attributes:
        model: The model as it stands; with `peft` another object in each round, so ask for it here.
        table: The pairs of the newest round, with the opponent's log probabilities; None before the first.
        rounds: Rounds begun so far.
    """

    def __init__(
        self,
        model: nn.Module,
        pairs: Sequence[Any],
        *,
        end: int,
        config: SpinConfig,
        seed: int = 0,
        writing_batch: int = 16,
        micro_batch_tokens: int = 8192,
    ) -> None:
        """Take the model and what it is to learn.

        Args:
            model: A causal language model of `transformers`, or a `peft` model around one.
            pairs: Ids of prompts and real answers, two sequences of whole numbers (or arrays, or tensors) each;
                `encode_pairs` makes them from texts.
            end: The token that ends an answer, `tokenizer.eos_token_id`.
            config: Settings of every round; those about mazes (prompts, policies, keep_best) stay at their defaults.
            seed: Decides what is written, the order of pairs, and what new adapters begin with.
            writing_batch: Answers written together.
            micro_batch_tokens: Most tokens that go through the network at once to score them when a round begins.

        Raises:
            ConfigurationError: A pair lacks a prompt or an answer, has something else than ids of the model's words, or
                is longer than the model reads; a count is none; a setting has no sense without mazes; or the model is
                none of `transformers`.
        """
        _check_settings(config)
        words = _words_of(model)
        _check_id("end", end, words)
        check_count("writing_batch", writing_batch)
        check_count("micro_batch_tokens", micro_batch_tokens)
        self.model, self.config, self.seed, self.end = model, config, seed, end
        self.pairs = _checked_ids(pairs, words)
        self.most_tokens = _check_pairs(self.pairs, config, _context_of(model))
        self.table: PairTable | None = None
        self.rounds = 0
        self.objective = SpinObjective(config, causal_log_probabilities)
        self._writing_batch, self._micro_batch_tokens = writing_batch, micro_batch_tokens

    def open_round(self) -> dict[str, int]:
        """Let the opponent, the model as it is now, write and score; `play_round` does that itself.

        The model is in evaluation mode from here on: SPIN trains without dropout, as both players must be the same
        where the round begins.

        Returns:
            The round (from 1) and, of what was written, the number of `samples`, of those `identical` to the real
            answer (no pair to learn from) and of those `truncated`: without an end, and scored without one.
        """
        number, self.rounds = self.rounds, self.rounds + 1
        self.model = begin_adapter(self.model, self.seed, number).eval()
        with adapter_off(self.model):
            samples = self._write(number)
            kinds = np.full(samples.lengths.shape, Kind.DISTINCT, np.int8)
            prompts, real = (_padded([pair[part] for pair in self.pairs]) for part in (0, 1))
            table = tabulate_answers(prompts, real, samples, kinds, self.config, number, _words_of(self.model))
            identical = int(table.counts[table.kinds == Kind.IDENTICAL].sum())
            table = joined(self.table, table, self.config.window)
            self.table = with_reference(self.model, table, self._micro_batch_tokens, causal_log_probabilities)
        last = samples.tokens.gather(2, samples.lengths[:, :, None] - 1)
        truncated = int((last != self.end).sum())
        return {"round": number + 1, "samples": kinds.size, "identical": identical, "truncated": truncated}

    def _write(self, number: int) -> Samples:
        """Let the opponent write: a function of (the model, the prompt and its place, seed, round, sample) alone."""
        written, lengths = [], []
        for sample in range(self.config.samples):
            found, ends = write_answers(
                without_wrapper(self.model),
                [prompt for prompt, _ in self.pairs],
                end=self.end,
                most_tokens=self.most_tokens,
                temperature=float(self.config.temperature),
                uniforms=sample_numbers(self.seed, number, sample, np.arange(len(self.pairs)), self.most_tokens),
                batch_size=self._writing_batch,
            )
            behind = torch.arange(self.most_tokens) >= ends[:, None]
            written.append(found.masked_fill(behind, PADDING))
            lengths.append(ends)
        budgets = torch.full((len(self.pairs),), self.most_tokens)
        return Samples(torch.stack(written, 1), torch.stack(lengths, 1), budgets)

    def batches(self, step: int, batch_size: int, accumulation: int = 1) -> list[PairBatch]:
        """Return the mini-batches of a step of the open round, for a loop of one's own with `objective`.

        Raises:
            ConfigurationError: No round is open, or a count is none.
        """
        if self.table is None:
            raise ConfigurationError("batches are those of an open round: call open_round first.")
        total = check_count("batch_size", batch_size) * check_count("accumulation", accumulation)
        drawn = draw_pairs(self.table, self.seed, step * total, total)
        return [pair_batch(self.table, part) for part in drawn.split(batch_size)]

    def play_round(
        self,
        optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer],
        *,
        steps: int,
        batch_size: int = 8,
        accumulation: int = 1,
        controller: Controller | None = None,
        schedule: Schedule | None = None,
        warmup_steps: int = 0,
        on_step: Callable[[Row], object] = lambda row: None,
    ) -> list[Row]:
        """Open a round and train.

        Args:
            optimizer: Called with the weights to train; a new one for each round. Any of torch's, and a
                `DiceOptimizer` around one where an update rule is to decide about its steps.
            steps: Steps of the round.
            batch_size: Pairs of a mini-batch.
            accumulation: Mini-batches of a step.
            controller: Multiplies the learning rate.
            schedule: One of ours, over the steps of the round; None for a constant rate.
            warmup_steps: Of the schedule.
            on_step: Called with each row.

        Returns:
            A row for each step: what `open_round` tells, and loss and measures before the update. None at all where
            the opponent wrote nothing but the real answers; fewer than `steps` where `kl_stop` ends the round.

        Raises:
            ConfigurationError: A count is none, or an adapter cannot be folded (see `begin_adapter`).
            TrainingError: Loss or gradient is not finite, and no controller goes back.
        """
        for name, value in (("steps", steps), ("batch_size", batch_size), ("accumulation", accumulation)):
            check_count(name, value)
        opened = self.open_round()
        rows: list[Row] = []
        assert self.table is not None
        if not bool((self.table.weights > 0).any()):
            return rows
        trained = optimizer([weight for weight in self.model.parameters() if weight.requires_grad])
        control = LearningRateController(trained, controller, steps=steps, schedule=schedule, warmup_steps=warmup_steps)
        for step in range(steps):
            row = take_text_step(self.model, self.objective, self.batches(step, batch_size, accumulation), control)
            alarm = falling_alarm(row, "real answers")
            rows.append({**opened, "step": step + 1, **row} | ({"alarm": alarm} if alarm else {}))
            on_step(rows[-1])
            if past_kl_stop(self.config, row):
                break
        return rows


def _words_of(model: nn.Module) -> int:
    """Return how many words the model has.

    Raises:
        ConfigurationError: It is no language model of `transformers`.
    """
    words = getattr(getattr(without_wrapper(model), "config", None), "vocab_size", None)
    if not isinstance(words, int):
        raise ConfigurationError(
            f"model is a {type(model).__name__}: expected a causal language model of transformers, or peft around one."
        )
    return words


def _check_id(name: str, value: object, words: int) -> int:
    """Return the id of a word as a plain int.

    Raises:
        ConfigurationError: The model has no such word; `name` is in the message.
    """
    found = index_of(value)
    if found is None or not 0 <= found < words:
        raise ConfigurationError(
            f"{name} is {value!r}: expected the id of a word, 0 to {words - 1}; encode_pairs makes ids of texts."
        )
    return found


def _checked_ids(pairs: Sequence[Any], words: int) -> list[tuple[list[int], list[int]]]:
    """Return pairs as lists of plain ids.

    Raises:
        ConfigurationError: Something is no id of a word of the model; names the pair.
    """
    checked = []
    for number, pair in enumerate(pairs):
        if isinstance(pair, str) or len(pair) != 2:
            raise ConfigurationError(
                f"pair {number} is {pair!r}: expected (prompt, answer), as encode_pairs makes them."
            )
        prompt, answer = ([_check_id(f"a token of pair {number}", each, words) for each in part] for part in pair)
        checked.append((prompt, answer))
    return checked


def _context_of(model: nn.Module) -> int | None:
    """Return how many tokens the model reads; None where its configuration sets no limit."""
    return getattr(without_wrapper(model).config, "max_position_embeddings", None)


def _check_settings(config: SpinConfig) -> None:
    defaults = {field.name: field.default for field in fields(SpinConfig)}
    changed = [name for name in _OF_MAZES if getattr(config, name) != defaults[name]]
    if config.loss == "filtered":
        changed.append("loss filtered")
    if changed:
        raise ConfigurationError(f"{', '.join(changed)}: needs mazes, which tell a right path; leave it out for texts.")


def _check_pairs(pairs: Sequence[TokenPair], config: SpinConfig, context: int | None) -> int:
    """Return how many tokens an answer may have: as many as set, and as fit behind the longest prompt."""
    if not pairs:
        raise ConfigurationError("no pairs were given: expected at least one (prompt, answer).")
    for number, (prompt, answer) in enumerate(pairs):
        if not prompt or not answer:
            raise ConfigurationError(
                f"pair {number} has {len(prompt)} tokens of prompt and {len(answer)} of answer: expected one of each."
            )
        if context is not None and len(prompt) + len(answer) > context:
            raise ConfigurationError(
                f"pair {number} has {len(prompt) + len(answer)} tokens, the model reads {context}: shorten it."
            )
    most = config.most_tokens or MOST_TOKENS
    return most if context is None else min(most, context - max(len(prompt) for prompt, _ in pairs))


def _padded(rows: Sequence[Sequence[int]]) -> Padded:
    longest = max(map(len, rows))
    ids: Tensor = torch.tensor([[*row, *[PADDING] * (longest - len(row))] for row in rows])
    return Padded(ids, torch.tensor([len(row) for row in rows]))
