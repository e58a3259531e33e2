"""Commands that measure a trained model or the code: evaluate, solve, report, bench."""

import argparse
from pathlib import Path

from maze_rl.cli.given_paths import check_there
from maze_rl.cli.showing import draw, drawing_file
from maze_rl.configs.algorithms import check_algorithm
from maze_rl.configs.devices import check_device_name
from maze_rl.configs.ranges import parse_grid, parse_squares
from maze_rl.errors import ConfigurationError
from maze_rl.models.places import check_model
from maze_rl.strict_json import json_text


def evaluate(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl evaluate``."""
    sizes, grid = _sizes(chosen), parse_grid(chosen.grid)
    if grid is not None and chosen.mazes is None:
        raise ConfigurationError(f"--grid {chosen.grid} is about token text of your own: name its file with --mazes.")
    check_there(chosen.mazes)
    check_model(chosen.run)
    check_device_name(chosen.device)
    _check_algorithm(chosen)
    from maze_rl.cli.progress import progress_bar
    from maze_rl.cli.tables import print_evaluation, warn_of_few_layouts
    from maze_rl.workflows.chosen_model import chosen_model
    from maze_rl.workflows.evaluate import TEST_SEED
    from maze_rl.workflows.evaluate import evaluate as evaluate_run

    model = chosen_model(chosen.run, chosen.loops, chosen.device)
    mazes = None
    if chosen.mazes is not None:
        from maze_rl.models.attached_tokenization import tokenization_of
        from maze_rl.workflows.own_mazes import read_own

        mazes = read_own(chosen.mazes, tokenization_of(model), grid)
    with progress_bar(quiet=chosen.json) as bar:
        result = evaluate_run(
            model,
            sizes,
            chosen.num,
            mazes=mazes,
            algorithm=chosen.algorithm,
            seed=TEST_SEED if chosen.seed is None else chosen.seed,
            progress=lambda doing, done: bar("evaluating", done, {"doing": doing}),
        )
    warn_of_few_layouts(result)
    if chosen.json:
        told = {"model": result.model, "maze_digest": result.maze_digest, "rows": result.flat_rows()}
        print(json_text(told if result.by_split is None else told | {"by_split": result.by_split}))
    else:
        print_evaluation(result)
    _write_json(chosen.out, result.to_json())


def solve(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl solve``."""
    parse_squares(str(chosen.size))
    _check_source(chosen)
    check_model(chosen.run)
    _check_algorithm(chosen)
    if chosen.out is not None:
        drawing_file(chosen.out)
    from maze_rl.cli.compiling import announce_compiling
    from maze_rl.models.attached_tokenization import about_of
    from maze_rl.workflows.chosen_model import chosen_model
    from maze_rl.workflows.solve import draw_maze, solve_with_model

    announce_compiling()
    model = chosen_model(chosen.run, chosen.loops)
    if chosen.maze is not None:
        maze = _own_maze(chosen, model)
    else:
        about = about_of(model)
        trained_on = about.get("algorithm", "dfs")
        algorithm = chosen.algorithm or trained_on
        options = about.get("options", {}) if algorithm == trained_on else {}
        maze = draw_maze(chosen.size, algorithm, chosen.seed, **options)
    walk = solve_with_model(model, maze, chosen.seed)
    if not chosen.json or chosen.out is not None:
        draw(maze, walk.solution.path, walk.cells, chosen.out)
    if chosen.json:
        print(json_text(_walk_json(walk)))
        return
    print(" ".join(walk.steps))
    print(walk.verdict)


def _check_source(chosen: argparse.Namespace) -> None:
    """Refuse flags about made mazes beside a file, and the other way round."""
    if chosen.maze is None and "index" in chosen.given:
        raise ConfigurationError("--index is about mazes of your own: name their file with --maze.")
    check_there(chosen.maze)
    if chosen.maze is not None and (made := sorted(chosen.given & {"algorithm", "seed"})):
        raise ConfigurationError(f"--{made[0]} is about mazes that are made: {chosen.maze} holds its own.")


def _own_maze(chosen: argparse.Namespace, model):
    """Return the maze of a file that --index names."""
    from maze_rl.workflows.own_mazes import read_own, rows_from

    mazes = read_own(chosen.maze, model.tokenization, chosen.size)
    (row,) = rows_from(mazes, chosen.index, 1, chosen.maze)
    maze, size = mazes[row], (chosen.size, chosen.size)
    if "size" in chosen.given and maze.shape != size:
        rows, cols = maze.shape
        raise ConfigurationError(f"--size is {chosen.size}, maze {row} of {chosen.maze} has {rows} x {cols} cells.")
    if len(mazes) > 1 and not chosen.json:
        print(f"maze {row} of {len(mazes):,} in {chosen.maze} (--index takes another)")
    return maze


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
            chosen.runs,
            None if chosen.out is None else Path(chosen.out),
            sizes,
            chosen.num,
            seed=TEST_SEED if chosen.seed is None else chosen.seed,
            loops=chosen.loops,
            progress=lambda doing, done: bar("evaluating", done, {"doing": doing}),
        )
    print(json_text({"report": str(page)}) if chosen.json else f"report: {page.resolve()}")


def bench(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl bench``."""
    from maze_rl.cli.progress import progress_bar
    from maze_rl.cli.tables import print_bench
    from maze_rl.workflows.bench import bench as run_bench

    with progress_bar(quiet=chosen.json) as bar:
        rows, missing = run_bench(chosen.only, chosen.repeats, chosen.seed, lambda row, done: bar(row, done, {}))
    if chosen.json:
        print(json_text({"rows": rows, "missing": missing}))
    else:
        print_bench(rows, missing)
    _write_json(chosen.out, rows)


def _write_json(out: str | None, value: object) -> None:
    if out is not None:
        Path(out).parent.mkdir(parents=True, exist_ok=True)
        Path(out).write_text(json_text(value) + "\n")


def _sizes(chosen: argparse.Namespace) -> tuple[int, ...] | None:
    if chosen.num is not None and chosen.num < 1:
        raise ConfigurationError(f"--num is {chosen.num}: it must be at least 1.")
    return None if chosen.sizes is None else parse_squares(chosen.sizes)


def _check_algorithm(chosen: argparse.Namespace) -> None:
    if chosen.algorithm is not None:
        check_algorithm(chosen.algorithm)


def _walk_json(walk) -> dict[str, object]:
    """Return a walk for machines: cells are the maze's own, `words` name the canvas's, at `offset`."""
    return {
        "origin": walk.maze.origin,
        "target": walk.maze.target,
        "cells": walk.cells,
        "is_shortest": walk.is_shortest,
        "first_wrong": walk.first_wrong,
        "shortest_path": walk.solution.path,
        "verdict": walk.verdict,
        "words": walk.words,
        "offset": walk.offset,
    }
