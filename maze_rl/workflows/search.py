"""`maze-rl search`: the battery on one model, beside its untrained twin and the calibration models, as a page."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from transformer_lens import HookedTransformer
from transformer_lens.utilities.components_utils import get_act_name

from maze_rl.calibration.looped_zoo import LOOP_ROWS, LoopInstance
from maze_rl.calibration.selftest import within_rounds
from maze_rl.calibration.zoo import ROWS, Instance
from maze_rl.configs.options import check_count
from maze_rl.configs.ranges import AnySize, check_square
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError
from maze_rl.interp.battery import Battery, check_tested, run_battery
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.loop_battery import LoopBattery, run_loop_battery
from maze_rl.interp.materials import FEWEST_STEPS, Materials, Setting, check_setting, gather
from maze_rl.interp.requirements import check_mazes
from maze_rl.interp.score_table import scores_html
from maze_rl.interp.scorecard import Scorecard, check_scored, control_probes, goes_by_loop, score
from maze_rl.models.attached_tokenization import about_of, tokenization_of
from maze_rl.models.build import build_model
from maze_rl.models.places import find_model
from maze_rl.models.verified_files import read_folder, read_tensors
from maze_rl.plain_numbers import check_seed
from maze_rl.reports.search.search_report import write_search_report
from maze_rl.reports.search.search_result import (
    DecisionAttention,
    JudgedResult,
    LoopSearchResult,
    SearchResult,
    example_decision,
)
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.checkpoints import WEIGHTS, checkpoint_steps
from maze_rl.workflows.chosen_model import chosen_model, loops_in_name
from maze_rl.workflows.run_folder import RunFolder

USUAL = 7
"""Cells per side, where none are asked for; else the nearest size that the model was trained on."""
_MOST_CHECKPOINTS = 5
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class SearchOutcome(Shown):
    """What `maze-rl search` found and wrote."""

    page: Path
    verdict: str
    scores: dict[str, dict[str, Any]]
    """By score: effect, low, high, threshold, verdict, name, mazes, layouts."""
    result: JudgedResult

    def _headline(self) -> str:
        return f"{self.result._headline()}; page: {self.page}"

    def _repr_html_(self) -> str:
        return scores_html(self.result.name, self.verdict, self.result.judgement.judged.scores, f"page: {self.page}")


def search(
    model: HookedTransformer | str | PathLike[str],
    *,
    size: AnySize | None = None,
    num: int = 300,
    algorithm: str = "dfs",
    max_distance: int | None = None,
    seed: int = 0,
    loops: int | None = None,
    out: str | PathLike[str] | None = None,
    command: str = "",
    progress: Progress = lambda doing, done: None,
) -> SearchOutcome:
    """Ask whether a model searches, and write the page.

    Args:
        model: Any `HookedTransformer` with a tokenization (`maze_rl.attach_tokenization`), the folder of a run or of a
            saved model, or the name of a shipped model.
        size: Cells per side, as 7 or ``"7"``; None for the size nearest to 7 that it was trained on, and 7 or its
            canvas where that is not recorded.
        num: Mazes of each test; probes get twice as many.
        algorithm: Generator of mazes without cycles.
        max_distance: Most steps from any choice to its target, at least `FEWEST_STEPS`; None for no limit. How far a
            model sees is measured either way, and the verdict stands on mazes within that.
        seed: Seed of mazes, pairs, controls and draws; 0 or more.
        loops: Times the block of a model with loops is applied; None for as many as it has.
        out: Folder to write; None for ``search/`` in the run, or ``search-NAME`` for a model that is given or shipped.
        command: What was typed, for the page.
        progress: Called with (what is being done, share done).

    Raises:
        MazeRLError: There is no such model, a test is not right for it, its format, its canvas or the number of mazes
            does not fit, a checkpoint is damaged, or `out` is no folder.
    """
    num, seed = check_count("num", num, 0), check_seed(seed)
    started = time.perf_counter()
    loaded = chosen_model(model, loops)
    by_loop = goes_by_loop(loaded)
    if by_loop:
        check_scored(loaded)
    else:
        check_tested(loaded)
    own_name = (
        str(about_of(loaded).get("name", "untitled")) if isinstance(model, HookedTransformer) else Path(model).name
    )
    name = own_name + loops_in_name(loaded)
    setting = Setting(
        size=_usual_size(loaded) if size is None else check_square("size", size),
        algorithm=algorithm,
        num_mazes=num,
        num_pairs=num,
        num_probed=2 * num,
        within=None if max_distance is None else _within(max_distance),
        seed=seed,
    )
    folder = _folder(model, name, loops_in_name(loaded)) if out is None else Path(out)
    check_setting(setting)
    check_mazes(loaded, setting.size, num)
    _check_folder(folder)
    saved, left_out = _checkpoints(model, tokenization_of(loaded))
    saved = [(step, chosen_model(trained, loops)) for step, trained in saved]
    progress("mazes and pairs", 0.0)
    materials = gather(tokenization_of(loaded), setting)
    run_tests: Callable[..., Battery | LoopBattery] = run_loop_battery if by_loop else run_battery
    battery = run_tests(loaded, materials, progress=lambda doing, done: progress(doing, 0.02 + 0.6 * done))
    checkpoints, probes = [], None
    for number, (step, trained) in enumerate(saved):
        progress(f"checkpoint {step}", 0.62 + 0.18 * number / len(saved))
        probes = probes or control_probes(trained, materials)
        checkpoints.append((step, score(trained, materials, untrained=probes).scores))
    known = _calibrate(loaded, seed, lambda doing, done: progress(doing, 0.8 + 0.19 * done))
    shared: dict[str, Any] = {
        "name": name,
        "about": about_of(loaded),
        "model_facts": _facts(loaded),
        "setting": setting,
        "materials": materials,
        "calibration": {row: card.scores for row, card in known.items()},
        "calibration_searches": {row: card.searches for row, card in known.items()},
        "checkpoints": checkpoints,
        "checkpoints_left_out": left_out,
        "seconds": time.perf_counter() - started,
        "command": command or f"maze-rl search {name}",
    }
    if isinstance(battery, LoopBattery):
        result: JudgedResult = LoopSearchResult(battery=battery, **shared)
    else:
        result = SearchResult(battery=battery, attention=_attention(loaded, materials, battery), **shared)
    page = write_search_report(result, folder)
    progress("done", 1.0)
    return SearchOutcome(page, battery.judgement.text, _plain(battery.judgement.judged.scores), result)


def _within(max_distance: int) -> Within:
    return Within("distance", check_count("max_distance", max_distance, FEWEST_STEPS))


def _usual_size(model: HookedTransformer) -> int:
    trained = [size for size in about_of(model).get("sizes", ()) if isinstance(size, int)]
    return min(trained or [min(USUAL, tokenization_of(model).canvas)], key=lambda size: (abs(size - USUAL), size))


def _check_folder(folder: Path) -> None:
    there = next((each for each in (folder, *folder.parents) if each.exists()), Path())
    if not there.is_dir():
        raise ConfigurationError(f"{there} is a file: the page is written to a folder; give another one.")


def _folder(model: HookedTransformer | str | PathLike[str], name: str, loops: str) -> Path:
    """Return where the page goes: into the run, but never into what ships with the library."""
    if not isinstance(model, HookedTransformer) and Path(model).is_dir():
        return find_model(model) / f"search{loops}"
    return Path(f"search-{name}")


def _facts(model: HookedTransformer) -> dict[str, Any]:
    cfg = model.cfg
    return {
        "layers": cfg.n_layers,
        "d_model": cfg.d_model,
        "heads": cfg.n_heads,
        "format": tokenization_of(model).name,
        "canvas": tokenization_of(model).canvas,
        "positions": _positions(model),
        "parameters": sum(each.numel() for each in model.parameters() if each.requires_grad),
    }


def _positions(model: HookedTransformer) -> str:
    config = getattr(model, "maze_config", None)
    if config is None:
        return "set by hand" if "hand_built" in about_of(model) else str(model.cfg.positional_embedding_type)
    return config.positions


def _calibrate(model: HookedTransformer, seed: int, progress: Progress) -> dict[str, Scorecard]:
    """Score the calibration models of its kind, by row, on small mazes in the format of the model under study."""
    instance, rows = LoopInstance(canvas=4, loops=13, rotate=True, seed=seed), LOOP_ROWS
    if not goes_by_loop(model):
        token_format = tokenization_of(model).name
        instance, rows = Instance(token_format=token_format, canvas=4, n_layers=12, rotate=True, seed=seed), ROWS
    materials, cards = gather(instance.tokenization, within_rounds(instance)), {}
    for number, row in enumerate(rows):
        progress(f"calibration: {row.name}", number / len(rows))
        cards[row.name] = score(row.build(instance), materials)
    return cards


def _attention(model: HookedTransformer, materials: Materials, battery: Battery) -> list[DecisionAttention]:
    """Return where the best adjacency head, and a frontier head if there are any, look from one decision."""
    decisions = materials.decisions
    row = example_decision(decisions)
    shown = {battery.adjacency.head: "best adjacency head"}
    if battery.frontier is not None and battery.frontier.direction != "none":
        anchored = battery.frontier.anchors[battery.frontier.winner]
        shown.setdefault((anchored.layers[0], anchored.heads[0]), "frontier head")
    names = [get_act_name("pattern", layer) for layer, _ in shown]
    tokens = decisions.tokens[decisions.maze[row]][None]
    with torch.inference_mode():
        _, cache = model.run_with_cache(tokens, names_filter=names, return_type=None)
    return [
        DecisionAttention(
            what=what,
            layer=layer,
            head=head,
            decision=row,
            pattern=cache[get_act_name("pattern", layer)][0, head, decisions.position[row]].float().cpu().numpy(),
        )
        for (layer, head), what in shown.items()
    ]


def _checkpoints(
    model: HookedTransformer | str | PathLike[str], tokenization: Tokenization
) -> tuple[list[tuple[int, HookedTransformer]], list[int]]:
    """Return (step, model) for some checkpoints of a run, spread evenly, and the steps of those that do not fit it.

    Raises:
        MazeRLError: A checkpoint is damaged.
    """
    if isinstance(model, HookedTransformer) or not (Path(model) / "checkpoints").is_dir():
        return [], []
    run = RunFolder(Path(model))
    if not run.config_path.exists():  # a model without its run
        return [], []
    steps = checkpoint_steps(run.checkpoints)
    if len(steps) < 2:
        return [], []
    config, last = run.open(), len(steps) - 1
    found: list[tuple[int, HookedTransformer]] = []
    left_out: list[int] = []
    places = (round(index * last / (_MOST_CHECKPOINTS - 1)) for index in range(_MOST_CHECKPOINTS))
    for step in sorted({steps[place] for place in places}):
        weights = read_tensors(read_folder(run.checkpoints / str(step), (WEIGHTS,))[WEIGHTS])
        fresh = build_model(config.model, tokenization)
        try:
            fresh.load_state_dict(weights)
        except RuntimeError:  # torch's word for other names or shapes: adapters, or another phase's
            left_out.append(step)
        else:
            found.append((step, fresh.eval()))
    return found, left_out


def _plain(scores: dict[str, Finding]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "effect": each.effect.value,
            "low": each.effect.low,
            "high": each.effect.high,
            "threshold": each.threshold,
            "verdict": each.verdict,
            "name": each.name,
            "mazes": each.num_mazes,
            "layouts": each.num_layouts,
        }
        for name, each in scores.items()
    }
