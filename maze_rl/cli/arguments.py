"""The flags of every command; values are checked by the configurations they fill."""

import argparse

from maze_rl.cli.endpoint_arguments import add_endpoints
from maze_rl.cli.given_paths import given_path
from maze_rl.cli.output_paths import new_file, new_folder
from maze_rl.cli.training_arguments import add_network, add_training
from maze_rl.configs.algorithms import ALGORITHMS
from maze_rl.configs.losses import LOSSES
from maze_rl.configs.marks import MARKS, NO_MARKS
from maze_rl.configs.maze_files import READ, WRITTEN
from maze_rl.configs.tokenization import FORMATS
from maze_rl.shipped import VERSION

RANGE = "sizes as 5..9, 5..15..2 or 4,6,8"
_OPTIONS = "; ".join(f"{name}: {', '.join(options)}" for name, options in ALGORITHMS.items() if options)
_WRITTEN = ", ".join(dict.fromkeys(WRITTEN.values()))


class DefaultsFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Adds the default to a flag's help where it has one, and leaves texts of several lines as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if "\n" in text else super()._fill_text(text, width, indent)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        return action.help if action.default in (None, []) else super()._get_help_string(action)


def build_parser(parser_class: type[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Build the parser of `maze-rl` and all its commands."""
    parser = parser_class(
        prog="maze-rl",
        description="Generate mazes, train a HookedTransformer to solve them, and measure what it learned.",
    )
    parser.add_argument("--version", action="version", version=f"maze-rl {VERSION}")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND", parser_class=parser_class)
    for add in (
        _generate,
        _join,
        _convert,
        _describe,
        _show,
        _train,
        _evaluate,
        _solve,
        _report,
        _search,
        _selftest,
        _export,
        _experiments,
        _studies,
        _tokenizers,
        _bench,
    ):
        add(commands)
    return parser


def _command(commands, name: str, handler: str, text: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text, formatter_class=DefaultsFormatter)
    parser.set_defaults(handler=handler)
    parser.add_argument("--json", action="store_true", help="print JSON for machines")
    return parser


def _mazes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--algorithm", default="dfs", metavar="NAME", help=f"{', '.join(ALGORITHMS)}, or module:function of your own"
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="options",
        help=f"{_OPTIONS}",
    )


def _generate(commands) -> None:
    parser = _command(commands, "generate", "data:generate", "write mazes to disk as a Hugging Face dataset")
    parser.add_argument("--sizes", default="5..9", help=f"{RANGE}; rectangles as 4x7")
    _mazes(parser)
    parser.add_argument("--num", type=int, default=1000, help="number of mazes")
    parser.add_argument("--first", type=int, default=0, metavar="INDEX", help="index of the first maze")
    parser.add_argument("--split", default=None, metavar="NAME", help="train, validation or test; all by default")
    add_endpoints(parser)
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes; the files are the same for any")
    parser.add_argument("--seed", type=int, default=0, help="seed; maze i depends on (settings, seed, i) alone")
    parser.add_argument(
        "--out",
        type=new_folder,
        default="data/mazes",
        metavar="DIR",
        help="folder to write; the same command resumes a killed one",
    )


def _join(commands) -> None:
    parser = _command(commands, "join", "data:join", "make one dataset of parts generated with --first and --num")
    parser.add_argument(
        "parts", type=given_path, nargs="+", metavar="DIR", help="folders written by generate, in any order"
    )
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=new_folder, required=True, metavar="DIR", help="folder to write")


def _convert(commands) -> None:
    parser = _command(commands, "convert", "data:convert", "mazes from one kind of file to another")
    parser.add_argument("source", type=given_path, help=f"a dataset folder, or a file: {', '.join(READ)}")
    parser.add_argument(
        "--out",
        type=given_path,
        required=True,
        metavar="PATH",
        help=f"what to write: {', '.join(WRITTEN)}; no suffix: a dataset folder",
    )
    parser.add_argument(
        "--source-format",
        default=None,
        metavar="FORMAT",
        help="what the source is, beside its suffix",
    )
    parser.add_argument(
        "--format",
        default=None,
        metavar="FORMAT",
        help=f"what to write, beside its suffix: {_WRITTEN}",
    )
    parser.add_argument(
        "--tokenizer", default="unique_cells", metavar="NAME", help=f"of .tokens files: {', '.join(FORMATS)}"
    )
    _grid(parser)
    parser.add_argument("--seed", type=int, default=0, help="seed of edge order and paths in token text")


def _show(commands) -> None:
    parser = _command(commands, "show", "showing:show", "draw a maze or several, with what you want marked")
    parser.add_argument(
        "file",
        type=given_path,
        nargs="?",
        default=None,
        metavar="FILE",
        help="mazes of your own: anything that `maze-rl convert` reads",
    )
    _index(parser, "number of the first maze of FILE to draw; -1 is the last")
    _grid(parser)
    parser.add_argument(
        "--tokenizer", default="unique_cells", metavar="NAME", help=f"of token text: {', '.join(FORMATS)}"
    )
    parser.add_argument("--size", default="9", help="cells per side, or rows x columns as 4x7")
    _mazes(parser)
    parser.add_argument("--num", type=int, default=1, metavar="N", help="mazes to draw, side by side")
    parser.add_argument(
        "--mark",
        "--marks",
        dest="marks",
        default="solution",
        metavar="NAMES",
        help=f"{', '.join(MARKS)}, or {NO_MARKS}",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the mazes")
    parser.add_argument(
        "--out", type=new_file, default=None, metavar="FILE", help="draw to a .png, .svg or .txt file, not the terminal"
    )


def _describe(commands) -> None:
    parser = _command(commands, "describe", "showing:describe", "summarise a dataset, or compare several")
    parser.add_argument(
        "folders", type=given_path, nargs="+", metavar="FOLDER", help="folders that `maze-rl generate` wrote"
    )
    parser.add_argument(
        "--out", type=new_file, default=None, metavar="PAGE.html", help="also write a page, PAGE.html, and PAGE.json"
    )


def _train(commands) -> None:
    parser = _command(commands, "train", "training:train", "train a model, evaluate it, write its report")
    parser.add_argument("--loss", default="path_only", metavar="NAME", help=f"where and what: {', '.join(LOSSES)}")
    parser.add_argument("--sizes", default=None, help=f"{RANGE} (default: those of --start-from, or 5..9)")
    _mazes(parser)
    parser.set_defaults(algorithm=None)  # that of --start-from, or dfs
    parser.add_argument(
        "--data",
        type=given_path,
        default=None,
        metavar="DIR",
        help="train on a dataset in its order, not on the endless stream",
    )
    add_network(parser)
    add_training(parser)
    parser.add_argument("--device", default=None, help="cpu or cuda (default: CUDA where there is one)")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with the run in --out, with its settings; for longer, where --steps is more than it has",
    )
    parser.add_argument(
        "--num",
        type=int,
        default=500,
        metavar="N",
        help="mazes per size in the evaluation; 0 leaves it out; kept by --resume",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of weights, mazes and batches")
    parser.add_argument("--out", type=new_folder, default="runs/default", metavar="DIR", help="folder of the run")


def _evaluate(commands) -> None:
    parser = _command(commands, "evaluate", "measuring:evaluate", "measure a trained model on held-out mazes")
    _trained_model(parser)
    _test_mazes(parser, "1000, or all of --mazes")
    parser.add_argument(
        "--mazes",
        type=given_path,
        default=None,
        metavar="FILE",
        help="mazes of your own: anything that `maze-rl convert` reads",
    )
    _grid(parser)
    parser.add_argument(
        "--algorithm", default=None, metavar="NAME", help="generator (default: the one it was trained on)"
    )
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument(
        "--out", type=new_file, default=None, metavar="FILE", help="also write the whole result as JSON"
    )


def _solve(commands) -> None:
    parser = _command(commands, "solve", "measuring:solve", "let a trained model walk a maze")
    _trained_model(parser)
    parser.add_argument("--size", type=int, default=9, help="cells per side")
    parser.add_argument(
        "--algorithm", default=None, metavar="NAME", help="generator (default: the one it was trained on)"
    )
    parser.add_argument(
        "--maze",
        type=given_path,
        default=None,
        metavar="FILE",
        help="a maze of your own: what `maze-rl convert` reads (token text: of --size, in the model's format)",
    )
    _index(parser, "number of the maze in FILE; -1 is the last")
    parser.add_argument("--seed", type=int, default=0, help="seed of the maze")
    parser.add_argument("--out", type=new_file, default=None, metavar="FILE", help="draw to a .png, .svg or .txt file")


def _report(commands) -> None:
    parser = _command(commands, "report", "measuring:report", "write the generalization report of one model or several")
    parser.add_argument(
        "runs",
        type=given_path,
        nargs="+",
        metavar="MODEL",
        help="folders of runs or saved models, or names of shipped models",
    )
    _loops(parser)
    _test_mazes(parser, "as many as the run was evaluated on, or 500")
    parser.add_argument(
        "--out",
        type=new_folder,
        default=None,
        metavar="DIR",
        help="folder to write (default: report/ in the run or report-NAME; of several runs/comparisons/A-B)",
    )


def _index(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--index", type=int, default=0, metavar="N", help=text)


def _grid(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--grid", default=None, metavar="SIZE", help="of the mazes of token text: 5, or 4x7")


def _trained_model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run", type=given_path, help="folder of a run or a saved model, or name of a shipped or hand-built model"
    )
    _loops(parser)


def _loops(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--loops", type=int, metavar="N", help="apply its block N times (default: as in its files)")


def _test_mazes(parser: argparse.ArgumentParser, num_help: str) -> None:
    beyond = "from the smallest trained on, or 4, to three beyond the largest, at most the model's canvas"
    parser.add_argument("--sizes", default=None, help=f"{RANGE} (default: {beyond})")
    parser.add_argument(
        "--num",
        type=int,
        default=None,
        help=f"mazes per size (default: {num_help})",
    )
    parser.add_argument(
        "--seed", type=int, default=None, help="seed of the test mazes (default: the same for every model)"
    )


def _export(commands) -> None:
    parser = _command(
        commands, "export", "data:export", "write the folded model with stock keys, its tokenizer and a loader"
    )
    _trained_model(parser)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=new_folder, required=True, metavar="DIR", help="folder to write")


def _experiments(commands) -> None:
    parser = _command(commands, "experiments", "experimenting:experiments", "compare ways to train, over seeds")
    parser.add_argument("action", choices=("list", "describe", "run", "compare"), help="what to do")
    parser.add_argument(
        "names", type=given_path, nargs="*", metavar="NAME", help="an experiment; for compare also folders of runs"
    )
    parser.add_argument("--large", action="store_true", help="the large version: more mazes, a larger model")
    parser.add_argument("--seeds", type=int, default=None, metavar="N", help="seeds of every arm (default: its own)")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="runs at a time, of one thread; 0: here")
    parser.add_argument(
        "--target", default=None, metavar="ARM", help="what curves are drawn against (default: the longest)"
    )
    parser.add_argument(
        "--out", type=new_folder, default=None, metavar="DIR", help="folder of the runs, or of the comparison"
    )


def _search(commands) -> None:
    parser = _command(commands, "search", "studying:search", "does the model search? The scorecard, with its controls")
    _trained_model(parser)
    parser.add_argument(
        "--size",
        type=int,
        default=None,
        metavar="N",
        help="cells per side (default: the size nearest to 7 that it was trained on)",
    )
    parser.add_argument("--num", type=int, default=300, metavar="N", help="mazes of each test")
    parser.add_argument("--algorithm", default="dfs", metavar="NAME", help="generator of mazes without cycles")
    parser.add_argument(
        "--max-distance", type=int, default=None, metavar="N", help="most steps from a choice to its target, at least 4"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of mazes, pairs, controls and draws")
    parser.add_argument(
        "--out", type=new_folder, default=None, metavar="DIR", help="folder to write (default: search/ in the run)"
    )


def _selftest(commands) -> None:
    parser = _command(
        commands, "selftest", "studying:selftest", "every analysis against models whose algorithm is known"
    )
    parser.add_argument("--instances", type=int, default=5, metavar="N", help="models of each kind")
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes, of one thread each; 0: here")
    parser.add_argument(
        "--seed", type=int, default=100, help="seed of the first instance; those below 100 are for work on the scores"
    )
    parser.add_argument("--out", type=new_file, default=None, metavar="FILE", help="also write all scores as JSON")


def _studies(commands) -> None:
    parser = _command(
        commands, "studies", "studying:studies", "questions about trained models, as scripts and notebooks"
    )
    parser.add_argument("action", choices=("list", "run", "export"), help="what to do")
    parser.add_argument("name", nargs="?", default=None, metavar="NAME", help="a study")
    parser.add_argument(
        "--run", type=given_path, default=None, metavar="RUN", help="model to study (default: the study's own)"
    )
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument(
        "--out", type=given_path, default=None, metavar="PATH", help="folder of the figures, or the .ipynb to write"
    )


def _tokenizers(commands) -> None:
    parser = _command(commands, "tokenizers", "data:tokenizers", "list, build or check the vocabulary folders")
    parser.add_argument("action", choices=("list", "build", "check"), help="what to do")
    parser.add_argument(
        "--out", type=new_folder, default=None, metavar="DIR", help="where to build (default: the shipped folder)"
    )


def _bench(commands) -> None:
    parser = _command(
        commands,
        "bench",
        "measuring:bench",
        "measure speed as ratios against stock peers, interleaved in one run",
    )
    parser.add_argument("--only", default=None, metavar="NAME", help="measure the rows whose name contains this")
    parser.add_argument("--repeats", type=int, default=7, metavar="N", help="rounds; a row is the median of its ratios")
    parser.add_argument("--seed", type=int, default=0, help="seed of the mazes")
    parser.add_argument("--out", type=new_file, default=None, metavar="FILE", help="also write the rows as JSON")
