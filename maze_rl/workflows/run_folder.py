"""A run on disk: configuration, metrics, checkpoints, the finished model, its evaluation and report.

``config.json``, ``tokenizer/``, ``metrics.jsonl``, ``checkpoints/STEP/``, ``model.safetensors`` with
``model.json``, ``evaluation.json``, ``report/``.
"""

import json
import platform
import shutil
import subprocess
from collections.abc import Collection, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from os import PathLike
from pathlib import Path
from typing import Any

from maze_rl.configs.differences import differing_values
from maze_rl.configs.training import RunConfig, run_from_json, run_to_json
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import CheckpointError, ConfigurationError
from maze_rl.mazes.interchange.leftovers import remove_leftovers
from maze_rl.models.verified_files import json_bytes, plain_number, write_file, write_folder
from maze_rl.strict_json import json_text, plain
from maze_rl.tokenization.definitions import definition_files
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.workflows.run_place import CONFIG, TOKENIZER, check_free

PACKAGES = ("maze_rl", "torch", "transformer-lens", "numpy", "numba")
Difference = tuple[str, Any, Any]
"""Dotted name of a setting, its value in a run, the value given."""
_MOST_NAMED = 4


class OtherSettingsError(ConfigurationError):
    """Raised when a run is to go on with other settings than it has: `differences`, those first that were named."""

    def __init__(self, folder: Path, differences: Sequence[Difference], named: Collection[str] = ()) -> None:
        telling = [each for each in differences if each[0].rpartition(".")[2] in named]
        self.differences = differences = telling or differences  # others follow from them
        more = len(differences) - _MOST_NAMED
        shown = [_sentence(each) for each in differences[:_MOST_NAMED]] + ([f"and {more} more"] if more > 0 else [])
        super().__init__(
            f"{folder} was started with other settings: {'; '.join(shown)}. Resume with --resume --out alone, which "
            "takes them from there."
        )


class RunFolder(Shown):
    """Paths and small files of one run."""

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = folder = Path(folder)
        self.config_path = folder / CONFIG
        self.metrics_path = folder / "metrics.jsonl"
        self.checkpoints = folder / "checkpoints"
        self.evaluation_path = folder / "evaluation.json"
        self.report = folder / "report"

    def create(self, config: RunConfig, command: str, **further: Any) -> None:
        """Start a new run here; its configuration is written last, so a kill leaves none or a whole one.

        Raises:
            ConfigurationError: The folder already holds a run, or other files.
        """
        check_free(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tidy()
        write_folder(self.folder / TOKENIZER, definition_files(Tokenization(config.tokenization)))
        values = {
            "command": command,
            **further,
            **run_to_json(config),
            "versions": versions(),
            "revision": code_revision(),
        }
        write_file(self.config_path, json_bytes(values))

    def discard_unused(self) -> None:
        """Remove what `create` wrote, if nothing was trained since: a run that was refused holds no folder."""
        if self.metrics_path.exists() or self.checkpoints.exists():
            return
        shutil.rmtree(self.folder / TOKENIZER, ignore_errors=True)
        self.config_path.unlink(missing_ok=True)
        with suppress(OSError):  # somebody else put something there
            self.folder.rmdir()

    def open(self, config: RunConfig | None = None, named: Collection[str] = ()) -> RunConfig:
        """Return the configuration of the run here; with `config`, check that it is the same.

        Where it is not, the error tells of the settings that somebody `named`, if they are among those that differ.

        Raises:
            CheckpointError: There is no run here, or its configuration cannot be read.
            OtherSettingsError: The configurations differ; names the fields.
        """
        try:
            saved = run_from_json(self.read_config())
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointError(f"{self.config_path}: not written by this version of maze_rl ({error}).") from error
        if config is not None:
            differences = differing_values(run_to_json(saved), run_to_json(config))
            for name in ("steps", "sizes"):  # of which other fields are but a consequence
                old, new = (getattr(each.training if name == "steps" else each, name) for each in (saved, config))
                if old != new:
                    differences.insert(0, (name, old, new))
            if differences:
                raise OtherSettingsError(self.folder, differences, named)
        return saved

    def lengthen(self, config: RunConfig, command: str) -> None:
        """Replace the configuration by a longer one, and record what asked for it and how long the run was."""
        values = self.read_config()
        steps = run_from_json(values).training.steps
        again = [*values.get("continued", []), {"command": command, "from_step": steps}]
        write_file(self.config_path, json_bytes(values | run_to_json(config) | {"continued": again}))

    def first_steps(self) -> int:
        """Return how many steps the run was begun with."""
        values = self.read_config()
        again = values.get("continued")
        return again[0]["from_step"] if again else run_from_json(values).training.steps

    def tidy(self) -> None:
        """Remove what a kill left half-written; nobody else may be writing here."""
        remove_leftovers(self.folder)
        remove_leftovers(self.checkpoints)

    def read_config(self) -> dict[str, Any]:
        """Return ``config.json``.

        Raises:
            CheckpointError: It is missing or no JSON.
        """
        return _read_json(self.config_path)

    def append_metrics(self, row: dict[str, Any]) -> None:
        """Add one row to ``metrics.jsonl``; null stands for numbers that are not finite, as a loss that was taken back.

        Raises:
            CheckpointError: The disk is full or refuses.
        """
        line = json_text(row, default=plain_number) + "\n"
        try:
            with self.metrics_path.open("a") as file:
                file.write(line)
        except OSError as error:
            reason = error.strerror or error
            raise CheckpointError(
                f"{self.metrics_path}: could not be written ({reason}). Continue with --resume."
            ) from error

    def read_metrics(self) -> list[dict[str, Any]]:
        """Return the rows of ``metrics.jsonl``; a last line cut short by a kill is left out."""
        if not self.metrics_path.exists():
            return []
        rows = []
        for line in self.metrics_path.read_text().splitlines():
            try:
                rows.append(json.loads(line))
            except ValueError:
                break
        return rows

    def cut_metrics(self, last_step: int) -> None:
        """Drop the rows after `last_step`, which a resumed run will write again."""
        kept = [json_text(row) + "\n" for row in self.read_metrics() if row["step"] <= last_step]
        write_file(self.metrics_path, "".join(kept).encode())

    def write_evaluation(self, values: dict[str, Any]) -> None:
        """Write ``evaluation.json``; null stands for numbers that are not finite."""
        write_file(self.evaluation_path, json_bytes(plain(values)))

    def read_evaluation(self) -> dict[str, Any]:
        """Return ``evaluation.json``.

        Raises:
            CheckpointError: It is missing or no JSON.
        """
        return _read_json(self.evaluation_path)


def versions() -> dict[str, str]:
    """Return the versions that decide a run's numbers."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def code_revision() -> str:
    """Return the git commit of the checkout the code runs from, with `+changes`, or the package version."""
    here = Path(__file__).resolve().parents[2]
    if not (here / ".git").exists():
        return versions()["maze_rl"]
    try:
        commit = _git(here, "rev-parse", "--short=12", "HEAD")
        return commit + ("+changes" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return versions()["maze_rl"]


def _git(folder: Path, *arguments: str) -> str:
    result = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    return result.stdout.strip()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise CheckpointError(f"{path}: the file is missing or cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise CheckpointError(f"{path}: the file is truncated or altered (it is no JSON).") from error


def _sentence(difference: Difference) -> str:
    """Say what a setting is in a run and what was given; a list or a table is only said to differ."""
    name, old, new = difference
    if any(isinstance(value, list | dict) for value in (old, new)) or len(f"{old!r}{new!r}") > 120:
        return f"{name} differs"
    return f"{name} is {old!r} in the run, {new!r} was given"
