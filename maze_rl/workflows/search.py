"""`maze-rl search`: the battery on one model, beside its untrained twin and the calibration models, as a page."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformer_lens.utilities.components_utils import get_act_name

from maze_rl.calibration.selftest import setting_of
from maze_rl.calibration.zoo import ROWS, Instance, ZooRow
from maze_rl.errors import MazeRLError
from maze_rl.interp.battery import Battery, run_battery
from maze_rl.interp.finding import Finding
from maze_rl.interp.requirements import check_mazes
from maze_rl.interp.scorecard import Materials, Setting, check_setting, control_probes, gather, score
from maze_rl.models.build import MazeTransformer, build_model
from maze_rl.models.model_files import find_model, load_model
from maze_rl.models.verified_files import read_folder, read_tensors
from maze_rl.reports.search.search_report import write_search_report
from maze_rl.reports.search.search_result import DecisionAttention, SearchResult, example_decision
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.training.checkpoints import WEIGHTS, checkpoint_steps
from maze_rl.workflows.run_folder import RunFolder

LARGEST = 7
"""Cells per side, where none are asked for and the model was trained on them or larger."""
_MOST_CHECKPOINTS = 5
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class SearchOutcome:
    """What `maze-rl search` found and wrote."""

    page: Path
    verdict: str
    scores: dict[str, dict[str, Any]]
    """By score: effect, low, high, threshold, verdict, name."""
    result: SearchResult


def search(
    model: MazeTransformer | str | Path,
    *,
    size: int | None = None,
    num: int = 300,
    algorithm: str = "dfs",
    seed: int = 0,
    out: Path | None = None,
    command: str = "",
    progress: Progress = lambda doing, done: None,
) -> SearchOutcome:
    """Ask whether a model searches, and write the page.

    Args:
        model: A model, a run folder, or the name of a shipped model.
        size: Cells per side; None for the largest it was trained on, 7 at most.
        num: Mazes of each test; probes get twice as many.
        algorithm: Generator of mazes without cycles.
        seed: Seed of mazes, pairs, controls and draws.
        out: Folder to write; None for ``search/`` in the run, or ``search-NAME`` for a shipped model.
        command: What was typed, for the page.
        progress: Called with (what is being done, share done).

    Raises:
        MazeRLError: There is no such model, or its format, its canvas or the number of mazes does not fit.
    """
    started = time.perf_counter()
    loaded = model if isinstance(model, MazeTransformer) else load_model(model)
    name = str(loaded.about.get("name", "untitled")) if isinstance(model, MazeTransformer) else Path(model).name
    setting = Setting(
        size=size or _usual_size(loaded), algorithm=algorithm, num_mazes=num, num_pairs=num, num_probed=2 * num,
        seed=seed,
    )  # fmt: skip
    check_mazes(loaded, setting.size, num)
    check_setting(setting)
    progress("mazes and pairs", 0.0)
    materials = gather(loaded.tokenization, setting)
    battery = run_battery(loaded, materials, progress=lambda doing, done: progress(doing, 0.02 + 0.6 * done))
    checkpoints, probes = [], None
    for step, share, trained in _checkpoints(model, loaded.tokenization):
        progress(f"checkpoint {step}", 0.62 + 0.18 * share)
        probes = probes or control_probes(trained, materials)
        checkpoints.append((step, score(trained, materials, untrained=probes).scores))
    calibration, searches = {}, {}
    for number, row in enumerate(ROWS):
        progress(f"calibration: {row.name}", 0.8 + 0.19 * number / len(ROWS))
        calibration[row.name], searches[row.name] = _calibrate(row, loaded.tokenization.name, seed)
    result = SearchResult(
        name=name, about=loaded.about, model_facts=_facts(loaded), setting=setting, materials=materials,
        battery=battery, calibration=calibration, calibration_searches=searches,
        attention=_attention(loaded, materials, battery), checkpoints=checkpoints,
        seconds=time.perf_counter() - started, command=command or f"maze-rl search {name}",
    )  # fmt: skip
    page = write_search_report(result, out or _folder(model, name))
    progress("done", 1.0)
    return SearchOutcome(page, battery.scorecard.verdict, _plain(battery.scorecard.scores), result)


def _usual_size(model: MazeTransformer) -> int:
    trained = [int(size) for size in model.about.get("sizes", ()) if isinstance(size, int)]
    fitting = [size for size in trained if size <= LARGEST] or [min(LARGEST, model.tokenization.canvas)]
    return max(fitting)


def _folder(model: MazeTransformer | str | Path, name: str) -> Path:
    """Return where the page goes: into the run, but never into what ships with the library."""
    if not isinstance(model, MazeTransformer) and Path(model).is_dir():
        return find_model(model) / "search"
    return Path(f"search-{name}")


def _facts(model: MazeTransformer) -> dict[str, Any]:
    cfg = model.cfg
    return {
        "layers": cfg.n_layers, "d_model": cfg.d_model, "heads": cfg.n_heads, "format": model.tokenization.name,
        "canvas": model.tokenization.canvas, "positions": _positions(model),
        "parameters": sum(each.numel() for each in model.parameters() if each.requires_grad),
    }  # fmt: skip


def _positions(model: MazeTransformer) -> str:
    config = getattr(model, "maze_config", None)
    return "set by hand" if config is None else config.positions


def _calibrate(row: ZooRow, token_format: str, seed: int) -> tuple[dict[str, Finding], bool]:
    """Score one calibration model, on small mazes in the format of the model under study."""
    instance = Instance(token_format=token_format, canvas=4, n_layers=12, rotate=True, seed=seed)
    card = score(row.build(instance), gather(instance.tokenization, setting_of(instance, seed)))
    return card.scores, card.searches


def _attention(model: MazeTransformer, materials: Materials, battery: Battery) -> list[DecisionAttention]:
    """Return where the best adjacency head, and a frontier head if there are any, look from one decision."""
    decisions = materials.decisions
    row = example_decision(decisions)
    shown = [("best adjacency head", battery.scorecard.adjacency.head)]
    if battery.frontier is not None and battery.frontier.direction != "none":
        anchored = battery.frontier.anchors[battery.frontier.winner]
        shown.append(("frontier head", (anchored.layers[0], anchored.heads[0])))
    names = [get_act_name("pattern", layer) for _, (layer, _) in shown]
    tokens = decisions.tokens[decisions.maze[row]][None]
    with torch.inference_mode():
        _, cache = model.run_with_cache(tokens, names_filter=names, return_type=None)
    return [
        DecisionAttention(
            what=what, layer=layer, head=head, decision=row,
            pattern=cache[get_act_name("pattern", layer)][0, head, decisions.position[row]].numpy(),
        )
        for what, (layer, head) in shown
    ]  # fmt: skip


def _checkpoints(
    model: MazeTransformer | str | Path, tokenization: Tokenization
) -> Iterator[tuple[int, float, MazeTransformer]]:
    """Yield (step, share of the checkpoints behind, model) for some checkpoints of a run, spread evenly."""
    if isinstance(model, MazeTransformer) or not (Path(model) / "checkpoints").is_dir():
        return
    run = RunFolder(Path(model))
    steps = checkpoint_steps(run.checkpoints)
    if len(steps) < 2:
        return
    chosen = sorted(
        {steps[round(index * (len(steps) - 1) / (_MOST_CHECKPOINTS - 1))] for index in range(_MOST_CHECKPOINTS)}
    )
    config = run.open()
    for number, step in enumerate(chosen):
        fresh = build_model(config.model, tokenization)
        try:
            fresh.load_state_dict(read_tensors(read_folder(run.checkpoints / str(step), (WEIGHTS,))[WEIGHTS]))
        except (RuntimeError, MazeRLError):
            # weights with adapters, or of another phase's shape: the curve is left out, the page says nothing of it
            return
        yield step, number / len(chosen), fresh.eval()


def _plain(scores: dict[str, Finding]) -> dict[str, dict[str, Any]]:
    return {
        name: {
            "effect": each.effect.value, "low": each.effect.low, "high": each.effect.high, "threshold": each.threshold,
            "verdict": each.verdict, "name": each.name,
        }
        for name, each in scores.items()
    }  # fmt: skip
