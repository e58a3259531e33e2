"""Rounds on text pairs with a GPT-Neo made from a configuration: all of it trained, or a LoRA adapter of `peft`."""

import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from maze_rl.configs.spin import SpinConfig
from maze_rl.errors import ConfigurationError
from maze_rl.training.slots import Outcome, Verdict
from maze_rl.training.spin.adapter_off import adapter_off, without_wrapper
from maze_rl.training.spin.causal_language_model import causal_log_probabilities, encode_pairs, write_answers
from maze_rl.training.spin.generation import sample_numbers
from maze_rl.training.spin.pair_batches import pair_batch
from maze_rl.training.spin.text_game import TextGame
from maze_rl.training.step import TrainingError
from maze_rl.training.update_rules.constant_scale import ConstantScale
from maze_rl.training.update_rules.dice_optimizer import DiceOptimizer

END = 0
LN_2 = math.log(2)
# peft itself still asks for what transformers has renamed
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


def adam(weights: Sequence[torch.nn.Parameter]) -> torch.optim.Optimizer:
    return torch.optim.Adam(weights, lr=3e-3)


@pytest.fixture
def make_player(make_gpt_neo) -> Callable[..., torch.nn.Module]:
    def make(kind: str = "full", dtype: torch.dtype = torch.float32) -> torch.nn.Module:
        model = make_gpt_neo(dtype=dtype)
        if kind == "full":
            return model
        peft = pytest.importorskip("peft", reason="the extra is not there: pip install -c constraints.txt -e '.[peft]'")
        settings = peft.LoraConfig(r=4, lora_alpha=16, lora_dropout=0.1, target_modules=["q_proj", "v_proj", "c_fc"])
        return peft.get_peft_model(model, settings)

    return make


@pytest.fixture
def make_game(make_player, make_tokenizer, texts) -> Callable[..., TextGame]:
    def make(model: torch.nn.Module | None = None, seed: int = 0, **settings: object) -> TextGame:
        config = SpinConfig(**({"most_tokens": 6} | settings))  # type: ignore[arg-type]
        pairs = encode_pairs(make_tokenizer(), texts)
        return TextGame(make_player() if model is None else model, pairs, end=END, config=config, seed=seed)

    return make


def responses(game: TextGame) -> list[tuple[list[int], list[int]]]:
    """Every (prompt, answer) of the table, without padding."""
    assert game.table is not None
    tokens, starts, lengths = game.table.sequences(torch.arange(len(game.table.responses)))
    rows = zip(tokens.tolist(), starts.tolist(), lengths.tolist(), strict=True)
    return [(row[:start], row[start:length]) for row, start, length in rows]


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_two_rounds(kind: str, make_player, make_game, plain_score) -> None:
    """The opponent is the model of the round before, each begins at ln 2, and log-ratios are those of a plain loop."""
    game = make_game(make_player(kind, torch.float64), beta=0.5)
    for number in range(2):
        opponent = copy.deepcopy(game.model).eval()  # as the round before left it
        rows = game.play_round(adam, steps=12, batch_size=12)
        assert rows[0]["round"] == number + 1
        assert rows[0]["loss"] == pytest.approx(LN_2, abs=1e-6)
        assert rows[-1]["loss"] < 0.5 * LN_2
        assert rows[-1]["accuracy"] > 0.9
        reference = [plain_score(opponent, *pair) for pair in responses(game)]
        assert game.table.reference.tolist() == pytest.approx(reference, abs=1e-5)
        policy = [plain_score(game.model, *pair) for pair in responses(game)]
        assert max(abs(now - then) for now, then in zip(policy, reference, strict=True)) > 1
        ratios = torch.tensor(policy) - torch.tensor(reference)
        chosen = game.table.trainable(number)  # each pair once, of weight 1
        found = game.objective.loss(game.model, pair_batch(game.table, chosen)).measures["margin"]
        margins = 0.5 * (ratios[game.table.real[chosen]] - ratios[game.table.generated[chosen]])
        assert float(found) == pytest.approx(float(margins.sum()), abs=1e-4)
        with adapter_off(game.model):
            off = [plain_score(game.model, *pair) for pair in responses(game)]
        if kind == "lora":
            assert off == pytest.approx(reference, abs=1e-5)
        else:
            assert off == policy


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_the_opponent_of_the_second_round_writes_as_the_model_that_ended_the_first(
    kind: str, make_player, make_game
) -> None:
    game = make_game(make_player(kind), window=1)
    first = copy.deepcopy(game.model).eval()
    game.play_round(adam, steps=6, batch_size=12)
    ended = copy.deepcopy(game.model).eval()
    game.open_round()
    prompts = [prompt for prompt, _ in game.pairs]
    numbers = sample_numbers(0, 1, 0, np.arange(len(prompts)), 6)
    written = []
    for model in (ended, first):
        found, lengths = write_answers(without_wrapper(model), prompts, end=END, most_tokens=6, uniforms=numbers)
        written.append({(*p, *row[:n]) for p, row, n in zip(prompts, found.tolist(), lengths.tolist(), strict=True)})
    table = [(*prompt, *answer) for prompt, answer in responses(game)]
    of_round = {table[response] for response in game.table.generated.tolist()}
    assert of_round == written[0] != written[1]


@pytest.mark.parametrize("kind", ["full", "lora"])
def test_every_pair_of_a_round_begins_at_ln_2_those_of_the_round_before_too(kind: str, make_player, make_game) -> None:
    game = make_game(make_player(kind), window=2, samples=2)
    game.play_round(adam, steps=4, batch_size=12)
    game.open_round()
    assert game.table.rounds.unique().tolist() == [0, 1]
    with torch.no_grad():
        found = causal_log_probabilities(game.model, *game.table.sequences(torch.arange(len(game.table.responses))))
    assert (found - game.table.reference).abs().max() < 1e-4


def test_lora_trains_the_adapter_alone_and_is_folded_when_the_next_round_begins(make_player, make_game) -> None:
    game = make_game(make_player("lora"))
    game.open_round()

    def base() -> dict[str, torch.Tensor]:
        named = without_wrapper(game.model).state_dict()
        return {name: weight.clone() for name, weight in named.items() if "lora" not in name}

    before, names = base(), {name for name, weight in game.model.named_parameters() if weight.requires_grad}
    assert names
    assert all("lora" in name for name in names)
    game.play_round(adam, steps=1, batch_size=12)
    assert all(torch.equal(weight, before[name]) for name, weight in base().items())  # the first fold adds nothing
    logits = game.model(input_ids=torch.tensor([[13, 3, 14, 4]])).logits
    game.open_round()
    assert any(not torch.equal(weight, before[name]) for name, weight in base().items())
    for context in (adapter_off(game.model), torch.no_grad()):
        with context:
            folded = game.model(input_ids=torch.tensor([[13, 3, 14, 4]])).logits
        assert (folded - logits).abs().max() < 1e-4
    assert {name for name, weight in game.model.named_parameters() if weight.requires_grad} == names


def test_an_adapter_that_was_trained_before_is_part_of_the_first_opponent(make_player, make_game, plain_score) -> None:
    model = make_player("lora")
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.add_(0.1)
    game = make_game(model)
    pair = game.pairs[0]
    started = plain_score(model.eval(), *pair)
    with adapter_off(model):
        assert abs(plain_score(model, *pair) - started) > 1e-2
    game.open_round()
    with adapter_off(game.model):
        assert plain_score(game.model, *pair) == pytest.approx(started, abs=1e-3)


def test_several_adapters_and_prompts_that_are_learnt_are_refused(make_player, make_gpt_neo, make_game) -> None:
    model = make_player("lora")
    import peft

    model.add_adapter("other", peft.LoraConfig(r=2, target_modules=["q_proj"]))
    with pytest.raises(ConfigurationError, match="expected one"):
        make_game(model).open_round()
    settings = peft.PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=2)
    with pytest.raises(ConfigurationError, match="cannot be folded"):
        make_game(peft.get_peft_model(make_gpt_neo(), settings)).open_round()


def test_a_seed_decides_a_round_and_another_plays_another(make_game) -> None:
    def play(seed: int) -> list[float]:
        torch.rand(1)
        return [row["loss"] for row in make_game(seed=seed).play_round(adam, steps=2, batch_size=4)]

    assert play(1) == play(1) != play(2)


def test_mini_batches_add_up_to_the_step_of_all_their_pairs(make_player, make_game) -> None:
    weights = []
    for size, parts in ((12, 1), (4, 3)):
        game = make_game(make_player(dtype=torch.float64))
        game.play_round(lambda given: torch.optim.SGD(given, lr=0.1), steps=1, batch_size=size, accumulation=parts)
        weights.append(torch.cat([weight.detach().flatten() for weight in game.model.parameters()]))
    assert (weights[0] - weights[1]).abs().max() < 1e-6


def test_a_mini_batch_stays_whole(make_game) -> None:
    game = make_game()
    game.open_round()
    assert [len(batch) for batch in game.batches(0, 12)] == [12]
    assert [len(batch) for batch in game.batches(1, 5, accumulation=2)] == [5, 5]


def test_an_update_rule_and_a_controller_fit(make_game) -> None:
    class Half:
        seen: list[Outcome]

        def __init__(self) -> None:
            self.seen = []

        def multiplier(self) -> float:
            return 0.5

        def observe(self, outcome: Outcome) -> Verdict:
            self.seen.append(outcome)
            return Verdict.GO_ON

    controller, rolled, game = Half(), [], make_game()
    before = copy.deepcopy(game.model.state_dict())

    def dice(given: Sequence[torch.nn.Parameter]) -> torch.optim.Optimizer:
        return DiceOptimizer(torch.optim.SGD(given, lr=0.2), ConstantScale(0.0), on_step=rolled.append)

    rows = game.play_round(dice, steps=2, batch_size=4, controller=controller)
    assert all(torch.equal(weight, before[name]) for name, weight in game.model.state_dict().items())
    assert [row["learning_rate"] for row in rows] == [0.1, 0.1]
    assert [outcome.loss for outcome in controller.seen] == [row["loss"] for row in rows]
    assert all(
        outcome.gradient_norm == row["gradient_norm"] > 0 for outcome, row in zip(controller.seen, rows, strict=True)
    )
    assert [row["loss"] for row in rolled] == pytest.approx([row["loss"] for row in rows], abs=1e-6)


def test_a_round_ends_where_it_has_gone_too_far(make_game) -> None:
    rows = make_game(kl_stop=0.01).play_round(adam, steps=30, batch_size=12)
    assert 1 < len(rows) < 30
    assert rows[-1]["kl"] > 0.01 >= rows[-2]["kl"]


def test_a_model_that_writes_the_real_answers_has_nothing_to_learn(make_player) -> None:
    model, prompts = make_player().eval(), [[13, 3, 14, 4], [15, 4]]
    found, lengths = write_answers(model, prompts, end=END, most_tokens=3, temperature=0)
    pairs = [(p, row[:n]) for p, row, n in zip(prompts, found.tolist(), lengths.tolist(), strict=True)]
    game = TextGame(model, pairs, end=END, config=SpinConfig(temperature=0, most_tokens=3))
    assert game.play_round(adam, steps=2) == []
    told = game.open_round()
    assert told == {"round": 2, "samples": 2, "identical": 2, "truncated": sum(p[-1] != END for _, p in pairs)}


def test_a_loss_that_is_not_finite_takes_no_step(make_game) -> None:
    game = make_game()
    game.open_round()
    with torch.no_grad():
        next(game.model.parameters()).fill_(torch.inf)
    with pytest.raises(TrainingError, match="not finite"):
        game.play_round(adam, steps=1)


@pytest.mark.parametrize(
    ("pairs", "settings", "message"),
    [
        ([], {}, "no pairs"),
        ([([], [0])], {}, "0 tokens of prompt"),
        ([([1], [])], {}, "0 of answer"),
        ([([1] * 20, [2] * 5)], {}, "the model reads 24"),
        ([("one and", "two")], {}, "a token of pair 0 is 'o': expected the id of a word, .* encode_pairs makes ids of"),
        ([([1], [0]), ([1, 99], [0])], {}, "a token of pair 1 is 99: expected the id of a word, 0 to 22"),
        ([([1.5], [0])], {}, "a token of pair 0 is 1.5"),
        (["ab"], {}, "pair 0 is 'ab': expected"),
        ([([1], [2], [0])], {}, "pair 0 is .*: expected"),
        ([([1], [0])], {"loss": "filtered"}, "loss filtered: needs mazes"),
        ([([1], [0])], {"prompts": 7, "invalid_policy": "skip"}, "prompts, invalid_policy: needs mazes"),
    ],
)
def test_what_cannot_be_played_is_refused(pairs: list, settings: dict, message: str, make_player) -> None:
    with pytest.raises(ConfigurationError, match=message):
        TextGame(make_player(), pairs, end=END, config=SpinConfig(**settings))


def test_ids_of_any_kind_are_taken_and_a_model_of_another_kind_is_refused(make_player) -> None:
    ids = [(torch.tensor([1, 3]), np.array([2, END]))]
    assert TextGame(make_player(), ids, end=END, config=SpinConfig()).pairs == [([1, 3], [2, END])]
    with pytest.raises(ConfigurationError, match="end is 99: expected the id of a word"):
        TextGame(make_player(), ids, end=99, config=SpinConfig())
    with pytest.raises(ConfigurationError, match="model is a Linear: expected a causal language model"):
        TextGame(torch.nn.Linear(2, 2), ids, end=END, config=SpinConfig())


def test_batches_are_of_an_open_round(make_game) -> None:
    game = make_game()
    with pytest.raises(ConfigurationError, match="call open_round first"):
        game.batches(0, 2)
    game.open_round()
    with pytest.raises(ConfigurationError, match="batch_size is 0"):
        game.batches(0, 0)
    assert [len(mini) for mini in game.batches(0, 2, 3)] == [2, 2, 2]


def test_counts_are_checked_and_answers_end_where_the_model_can_read_no_more(make_game) -> None:
    game = make_game(most_tokens=None)
    assert game.most_tokens == 24 - max(len(prompt) for prompt, _ in game.pairs)
    game.open_round()
    for counts, message in (({"steps": 0}, "steps is 0"), ({"steps": 1, "batch_size": 0}, "batch_size is 0")):
        with pytest.raises(ConfigurationError, match=message):
            game.play_round(adam, **counts)
    with pytest.raises(ConfigurationError, match="writing_batch is 0"):
        TextGame(game.model, game.pairs, end=END, config=game.config, writing_batch=0)
