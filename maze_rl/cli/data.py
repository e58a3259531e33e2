"""Commands about mazes and files: generate, show, export, tokenizers."""

import argparse
import json
import sys
from pathlib import Path

from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.configs.ranges import parse_sizes
from maze_rl.errors import MazeRLError


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


def show(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl show``."""
    from maze_rl.mazes.generate import generate as generate_mazes
    from maze_rl.mazes.solve import solve

    sizes = parse_sizes(str(chosen.size))
    maze = generate_mazes(sizes, chosen.algorithm, num=1, seed=chosen.seed, percolation=chosen.percolation)[0]
    solution = solve(maze)
    if not chosen.json or chosen.out is not None:
        draw(maze, solution.path, None, chosen.out)
    if chosen.json:
        connections = maze.connections.astype(int).tolist()
        print(json.dumps({
            "connections": connections, "origin": maze.origin, "target": maze.target,
            "path": solution.path, "distance": solution.distance, "path_count": solution.path_count,
        }))  # fmt: skip
        return
    several = f", one of {solution.path_count}" if solution.path_count > 1 else ""
    print(
        f"{sizes[0]} x {sizes[0]} {chosen.algorithm}, seed {chosen.seed}: "
        f"shortest path {solution.distance} steps{several}"
    )


def draw(maze, path, walked, out: str | None) -> None:
    """Draw a maze in the terminal, or to a .png, .svg or .txt file; `walked` is a model's path."""
    from maze_rl.mazes.drawing import draw_boxes

    if out is None:
        print(draw_boxes(maze, path if walked is None else walked))
        return
    target = Path(out)
    if target.suffix not in (".png", ".svg", ".txt"):
        raise MazeRLError(f"--out {out}: drawings are .png, .svg or .txt files.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.suffix == ".txt":
        target.write_text(draw_boxes(maze, path if walked is None else walked) + "\n")
    else:
        from maze_rl.mazes.plotting import GalleryItem, plot_gallery

        item = GalleryItem(maze=maze, solution=path, walk=walked)
        plot_gallery([item], columns=1, side=4.8).savefig(target, dpi=150, bbox_inches="tight", facecolor="white")
    print(f"drawn to {target}", file=sys.stderr)


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
