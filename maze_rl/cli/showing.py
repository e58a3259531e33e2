"""Commands that show mazes: show, describe; and the drawing that `solve` shares."""

import argparse
import os
import sys
from pathlib import Path

from maze_rl.cli.given_paths import check_folder, check_there
from maze_rl.configs.marks import parse_marks
from maze_rl.configs.mazes import GenerationConfig, MazeSpec
from maze_rl.configs.options import parse_option
from maze_rl.configs.ranges import format_range, parse_grid, parse_sizes
from maze_rl.errors import ConfigurationError, MazeRLError
from maze_rl.strict_json import json_text

_DRAWINGS = (".png", ".svg", ".txt")
_MANY = 100
"""Mazes in a picture from which on drawing it takes long enough to be told."""
_MAZES_PER_LINE = 3
"""Mazes side by side in a text file, where no terminal says how many fit."""
_EXPLAINED = """\
path:     length of the shortest path, steps
detour:   that over Manhattan distance, median
choices:  positions of a shortest path with more than one way on, mean
several:  mazes with several shortest paths
copies:   mazes whose walls occurred before, as they are, rotated or mirrored"""


def show(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl show``."""
    # Settings are checked before numba is imported, so that a typing error answers at once.
    marks = parse_marks(chosen.marks)
    out = None if chosen.out is None else drawing_file(chosen.out)
    shown, about = _own(chosen) if chosen.file is not None else _generated(chosen)
    from maze_rl.workflows.show import draw_picture, draw_text

    if out is not None and out.suffix.lower() != ".txt":
        if len(shown) > _MANY:
            print(f"maze-rl: drawing {len(shown):,} mazes, which may take minutes ...", file=sys.stderr)
        draw_picture(shown, marks, out)
    elif out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(
            draw_text(shown, marks, _MAZES_PER_LINE * (6 * max(each.maze.shape[1] for each in shown) + 20)) + "\n",
            encoding="utf-8",
        )
    elif not chosen.json:
        print(draw_text(shown, marks, _terminal_width(), _is_colourful()))
    if out is not None:
        print(f"drawn to {out}", file=sys.stderr)
    if chosen.json:
        values = [_shown_json(each) for each in shown]
        print(json_text(values[0] if chosen.num == 1 else {"mazes": values}))
    else:
        print(about)


def _generated(chosen: argparse.Namespace):
    """Return the mazes to draw, made, and what they are."""
    if of_files := sorted(chosen.given & {"index", "grid", "tokenizer"}):
        raise ConfigurationError(f"--{of_files[0]} is about mazes of your own: name their file, as maze-rl show FILE.")
    options = dict(map(parse_option, chosen.options))
    spec = MazeSpec(sizes=parse_sizes(chosen.size), algorithm=chosen.algorithm, options=options)
    GenerationConfig(spec=spec, num=chosen.num, seed=chosen.seed)
    from maze_rl.cli.compiling import announce_compiling
    from maze_rl.workflows.show import show_mazes

    announce_compiling()
    about = f"{format_range(spec.sizes)}, {chosen.algorithm}, seed {chosen.seed}"
    return show_mazes(spec, chosen.num, chosen.seed), about


def _own(chosen: argparse.Namespace):
    """Return the mazes to draw, read from a file, and which they are."""
    if of_made := sorted(chosen.given & {"size", "algorithm", "options", "seed"}):
        flag = "option" if of_made[0] == "options" else of_made[0]
        raise ConfigurationError(f"--{flag} is about mazes that are made: {chosen.file} holds its own.")
    if chosen.num < 1:
        raise ConfigurationError(f"num is {chosen.num}: draw at least one maze.")
    check_there(chosen.file)
    grid = parse_grid(chosen.grid)
    from maze_rl.cli.compiling import announce_compiling
    from maze_rl.workflows.own_mazes import read_own, rows_from
    from maze_rl.workflows.show import shown_mazes

    announce_compiling()
    mazes = read_own(chosen.file, chosen.tokenizer, grid)
    rows = rows_from(mazes, chosen.index, chosen.num, chosen.file)
    which = f"maze {rows.start}" if len(rows) == 1 else f"mazes {rows.start}..{rows.stop - 1}"
    return shown_mazes(mazes.take(rows)), f"{which} of {len(mazes):,} in {chosen.file}"


def draw(maze, path, walked, out: str | None) -> None:
    """Draw a maze and a model's path in the terminal, or to a .png, .svg or .txt file."""
    from maze_rl.mazes.pictures.drawing import draw_boxes

    if out is None:
        print(draw_boxes(maze, walked))
        return
    target = drawing_file(out)
    if target.suffix.lower() == ".txt":
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(draw_boxes(maze, walked) + "\n", encoding="utf-8")
    else:
        from maze_rl.mazes.pictures.plotting import GalleryItem, plot_gallery
        from maze_rl.workflows.show import save_picture

        item = GalleryItem(maze=maze, solution=path, walk=walked)
        save_picture(plot_gallery([item], columns=1, side=4.8), target)
    print(f"drawn to {target}", file=sys.stderr)


def drawing_file(out: str) -> Path:
    """Return the file to draw to.

    Raises:
        MazeRLError: It is no kind of drawing.
    """
    target = Path(out)
    if target.suffix.lower() not in _DRAWINGS:
        raise MazeRLError(f"--out {out}: drawings are {', '.join(_DRAWINGS[:-1])} or {_DRAWINGS[-1]} files.")
    return target


def _terminal_width() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns


def _is_colourful() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def _shown_json(shown) -> dict[str, object]:
    maze, solution = shown.maze, shown.solution
    return {
        "connections": maze.connections.astype(int).tolist(),
        "origin": maze.origin,
        "target": maze.target,
        "path": solution.path,
        "distance": solution.distance,
        "path_count": solution.path_count,
        "forks": shown.forks,
        "dead_ends": shown.dead_ends,
    }


def describe(chosen: argparse.Namespace) -> None:
    """Handle ``maze-rl describe``."""
    for folder in chosen.folders:
        check_folder(folder)
    out = None if chosen.out is None else Path(chosen.out)
    if out is not None and out.suffix.lower() != ".html":
        raise MazeRLError(f"--out {out}: the page is an .html file, its numbers go beside it as .json.")
    from maze_rl.cli.progress import progress_bar
    from maze_rl.reports.dataset_page import account_json
    from maze_rl.workflows.describe import describe as describe_folders

    with progress_bar(quiet=chosen.json) as bar:
        accounts = describe_folders(chosen.folders, out, lambda doing, done: bar(f"reading {doing}", done, {}))
    if chosen.json:
        page = {} if out is None else {"page": str(out)}
        print(json_text({"datasets": [account_json(account) for account in accounts]} | page))
        return
    for account in accounts:
        _print_account(account)
    print(_EXPLAINED)
    print("page: maze-rl describe ... --out PAGE.html" if out is None else f"page: {out.resolve()}")


def _print_account(account) -> None:
    """Print what a dataset is and one line per grid size."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from maze_rl.reports.dataset_tables import facts_table

    console = Console()
    console.print(f"\n[bold]{escape(account.name)}[/bold]: {account.summary.num:,} mazes", highlight=False)
    for row in facts_table([account]).rows:
        console.print(f"  {row['fact']:<14} {row['dataset_0'] or '-'}", markup=False, highlight=False)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    names = (
        "size",
        "mazes",
        "path\nmedian",
        "middle\nhalf",
        "longest",
        "detour",
        "choices",
        "dead\nends",
        "several",
        "copies",
    )
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    grids = [(grid.name, grid.statistics) for grid in account.summary.grids]
    for name, each in [*grids, *([("all", account.summary.whole)] if len(grids) > 1 else [])]:
        length = each.distance
        table.add_row(
            name,
            f"{each.num:,}",
            f"{length.median}",
            f"{length.lower}-{length.upper}",
            f"{length.most}",
            f"{each.detour.median:.2f}",
            f"{each.decisions.mean:.1f}",
            f"{each.dead_ends.mean:.1f}",
            f"{each.share_several:.1%}",
            f"{each.share_duplicates:.1%}",
        )
    console.print(table)
