"""The start of a round: what the opponent wrote, what it is, its weight, and what the opponent thought of it."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.configs.spin import SpinConfig
from maze_rl.mazes.lattice import Maze, MazeCollection
from maze_rl.models.build import build_model
from maze_rl.models.decoding import decode_paths
from maze_rl.models.digest import weights_digest
from maze_rl.tokenization.layouts import PADDING, PATH_END, PATH_START
from maze_rl.tokenization.tokenization import load_tokenization
from maze_rl.training.spin.generation import sample_numbers, write_paths
from maze_rl.training.spin.make_pairs import make_pairs, with_reference
from maze_rl.training.spin.objective import SpinObjective
from maze_rl.training.spin.pair_batches import pair_batch
from maze_rl.training.spin.pair_table import Kind, PairTable
from maze_rl.training.spin.samples import Samples, judge_samples
from maze_rl.training.spin.sequence_log_probability import sequence_log_probabilities
from maze_rl.training.spin.tabulate import tabulate


def same(first: PairTable, second: PairTable) -> bool:
    return all(torch.equal(getattr(first, field.name), getattr(second, field.name)) for field in fields(PairTable))


def written(table: PairTable) -> list[tuple[int, tuple[int, ...], int]]:
    """List (maze, path, times) of what the opponent wrote."""
    rows = []
    for generated, count in zip(table.generated.tolist(), table.counts.tolist(), strict=True):
        path = table.responses[generated, : table.response_lengths[generated]]
        rows.append((int(table.prompt_of[generated]), tuple(path.tolist()), count))
    return sorted(rows)


# ------------------------------------------------------------------------------------------------ generation


def test_generations_are_seeded_and_do_not_depend_on_the_batch_size(make_model, pairs_of) -> None:
    model = make_model()
    one = pairs_of(model, samples=3, batch_size=1)
    assert written(one) == written(pairs_of(model, samples=3, batch_size=7)) == written(pairs_of(model, samples=3))
    assert written(one) != written(pairs_of(model, samples=3, seed=1))
    assert written(one) != written(pairs_of(model, samples=3, round_number=1))


def test_a_sample_does_not_depend_on_the_samples_and_mazes_beside_it(make_model, mazes) -> None:
    model, config = make_model(), SpinConfig(most_tokens=8)
    many = written(make_pairs(model, replace(config, samples=3), mazes, seed=0, round_number=0))
    alone = written(make_pairs(model, config, mazes, seed=0, round_number=0))
    assert {row[:2] for row in alone} < {row[:2] for row in many}
    later = written(make_pairs(model, config, mazes.take(np.arange(10, 24)), seed=0, round_number=0, first=10))
    assert later == [(maze - 10, path, count) for maze, path, count in alone if maze >= 10]


def test_the_numbers_are_uniform_and_each_stream_has_its_own() -> None:
    numbers = sample_numbers(0, 2, 1, np.arange(400), 50)
    assert float(numbers.min()) >= 0
    assert float(numbers.max()) < 1
    assert float(numbers.mean()) == pytest.approx(0.5, abs=0.01)
    assert len(numbers.unique()) == 400 * 50
    assert torch.equal(numbers[7:8, :9], sample_numbers(0, 2, 1, np.array([7]), 9))


def test_at_temperature_0_the_most_likely_path_is_written(make_model, pairs_of, mazes) -> None:
    model = make_model()
    table = pairs_of(model, temperature=0)
    prompts, spans = model.tokenization.encode(mazes)
    budget = torch.full((24,), 8)
    greedy = decode_paths(model, prompts, spans.path_start + 1, budget)
    tokens, starts, lengths = table.sequences(table.generated)
    for row, maze in enumerate(table.prompt_of[table.generated].tolist()):
        path = tokens[row, starts[row] : lengths[row]]
        assert torch.equal(path, greedy[maze, : len(path)])


@pytest.mark.parametrize("path", ["cells", "moves", "turns"])
def test_what_is_written_goes_on_behind_an_origin_that_is_given(path: str, pairs_of, mazes) -> None:
    tokenization = load_tokenization("edges", canvas=4, origin="path", path=path)
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=1), tokenization)
    table = pairs_of(model, most_tokens=40, samples=2)
    prompts, spans = tokenization.encode(mazes, prompt_only=True)
    assert torch.equal(table.prompt_lengths.long(), spans.lengths)
    assert torch.equal(table.prompts.long(), prompts)
    real, lengths = table.responses[:24].long(), table.response_lengths[:24].tolist()
    encoded = tokenization.encode(mazes)
    for row, length in enumerate(lengths):
        assert real[row, :length].tolist() == encoded.tokens[row][encoded.spans.after_path_start[row]].tolist()
    samples = Samples(real[:, None], table.response_lengths[:24, None].long(), torch.full((24,), 40))
    assert (judge_samples(mazes, encoded, samples) == Kind.TIED).all()


def test_a_path_is_as_long_as_up_to_its_end_or_its_budget(make_model) -> None:
    model = make_model()
    prompts = torch.tensor([[1, 20, PATH_START]] * 2)
    with torch.no_grad():
        model.unembed.W_U.zero_()
        model.unembed.b_U.zero_()
        model.unembed.b_U[PADDING] = 50.0  # a model may write padding: it is a token of its own there
    tokens, lengths = write_paths(model, prompts, torch.tensor([3, 3]), torch.tensor([2, 4]), temperature=0.0)
    assert lengths.tolist() == [2, 4]
    with torch.no_grad():
        model.unembed.b_U[PATH_END] = 99.0
    tokens, lengths = write_paths(model, prompts, torch.tensor([3, 3]), torch.tensor([2, 4]), temperature=0.0)
    assert lengths.tolist() == [1, 1]
    assert tokens[:, 0].tolist() == [PATH_END] * 2


# ------------------------------------------------------------------------------------------- kinds and policies


@pytest.fixture
def square() -> MazeCollection:
    """Two open 2 x 2 grids, corner to corner: two shortest paths."""
    connections = np.zeros((2, 2, 2), np.bool_)
    connections[0, 0], connections[1, :, 0] = True, True
    batch = Maze(connections, (0, 0), (1, 1)).as_batch()
    return MazeCollection.concatenate([MazeCollection.from_batch(batch)] * 2)


WALKS = {  # of a 2 x 2 grid; the two shortest ones are 00 01 11 and 00 10 11
    "wall": "00 11 end",
    "longer": "00 01 00 01 11 end",
    "short of it": "00 01 end",
    "no end": "00 01 11",
    "no cells": "end",
    "wrong start": "01 11 end",
    "long": "00 10 00 01 11 end",
}


def table_of(square: MazeCollection, walks: list[str], **settings: object) -> PairTable:
    """Make the pairs of samples of the first maze; ``real`` and ``other`` are its shortest paths."""
    tokenization = load_tokenization("unique_cells", canvas=4)
    cell_ids = tokenization.layout.cell_ids
    encoded = tokenization.encode(square)
    start = int(encoded.spans.path_start[0]) + 1
    real = encoded.tokens[0, start : int(encoded.spans.lengths[0])].tolist()
    middle = {int(cell_ids[0, 1]): int(cell_ids[1, 0]), int(cell_ids[1, 0]): int(cell_ids[0, 1])}
    known = {"real": real, "other": [real[0], middle[real[1]], *real[2:]]}
    tokens = torch.full((2, len(walks), 7), PADDING)
    lengths = torch.empty((2, len(walks)), dtype=torch.int64)
    for sample, name in enumerate(walks):
        words = WALKS.get(name, "").split()
        ids = known.get(name) or [PATH_END if w == "end" else int(cell_ids[int(w[0]), int(w[1])]) for w in words]
        tokens[:, sample, : len(ids)], lengths[:, sample] = torch.tensor(ids), len(ids)
    # what has no end used up its budget
    budget = 3 if "no end" in walks else 7
    samples = Samples(tokens[:, :, :budget], lengths, torch.full((2,), budget))
    kinds = judge_samples(square, encoded, samples)
    config = SpinConfig(**({"samples": len(walks)} | settings))  # type: ignore[arg-type]
    table = tabulate(encoded, samples, kinds, config, 0, len(tokenization.vocabulary))
    return table.keep((table.prompt_of[table.real] == 0).nonzero()[:, 0])


@pytest.mark.parametrize(
    ("walk", "kind"),
    [
        ("real", Kind.IDENTICAL),
        ("other", Kind.TIED),
        ("longer", Kind.DISTINCT),
        ("short of it", Kind.DISTINCT),
        ("wall", Kind.INVALID),
        ("no end", Kind.INVALID),
        ("no cells", Kind.INVALID),
        ("wrong start", Kind.INVALID),
    ],
)
def test_the_maze_says_what_a_written_path_is(walk: str, kind: Kind, square) -> None:
    table = table_of(square, [walk])
    assert table.kinds.tolist() == [kind]
    assert table.counts.tolist() == [1]


@pytest.mark.parametrize(
    ("settings", "weights"),
    [
        ({}, {Kind.DISTINCT: 2, Kind.INVALID: 1, Kind.TIED: 0, Kind.IDENTICAL: 0}),
        ({"invalid_policy": "skip"}, {Kind.DISTINCT: 2, Kind.INVALID: 0, Kind.TIED: 0, Kind.IDENTICAL: 0}),
        ({"tie_policy": "punish"}, {Kind.DISTINCT: 2, Kind.INVALID: 1, Kind.TIED: 1, Kind.IDENTICAL: 0}),
        ({"loss": "filtered"}, {Kind.DISTINCT: 0, Kind.INVALID: 0, Kind.TIED: 1, Kind.IDENTICAL: 1}),
    ],
)
def test_policies_give_the_weights_and_equal_paths_are_one_pair(
    settings: dict[str, object], weights: dict[Kind, int], square
) -> None:
    table = table_of(square, ["longer", "wall", "other", "longer", "real"], **settings)
    found = dict(zip(map(Kind, table.kinds.tolist()), table.weights.tolist(), strict=True))
    assert found == weights
    assert table.summary(0) == {
        "samples": 5,
        "distinct": 2,
        "identical": 1,
        "tied": 1,
        "invalid": 1,
        "truncated": 0,
        "tokens": 6 + 6 + 3 + 4 + 4,
        "trained": sum(weights.values()),
    }


def test_a_tied_path_as_real_shares_the_losing_paths(square) -> None:
    table = table_of(square, ["longer", "other", "longer", "long"], tie_policy="as_real")
    trained = table.trainable(0)
    responses = [tuple(row[: int(n)].tolist()) for row, n in zip(table.responses, table.response_lengths, strict=True)]
    pairs = {
        (responses[table.real[pair]], responses[table.generated[pair]]): float(table.weights[pair]) for pair in trained
    }
    assert len({real for real, _ in pairs}) == 2
    assert sorted(pairs.values()) == [0.5, 0.5, 1, 1]  # two right paths against a path drawn twice and one drawn once
    assert all(len(real) == 4 < len(losing) for real, losing in pairs)
    assert table.summary(0)["samples"] == 4
    assert table.summary(0)["trained"] == 3
    assert table_of(square, ["other", "real"], tie_policy="as_real").summary(0)["trained"] == 0


def test_a_truncated_path_has_no_end(square) -> None:
    table = table_of(square, ["no end"])
    tokens, starts, lengths = table.sequences(table.generated[table.kinds == Kind.INVALID])
    assert PATH_END not in tokens[0, starts[0] : lengths[0]]
    assert table.summary(0)["truncated"] == 1


def test_identical_pairs_of_a_table_have_no_gradient(make_model, pairs_of, mazes) -> None:
    model = make_model()
    table = pairs_of(model)
    same_path = replace(table, generated=table.real, kinds=torch.full_like(table.kinds, Kind.IDENTICAL))
    batch = pair_batch(same_path, torch.arange(len(table)))
    SpinObjective(SpinConfig()).loss(model, batch).total.backward()
    assert not any(one.grad.any() for one in model.parameters() if one.grad is not None)


@pytest.mark.parametrize("tokens", ["edges", "unique_cells", "coordinate_tuples", "row_column"])
def test_real_paths_and_prompts_are_those_of_training(tokens: str, make_model, pairs_of, mazes) -> None:
    model = make_model(tokens)
    table = pairs_of(model)
    encoded = model.tokenization.encode(mazes)
    found, starts, lengths = table.sequences(table.real)
    for row, maze in enumerate(table.prompt_of[table.real].tolist()):
        length = int(encoded.spans.lengths[maze])
        assert (int(starts[row]), int(lengths[row])) == (int(encoded.spans.path_start[maze]) + 1, length)
        assert torch.equal(found[row, :length], encoded.tokens[maze, :length])
        assert (found[row, length:] == PADDING).all()
    assert table.responses.dtype == torch.int16


# ------------------------------------------------------------------------------------- reference and opponents


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("micro_batch_tokens", [1, 300, 100_000])
def test_the_cached_reference_is_the_live_one(
    dtype: torch.dtype, micro_batch_tokens: int, make_model, pairs_of
) -> None:
    model = make_model(dtype=dtype)
    table = with_reference(model, pairs_of(model, samples=2), micro_batch_tokens)
    batch = pair_batch(table, torch.arange(len(table)))
    with torch.no_grad():
        live = sequence_log_probabilities(model, batch.tokens, batch.starts, batch.lengths)
    tokens = batch.lengths - batch.starts
    assert ((live - batch.reference) / tokens).abs().max() <= 1e-6
    assert table.reference.dtype == dtype


def test_the_reference_is_that_of_the_model_that_wrote(make_model, pairs_of) -> None:
    model, other = make_model(), make_model(seed=2)
    table = pairs_of(model)
    assert (with_reference(other, table).reference - table.reference).abs().min() > 1e-3


def test_the_digest_names_the_weights(make_model) -> None:
    model = make_model()
    before = weights_digest(model)
    assert before == weights_digest(make_model())
    with torch.no_grad():
        model.blocks[1].mlp.W_in[0, 0] += 1e-9
    assert weights_digest(model) != before


def test_making_pairs_leaves_the_model_as_it_was(make_model, pairs_of) -> None:
    model = make_model()
    before = weights_digest(model)
    state = torch.random.get_rng_state()
    pairs_of(model)
    assert weights_digest(model) == before
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(one.grad is None for one in model.parameters())
    assert model.training


# ------------------------------------------------------------------------------------------------ the table


def test_a_table_comes_back_from_its_state(make_model, pairs_of) -> None:
    from safetensors.torch import load, save

    table = pairs_of(make_model(), samples=2)
    state = table.state_dict()
    assert all(isinstance(value, torch.Tensor) for value in state.values())
    assert same(PairTable.from_state(load(save(state))), table)


def test_the_window_keeps_the_pairs_of_its_rounds_under_the_newest_reference(make_model, pairs_of) -> None:
    models = [make_model(seed=seed) for seed in range(3)]
    tables: list[PairTable] = []
    for number, model in enumerate(models):
        previous = tables[-1] if tables else None
        tables.append(pairs_of(model, round_number=number, previous=previous, window=2))
    assert [sorted(table.rounds.unique().tolist()) for table in tables] == [[0], [0, 1], [1, 2]]
    newest, alone = tables[2], pairs_of(models[2], round_number=2)
    assert newest.newest_round == 2
    # what round 1 wrote is kept, those it trained on; what all of it is worth is what the newest opponent says
    old = newest.keep((newest.rounds == 1).nonzero()[:, 0])
    first = tables[1].keep(tables[1].trainable(1))
    assert written(old) == written(first)
    assert torch.equal(with_reference(models[2], newest).reference, newest.reference)
    own = newest.keep((newest.rounds == 2).nonzero()[:, 0])
    assert written(own) == written(alone)
    assert newest.summary(2) == alone.summary(2)
    assert pairs_of(models[2], round_number=2, previous=tables[1], window=1).rounds.unique().tolist() == [2]
