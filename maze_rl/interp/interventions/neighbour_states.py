"""What the cells next to a fork hold decides there: states swapped between two mazes, loop by loop. Score S3 by loop.

The mazes are those of `recombined_mazes`: groups with one fork and one target, and pairs of a base and a source. The
base is read as it is; but after every loop the streams of all neighbours of the fork are set to those that the source
left at these cells after the same loop. A search then takes the open sides from the base and what lies beyond the
neighbours from the source, and goes where the two demand together,

    IIA = share of pairs after which the fork's answer is that step

(interchange intervention accuracy: Geiger et al., Causal abstractions, 2106.02997). It is neither the base's own step
nor the source's, so a swap of answers scores nothing. All that is put in came about in a run, at that cell and loop:
no direction of the stream that the data never use is moved.

Controls: the same from another maze of the group, whose field demands nothing of the kind and meets the step by chance;
and the states that the source's first loop left, held throughout, which know what a look around tells. The effect is

    (IIA - C) / (1 - C),    C the larger control,

1 where the neighbours' states decide and 0 where they do not. Bases that the model gets right are used; where these are
too few for an interval, all whose answer is not the demanded step already.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Float64, Int64
from numpy import ndarray
from torch import Tensor
from torch.nn.utils import parametrize
from transformer_lens import HookedTransformer

from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.interp.activations.answers_by_loop import listed_at
from maze_rl.interp.activations.cell_streams import cell_streams
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.cell_features import flat, neighbour_cells
from maze_rl.interp.inputs.recombined_mazes import RecombinedMazes
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.interp.requirements import (
    FEWEST_MAZES,
    analysed_tokenization,
    check_tokens,
    require_cells_by_loop,
    require_origin_on_path,
)
from maze_rl.intervals import Interval, bootstrap_ratio, clustered_wilson, num_clusters
from maze_rl.models.attached_tokenization import tokenization_of
from maze_rl.models.readout import logits_of, streams_by_loop
from maze_rl.seeding import numpy_generator
from maze_rl.tokenization.many_starts import many_starts

THRESHOLD = 0.5
"""Effect that counts as causal use."""
_MOST_PAIRS = 160


@dataclass(frozen=True, kw_only=True, eq=False)
class NeighbourStates(Shown):
    """What follows when neighbours hold another maze's states.

    Rates are over pairs, intervals over pairs of fork and target: swaps of one fork and target ask for steps between
    the same few cells, and are drawn together.
    """

    finding: Finding
    """The effect."""
    iia: Interval
    source_answer: Interval
    """Share of pairs that answer the source's own step."""
    other_maze: Interval
    """IIA with states of another maze of the group."""
    looked_around: Interval
    """IIA with the states that the source's first loop left."""
    answers: Int64[ndarray, "pair loop"]
    """Id of the fork's likeliest next token after each loop, of all pairs."""
    by_loop: Float64[ndarray, " loop"]
    """IIA of the answers after each loop."""
    num_pairs: int
    solved: bool
    """Whether the bases used are solved; where these are too few, all are used that need a change."""


def swap_neighbour_states(
    model: HookedTransformer,
    mazes: RecombinedMazes,
    *,
    num: int = _MOST_PAIRS,
    threshold: float = THRESHOLD,
    seed: int = 0,
    batch_size: int = 32,
) -> NeighbourStates:
    """Hold the neighbours of a fork in the states of another maze.

    Args:
        model: A model with loops whose prompts list cells and do not name the origin.
        mazes: Mazes written in its tokenization.
        num: The most pairs.
        threshold: Effect that counts as use.
        seed: Seed of the prompts and of the other mazes.
        batch_size: Mazes run at once.

    Raises:
        ConfigurationError: The model lacks what `answers_by_loop` needs, the mazes are not written in its words, or a
            number is below 1.
    """
    require_cells_by_loop(model, "swapping the states of cells (S3)")
    require_origin_on_path(model, "swapping the states of cells (S3)")
    check_tokens(model, mazes.written)
    order = numpy_generator(seed, "neighbour_pairs").permutation(len(mazes))
    pairs = np.sort(order[: check_count("num", num)])
    swaps = _Swaps(model, mazes, pairs, seed, batch_size)
    asked = swaps.answers(None)
    right = mazes.right[mazes.base[pairs]]
    usable = asked[:, -1] == right
    solved = int(usable.sum()) >= FEWEST_MAZES
    if not solved:
        usable = asked[:, -1] != mazes.answer[pairs]
    rows = np.flatnonzero(usable)
    demanded, ends = mazes.answer[pairs], mazes.ends[mazes.base[pairs]][rows]
    sources = swaps.streams(mazes.source[pairs])
    swapped = swaps.answers(sources)
    controls = {
        "another maze of the group": swaps.answers(swaps.streams(_others(mazes, pairs, seed))),
        "the source's states after one loop": swaps.answers(np.broadcast_to(sources[:, :1], sources.shape)),
    }
    follows = (swapped == demanded[:, None])[rows]
    by_control = {name: (found[:, -1] == demanded)[rows] for name, found in controls.items()}
    name = max(by_control, key=lambda each: by_control[each].mean()) if len(rows) else next(iter(by_control))

    def rate(success: Bool[ndarray, " pair"]) -> Interval:
        return clustered_wilson(success, ends)

    return NeighbourStates(
        finding=Finding(
            name="neighbours' states of another maze: IIA beyond the control's",
            effect=_beyond(follows[:, -1], by_control[name], ends),
            threshold=threshold,
            num_mazes=len(rows),
            num_layouts=num_clusters(layouts_of(mazes.batch)[mazes.base[pairs]][rows]),
            control=rate(by_control[name]),
            control_name=name,
        ),
        iia=rate(follows[:, -1]),
        source_answer=rate((swapped[:, -1] == mazes.right[mazes.source[pairs]])[rows]),
        other_maze=rate(by_control["another maze of the group"]),
        looked_around=rate(by_control["the source's states after one loop"]),
        answers=swapped,
        by_loop=follows.mean(axis=0),
        num_pairs=len(rows),
        solved=solved,
    )


class _Swaps:
    """Runs of the bases, asked at their forks, with or without other states at the neighbours of these."""

    def __init__(
        self,
        model: HookedTransformer,
        mazes: RecombinedMazes,
        pairs: Int64[ndarray, " pair"],
        seed: int,
        batch_size: int,
    ) -> None:
        self._model, self._all, self._seed, self._batch_size = model, mazes.batch, seed, batch_size
        bases = mazes.batch.take(mazes.base[pairs])
        self._around = neighbour_cells(bases.shape)[flat(bases, bases.origins)]
        encoded = analysed_tokenization(tokenization_of(model)).encode_batch(
            bases, streams=np.arange(len(bases)), seed=seed, prompt_only=True
        )
        self._listed = listed_at(encoded.spans, bases.shape)
        self._asked = many_starts(encoded.spans, np.arange(len(bases)), bases.origins)

    def streams(self, mazes: Int64[ndarray, " pair"]) -> Float32[ndarray, "pair loop side d_model"]:
        """Return what loops leave at the neighbours of the fork in some mazes; of sides off the grid anything."""
        return cell_streams(
            self._model,
            self._all.take(mazes),
            cells=self._around.clip(min=0),
            seed=self._seed,
            batch_size=self._batch_size,
        )

    @torch.inference_mode()
    def answers(self, states: Float32[ndarray, "pair loop side d_model"] | None) -> Int64[ndarray, "pair loop"]:
        """Return the id of each fork's likeliest next token after every loop."""
        device, parts = next(self._model.parameters()).device, []
        with parametrize.cached():
            for first in range(0, len(self._around), self._batch_size):
                part = slice(first, first + self._batch_size)
                tokens, segments, starts = (each[part].to(device) for each in self._asked)
                put = None if states is None else self._put(states[part], part, device)
                streams = streams_by_loop(self._model, tokens, segments=segments, edit=put)
                parts.append(torch.stack([logits_of(self._model, each[starts]).argmax(dim=-1) for each in streams], 1))
        return torch.cat(parts).cpu().numpy()

    def _put(self, states: ndarray, part: slice, device: torch.device) -> Callable[[int, Tensor], Tensor]:
        """Return the edit of whole streams that sets those of the neighbours that there are."""
        row, side = np.nonzero(self._around[part] >= 0)
        at = self._listed[part][row, self._around[part][row, side]].to(device)
        held, rows = torch.from_numpy(np.ascontiguousarray(states[row, :, side])), torch.from_numpy(row).to(device)

        def put(loop: int, stream: Tensor) -> Tensor:
            stream = stream.clone()
            stream[rows, at] = held[:, loop - 1].to(stream)
            return stream

        return put


def _others(mazes: RecombinedMazes, pairs: Int64[ndarray, " pair"], seed: int) -> Int64[ndarray, " pair"]:
    """Draw, for every pair, a third maze of its group and half."""
    random, found = numpy_generator(seed, "other_neighbours"), np.empty(len(pairs), np.int64)
    for place, pair in enumerate(pairs):
        base, source = mazes.base[pair], mazes.source[pair]
        alike: Bool[ndarray, " maze"] = (mazes.group == mazes.group[base]) & (mazes.held_out == mazes.held_out[base])
        alike[[base, source]] = False
        others = np.flatnonzero(alike)
        # a group of two has no third: the base itself, which changes nothing
        found[place] = random.choice(others) if len(others) else base
    return found


def _beyond(
    follows: Bool[ndarray, " pair"], control: Bool[ndarray, " pair"], ends: Int64[ndarray, " pair"]
) -> Interval:
    """Return (IIA - C) / (1 - C) with its interval; nan where there are too few pairs."""
    if len(ends) < FEWEST_MAZES:
        return Interval(float("nan"), float("nan"), float("nan"))
    gained, room = follows.astype(np.float64) - control, 1.0 - control
    return bootstrap_ratio(gained, room, ends)
