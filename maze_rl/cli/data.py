"""Commands that write files: generate, export, tokenizers."""

import argparse
import json
from pathlib import Path

from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.configs.ranges import parse_sizes


def generate(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl generate``."""
    from maze_rl.cli.progress import progress_bar
    from maze_rl.workflows.generate import generate_dataset

    spec = MazeSpec(
        sizes=parse_sizes(chosen.sizes),
        algorithm=chosen.algorithm,
        percolation=chosen.percolation,
        min_path_length=chosen.min_path_length,
        max_path_length=chosen.max_path_length,
        split=chosen.split,
    )
    config = GenerationConfig(spec=spec, num=chosen.num, seed=chosen.seed)
    with progress_bar(quiet=chosen.json) as bar:
        folder = generate_dataset(config, Path(chosen.out), lambda done: bar("generating", done, {}))
    if chosen.json:
        print(json.dumps({"out": str(folder), "num": chosen.num, "seed": chosen.seed}))
    else:
        print(f"{chosen.num} mazes in {folder}; datasets.load_from_disk({str(folder)!r}) reads them.")


def export(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl export``."""
    from maze_rl.workflows.export import export as export_model

    folder = export_model(chosen.run, Path(chosen.out))
    print(
        json.dumps({"out": str(folder)})
        if chosen.json
        else f"exported to {folder}: model.safetensors, model.json, tokenizer/"
    )


def tokenizers(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl tokenizers``."""
    from maze_rl.workflows import vocabularies as work

    if chosen.action == "list":
        rows = work.list_tokenizers()
        print(
            json.dumps(rows)
            if chosen.json
            else "\n".join(f"{row['name']:<14} {row['words']:>5} words  {row['about']}" for row in rows)
        )
        return 0
    if chosen.action == "build":
        folders = work.build_tokenizers(None if chosen.out is None else Path(chosen.out))
        print(json.dumps({"built": folders}) if chosen.json else "built " + ", ".join(folders))
        return 0
    stale = work.check_tokenizers(None if chosen.out is None else Path(chosen.out))
    if chosen.json:
        print(json.dumps({"stale": stale}))
    else:
        print(
            "\n".join(f"differs from the code: {path}" for path in stale)
            or "every vocabulary folder equals what the code builds"
        )
    return 1 if stale else 0
