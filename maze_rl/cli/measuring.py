"""Commands that measure a trained model or the code: evaluate, solve, report, bench."""

import argparse
import json
from pathlib import Path

from maze_rl.cli.given_paths import check_file
from maze_rl.cli.showing import draw, drawing_file
from maze_rl.configs.algorithms import check_algorithm
from maze_rl.configs.devices import check_device_name
from maze_rl.configs.ranges import parse_squares
from maze_rl.errors import ConfigurationError
from maze_rl.models.places import check_model


def evaluate(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl evaluate``."""
    sizes = _sizes(chosen)
    check_model(chosen.run)
    check_device_name(chosen.device)
    _check_algorithm(chosen)
    from maze_rl.cli.progress import progress_bar
    from maze_rl.cli.tables import print_evaluation, warn_of_few_layouts
    from maze_rl.workflows.evaluate import TEST_SEED
    from maze_rl.workflows.evaluate import evaluate as evaluate_run

    with progress_bar(quiet=chosen.json) as bar:
        result = evaluate_run(
            chosen.run, sizes, chosen.num, algorithm=chosen.algorithm, device=chosen.device, loops=chosen.loops,
            seed=TEST_SEED if chosen.seed is None else chosen.seed,
            progress=lambda doing, done: bar("evaluating", done, {"doing": doing}),
        )  # fmt: skip
    warn_of_few_layouts(result)
    if chosen.json:
        print(json.dumps({"model": result.model, "maze_digest": result.maze_digest, "rows": result.flat_rows()}))
    else:
        print_evaluation(result)
    _write_json(chosen.out, result.to_json())


def solve(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl solve``."""
    parse_squares(str(chosen.size))
    check_model(chosen.run)
    _check_algorithm(chosen)
    if chosen.maze is not None:
        check_file(chosen.maze)
    if chosen.out is not None:
        drawing_file(chosen.out)
    from maze_rl.cli.compiling import announce_compiling
    from maze_rl.models.attached_tokenization import about_of
    from maze_rl.workflows.chosen_model import chosen_model
    from maze_rl.workflows.solve import draw_maze, read_maze, solve_with_model

    announce_compiling()
    model = chosen_model(chosen.run, chosen.loops)
    if chosen.maze is not None:
        maze = read_maze(Path(chosen.maze), model, (chosen.size, chosen.size))
    else:
        about = about_of(model)
        trained_on = about.get("algorithm", "dfs")
        algorithm = chosen.algorithm or trained_on
        options = about.get("options", {}) if algorithm == trained_on else {}
        maze = draw_maze(chosen.size, algorithm, chosen.seed, **options)
    walk = solve_with_model(model, maze)
    if not chosen.json or chosen.out is not None:
        draw(maze, walk.solution.path, walk.cells, chosen.out)
    if chosen.json:
        print(json.dumps({
            "origin": maze.origin, "target": maze.target, "cells": walk.cells, "words": walk.words,
            "is_shortest": walk.is_shortest, "first_wrong": walk.first_wrong, "shortest_path": walk.solution.path,
        }))  # fmt: skip
        return
    print(" ".join(_marked(walk)))
    print(walk.verdict)


def report(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl report``."""
    sizes = _sizes(chosen)
    for run in chosen.runs:
        check_model(run)
    from maze_rl.cli.progress import progress_bar
    from maze_rl.workflows.evaluate import TEST_SEED
    from maze_rl.workflows.report import report as write_report

    with progress_bar(quiet=chosen.json) as bar:
        page = write_report(
            chosen.runs, None if chosen.out is None else Path(chosen.out), sizes, chosen.num,
            seed=TEST_SEED if chosen.seed is None else chosen.seed, loops=chosen.loops,
            progress=lambda doing, done: bar("evaluating", done, {"doing": doing}),
        )  # fmt: skip
    print(json.dumps({"report": str(page)}) if chosen.json else f"report: {page.resolve()}")


def bench(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl bench``."""
    from maze_rl.cli.progress import progress_bar
    from maze_rl.cli.tables import print_bench
    from maze_rl.workflows.bench import bench as run_bench

    with progress_bar(quiet=chosen.json) as bar:
        rows, missing = run_bench(chosen.only, chosen.repeats, chosen.seed, lambda row, done: bar(row, done, {}))
    if chosen.json:
        print(json.dumps({"rows": rows, "missing": missing}))
    else:
        print_bench(rows, missing)
    _write_json(chosen.out, rows)


def _write_json(out: str | None, value: object) -> None:
    if out is not None:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(json.dumps(value) + "\n")


def _sizes(chosen: argparse.Namespace) -> tuple[int, ...] | None:
    if chosen.num is not None and chosen.num < 1:
        raise ConfigurationError(f"--num is {chosen.num}: it must be at least 1.")
    return None if chosen.sizes is None else parse_squares(chosen.sizes)


def _check_algorithm(chosen: argparse.Namespace) -> None:
    if chosen.algorithm is not None:
        check_algorithm(chosen.algorithm)


def _marked(walk) -> list[str]:
    """Return the written words, the first wrong one marked."""
    return [f">>{word}<<" if index == walk.first_wrong else word for index, word in enumerate(walk.words)]
