"""Studies: listed, exported as notebooks, run cell by cell; every shipped one from top to bottom."""

import json
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from maze_rl import load_tokenization
from maze_rl.configs.model import ModelConfig
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.models.build import build_model
from maze_rl.models.model_files import load_model, save_model
from maze_rl.shipped import shipped_names
from maze_rl.workflows import studies
from maze_rl.workflows.studies import export_study, list_studies, run_study

NAMES = shipped_names("analysis")
SMALL = '''"""Is this a study?

It adds two numbers.
"""

# %% parameters
out = "studies/small"
size = 2

# %% [markdown] Adding
# One and
# one.

# %% Add

total = size + len(str(out))
seen.append((out, size))
'''


@pytest.fixture
def write_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make `text` the study called small."""

    def write(text: str) -> Path:
        path = tmp_path / "small.py"
        path.write_text(text)
        monkeypatch.setattr(studies, "shipped", lambda kind, name: path)
        return path

    return write


def test_list_has_every_study_with_its_question() -> None:
    found = list_studies()
    assert [study.name for study in found] == NAMES
    assert "activation_patching" in NAMES
    assert all(study.question.endswith("?") for study in found)


@pytest.mark.parametrize("name", NAMES)
def test_study_has_parameters_and_text_between_its_code(name: str) -> None:
    study = studies.read_study(name)
    titles = [cell.title for cell in study.cells if not cell.is_text]
    assert titles.count(studies.PARAMETERS) == 1
    assert len(titles) >= 4
    assert any(cell.is_text for cell in study.cells)
    assert "not show" in study.cells[-1].title + study.cells[-1].source


@pytest.mark.parametrize("name", NAMES)
def test_notebook_holds_the_study_in_order(name: str, tmp_path: Path) -> None:
    study = studies.read_study(name)
    notebook = json.loads(export_study(name, tmp_path / "notebook.ipynb").read_text(encoding="utf-8"))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    cells = notebook["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells) == len(study.cells) + 1
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code == [cell.source for cell in study.cells if not cell.is_text]
    for source in code:
        compile(source, name, "exec")
    texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert texts[0].startswith(f"# {study.question}")
    assert all(text.startswith("## ") for text in texts[1:])


def test_markdown_loses_its_comment_signs(write_study: Callable[[str], Path], tmp_path: Path) -> None:
    write_study(SMALL)
    cells = json.loads(export_study("small", tmp_path / "small.ipynb").read_text())["cells"]
    assert "".join(cells[2]["source"]) == "## Adding\n\nOne and\none."
    assert "".join(cells[0]["source"]) == "# Is this a study?\n\nIt adds two numbers."


def test_unknown_study_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown study 'activation_patchin'.*'activation_patching'"):
        run_study("activation_patchin")


def test_run_sets_the_folder_after_the_parameters(
    write_study: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []
    write_study(SMALL.replace("# %% parameters", "# %% imports\nimport builtins\n\n# %% parameters"))
    monkeypatch.setattr("builtins.seen", seen, raising=False)
    told: list[tuple[str, float]] = []
    done = run_study("small", out=tmp_path / "figures", progress=lambda doing, done: told.append((doing, done)))
    folder = done.folder
    assert folder == tmp_path / "figures"
    assert folder.is_dir()
    assert done.names["total"] == 2 + len(str(folder))
    assert seen == [(folder, 2)]
    assert [doing for doing, _ in told] == ["imports", "parameters", "Add", "done"]
    assert told[-1][1] == 1.0


def test_study_of_its_own_models_refuses_a_run(write_study: Callable[[str], Path], tmp_path: Path) -> None:
    write_study(SMALL)
    with pytest.raises(ConfigurationError) as refusal:
        run_study("small", run="maze-5to9-causal", out=tmp_path / "figures")
    assert str(refusal.value) == "study small takes no run: it builds its own models."
    assert not (tmp_path / "figures").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "foo"], "list takes no name, and got 'foo'"),
        (["list", "--run", "x"], "list takes no --run"),
        (["export", "size_gap", "--run", "x"], "export takes no --run"),
    ],
)
def test_what_an_action_would_ignore_is_refused(
    arguments: list[str], said: str, refused: Callable[[list[str], str], None]
) -> None:
    refused(["studies", *arguments], said)


@pytest.mark.parametrize(
    ("about", "said"), [({"sizes": [4]}, "trained on sizes 4"), ({}, "trained on sizes that are not recorded")]
)
def test_size_gap_needs_sizes_inside_and_outside(about: dict[str, Any], said: str, tmp_path: Path) -> None:
    config = ModelConfig(n_layers=1, d_model=12, n_heads=1)
    save_model(build_model(config, load_tokenization("edges", canvas=6)), tmp_path / "model", about)
    with pytest.raises(ConfigurationError, match=said):
        run_study("size_gap", run=str(tmp_path / "model"), out=tmp_path / "figures")


def test_error_names_the_line_of_the_file(write_study: Callable[[str], Path], tmp_path: Path) -> None:
    path = write_study(SMALL)
    with pytest.raises(NameError) as caught:
        run_study("small", out=tmp_path / "figures")
    last = traceback.extract_tb(caught.tb)[-1]
    line = path.read_text().splitlines().index("seen.append((out, size))") + 1
    assert (last.filename, last.lineno) == (str(path), line)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_study_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    done = run_study(name, out=tmp_path / "figures")
    figures = list(done.folder.glob("*.png"))
    assert figures
    assert all(figure.read_bytes().startswith(b"\x89PNG") for figure in figures)
    CHECKS[name](done.names)


REFUSED = {
    "how_it_searches": "a 9 x 9 maze does not fit on the 8 x 8 canvas",
    "activation_patching": "this study relies on edges in the prompt",
    "attention_to_neighbours": "adjacency attention relies on edges in the prompt",
    "calibration_tour": "takes no run",
    "distance_field_probes": "this study relies on the origin in the prompt",
    "published_findings": "reads cells: only unique_cells spells edges",
    "when_it_learns": "no checkpoints lie beside this model",
    "why_larger_mazes_fail": "a 9 x 9 maze does not fit on the 8 x 8 canvas",
}
"""What studies say of a model of the default run's kind; the others are right for it."""


@pytest.mark.parametrize("name", REFUSED)
def test_study_refuses_a_model_it_is_wrong_for_in_one_line(name: str, default_kind: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=REFUSED[name]) as refusal:
        run_study(name, run=str(default_kind), out=tmp_path / "figures")
    assert "\n" not in str(refusal.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NAMES) - set(REFUSED)))
def test_study_is_right_for_a_model_of_the_default_kind(name: str, default_kind: Path, tmp_path: Path) -> None:
    left = run_study(name, run=str(default_kind), out=tmp_path / "figures").names
    if name == "size_gap":
        gap, *parts = left["gaps"].values()
        assert sum(part.value for part in parts) == pytest.approx(gap.value)
        return
    if name == "named_early":
        last = left["by_step"]["path"]
        assert last["logit"] == last["jacobian"], "what the last layer leaves is carried nowhere"
        return
    assert name == "look_ahead_curves"
    model, decisions = load_model(str(default_kind)), left["decisions"]
    rows = [0, len(decisions) // 2, len(decisions) - 1]
    for row, found in zip(rows, left["logits"][rows], strict=True):
        alone = decisions.tokens[decisions.maze[row], : decisions.position[row] + 1]
        with torch.no_grad():
            assert torch.allclose(model(alone[None])[0, -1], found, atol=1e-5)


def check_activation_patching(left: dict[str, Any]) -> None:
    assert np.abs(left["effects"] - left["by_hand"]).max() < 1e-3
    assert (np.abs(left["measured"] - left["predicted"]) < 0.01).mean() > 0.95
    assert left["others"] < 0.01


def check_attention_to_neighbours(left: dict[str, Any]) -> None:
    verdicts = {name: each.finding.verdict for name, each in left["found"].items()}
    assert verdicts.pop("untrained") != "yes"
    assert set(verdicts.values()) == {"yes"}


def check_calibration_tour(left: dict[str, Any]) -> None:
    assert left["cards"]["wave"].searches
    assert not any(left["cards"][name].searches for name in ("decoy", "greedy", "untrained"))
    assert "S2: probe" in left["fooled"]
    assert not {"S1: far flips", "S3: interchange", "S5: beats rules"} & set(left["fooled"])


def check_distance_field_probes(left: dict[str, Any]) -> None:
    assert left["states"]["hand-built wave"].probes["distance"].finding.verdict == "yes"
    assert left["states"]["maze-5to9-causal"].probes["distance"].finding.verdict == "no"
    assert left["emerges"]["hand-built wave"].slope.value == pytest.approx(1, abs=0.3)


def check_how_it_searches(left: dict[str, Any]) -> None:
    rivals = left["rivals"]
    assert rivals.best == "either" and rivals.settled.value > 0.85
    assert all(each.beyond_best.low > 1 for name, each in rivals.rivals.items() if name != "either")
    opened, walled = np.array(left["opened"]), np.array(left["walled"])
    assert (opened[:, 1] - walled[:, 2]).max() > 0.3  # a head looks through openings, and not through walls
    effects, places = left["patched"].effects, list(left["patched"].places)
    at_fork, at_target = (effects[:, places.index(place)] for place in ("fork", "target"))
    assert at_fork[-2:].max() > 0.3 > abs(at_fork[: len(effects) // 2]).max()
    assert abs(at_target).max() < 0.05
    followed, control = (left["transplants"].following(left["when"] + 4, control=each)[2, 2] for each in (False, True))
    assert followed.low > control.high + 0.2
    soon, late = (left["followed"][left["loops"] + each] for each in (4, 22))
    assert soon[0, 1].low > 0.7 > 0.3 > soon[7, 10].high, "a change is followed where it is, and not yet further away"
    assert late[7, 10].low > 0.6


def check_look_ahead_curves(left: dict[str, Any]) -> None:
    assert sum(left["recovered"]) >= len(left["reaches"]) - 1
    wave, untrained = (left["frontiers"][name].finding for name in ("hand-built wave", "untrained"))
    assert wave.effect.value > wave.threshold > untrained.effect.value
    assert untrained.verdict != "yes"


def check_named_early(left: dict[str, Any]) -> None:
    first, *_, last = left["found"]["path"].rates("logit")
    assert first.high < 0.55 < last.low, "what is chosen is named late, and surely"
    assert left["by_step"]["path"]["logit"][0] > 0.98
    assert left["gains"]["path"].low < 0.05, "the mean Jacobian names no more"


def check_published_findings(left: dict[str, Any]) -> None:
    assert left["heads"]["set by hand"].verdict == left["heads"]["maze-5to9-causal"].verdict == "yes"
    assert left["heads"]["untrained"].verdict != "yes"
    assert left["consolidation"]["set by hand"].consolidates


def check_size_gap(left: dict[str, Any]) -> None:
    gap, *parts = left["gaps"].values()
    assert sum(part.value for part in parts) == pytest.approx(gap.value)
    assert left["inside"] == [5, 7, 9]
    assert gap.value > 0


def check_when_it_learns(left: dict[str, Any]) -> None:
    opened, state = left["curves"]["attention: open"], left["curves"]["look-ahead, probed"]
    steps = left["steps"]
    seen = next(step for step in steps if opened[step].value > 0.15)
    held = next(step for step in steps if state[step].low > 0.05)
    assert seen < held, "cells look at their open neighbours before anything spreads"
    assert state[steps[-1]].low > 0.6
    far = left["right"]["d 17 to 60"]
    assert far[steps[0]].high < 0.2 < 0.9 < far[steps[-1]].low


def check_why_larger_mazes_fail(left: dict[str, Any]) -> None:
    far = max(left["ranges"])
    inside, outside = (left["curves"][f"{side}x{side}, 18 loops"][far] for side in (9, 12))
    assert inside.low > outside.high, "long ways fail in larger mazes"
    more = left["curves"]["12x12, 54 loops"][far]
    assert more.low < outside.high, "more loops do not mend it"
    unseen, near = (left["hidden"][12, limit].by_look_ahead() for limit in (9, 5))
    assert all(abs(seen.hidden.value) < 0.05 for seen in unseen.values()), "offsets never seen are not to blame"
    assert near[17, 400].hidden.high < -0.02, "attention far away carries the search"


CHECKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "activation_patching": check_activation_patching,
    "attention_to_neighbours": check_attention_to_neighbours,
    "calibration_tour": check_calibration_tour,
    "distance_field_probes": check_distance_field_probes,
    "how_it_searches": check_how_it_searches,
    "look_ahead_curves": check_look_ahead_curves,
    "named_early": check_named_early,
    "published_findings": check_published_findings,
    "size_gap": check_size_gap,
    "when_it_learns": check_when_it_learns,
    "why_larger_mazes_fail": check_why_larger_mazes_fail,
}
