"""Find experiments and read what they say of themselves, without importing anything heavy.

An experiment is a Python file with a docstring, whose first line is the question, and a function
``experiment(large: bool = False) -> Experiment``. Those of this project lie in `experiments/`; other packages register
theirs as entry points of the group ``maze_rl.experiments``, each naming a module (``package.module``) or the function
in it (``package.module:experiment``).
"""

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import util
from importlib.metadata import EntryPoint, entry_points
from os import PathLike, fspath
from pathlib import Path
from types import ModuleType

from maze_rl.configs.experiment import Experiment
from maze_rl.displays.short_repr import Shown
from maze_rl.errors import ConfigurationError, MazeRLError, unknown_name
from maze_rl.shipped import shipped_folder

GROUP = "maze_rl.experiments"
FUNCTION = "experiment"


@dataclass(frozen=True)
class ExperimentFile(Shown):
    """Where an experiment stands, and its docstring."""

    name: str
    path: Path
    function: str
    text: str
    """The docstring: question, expectation, cost."""
    is_script: bool = False
    """The file has no such function: it is run by itself, as ``python FILE``."""

    @property
    def question(self) -> str:
        """The first line of the docstring."""
        return self.text.partition("\n")[0]

    def load(self, large: bool = False) -> Experiment:
        """Run the file and return its experiment.

        Raises:
            ConfigurationError: The file cannot be run, or gives no experiment.
        """
        if self.is_script:
            raise ConfigurationError(f"experiment {self.name} is a script of its own: python {self.path} --help.")
        function = _function(self)
        try:
            made = function(large=True) if large else function()
        except MazeRLError:
            raise
        except Exception as error:  # whatever an experiment of one's own does
            raise ConfigurationError(f"{self.path}: {self.function}(): {type(error).__name__}: {error}.") from error
        if not isinstance(made, Experiment):
            raise ConfigurationError(f"{self.path}: {self.function}() gives a {type(made).__name__}, no Experiment.")
        return made


def find_experiments() -> dict[str, ExperimentFile]:
    """Return all experiments by name, sorted: this project's files and the entry points of other packages."""
    files = {path.stem: path for path in shipped_folder("experiments").glob("*.py")}
    found = {name: read_file(name, path) for name, path in files.items()}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, _read_entry_point(point))
    return dict(sorted(found.items()))


def find_experiment(name: str | PathLike[str]) -> ExperimentFile:
    """Return the experiment called `name`, or that in the file of that path.

    Raises:
        UnknownNameError: There is none; lists the names and suggests the nearest.
    """
    name = fspath(name)
    if name.endswith(".py") and Path(name).is_file():
        return read_file(Path(name).stem, Path(name))
    found = find_experiments()
    if name not in found:
        raise unknown_name("experiment", name, found)
    return found[name]


def read_file(name: str, path: Path, function: str = FUNCTION) -> ExperimentFile:
    """Read the docstring of an experiment's file; the file is not run."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError) as error:
        return ExperimentFile(name, path, function, f"(its file cannot be read: {error})")
    text = ast.get_docstring(tree) or "(its file has no docstring)"
    return ExperimentFile(name, path, function, text, is_script=not _names(tree, function))


def _names(tree: ast.Module, function: str) -> bool:
    """Tell whether a module defines, imports or assigns a name."""
    nodes = (vars(node) for top in tree.body for node in ast.walk(top))
    return any(function in (node.get("name"), node.get("asname"), node.get("id")) for node in nodes)


def _read_entry_point(point: EntryPoint) -> ExperimentFile:
    """Find the file of an entry point's module; only the packages it lies in are imported."""
    try:
        spec = util.find_spec(point.module)
    except Exception as error:  # whatever another package does on import must not hide the other experiments
        return ExperimentFile(point.name, Path(point.module), FUNCTION, f"({point.value} cannot be found: {error})")
    if spec is None or spec.origin is None:
        return ExperimentFile(point.name, Path(point.module), FUNCTION, f"({point.value} cannot be found)")
    return read_file(point.name, Path(spec.origin), point.attr or FUNCTION)


def _function(file: ExperimentFile) -> Callable[..., object]:
    """Run an experiment's file; return its function."""
    spec = util.spec_from_file_location(f"maze_rl_experiment_{file.name}", file.path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"experiment {file.name}: {file.path} is no Python file.")
    module: ModuleType = util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as an import does: dataclasses look their module up there
    try:
        spec.loader.exec_module(module)
    except MazeRLError:
        raise
    except Exception as error:
        raise ConfigurationError(f"experiment {file.name}: {file.path}: {type(error).__name__}: {error}") from error
    if not hasattr(module, file.function):
        raise ConfigurationError(f"experiment {file.name}: {file.path} has no function {file.function}().")
    return getattr(module, file.function)
