"""Commands that write files: generate, join, convert, export, tokenizers."""

import argparse
import sys
from pathlib import Path

from maze_rl.cli.ctrl_c import unwrapped
from maze_rl.cli.given_paths import check_folder
from maze_rl.configs.endpoints import Endpoints, parse_cells, parse_path_lengths
from maze_rl.configs.maze_files import check_readable, format_to_write
from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.configs.options import parse_option
from maze_rl.configs.ranges import parse_grid, parse_sizes
from maze_rl.configs.tokenization import TokenizationConfig
from maze_rl.mazes.storage.free_place import check_empty, check_new
from maze_rl.models.places import check_model
from maze_rl.strict_json import json_text


def generate(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl generate``."""
    # Settings are checked before numba is imported, so that a typing error answers at once.
    config = GenerationConfig(spec=maze_spec(chosen), num=chosen.num, seed=chosen.seed, first=chosen.first)
    check_new(Path(chosen.out))
    from maze_rl.cli.progress import progress_bar
    from maze_rl.workflows.generate import generate_dataset

    out = Path(chosen.out)
    try:
        with unwrapped(), progress_bar(quiet=chosen.json) as bar:
            report = lambda done: bar("generating", done, {})  # noqa: E731
            stored = generate_dataset(config, out, workers=chosen.workers, progress=report)
    except KeyboardInterrupt:
        print(f"\nstopped; shards that are finished are kept. To go on: {chosen.command_line}", file=sys.stderr)
        return 130
    _print_dataset(chosen, stored)
    return 0


def maze_spec(chosen: argparse.Namespace) -> MazeSpec:
    """Return the specification the flags of `generate` ask for.

    Raises:
        MazeRLError: A flag is out of range or names something unknown.
    """
    cells = {name: parse_cells(text) for name in ("origins", "targets") if (text := getattr(chosen, name)) is not None}
    endpoints = Endpoints(
        min_path_length=chosen.min_path_length,
        max_path_length=chosen.max_path_length,
        paths=chosen.paths,
        path_lengths=() if chosen.path_lengths is None else parse_path_lengths(chosen.path_lengths),
        origin=chosen.origin,
        target=chosen.target,
        **cells,
    )
    return MazeSpec(
        sizes=parse_sizes(chosen.sizes),
        algorithm=chosen.algorithm,
        options=dict(map(parse_option, chosen.options)),
        endpoints=endpoints,
        split=chosen.split,
    )


def join(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl join``."""
    for part in chosen.parts:
        check_folder(part)
    check_new(Path(chosen.out))
    from maze_rl.cli.compiling import announce_compiling
    from maze_rl.workflows.generate import join as join_parts

    announce_compiling()
    _print_dataset(chosen, join_parts([Path(part) for part in chosen.parts], Path(chosen.out)))


def convert(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl convert``."""
    grid = parse_grid(chosen.grid)
    check_readable(chosen.source, grid is not None, chosen.source_format)
    format_to_write(chosen.out, chosen.format)
    TokenizationConfig(format=chosen.tokenizer)
    from maze_rl.cli.compiling import announce_compiling
    from maze_rl.workflows.convert import convert as convert_mazes

    announce_compiling()
    out, num = convert_mazes(
        chosen.source,
        chosen.out,
        source_format=chosen.source_format,
        format=chosen.format,
        tokenizer=chosen.tokenizer,
        grid=grid,
        seed=chosen.seed,
    )
    print(json_text({"out": str(out), "num": num}) if chosen.json else f"{num:,} mazes in {out}")


def _print_dataset(chosen: argparse.Namespace, stored) -> None:
    if chosen.json:
        print(json_text({"out": chosen.out, **stored.card}))
        return
    from maze_rl.mazes.generate import Attempts

    card, attempts = stored.card, Attempts(**stored.card["attempts"])
    splits = ", ".join(f"{count:,} {name}" for name, count in card["splits"].items())
    print(f"{card['num']:,} mazes in {chosen.out} ({splits}; {card['leaks']} leaks; content {card['content']}).")
    if not attempts.accepted == attempts.carved == attempts.pairs:
        print(
            f"acceptance: {attempts.acceptance:.1%} of the mazes had endpoints that were allowed, "
            f"{attempts.pair_acceptance:.1%} of the pairs drawn; {attempts.outside_split:,} lay in another split."
        )
    print(f"datasets.load_from_disk({chosen.out!r}) or maze_rl.load_mazes({chosen.out!r}) reads them.")


def export(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl export``."""
    check_model(chosen.run)
    check_empty(Path(chosen.out))
    from maze_rl.workflows.export import export as export_model

    folder = export_model(chosen.run, Path(chosen.out), loops=chosen.loops)
    print(
        json_text({"out": str(folder)})
        if chosen.json
        else f"exported to {folder}: model.safetensors, model.json, tokenizer/, loader.py"
    )


def tokenizers(chosen: argparse.Namespace) -> int:
    """Handle ``maze-rl tokenizers``."""
    from maze_rl.workflows import vocabularies as work

    if chosen.action == "list":
        rows = work.list_tokenizers()
        print(
            json_text(rows)
            if chosen.json
            else "\n".join(
                f"{row['name']:<17} {row['words']:>5} words, {row['own_words']:>4} without moves, turns and walls  "
                f"{row['about']}"
                for row in rows
            )
        )
        return 0
    if chosen.action == "build":
        folders = work.build_tokenizers(None if chosen.out is None else Path(chosen.out))
        print(json_text({"built": folders}) if chosen.json else "built " + ", ".join(folders))
        return 0
    stale = work.check_tokenizers(None if chosen.out is None else Path(chosen.out))
    if chosen.json:
        print(json_text({"stale": stale}))
    else:
        print(
            "\n".join(f"differs from the code: {path}" for path in stale)
            or "every vocabulary folder equals what the code builds"
        )
    return 1 if stale else 0
