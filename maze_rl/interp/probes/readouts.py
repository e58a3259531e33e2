"""Read-outs: fitted probes that show what each cell of a maze holds, loop by loop; for pictures and pages.

A read-out is one linear map for each variable and loop, from the stream of a cell alone (with nothing beside it, as
`cell_probes` has), fitted on mazes of all sizes a model was trained on. Its quality, the share of the variance of
held-out mazes that it explains, stands beside it: a read-out of little quality shows little. It lies in ``readouts/``
beside its model.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32, Float64, Int64
from numpy import ndarray
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.interp.activations.cell_streams import cell_streams, kept_loops
from maze_rl.interp.inputs.cell_variables import CELL_VARIABLES, Columns
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.probes.folded_ridge import NUM_FOLDS, FoldedRidge
from maze_rl.interp.requirements import require_cells_by_loop
from maze_rl.mazes.generate import generate
from maze_rl.mazes.lattice import MazeBatch
from maze_rl.models.attached_tokenization import about_of
from maze_rl.models.places import find_model
from maze_rl.models.verified_files import json_bytes, read_folder, read_tensors, tensor_bytes, write_folder

FOLDER, TENSORS, FACTS = "readouts", "readouts.safetensors", "readouts.json"


@dataclass(frozen=True, kw_only=True, eq=False)
class Readouts(Shown):
    """Linear maps of one model by variable."""

    weights: Mapping[str, ndarray]
    """[loop, d_model, column]."""
    constants: Mapping[str, ndarray]
    """[loop, column]."""
    quality: Mapping[str, tuple[float, ...]]
    """Share of the variance over all cells of held-out mazes that is explained, by loop; 1 is all, 0 none."""
    loops: tuple[int, ...]
    """The loops they read, counted from 1."""
    sizes: tuple[int, ...]
    """Cells per side of the mazes they were fitted on."""

    def read(
        self, variable: str, streams: Float32[ndarray, "maze loop cell d_model"]
    ) -> Float32[ndarray, "maze loop cell column"]:
        """Return what streams, those after the loops of `loops`, hold of a variable."""
        return np.einsum("mlcd,ldk->mlck", streams, self.weights[variable]) + self.constants[variable][:, None]


def fit_readouts(
    model: HookedTransformer,
    *,
    sizes: Sequence[int] = (),
    num: int = 40,
    variables: Mapping[str, Callable[[MazeBatch], Columns]] = CELL_VARIABLES,
    loops: Sequence[int] | None = None,
    seed: int = 0,
) -> Readouts:
    """Fit the read-outs of a model.

    Args:
        model: A model with loops whose prompt lists cells.
        sizes: Cells per side of depth-first mazes; those it was trained on where none are named.
        num: Mazes of each size that are fitted on (training split), and as many to judge by (test split).
        variables: Labels of each variable.
        loops: The loops that are read, counted from 1; None for all.
        seed: Seed of mazes and of the order in which prompts list cells.

    Raises:
        ConfigurationError: The model has no loops or lists no cells, no sizes are named or known, or none that fit it.
    """
    require_cells_by_loop(model, "read-outs of cells by loop")
    chosen = tuple(sizes) or tuple(about_of(model).get("sizes", ()))
    if not chosen:
        raise ConfigurationError("sizes is empty, and the model does not say what it was trained on: name some.")
    kept = tuple(kept_loops(int(model.maze_config.loops), loops))  # type: ignore[union-attr, arg-type]
    fitted_on, judged_on = (_Sizes.of(model, chosen, num, kept, split, seed) for split in ("train", "test"))
    weights: dict[str, list[ndarray]] = {name: [] for name in variables}
    constants: dict[str, list[ndarray]] = {name: [] for name in variables}
    quality: dict[str, list[float]] = {name: [] for name in variables}
    labels = {name: (fitted_on.labels(label), judged_on.labels(label)) for name, label in variables.items()}
    for place in range(len(kept)):
        ridge, shown = FoldedRidge(fitted_on.at(place), fitted_on.folds), judged_on.at(place)
        for name, (fit, judge) in labels.items():
            fitted = ridge.fit(fit)
            weights[name].append(fitted.weights)
            constants[name].append(fitted.constant)
            missed = ((judge - fitted.predict(shown)) ** 2).sum()
            quality[name].append(float(1 - missed / ((judge - fit.mean(axis=0)) ** 2).sum()))
    return Readouts(
        weights={name: np.stack(each).astype(np.float32) for name, each in weights.items()},
        constants={name: np.stack(each).astype(np.float32) for name, each in constants.items()},
        quality={name: tuple(each) for name, each in quality.items()},
        loops=kept,
        sizes=chosen,
    )


def save_readouts(readouts: Readouts, folder: str | PathLike[str]) -> Path:
    """Write read-outs beside a model, in ``readouts/`` of its `folder`; return where they are.

    Raises:
        CheckpointError: The disk is full or refuses.
    """
    tensors = {f"{name}.weights": torch.from_numpy(each) for name, each in readouts.weights.items()}
    tensors |= {f"{name}.constants": torch.from_numpy(each) for name, each in readouts.constants.items()}
    facts = {"variables": list(readouts.weights), "loops": list(readouts.loops), "sizes": list(readouts.sizes)}
    facts["quality"] = {name: [round(value, 4) for value in each] for name, each in readouts.quality.items()}
    written = Path(folder) / FOLDER
    write_folder(written, {TENSORS: tensor_bytes(tensors), FACTS: json_bytes(facts)})
    return written


def load_readouts(name: str | PathLike[str]) -> Readouts:
    """Return the read-outs that lie beside a model: a folder, or the name of a shipped model.

    Raises:
        UnknownNameError: There is no such model.
        CheckpointError: It has no read-outs, or a file of them is missing, truncated or altered.
    """
    folder = find_model(name) / FOLDER
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder}: this model has no read-outs: fit_readouts makes them, save_readouts keeps them."
        )
    contents = read_folder(folder, (TENSORS, FACTS))
    tensors, facts = read_tensors(contents[TENSORS]), json.loads(contents[FACTS])
    return Readouts(
        weights={name: tensors[f"{name}.weights"].numpy() for name in facts["variables"]},
        constants={name: tensors[f"{name}.constants"].numpy() for name in facts["variables"]},
        quality={name: tuple(each) for name, each in facts["quality"].items()},
        loops=tuple(facts["loops"]),
        sizes=tuple(facts["sizes"]),
    )


@dataclass(frozen=True, eq=False)
class _Sizes:
    """Mazes of several sizes and their streams; all cells stand one after another."""

    batches: list[MazeBatch]
    streams: list[ndarray]
    """Of each batch, [maze, loop, cell, d_model]."""
    folds: Int64[ndarray, " row"]

    @classmethod
    def of(
        cls, model: HookedTransformer, sizes: Sequence[int], num: int, loops: Sequence[int], split: str, seed: int
    ) -> "_Sizes":
        batches = [generate(size, num=num, seed=seed, split=split).batches[0] for size in sizes]
        streams = [cell_streams(model, batch, loops=loops, seed=seed) for batch in batches]
        folds = [
            np.repeat(layouts_of(batch) % NUM_FOLDS, each.shape[2])
            for batch, each in zip(batches, streams, strict=True)
        ]
        return cls(batches, streams, np.concatenate(folds))

    def at(self, place: int) -> Float64[ndarray, "row d_model"]:
        """Return the streams of all cells after one of the loops."""
        return np.concatenate([each[:, place].reshape(-1, each.shape[3]) for each in self.streams]).astype(np.float64)

    def labels(self, label: Callable[[MazeBatch], Columns]) -> Float64[ndarray, "row column"]:
        """Return a variable of all cells."""
        return np.concatenate([(each := label(batch)).reshape(-1, each.shape[2]) for batch in self.batches])
