"""`maze-rl evaluate`: rollouts and decisions of a trained model on held-out mazes of many sizes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from time import perf_counter
from typing import Any

import torch
from transformer_lens import HookedTransformer

from maze_rl.configs.algorithms import TREES
from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import check_count
from maze_rl.configs.ranges import AnySizes, check_squares
from maze_rl.errors import ConfigurationError
from maze_rl.evaluation.by_algorithm import ALGORITHMS, evaluate_algorithms
from maze_rl.evaluation.by_loops import FACTORS, evaluate_loops
from maze_rl.evaluation.evaluator import evaluate_model
from maze_rl.evaluation.held_out import by_split, held_out_mazes, sizes_held_out, telling_sizes
from maze_rl.evaluation.results import AlgorithmRow, EvaluationResult
from maze_rl.mazes.lattice import MazeBatch, Mazes
from maze_rl.models.attached_tokenization import about_of, tokenization_of
from maze_rl.models.build import build_model
from maze_rl.models.context_room import has_room, longest_read
from maze_rl.models.model_files import trained_algorithms
from maze_rl.models.untrained import untrained_twin
from maze_rl.plain_numbers import check_seed
from maze_rl.workflows.chosen_model import chosen_model, loops_in_name
from maze_rl.workflows.look_ahead_by_size import look_ahead_by_size
from maze_rl.workflows.own_mazes import suitable_by_size

TEST_SEED = 1_000_003
"""Seed of the test mazes when none is given: the same mazes for every model."""
TRAIN_MAZES = 500
"""Mazes per size in the evaluation and the report of a run, when no number is given."""
BEYOND = 3
"""Sizes beyond the largest trained on that are tested when none are named."""
ALGORITHM_MAZES = 100
"""Mazes of a size for each further algorithm, at most."""
LOOK_AHEAD_MAZES = 100
"""Mazes of a size whose forks tell how far ahead the model looks, at most."""
LOOP_MAZES = 60
"""Mazes of a size for each number of loops, at most, and at most an eighth of all: together the numbers of loops are
eight times the work of as many walks."""


def evaluate(
    model: HookedTransformer | str | PathLike[str],
    sizes: AnySizes | None = None,
    num: int | None = None,
    *,
    mazes: Mazes | str | PathLike[str] | None = None,
    algorithm: str | None = None,
    seed: int = TEST_SEED,
    device: str | torch.device = "cpu",
    loops: int | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> EvaluationResult:
    """Evaluate a model on mazes of the test split, or on mazes of one's own.

    Args:
        model: Any `HookedTransformer` with a tokenization (`maze_rl.attach_tokenization`), the folder of a run or of a
            saved model, or the name of a shipped model.
        sizes: Cells per side, as ``"4..12"`` or 7; None for those from the smallest trained on (or 4) to three beyond
            the largest, at most the model's canvas, that fit its context and of which there are test mazes; or all
            there are among `mazes`.
        num: Mazes per size; None for 1000, or for all of `mazes`; at most 100 of them for each further algorithm, and
            an eighth of them, at most 60, for each number of loops (at most 60 of `mazes`).
        mazes: Mazes of one's own, in place of generated ones: a collection, a dataset, a list, or a file that
            `maze_rl.load_mazes` reads. Square, at most as large as the canvas, and with somewhere to go.
        algorithm: Generator of the test mazes; None for the one it was trained on, with its options.
        seed: Seed of the test mazes.
        device: Where to run a model that is loaded here.
        loops: Times the block of a model with loops is applied; None for as many as it has.
        progress: Called with (what, share done).

    Raises:
        MazeRLError: There is no such model, a file is damaged, a size does not fit the model's canvas or context,
            `loops` are asked of a model that has none, or a maze does not suit the model; names the first such maze.
    """
    num, seed = None if num is None else check_count("num", num), check_seed(seed)
    loaded = chosen_model(model, loops, device)
    about, started = about_of(loaded), perf_counter()
    if mazes is None:
        own: dict[int, MazeBatch] | None = None
        tests: dict[str, Any] = _generated(loaded, sizes, 1000 if num is None else num, algorithm, seed)
        stages = _Stages(progress, loaded, tests["sizes"], tests["num"])
    elif algorithm is not None:
        raise ConfigurationError(f"algorithm is {algorithm!r}, and mazes are given: leave out one of them.")
    else:
        own = suitable_by_size(mazes, tokenization_of(loaded), sizes, num)
        test_sizes(loaded, tuple(own), tree=all(map(_are_trees, own.values())))
        tests = {"mazes": own}
        stages = _Stages(progress, loaded, tuple(own), max(map(len, own.values())), algorithms=0)
    result = evaluate_model(
        loaded,
        **tests,
        seed=seed,
        training_sizes=about.get("sizes", ()),
        longest_training_path=about.get("longest_path"),
        name=about.get("name", "untitled") + loops_in_name(loaded),
        untrained=_untrained(loaded, seed),
        progress=stages.of("main"),
    )
    further = _further_tests(loaded, result, stages) if own is None else _further_of_own(loaded, result, own, stages)
    first = _first_generated(tests, seed) if own is None else own
    ahead = look_ahead_by_size(
        loaded,
        {size: batch.take(slice(LOOK_AHEAD_MAZES)) for size, batch in first.items()},
        seed=seed,
        training_sizes=result.training_sizes,
        progress=stages.of("look-ahead"),
    )
    stages.of("look-ahead")("done", 1.0)
    return replace(result, **further, by_look_ahead=ahead, seconds=perf_counter() - started)


def _generated(
    model: HookedTransformer, sizes: AnySizes | None, num: int, algorithm: str | None, seed: int
) -> dict[str, Any]:
    """Return what says which mazes are made for an evaluation."""
    about = about_of(model)
    trained_on = about.get("algorithm", "dfs")
    chosen = algorithm or trained_on
    options = about.get("options", {}) if chosen == trained_on else {}
    tested = test_sizes(model, sizes, tree=chosen in TREES)
    held_out = tested if sizes is not None else sizes_held_out(tested, chosen, options, seed)
    return {"sizes": held_out, "num": num, "algorithm": chosen, "options": options}


def _first_generated(tests: Mapping[str, Any], seed: int) -> dict[int, MazeBatch]:
    """Return the first mazes of each size of what `_generated` says is made."""
    num = min(tests["num"], LOOK_AHEAD_MAZES)
    specs = {
        size: MazeSpec(sizes=(size,), algorithm=tests["algorithm"], options=tests["options"], split="test")
        for size in tests["sizes"]
    }
    return {size: held_out_mazes(spec, num, seed) for size, spec in specs.items()}


def _are_trees(batch: MazeBatch) -> bool:
    """Tell whether no maze has a cycle; cells out of reach leave room for one, and count as none here."""
    rows, cols = batch.shape
    return bool((batch.connections.sum(axis=(1, 2, 3)) < rows * cols).all())


def _further_of_own(
    model: HookedTransformer, result: EvaluationResult, mazes: Mapping[int, MazeBatch], stages: "_Stages"
) -> dict[str, Any]:
    """Return what is measured with other numbers of loops on mazes of one's own, and which splits they are of."""
    loops = evaluate_loops(
        model,
        sizes=telling_sizes(tuple(mazes), result.training_sizes),
        mazes=mazes,
        num=LOOP_MAZES,
        seed=result.seed,
        training_sizes=result.training_sizes,
        progress=stages.of("loops"),
    )
    return {"by_loops": loops, "by_split": by_split(mazes.values())}


def _further_tests(model: HookedTransformer, result: EvaluationResult, stages: "_Stages") -> dict[str, Any]:
    """Return what is measured with other numbers of loops and on mazes of other algorithms, at a few sizes."""
    about, num, own = about_of(model), result.num_per_size, result.algorithm
    known = trained_algorithms(about)
    sizes = telling_sizes([row.size for row in result.rows], result.training_sizes)
    options = {about.get("algorithm", "dfs"): about.get("options", {})}
    common: dict[str, Any] = {"seed": result.seed, "training_sizes": result.training_sizes}
    others = evaluate_algorithms(
        model,
        sizes=sizes,
        algorithms=[name for name in ALGORITHMS if name != own],
        options=options,
        trained_on=known,
        num=min(num, ALGORITHM_MAZES),
        progress=stages.of("algorithms"),
        **common,
    )
    loops = evaluate_loops(
        model,
        sizes=sizes,
        algorithm=own,
        options=options.get(own),
        num=_loop_mazes(num),
        progress=stages.of("loops"),
        **common,
    )
    return {
        "by_algorithm": [*_own_algorithm(result, sizes, own in known if known else None), *others],
        "by_loops": loops,
    }


def _loop_mazes(num: int) -> int:
    return min(LOOP_MAZES, -(-num // 8))


class _Stages:
    """Turns progress within a stage into progress of the whole; a stage weighs as much as the tokens it walks over."""

    def __init__(
        self,
        progress: Callable[[str, float], None] | None,
        model: HookedTransformer,
        sizes: Sequence[int],
        num: int,
        algorithms: int = len(ALGORITHMS) - 1,
    ) -> None:
        self._progress = progress or (lambda doing, done: None)
        config = getattr(model, "maze_config", None)
        cells = sum(size**3 for size in sizes)
        few = sum(size**3 for size in telling_sizes(sizes, about_of(model).get("sizes", ())))
        work = {
            "main": 1.5 * num * cells,  # the untrained model walks too, and stops sooner
            "algorithms": algorithms * min(num, ALGORITHM_MAZES) * few,
            "loops": sum(FACTORS) * _loop_mazes(num) * few if config is not None and config.looped else 0,
            "look-ahead": 0.2 * min(num, LOOK_AHEAD_MAZES) * cells,  # paths are read at once, not written
        }
        self._share = {name: each / sum(work.values()) for name, each in work.items()}

    def of(self, stage: str) -> Callable[[str, float], None]:
        """Return the progress of one stage: (what, share of it that is done)."""
        names = list(self._share)
        before = sum(self._share[name] for name in names[: names.index(stage)])
        return lambda doing, done: self._progress(doing, min(1.0, before + self._share[stage] * done))


def _own_algorithm(result: EvaluationResult, sizes: Iterable[int], trained_on: bool | None) -> list[AlgorithmRow]:
    """Return the rows of the algorithm of the evaluation itself."""
    return [
        AlgorithmRow(
            algorithm=result.algorithm,
            size=row.size,
            trained_on=trained_on,
            in_training_range=row.in_training_range,
            shortest=row.shortest,
            manhattan=row.baselines["manhattan"],
        )
        for row in result.rows
        if row.size in sizes
    ]


def test_sizes(model: HookedTransformer, sizes: AnySizes | None, *, tree: bool = True) -> tuple[int, ...]:
    """Return the sizes to test: those given, checked, or else those around the ones the model was trained on.

    These are from the smallest of them, or 4, to `BEYOND` more than the largest, at most the model's canvas; up to it
    for a model that does not know what it was trained on. All fit the model's context (`tree`: mazes without cycles).
    """
    tokenization = tokenization_of(model)
    canvas = tokenization.canvas
    trained = about_of(model).get("sizes") or [canvas]
    usual = range(min(4, *trained, canvas), min(canvas, max(trained) + BEYOND) + 1)
    given = usual if sizes is None else check_squares(sizes)
    fitting = tuple(size for size in given if size > canvas or has_room(model, tokenization, size, tree=tree))
    short = min({*given} - {*fitting}, default=None)
    if short is not None and (sizes is not None or not fitting):
        raise ConfigurationError(
            f"a walk through a maze of size {short} can take {longest_read(tokenization, short, tree=tree)} tokens, "
            f"and the model's context has n_ctx={model.cfg.n_ctx}: use smaller sizes."
        )
    return fitting


def _untrained(model: HookedTransformer, seed: int) -> HookedTransformer:
    """Return a fresh model built as the trained one was before its first step."""
    config = getattr(model, "maze_config", None)
    if config is None:
        return untrained_twin(model, seed)
    about = about_of(model)
    embedding = about.get("trained_embedding", config.embedding)
    ways = tuple(about.get("trained_parametrizations", config.parametrizations))
    config = replace(config, embedding=embedding, parametrizations=ways)
    return build_model(config, tokenization_of(model), seed=seed, device=model.cfg.device or "cpu")
