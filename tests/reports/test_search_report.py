"""The search page: complete, without nan, the same numbers as its JSON; also where nothing could be measured."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maze_rl.calibration.hand_built import build_hand_built
from maze_rl.cli.tables import warn_of_few_search_layouts
from maze_rl.configs.mazes import spec_from_arguments
from maze_rl.errors import Caution
from maze_rl.evaluation.results import Estimate
from maze_rl.interp.battery import run_battery
from maze_rl.interp.behaviour.flip_rate import FlipRates
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.decisions import find_decisions
from maze_rl.interp.inputs.patching_pairs import make_pairs, solved_pairs
from maze_rl.interp.inputs.recombined_mazes import recombine_mazes
from maze_rl.interp.interventions.pair_patching import patch
from maze_rl.interp.materials import Materials, Setting
from maze_rl.interp.requirements import FEWEST_MAZES
from maze_rl.interp.scorecard import SCORES
from maze_rl.intervals import Interval, wilson
from maze_rl.mazes.generate import generate_mazes
from maze_rl.models.build import MazeTransformer
from maze_rl.models.untrained import untrained_twin
from maze_rl.reports.content import number_text
from maze_rl.reports.palette import COLOURS, LEVELS
from maze_rl.reports.search.behaviour_section import s1_pairs_reading
from maze_rl.reports.search.causal_section import interchange_reading
from maze_rl.reports.search.checkpoint_section import first_yes
from maze_rl.reports.search.layout_counts import few_search_layouts, layout_counts
from maze_rl.reports.search.maze_overlays import by_edge
from maze_rl.reports.search.search_report import write_search_report
from maze_rl.reports.search.search_result import DecisionAttention, SearchResult, example_decision
from maze_rl.reports.search.search_tables import score_table
from maze_rl.reports.search.stated import estimate, paragraph, sentence, shown_rate
from maze_rl.tokenization.tokenization import load_tokenization

NAN = Interval(float("nan"), float("nan"), float("nan"))
SECTIONS = ("scorecard", "behaviour", "attention", "probes", "patching", "causal-use", "limits")


def finding(value: float) -> Finding:
    return Finding(name="made up", effect=Interval(value, value - 0.1, value + 0.1), threshold=0.3, num_mazes=30)


def result_of(model: MazeTransformer, materials: Materials, *, patched: bool) -> SearchResult:
    battery = run_battery(model, materials)
    if patched:
        solved = solved_pairs(model, materials.pairs)
        few = replace(solved, rows=solved.rows[:8])
        battery = replace(battery, solved=solved, patching=patch(model, materials.pairs, few, 0))
    decisions = materials.decisions
    row = example_decision(decisions)
    pattern = np.zeros(int(decisions.position[row]) + 1)
    pattern[1:5] = 0.25
    shown = DecisionAttention(what="best adjacency head", layer=1, head=0, decision=row, pattern=pattern)
    calibration = {
        name: {score: finding(value) for score in SCORES} for name, value in (("H1 wave", 0.9), ("N2 greedy", 0.0))
    }
    return SearchResult(
        name="a <model> & {name}",
        about={"sizes": [4], "algorithm": "dfs", "seed": 3},
        model_facts={"layers": model.cfg.n_layers},
        setting=materials.setting,
        materials=materials,
        battery=battery,
        calibration=calibration,
        calibration_searches={"H1 wave": True, "N2 greedy": False},
        attention=[shown],
        checkpoints_left_out=[50],
        checkpoints=[(step, {score: finding(value) for score in SCORES}) for step, value in ((100, 0.0), (200, 0.8))],
        seconds=12.5,
        command="maze-rl search model --size 4",
    )


@pytest.fixture(scope="session")
def wave() -> MazeTransformer:
    return build_hand_built("wave", load_tokenization("unique_cells", canvas=4), n_layers=6)


@pytest.fixture(scope="session")
def materials(wave: MazeTransformer) -> Materials:
    setting = Setting(size=4, split=None, num_mazes=40, num_pairs=40, num_probed=40)
    mazes = generate_mazes(spec_from_arguments(sizes=(4,), split=None), np.arange(40), 5).batches[0]
    pairs = make_pairs(wave.tokenization, size=4, num=40, split=None)
    swapped = recombine_mazes(wave.tokenization, spec_from_arguments(sizes=(4,), split=None), num=640)
    return Materials(setting, find_decisions(wave.tokenization, mazes), pairs, mazes, swapped)


@pytest.fixture(scope="session")
def solved(
    wave: MazeTransformer, materials: Materials, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SearchResult, Path]:
    result = result_of(wave, materials, patched=True)
    return result, write_search_report(result, tmp_path_factory.mktemp("solved"))


@pytest.fixture(scope="session")
def unsolved(
    wave: MazeTransformer, materials: Materials, tmp_path_factory: pytest.TempPathFactory
) -> tuple[SearchResult, Path]:
    result = replace(result_of(untrained_twin(wave, 7), materials, patched=False), attention=(), checkpoints=())
    return result, write_search_report(result, tmp_path_factory.mktemp("unsolved"))


@pytest.mark.parametrize("made", ["solved", "unsolved"])
def test_page_markdown_and_json_hold_verdict_scores_and_limits(made: str, request: pytest.FixtureRequest) -> None:
    result, page = request.getfixturevalue(made)
    html, markdown = page.read_text("utf-8"), page.with_suffix(".md").read_text("utf-8")
    values = json.loads(page.with_suffix(".json").read_text("utf-8"))
    card, verdict = result.judgement.judged, result.judgement.text
    assert verdict in html and verdict in markdown and verdict == values["verdict"]
    for score, each in card.scores.items():
        shown = number_text(each.effect.value, "decimal")
        assert shown in html and shown in markdown
        kept = values["scores"][score]
        known = np.isfinite(each.effect.value)
        assert kept["verdict"] == each.verdict
        assert kept["effect"]["value"] == (pytest.approx(each.effect.value) if known else None)
    assert "What this does not show" in html and "teacher forcing" in html and "teacher forcing" in markdown
    assert [section["name"] for section in values["sections"] if section["name"] != "checkpoints"] == list(SECTIONS)


@pytest.mark.parametrize("made", ["solved", "unsolved"])
def test_nothing_reads_nan_and_nothing_is_taken_as_markup(made: str, request: pytest.FixtureRequest) -> None:
    _, page = request.getfixturevalue(made)
    for suffix in (".html", ".md", ".json"):
        text = page.with_suffix(suffix).read_text("utf-8")
        assert "nan" not in text.lower().replace("nanda", "")
        assert "NaN" not in text and "Interval(" not in text
    assert "<model>" not in page.read_text("utf-8")


def test_layouts_are_told_beside_mazes_and_few_are_warned_of(solved: tuple[SearchResult, Path]) -> None:
    result, page = solved
    counts = layout_counts(result)
    assert {name: each.num for name, each in counts.items()} == {
        "decisions": 40,
        "far flip pairs": 40,
        "probed": 40,
        "swapped between": len(result.materials.swapped.batch),
    }
    assert all(0 < each.layouts <= each.num for each in counts.values())
    said = few_search_layouts(result).text
    assert said.startswith("Caution: fewer than 200 different layouts") and "probes: " in said
    html, markdown = page.read_text("utf-8"), page.with_suffix(".md").read_text("utf-8")
    assert said in html and said in markdown and counts["probed"].text in html
    with pytest.warns(Caution, match="fewer than 200 layouts .* for behaviour and attention \\(40 mazes, "):
        warn_of_few_search_layouts(result)
    table = score_table(result.battery.scorecard.scores)
    assert [column.key for column in table.columns][-2:] == ["mazes", "layouts"]
    for row, each in zip(table.rows, result.battery.scorecard.scores.values(), strict=True):
        assert (row["mazes"], row["layouts"]) == (each.num_mazes, each.num_layouts)
        assert each.num_layouts is not None and each.num_layouts <= each.num_mazes


def test_every_figure_is_written_and_read(solved: tuple[SearchResult, Path]) -> None:
    _, page = solved
    values = json.loads(page.with_suffix(".json").read_text("utf-8"))
    figures = [figure for section in values["sections"] for figure in section["figures"]]
    names = {figure["name"] for figure in figures}
    assert {
        "scorecard",
        "flips",
        "look-ahead",
        "rules",
        "adjacency",
        "consolidation-first",
        "attention-on-maze",
        "probe-distance",
        "probe-alive",
        "auroc",
        "patching-groups",
        "patching-on-maze",
        "patched-heads",
        "interchange",
        "ablation",
        "checkpoints",
    } <= names
    for figure in figures:
        assert (page.parent / figure["file"]).stat().st_size > 2000
        assert figure["reading"]["text"].endswith(".")


def test_what_was_not_measured_is_said(unsolved: tuple[SearchResult, Path]) -> None:
    result, page = unsolved
    assert result.battery.patching is None
    values = json.loads(page.with_suffix(".json").read_text("utf-8"))
    patching = next(section for section in values["sections"] if section["name"] == "patching")
    assert "Patching was not done" in patching["lead"]["text"] and not patching["figures"]
    assert patching["lead"]["values"]["pairs"] == 2 * 40
    assert patching["lead"]["values"]["left_out"] == 2 * 40 - len(result.battery.solved.rows)


def test_sentences_keep_their_numbers() -> None:
    said = sentence("{a} and {b:.0%}, {c}", a=Interval(-0.001, -0.2, 0.3), b=0.5, c=NAN)
    assert said.text == "0.00 (−0.20 to 0.30) and 50%, not measured"
    assert said.values == {"a": 0.0, "a_low": -0.2, "a_high": 0.3, "b": 0.5, "c": None}
    twice = paragraph(sentence("{x}", x=1), sentence("{x}", x=2))
    assert twice.text == "1 2" and sorted(twice.values.values()) == [1, 2]


def flips(num_solved: int, num: int = 40) -> FlipRates:
    solved = np.arange(num) < num_solved
    judged = replace(finding(0.5), num_mazes=num_solved if num_solved >= FEWEST_MAZES else num)
    return FlipRates(depth=np.full(num, 4), solved=solved, flips=solved, leaves=~solved, far=4, finding=judged)


def test_s1_tells_the_pairs_it_stands_on() -> None:
    assert s1_pairs_reading(flips(30)).text == (
        "S1 stands on the 30 of 40 far pairs that are solved in the clean maze."
    )
    assert s1_pairs_reading(flips(19)).text == (
        "S1 stands on all 40 far pairs, solved or not, as only 19 are solved in the clean maze."
    )


def test_intervals_without_width_or_mazes_are_not_shown() -> None:
    sure, some = Interval(1.0, 1.0, 1.0), Interval(0.5, 0.4, 0.6)
    assert shown_rate(sure, 50) == wilson(50, 50)
    assert shown_rate(Interval(0.0, 0.0, 0.0), 50) == wilson(0, 50)
    assert shown_rate(some, 50) == some
    assert shown_rate(sure, 50, np.arange(50)) == wilson(50, 50)
    halved = shown_rate(sure, 50, np.repeat(np.arange(25), 2))
    assert halved.value == 1.0 and halved.low < wilson(25, 25).low
    assert np.isnan(shown_rate(some, 50, np.arange(50) % 19).low)
    assert sentence("{rate:.0%}", rate=shown_rate(sure, 4)).text == "100%"
    assert sentence("{slope}", slope=sure).text == "1.00"
    assert estimate(sure, 50) == 1.0
    assert estimate(shown_rate(some, FEWEST_MAZES - 1), FEWEST_MAZES - 1) == 0.5
    assert isinstance(estimate(shown_rate(some, FEWEST_MAZES), FEWEST_MAZES), Estimate)


def test_swaps_are_told_with_what_they_are_between(solved: tuple[SearchResult, Path]) -> None:
    swaps = solved[0].battery.scorecard.swaps
    into = {
        True: "swaps into mazes that the model solves",
        False: "mazes whose choice is another, as it solves too few",
    }
    for all_solved, said in into.items():
        assert said in interchange_reading(replace(swaps, solved=all_solved)).text


def test_what_figures_are_drawn_from_is_in_the_json(solved: tuple[SearchResult, Path]) -> None:
    result, page = solved
    values = json.loads(page.with_suffix(".json").read_text("utf-8"))
    for shares in values["emergence_shares"]:
        assert sum(share or 0.0 for share in shares) == pytest.approx(1.0) or shares == [None] * len(shares)
    assert len(values["emergence_shares"][0]) == len(result.battery.emergence.reach) + 2
    (shown,) = values["attention"]
    assert len(shown["edges"]) == len(shown["attention"]) == 15
    assert values["battery"]["ablation"] is None or values["battery"]["ablation"]["random_drops"]
    assert "step 50" in page.read_text("utf-8")  # a checkpoint that was left out


def test_values_are_joined_by_edge() -> None:
    edges = np.array([[-1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]])
    values = np.array([9.0, 0.25, -0.5, 0.125])
    found, sums = by_edge(values, edges)
    assert found.tolist() == [[0, 1, 0], [1, 0, 0]] and sums.tolist() == [-0.25, 0.125]
    assert by_edge(values, edges, join="largest")[1].tolist() == [-0.5, 0.125]


def test_first_yes_must_last() -> None:
    runs = [(step, {"S1": finding(value)}) for step, value in ((1, 0.9), (2, 0.0), (3, 0.9), (4, 0.8))]
    assert first_yes(runs, "S1") == 3
    assert first_yes(runs[:2], "S1") is None


def test_the_diverging_ramp_has_its_middle_in_the_middle() -> None:
    middle = COLOURS[f"diverging-{LEVELS // 2}"][0]
    red, _, blue = (int(middle[place : place + 2], 16) for place in (1, 3, 5))
    assert abs(red - blue) < 6
    assert COLOURS["diverging-0"] != COLOURS[f"diverging-{LEVELS - 1}"]


@pytest.mark.parametrize("made", ["solved", "unsolved"])
def test_the_figures_have_no_faults(
    made: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    faults_of_page: Callable[[Callable[[], object]], list[str]],
) -> None:
    result, _ = request.getfixturevalue(made)
    assert faults_of_page(lambda: write_search_report(result, tmp_path)) == []


def test_an_interval_below_the_usual_axis_is_drawn_whole() -> None:
    from inspect import unwrap
    from types import SimpleNamespace

    from maze_rl.intervals import Interval
    from maze_rl.reports.search.probe_figures import auroc_figure

    walls = SimpleNamespace(auroc=Interval(0.9, 0.8, 0.95), baseline_auroc=0.5)
    on_path = SimpleNamespace(auroc=Interval(0.5, 0.2, 0.7), baseline=Interval(0.6, 0.5, 0.7), untrained=None)
    low, high = unwrap(auroc_figure)(SimpleNamespace(walls=walls, on_path=on_path)).axes[0].get_xlim()
    assert low < 0.2
    assert high > 0.95
