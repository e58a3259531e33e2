from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.interp.activations.labelled_activations import LabelledActivations, collect, stream
from maze_rl.interp.activations.position_labels import LABEL_BYTES
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeCollection
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.model_files import load_model
from maze_rl.tokenization.spans import Region
from maze_rl.tokenization.tokenization import load_tokenization

NAMES = ("hook_embed", "blocks.0.hook_resid_post", "blocks.1.attn.hook_z", "blocks.1.hook_resid_mid")


@pytest.fixture(scope="module")
def model() -> MazeTransformer:
    config = ModelConfig(n_layers=3, d_model=16, n_heads=2, positions="learned")
    return build_model(config, load_tokenization("edges", canvas=6)).eval()


@pytest.fixture(scope="module")
def mazes() -> MazeCollection:
    return generate(range(3, 7), "dfs_percolation", num=150, seed=5)


def same(first: LabelledActivations, second: LabelledActivations) -> bool:
    labels = all(
        torch.equal(getattr(first.labels, f.name).nan_to_num(), getattr(second.labels, f.name).nan_to_num())
        for f in fields(first.labels)
    )
    return labels and all(torch.allclose(first[name], second[name], atol=1e-5) for name in first.activations)


def test_rows_are_those_of_run_with_cache(model: MazeTransformer, mazes: MazeCollection) -> None:
    found = collect(model, mazes, NAMES, seed=9)
    tokens, spans = model.tokenization.encode(mazes, seed=9)
    _, cache = model.run_with_cache(tokens, names_filter=list(NAMES))
    row, position = torch.where(spans.real)
    assert torch.equal(found.labels.maze, row) and torch.equal(found.labels.position.long(), position)
    assert list(found.activations) == list(NAMES)
    for name in NAMES:
        torch.testing.assert_close(found[name], cache[name][row, position].detach(), atol=1e-5, rtol=1e-4)
    assert torch.equal(found.labels.cell, spans.cells[row, position])


def test_stream_gives_what_collect_gives_whatever_the_batches(model: MazeTransformer, mazes: MazeCollection) -> None:
    whole = collect(model, mazes, NAMES)
    parts = list(stream(model, mazes, NAMES, batch_size=40))
    assert [len(part.labels.maze.unique()) for part in parts] == [40, 40, 40, 30]
    joined = {name: torch.cat([part[name] for part in parts]) for name in NAMES}
    labels = {f.name: torch.cat([getattr(p.labels, f.name) for p in parts]) for f in fields(whole.labels)}
    assert same(whole, LabelledActivations(joined, replace(whole.labels, **labels)))
    assert same(whole, collect(model, mazes, NAMES, batch_size=7))


def test_positions_are_chosen(model: MazeTransformer, mazes: MazeCollection) -> None:
    everything = collect(model, mazes, "blocks.*.hook_resid_post")
    path = collect(model, mazes, "blocks.*.hook_resid_post", positions=Region.PATH)
    keep = everything.labels.region == int(Region.PATH)
    assert len(path) == int(keep.sum()) > 0
    torch.testing.assert_close(path["blocks.2.hook_resid_post"], everything["blocks.2.hook_resid_post"][keep])
    last = collect(model, mazes, "hook_embed", positions=lambda spans: spans.positions == spans.path_start[:, None])
    assert torch.equal(last.labels.maze, torch.arange(len(mazes)))
    prompts = collect(model, mazes, "hook_embed", prompt_only=True)
    assert len(prompts) == int(
        (everything.labels.position.long() <= last.labels.position[everything.labels.maze]).sum()
    )


def test_no_position_may_be_chosen(model: MazeTransformer, mazes: MazeCollection) -> None:
    none = collect(model, mazes, "hook_embed", prompt_only=True, positions=Region.PATH)
    assert len(none) == 0 and none["hook_embed"].shape == (0, 16)


def test_rows_are_ordinary_tensors_of_the_type_asked_for(model: MazeTransformer, mazes: MazeCollection) -> None:
    found = collect(model, mazes[3], "blocks.0.hook_resid_post", dtype=torch.float16)
    assert found["blocks.0.hook_resid_post"].dtype == torch.float16
    rows = collect(model, [mazes[3], mazes[0]], "blocks.0.hook_resid_post")["blocks.0.hook_resid_post"]
    weight = torch.zeros(16, requires_grad=True)
    (rows @ weight).sum().backward()  # an inference tensor could not be saved for this
    assert weight.grad is not None


def test_layers_behind_the_last_needed_do_not_run(model: MazeTransformer, mazes: MazeCollection) -> None:
    ran: list[int] = []
    handles = [
        block.register_forward_hook(lambda *_, layer=layer: ran.append(layer))
        for layer, block in enumerate(model.blocks)
    ]
    collect(model, mazes[0], "blocks.1.hook_resid_pre")
    for handle in handles:
        handle.remove()
    assert ran == [0, 1]


def test_memory_is_stated_and_kept_to(model: MazeTransformer, mazes: MazeCollection) -> None:
    found = collect(model, mazes, NAMES)
    assert found.nbytes == len(found) * (4 * 16 * len(NAMES) + LABEL_BYTES)
    with pytest.raises(ConfigurationError, match=r"positions of 256 \+ .* bytes are .* GB.*use `stream`"):
        collect(model, mazes, NAMES, max_bytes=found.nbytes - 1)
    assert len(collect(model, mazes, NAMES, max_bytes=found.nbytes)) == len(found)


def test_offsets_are_random_only_if_asked_for(mazes: MazeCollection) -> None:
    tokenization = load_tokenization("edges", canvas=6, random_offsets=True)
    model = build_model(ModelConfig(n_layers=1, d_model=8, n_heads=1), tokenization).eval()
    corner, moved = (
        collect(model, mazes, "hook_embed", positions=Region.ORIGIN, random_offsets=choice)["hook_embed"]
        for choice in (False, True)
    )
    cells = [tokenization.layout.cell_ids[mazes[maze].origin] for maze in range(len(mazes))]
    torch.testing.assert_close(corner, model.W_E[torch.from_numpy(np.array(cells)).long()].detach())
    assert not torch.equal(corner, moved)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("blocks.0.hook_resid_pots", UnknownNameError, "Did you mean 'blocks.0.hook_resid_post'?"),
        ("blocks.0.attn.hook_pattern", ConfigurationError, "every pair of positions"),
        ("blocks.0.attn.hook_result", ConfigurationError, "does not fire in this model"),
    ],
)
def test_hooks_without_rows_are_refused(
    model: MazeTransformer, mazes: MazeCollection, name: str, kind: type, message: str
) -> None:
    for call in (lambda: collect(model, mazes, name), lambda: list(stream(model, mazes, name))):
        with pytest.raises(kind) as caught:
            call()
        assert message in str(caught.value) and "\n" not in str(caught.value)
    assert not any(hook.fwd_hooks for hook in model.hook_dict.values())


def test_a_name_is_refused_before_the_first_batch(model: MazeTransformer, mazes: MazeCollection) -> None:
    with pytest.raises(UnknownNameError):
        stream(model, mazes, "hook_embd")


def test_faulty_masks_and_mazes_are_refused(model: MazeTransformer, mazes: MazeCollection) -> None:
    with pytest.raises(ConfigurationError, match="positions: expected Bool"):
        collect(model, mazes, "hook_embed", positions=lambda spans: spans.tokens)
    with pytest.raises(ConfigurationError, match="mazes is empty"):
        collect(model, [], "hook_embed")
    with pytest.raises(ConfigurationError, match="does not fit on the 6 x 6 canvas"):
        collect(model, generate(7, "dfs", num=1), "hook_embed")
    with pytest.raises(ConfigurationError, match="batch_size is 0"):
        collect(model, mazes, "hook_embed", batch_size=0)


def test_labels_lie_beside_their_rows_in_a_trained_model() -> None:
    """On the path, a linear map reads how far the target lies in rows and columns; a random label it does not."""
    model = load_model("maze-5to9-causal")
    found = collect(model, generate(7, "dfs", num=400, seed=1), "blocks.2.hook_resid_post", positions=Region.PATH)
    rows, labels = found["blocks.2.hook_resid_post"], found.labels
    # in float64: the rows are nearly collinear
    rows = torch.cat([rows, torch.ones(len(rows), 1)], dim=1).double()
    train = labels.maze < 300

    def explained(values: torch.Tensor) -> float:
        weights = torch.linalg.lstsq(rows[train], values[train][:, None].double()).solution
        rest = values[~train] - (rows[~train] @ weights)[:, 0]
        return 1 - float(rest.var() / values[~train].var())

    assert explained(labels.manhattan.float()) > 0.5 > 0.1 > explained(labels.control_per_maze)
