"""Entry point of `maze-rl`: one clear line and exit status 2 for a user's error, never a traceback."""

import argparse
import gc
import os
import shlex
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

from maze_rl.cli.arguments import build_parser
from maze_rl.cli.ctrl_c import never_dropped, unwrapped
from maze_rl.errors import Caution, MazeRLError, unknown_name


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; exits with 0, 2 for a user's error, 130 after Ctrl-C."""
    status = run(sys.argv[1:] if arguments is None else list(arguments))
    # Python remembers a Ctrl-C that ended text run with `exec`, as libraries run it, until the next such text. With
    # ``python -m`` it would end the process by the signal.
    exec("")
    gc.freeze()  # the process ends: seconds in which the large libraries would be searched for garbage are saved
    sys.exit(status)


def run(arguments: list[str]) -> int:
    """Run one command and return the exit status."""
    # Threads that wait are to sleep, not to spin: on a busy machine spinning ones hold up those that work. OpenMP, of
    # torch, and OpenBLAS, of numpy, read this when they are loaded, which happens later than this. OpenBLAS takes the
    # time a thread spins as an exponent of two: 4 is the least.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
    parser = build_parser(OneLineParser)
    try:
        chosen = parser.parse_args(arguments)
        if not hasattr(chosen, "handler"):
            parser.print_help()
            return 0
        chosen.command_line = shlex.join(["maze-rl", *arguments])
        module, _, function = chosen.handler.partition(":")
        with never_dropped(), unwrapped(), _cautions_in_one_line():
            status = getattr(_load(module), function)(chosen) or 0
        sys.stdout.flush()
        return status
    except MazeRLError as error:
        print(f"maze-rl: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(f"maze-rl: {str(stop) or 'stopped.'}", file=sys.stderr)
        return 130
    except UnicodeEncodeError as error:
        print(f"maze-rl: {_unwritable(error)}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader has gone; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"maze-rl: {error.filename or 'a file'}: {error.strerror or error}.", file=sys.stderr)
        return 2


@contextmanager
def _cautions_in_one_line() -> Iterator[None]:
    """Print cautions as errors are printed: one line, without the place in the code they come from."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", Caution)
        others = warnings.showwarning

        def show(message, category, *place, **more) -> None:
            if issubclass(category, Caution):
                print(f"maze-rl: caution: {message}", file=sys.stderr)
            else:
                others(message, category, *place, **more)

        warnings.showwarning = show
        yield


def _unwritable(error: UnicodeEncodeError) -> str:
    """Say what to do where text has a character that its encoding lacks."""
    character = error.object[error.start]
    if "\ud800" <= character <= "\udfff":
        return "the name of a file holds bytes that are no text, which cannot be written: give it another name."
    encoding = sys.stdout.encoding or error.encoding  # the error of a code page is of "charmap"
    return (
        f"the output is written as {encoding}, which lacks {character!a}: set PYTHONIOENCODING=utf-8, or take --json "
        "or a file with --out where the command has them."
    )


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are `MazeRLError`s of one line, with the nearest known name."""

    def __init__(self, *arguments, **settings) -> None:
        # no abbreviations: --lr, of --lr-controller, would be taken for what it is not
        super().__init__(*arguments, **settings, allow_abbrev=False)

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[override]
        """Parse, and keep which flags were given as `given` (names of settings); an unknown flag is an error."""
        words = sys.argv[1:] if args is None else list(args)
        found, rest = super().parse_known_args(words, namespace)
        flags = self._option_string_actions
        for word in rest:
            if word.startswith("--"):
                raise unknown_name("flag", word.partition("=")[0], [name for name in flags if name.startswith("--")])
        if not hasattr(found, "given"):  # the flags of a command, not those before it
            found.given = {flags[word.partition("=")[0]].dest for word in words if word.partition("=")[0] in flags}
        return found, rest

    def error(self, message: str) -> NoReturn:
        """Raise instead of printing the usage and exiting."""
        raise MazeRLError(f"{message}. See `{self.prog} --help`.")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            raise unknown_name(action.dest.replace("_", "-"), str(value), map(str, action.choices))


def _load(module: str):
    from importlib import import_module

    return import_module(f"maze_rl.cli.{module}")
