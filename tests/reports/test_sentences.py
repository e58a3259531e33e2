"""Every sentence of a page follows from the rows: sizes named were tested, counts and rates stand in a row or a sum."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markupsafe import Markup

from maze_rl.evaluation.results import Estimate, EvaluationResult
from maze_rl.reports import generalization_sections, sections
from maze_rl.reports.content import Picture, Report
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.generalization_readings import pooled_steps
from maze_rl.reports.pooling import FEWEST, pool, rate_on, sizes_new_to_all
from maze_rl.reports.run_summary import RunSummary

FIGURES = {
    sections: (
        "success_by_size",
        "success_by_length",
        "heat_map",
        "first_errors",
        "hazard",
        "example_gallery",
        "training_curves",
        "dice_panels",
    ),
    generalization_sections: ("step_heat_map", "success_by_loops"),
}
NOT_TESTED = re.compile(
    r"None of the sizes it was trained on \([^)]*\) was tested\.|It was trained on [^.]* too, not tested\."
)


class Undrawn(Gallery):
    """A gallery that keeps what is said of figures and draws none."""

    def picture(self, figure: object, **about: Any) -> Picture:
        return Picture(svg=Markup(""), png="", **about)


@pytest.fixture(scope="module")
def random_runs(run_maker: Callable[..., RunSummary]) -> list[RunSummary]:
    """Runs of random sizes tested and trained on, mazes and errors; some of whose further tests are missing."""
    runs = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        pick = lambda most: sorted(map(int, random.choice(range(3, 11), random.integers(1, most), replace=False)))  # noqa: E731, B023
        run = run_maker(
            f"run_{seed}",
            sizes=pick(6),
            trained=pick(4),
            num=int(random.choice([6, 60, 90])),
            steps=40,
            seed=seed,
            hazard=float(random.choice([0.0, 0.003, 0.02, 0.3])),
        )
        kept = {
            name: [row for row in getattr(run.evaluation, name) if random.random() < 0.7]
            for name in ("by_algorithm", "steps_by_distance", "by_loops", "by_look_ahead", "by_length", "grid")
        }
        changed = replace(run.evaluation, maze_digest=str(seed % 2), **kept)
        runs.append(replace(run, evaluation=changed))
    return runs


@pytest.fixture
def page_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[list[RunSummary]], Report]:
    """Return a function that builds a report without its drawings."""
    for module, names in FIGURES.items():
        for name in names:
            monkeypatch.setattr(module, name, lambda *given: None)
    monkeypatch.setattr(sections, "Gallery", Undrawn)
    return lambda runs: sections.build_report(runs, tmp_path)


def sentences(report: Report) -> Iterator[str]:
    yield report.headline.text
    yield from (tile.note for tile in report.tiles)
    for section in report.sections:
        yield section.lead.text
        yield from (picture.reading.text for picture in section.pictures)
        yield from (point.text for point in section.points)


def sizes_named(text: str) -> set[int]:
    """The sizes a text names: 4 × 4, size 4, sizes (4–6, 9)."""
    named = {int(size) for pair in re.findall(r"(\d+) × (\d+)", text) for size in pair}
    named |= {int(size) for size in re.findall(r"\bsize (\d+)", text)}
    for listed in re.findall(r"\bsizes (?:[a-z ]*\()?(\d+(?:–\d+)?(?:, \d+(?:–\d+)?)*)", text):
        for part in listed.split(", "):
            ends = [int(end) for end in part.split("–")]
            named |= set(range(ends[0], ends[-1] + 1))
    return named


def known_counts(run: RunSummary) -> set[int]:
    """How many mazes there are of any sizes together, in a row of any kind, or in training."""
    evaluation = run.evaluation
    nums = [row.num for row in evaluation.rows]
    sums = {sum(some) for many in range(len(nums) + 1) for some in combinations(nums, many)}
    return sums | {row.num for row in evaluation.by_length} | {run.mazes_seen, FEWEST, 200}


def known_rates(evaluation: EvaluationResult, more: list[Estimate | None]) -> set[str]:
    """Every rate and end of an interval, as a page writes it."""
    rates = [*more, *(each.accuracy for each in pooled_steps(evaluation))]
    for inside in (True, False):
        rates.append(pool([row.shortest for row in evaluation.rows if row.in_training_range == inside]))
    for row in evaluation.rows:
        rates += [row.shortest, *row.baselines.values()]
    for rows, name in (
        (evaluation.by_length, "shortest"),
        (evaluation.by_loops, "shortest"),
        (evaluation.by_algorithm, "shortest"),
        (evaluation.steps_by_distance, "accuracy"),
        (evaluation.teacher_forced, "fork_accuracy"),
        (evaluation.teacher_forced, "forced_accuracy"),
    ):
        rates += [getattr(row, name) for row in rows]
    ends = (end for rate in rates if rate for end in (rate.value, rate.low, rate.high))
    return {f"{end:.1%}" for end in ends}


def check_words(text: str) -> None:
    assert not re.search(r"\b(nan|None(?! of)|inf)\b|\(\)|  ", text), text


@pytest.mark.parametrize("number", range(8))
def test_a_page_on_one_run_says_what_its_rows_say(
    number: int, random_runs: list[RunSummary], page_of: Callable[[list[RunSummary]], Report]
) -> None:
    run = random_runs[number]
    evaluation = run.evaluation
    tested = {row.size for row in evaluation.rows}
    validation = {f"{row[name]:.1%}" for row in run.metrics for name in ("validation_exact",) if name in row}
    rates = known_rates(evaluation, []) | validation
    for whole in sentences(page_of([run])):
        check_words(whole)
        text = NOT_TESTED.sub("", whole)
        assert sizes_named(text) <= tested, text
        counts = {int(count.replace(",", "")) for count in re.findall(r"([\d,]+) (?:rollouts|mazes)\b", text)}
        assert counts <= known_counts(run), text
        assert set(re.findall(r"\d+\.\d%", text)) <= rates, text
        for size in re.findall(r"size (\d+), the largest tested", text):
            assert int(size) == max(tested)
        for size in re.findall(r"(\d+) × \1, larger than any it was trained on", text):
            assert int(size) == min(each for each in tested if each > max(evaluation.training_sizes))


@pytest.mark.parametrize("numbers", [(0, 1), (2, 4), (3, 5, 7), (1, 6)])
def test_a_page_on_several_runs_names_sizes_that_all_of_them_walked(
    numbers: tuple[int, ...], random_runs: list[RunSummary], page_of: Callable[[list[RunSummary]], Report]
) -> None:
    runs = [random_runs[number] for number in numbers]
    evaluations = [run.evaluation for run in runs]
    report = page_of(runs)
    new = sizes_new_to_all(evaluations)
    assert sizes_named(report.headline.text) == set(new)
    rates = set().union(*(known_rates(each, [rate_on(each, new)]) for each in evaluations))
    tested = {row.size for each in evaluations for row in each.rows}
    counts = set().union(*map(known_counts, runs))
    for whole in sentences(report):
        check_words(whole)
        text = NOT_TESTED.sub("", whole)
        assert sizes_named(text) <= tested, text
        assert set(re.findall(r"\d+\.\d%", text)) <= rates, text
        named = {int(count.replace(",", "")) for count in re.findall(r"([\d,]+) (?:rollouts|mazes)\b", text)}
        assert named <= counts, text
    common = set.intersection(*({row.size for row in each.rows} for each in evaluations))
    (largest,) = {section.pictures[0].reading.text for section in report.sections if section.name == "size"}
    assert sizes_named(largest) == ({max(common)} if common else set())
