"""Run a model over mazes and keep chosen activations, each row beside the oracle's labels of its position.

`stream` gives one batch of mazes at a time and holds no more than that; `collect` puts all batches into tensors set
aside once. Rows come in the order of the mazes, and of positions within a maze. Inside a batch the mazes run sorted by
length, in parts that end with their longest sequence, to spare padding. Layers behind the last one needed do not run.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from numpy import ndarray
from torch import Tensor
from transformer_lens import HookedTransformer
from transformer_lens.hook_points import HookPoint

from maze_rl.displays.short_repr import Shown, brief, counted
from maze_rl.errors import ConfigurationError
from maze_rl.interp.activations.hook_names import NO_POSITION, check_hook_names, last_layer_needed
from maze_rl.interp.activations.position_labels import LABEL_BYTES, PositionLabels, label_positions
from maze_rl.interp.requirements import require_known_forward
from maze_rl.mazes.lattice import MazeCollection, Mazes, as_collection
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.tokenization.spans import Region, TokenSpans
from maze_rl.tokenization.tokenization import Encoded, Tokenization, merge_encoded

Positions = Literal["all"] | Region | Callable[[TokenSpans], Tensor]
PARTS = 4
"""Parts of similar length a batch runs in."""
SMALLEST_PART = 32
"""Fewest mazes worth a run of their own."""


@dataclass(frozen=True, eq=False)
class LabelledActivations(Shown):
    """Activations of some positions and what is true there."""

    activations: dict[str, Float[Tensor, "position ..."]]
    """By hook name: one row per position, [position, d_model] or [position, head_index, d_head] and so on."""
    labels: PositionLabels
    """Labels of the same rows."""

    def __len__(self) -> int:
        return len(self.labels)

    def _headline(self) -> str:
        hooks = ", ".join(f"{name} {brief(values)}" for name, values in self.activations.items())
        return f"{counted(len(self), 'position')}: {hooks}"

    def __getitem__(self, name: str) -> Float[Tensor, "position ..."]:
        return self.activations[name]

    @property
    def nbytes(self) -> int:
        """Bytes held: positions * (sum over hooks of width * bytes per number + `LABEL_BYTES`)."""
        return self.labels.nbytes + sum(values.nbytes for values in self.activations.values())


@dataclass(frozen=True, kw_only=True)
class _Request:
    """What is asked of every batch."""

    model: HookedTransformer
    mazes: MazeCollection
    names: tuple[str, ...]
    tokenization: Tokenization
    batch_size: int
    seed: int
    positions: Positions
    prompt_only: bool
    dtype: torch.dtype | None

    def __post_init__(self) -> None:
        require_known_forward(self.model, "reading the activations of padded sequences")
        if self.batch_size < 1:
            raise ConfigurationError(f"batch_size is {self.batch_size}: it must be at least 1.")


@dataclass(frozen=True, eq=False)
class _Batch:
    """Encoded mazes and which of their positions are wanted."""

    indices: Int64[ndarray, " maze"]
    encoded: Encoded
    chosen: Bool[Tensor, "maze pos"]


def stream(
    model: HookedTransformer,
    mazes: Mazes,
    names: str | Iterable[str],
    *,
    batch_size: int = 256,
    seed: int = 0,
    positions: Positions = "all",
    prompt_only: bool = False,
    dtype: torch.dtype | None = None,
    random_offsets: bool = False,
) -> Iterator[LabelledActivations]:
    """Yield labelled activations, `batch_size` mazes at a time, in the order of the mazes.

    Memory: one batch, ``positions * (sum of widths * bytes per number + LABEL_BYTES)`` bytes on the CPU, beside what
    the model's own forward pass takes.

    Args:
        model: Any model of mazes; encoded with its own tokenization.
        mazes: A maze, a batch, a collection or a list of mazes, no larger than the model's canvas.
        names: Hook names or patterns, see `check_hook_names`.
        batch_size: Mazes per batch.
        seed: Seed of the encoding (order of edges, choice of path) and of the control labels.
        positions: All real positions, those of one `Region`, or a function of the batch's `TokenSpans` that returns
            Bool[batch, pos]; padding is never chosen.
        prompt_only: Stop after ``<PATH_START>``.
        dtype: Type of the activations kept; the model's own if not given.
        random_offsets: Place the mazes at random on the canvas, not in its corner.

    Raises:
        UnknownNameError: The model has no such hook; suggests the nearest.
        ConfigurationError: A hook has no row per position, or does not fire in this model; a maze does not fit on the
            canvas; a sequence is longer than the model can read.
    """
    request = _Request(
        model=model,
        mazes=_as_collection(mazes),
        names=_check_names(model, names),
        tokenization=tokenization_of(model).with_options(random_offsets=random_offsets),
        batch_size=batch_size,
        seed=seed,
        positions=positions,
        prompt_only=prompt_only,
        dtype=dtype,
    )
    # a function that yields would check its arguments only when first asked for a batch
    return (_run(request, batch) for batch in _encode(request))


def collect(
    model: HookedTransformer,
    mazes: Mazes,
    names: str | Iterable[str],
    *,
    batch_size: int = 256,
    seed: int = 0,
    positions: Positions = "all",
    prompt_only: bool = False,
    dtype: torch.dtype | None = None,
    random_offsets: bool = False,
    max_bytes: int = 4 * 10**9,
) -> LabelledActivations:
    """Return the labelled activations of all mazes; arguments and errors as for `stream`.

    Memory: ``positions * (sum of widths * bytes per number + LABEL_BYTES)`` bytes for the result, one batch of it again
    while it is filled, and 8 bytes for every token.

    Args:
        model: Any model of mazes.
        mazes: The mazes.
        names: Hook names or patterns.
        batch_size: Mazes per batch.
        seed: Seed of the encoding and of the control labels.
        positions: Which positions.
        prompt_only: Stop after ``<PATH_START>``.
        dtype: Type of the activations kept.
        random_offsets: Place the mazes at random on the canvas.
        max_bytes: Most bytes the result may take.

    Raises:
        ConfigurationError: The result would take more than `max_bytes`; and as for `stream`.
    """
    request = _Request(
        model=model,
        mazes=_as_collection(mazes),
        names=_check_names(model, names),
        tokenization=tokenization_of(model).with_options(random_offsets=random_offsets),
        batch_size=batch_size,
        seed=seed,
        positions=positions,
        prompt_only=prompt_only,
        dtype=dtype,
    )
    batches = list(_encode(request))
    total = sum(int(batch.chosen.sum()) for batch in batches)
    whole: LabelledActivations | None = None
    filled = 0
    for batch in batches:
        part = _run(request, batch)
        if whole is None:
            whole = _set_aside(part, total, max_bytes)
        _copy(whole, part, filled)
        filled += len(part)
    assert whole is not None
    return whole


def _check_names(model: HookedTransformer, names: str | Iterable[str]) -> tuple[str, ...]:
    checked = check_hook_names(model, names)
    for name in checked:
        if name.endswith(NO_POSITION):
            raise ConfigurationError(
                f"{name} holds a number for every pair of positions, not a row per position: read it with "
                "model.run_with_cache, or take attn.hook_z."
            )
    return checked


def _as_collection(mazes: Mazes) -> MazeCollection:
    collection = as_collection(mazes)
    if len(collection) == 0:
        raise ConfigurationError("mazes is empty: give at least one maze.")
    return collection


def _encode(request: _Request) -> Iterator[_Batch]:
    """Write the mazes as tokens batch by batch; sequence i is the same whatever the batches."""
    for start in range(0, len(request.mazes), request.batch_size):
        indices = np.arange(start, min(start + request.batch_size, len(request.mazes)))
        mazes = request.mazes.take(indices)
        rows = [mazes.indices_of(number) for number in range(len(mazes.batches))]
        parts = [
            request.tokenization.encode_batch(
                batch, streams=indices[where], seed=request.seed, prompt_only=request.prompt_only
            )
            for batch, where in zip(mazes.batches, rows, strict=True)
        ]
        encoded = merge_encoded(parts, rows, len(indices))
        if encoded.tokens.shape[1] > request.model.cfg.n_ctx:
            raise ConfigurationError(
                f"a sequence of {encoded.tokens.shape[1]} tokens is longer than the {request.model.cfg.n_ctx} the "
                "model can read: use smaller mazes, or prompt_only=True."
            )
        yield _Batch(indices, encoded, _choose(encoded.spans, request.positions))


def _choose(spans: TokenSpans, positions: Positions) -> Bool[Tensor, "maze pos"]:
    if positions == "all":
        return spans.real
    if isinstance(positions, Region):
        return spans.real & (spans.regions == int(positions))
    if not callable(positions):
        raise ConfigurationError(f'positions is {positions!r}: use "all", a Region, or a function of the spans.')
    wanted = positions(spans)
    if wanted.shape != spans.tokens.shape or wanted.dtype != torch.bool:
        raise ConfigurationError(
            f"positions: expected Bool{list(spans.tokens.shape)} from the function, got {wanted.dtype} "
            f"{list(wanted.shape)}."
        )
    return spans.real & wanted


def _run(request: _Request, batch: _Batch) -> LabelledActivations:
    """Run the model over a batch, part by part, and copy the rows wanted to their places."""
    tokens, lengths = batch.encoded.tokens, batch.encoded.spans.lengths
    places = batch.chosen.flatten().cumsum(0).reshape(batch.chosen.shape) - 1
    total = int(batch.chosen.sum())
    kept: dict[str, Tensor] = {}
    parts = min(PARTS, max(1, len(tokens) // SMALLEST_PART))
    for rows in lengths.argsort(stable=True).tensor_split(parts):
        longest = int(lengths[rows].max())
        chosen = batch.chosen[rows, :longest]
        _forward(request, tokens[rows, :longest], chosen, places[rows, :longest][chosen], total, kept)
    mazes = request.mazes.take(batch.indices)
    labels = label_positions(mazes, batch.encoded.spans, indices=batch.indices, chosen=batch.chosen, seed=request.seed)
    return LabelledActivations({name: kept[name] for name in request.names}, labels)


def _forward(
    request: _Request,
    tokens: Int64[Tensor, "maze pos"],
    chosen: Bool[Tensor, "maze pos"],
    places: Int64[Tensor, " position"],
    total: int,
    kept: dict[str, Tensor],
) -> None:
    """Run one part; write the rows `chosen` of each activation to `places` of the tensors in `kept`."""
    model, fired = request.model, set()
    sources = chosen.flatten().nonzero()[:, 0].to(model.cfg.device)

    def keep(value: Tensor, hook: HookPoint) -> None:
        name = str(hook.name)
        if value.shape[:2] != tokens.shape:
            raise ConfigurationError(f"{name} has shape {list(value.shape)}, not a row for each of the positions.")
        rows = value.detach().flatten(0, 1).index_select(0, sources).to(device="cpu", dtype=request.dtype)
        if name not in kept:
            # made as an ordinary tensor, so that probes may be trained on it
            with torch.inference_mode(mode=False):
                kept[name] = torch.empty((total, *rows.shape[1:]), dtype=rows.dtype)
        kept[name].index_copy_(0, places, rows)
        fired.add(name)

    stop = last_layer_needed(request.names, model.cfg.n_layers)
    with torch.inference_mode(), model.hooks(fwd_hooks=[(name, keep) for name in request.names]):
        model(tokens.to(model.cfg.device), return_type=None, stop_at_layer=stop)
    for name in request.names:
        if name not in fired:
            raise ConfigurationError(
                f"{name} does not fire in this model: switch on what computes it (such as "
                "model.set_use_attn_result(True)), or choose another hook."
            )


def _set_aside(part: LabelledActivations, total: int, max_bytes: int) -> LabelledActivations:
    """Return room for `total` rows such as those of `part`."""
    width = sum(values[:1].nbytes if len(values) else 0 for values in part.activations.values())
    needed = total * (width + LABEL_BYTES)
    if needed > max_bytes:
        raise ConfigurationError(
            f"{total:,} positions of {width} + {LABEL_BYTES} bytes are {needed / 1e9:.1f} GB, more than max_bytes "
            f"{max_bytes / 1e9:.1f} GB: use `stream`, fewer names or positions, or dtype=torch.float16."
        )

    def room(values: Tensor) -> Tensor:
        return torch.empty((total, *values.shape[1:]), dtype=values.dtype)

    labels = {field.name: room(getattr(part.labels, field.name)) for field in fields(PositionLabels)}
    return LabelledActivations(
        {name: room(values) for name, values in part.activations.items()}, PositionLabels(**labels)
    )


def _copy(whole: LabelledActivations, part: LabelledActivations, first: int) -> None:
    """Write the rows of `part` into `whole` from row `first` on."""
    for name, values in part.activations.items():
        whole.activations[name][first : first + len(part)] = values
    for field in fields(PositionLabels):
        getattr(whole.labels, field.name)[first : first + len(part)] = getattr(part.labels, field.name)
