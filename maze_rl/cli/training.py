"""The command `train`."""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from maze_rl.configs.mazes import MazeSpec
from maze_rl.configs.options import parse_option
from maze_rl.configs.presets import default_run
from maze_rl.configs.ranges import parse_squares
from maze_rl.configs.tokenization import ONE_TOKEN_PER_CELL
from maze_rl.configs.training import RunConfig
from maze_rl.errors import ConfigurationError


def train(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl train``."""
    # Settings are checked before torch is imported, so that a typing error answers at once.
    config = run_config(chosen, chosen.device or "cpu")
    from maze_rl.cli.progress import progress_bar
    from maze_rl.models.devices import default_device
    from maze_rl.training.trainer import TrainingInterrupted
    from maze_rl.workflows.run import train as train_and_report

    if chosen.device is None and default_device() != "cpu":
        config = run_config(chosen, default_device())
    resume = chosen.command_line.replace(" --resume", "") + " --resume"
    try:
        with progress_bar(quiet=chosen.json) as bar:
            run = train_and_report(
                config=config, out=chosen.out, resume=chosen.resume, evaluation_mazes=chosen.num, progress=bar,
                command=chosen.command_line.replace(" --resume", ""),
            )  # fmt: skip
    except TrainingInterrupted as stop:
        print(f"\nsaved at step {stop.step} of {config.training.steps}. To go on: {resume}", file=sys.stderr)
        return 130
    except KeyboardInterrupt:
        print(f"\nstopped; what {chosen.out} holds is kept. To go on: {resume}", file=sys.stderr)
        return 130
    _print_result(chosen, run.folder)
    return 0


def run_config(chosen: argparse.Namespace, device: str) -> RunConfig:
    """Return the configuration the flags ask for on `device`.

    Raises:
        MazeRLError: A flag is out of range or names something unknown.
    """
    if chosen.num < 0 or (chosen.steps is not None and chosen.steps < 1):
        raise ConfigurationError("--steps must be at least 1 and --num at least 0.")
    mazes = MazeSpec(
        sizes=parse_squares(chosen.sizes),
        algorithm=chosen.algorithm,
        options=dict(map(parse_option, chosen.options)),
        split="train",
    )
    canvas = {} if chosen.canvas is None else {"canvas": chosen.canvas}
    data = None
    if chosen.data is not None:
        from maze_rl.workflows.run import training_data

        asked, (data, mazes) = mazes, training_data(chosen.data, mazes)
        for name, default in (("sizes", parse_squares("5..9")), ("algorithm", "dfs")):
            wish, held = getattr(asked, name), getattr(mazes, name)
            if wish not in (default, held):
                raise ConfigurationError(f"--{name} {wish} contradicts {chosen.data}, which has {held}: leave it out.")
    base = default_run(mazes, device=device, seed=chosen.seed, steps=chosen.steps, loss=chosen.loss, data=data)
    tokenization = replace(base.tokenization, **canvas, **_given(format=chosen.tokenizer))
    # A factored embedding adds up what a cell's token shares with others, so a cell must be one token.
    embedding = base.model.embedding if tokenization.format in ONE_TOKEN_PER_CELL else "free"
    training = _given(batch_size=chosen.batch_size, learning_rate=chosen.learning_rate)
    return replace(
        base,
        training=replace(
            base.training,
            accumulation=chosen.accumulation,
            optimizer=chosen.optimizer,
            schedule=chosen.schedule,
            **training,
        ),
        tokenization=tokenization,
        model=replace(
            base.model,
            embedding=embedding,
            **_given(
                positions=chosen.positions,
                n_layers=chosen.layers,
                d_model=chosen.d_model,
                n_heads=chosen.heads,
            ),
        ),
    )


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _print_result(chosen: argparse.Namespace, folder: Path) -> None:
    from maze_rl.cli.tables import print_evaluation
    from maze_rl.evaluation.results import result_from_json
    from maze_rl.workflows.run_folder import RunFolder

    if not chosen.num:
        print(json.dumps({"run": str(folder)}) if chosen.json else f"run: {folder}")
        return
    files = RunFolder(folder)
    result = result_from_json(files.read_evaluation())
    page = files.report / "report.html"
    if chosen.json:
        print(json.dumps({"run": str(folder), "report": str(page), "rows": result.flat_rows()}))
        return
    print_evaluation(result)
    print(f"run:    {folder}\nreport: {page.resolve()}")
