"""The written report: self-contained, well-formed, complete, and safe against hostile names."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from maze_rl.errors import MazeRLError
from maze_rl.reports.generalization_report import write_report
from maze_rl.reports.run_summary import RunSummary

HOSTILE = "<script>alert(1)</script>\"'&$x_1$ {0} | ]](http://evil.example) `a` #0072b2"
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


class Page(HTMLParser):
    """Checks nesting, and collects what the tests look at."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.faults: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data
        if {"td", "th"} & set(self.open) and "tbody" in self.open:
            self.cells[-1] += data


@pytest.fixture(scope="module")
def folder(run: RunSummary, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report([run], tmp_path_factory.mktemp("single")).parent


@pytest.fixture(scope="module")
def hostile_folder(run_maker: Callable[..., RunSummary], tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = [run_maker(HOSTILE, seed=1), run_maker(HOSTILE, trained=(5, 6, 7), seed=2)]
    return write_report(runs, tmp_path_factory.mktemp("several")).parent


@pytest.fixture(scope="module", params=["single", "several"])
def either(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue("folder" if request.param == "single" else "hostile_folder")


@pytest.mark.parametrize(("record", "drawn"), [({"scale": 0.3}, 0), ({"outcome": "success", "scale": 0.3}, 1)])
def test_only_dice_have_a_figure_of_dice(record: dict[str, Any], drawn: int, run: RunSummary, tmp_path: Path) -> None:
    rows = [row | {"rolls": [{"applied": 0.3, "loss": row["loss"], **record}]} for row in run.metrics]
    write_report([replace(run, metrics=rows)], tmp_path)
    sections = json.loads((tmp_path / "report.json").read_text())["sections"]
    titles = [figure["title"] for section in sections for figure in section["figures"]]
    assert titles.count("What the dice did") == drawn


def page_of(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def test_the_page_is_well_formed(either: Path) -> None:
    page = page_of(either)
    assert page.faults == [] and page.open == []
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert (either / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_page_needs_nothing_else(either: Path) -> None:
    text = (either / "report.html").read_text(encoding="utf-8")
    ids = set()
    for tag, attributes in page_of(either).tags:
        assert tag not in {"script", "link", "iframe", "object", "embed", "base", "image"}
        ids.add(attributes.get("id"))
        for name in ("src", "srcset", "href", "xlink:href", "data", "action", "style"):
            value = attributes.get(name) or ""
            assert "//" not in value and "@import" not in value
            assert name != "href" or value.startswith("#") or name not in attributes
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "http" not in style and "url(" not in style and "@import" not in style
    assert all(target in ids for target in re.findall(r"url\(#([^)]*)\)", text))
    assert all(target in ids for target in re.findall(r'href="#([^"]*)"', text))


def test_the_page_is_small(either: Path) -> None:
    assert (either / "report.html").stat().st_size < 5_000_000


def test_the_page_can_be_read_without_seeing_it(either: Path) -> None:
    page = page_of(either)
    drawings = [attributes for tag, attributes in page.tags if tag == "svg"]
    assert drawings and all(each.get("role") == "img" and len(each.get("aria-label") or "") > 20 for each in drawings)
    tables = sum(tag == "table" for tag, _ in page.tags)
    assert tables == sum(tag == "caption" for tag, _ in page.tags)
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    assert ("html", {"lang": "en"}) in page.tags


def test_hostile_names_are_text(hostile_folder: Path) -> None:
    page = page_of(hostile_folder)
    assert HOSTILE in page.text
    assert "<script" not in (hostile_folder / "report.html").read_text(encoding="utf-8")
    markdown = (hostile_folder / "report.md").read_text(encoding="utf-8")
    # lines indented by four are code, shown as they are
    prose = [line for line in markdown.splitlines() if not line.startswith("    ")]
    assert not any(re.search(r"<script|(?<!\\)\]\(http", line) for line in prose)
    assert json.loads((hostile_folder / "report.json").read_text(encoding="utf-8"))["runs"][0]["name"] == HOSTILE


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from leaves(item)
    else:
        yield value


def number_forms(values: Any) -> set[str]:
    """Every number of the JSON, as it is and as a percentage, rounded to 0 to 4 places."""
    forms = set()
    for leaf in leaves(values):
        if isinstance(leaf, str):
            forms |= {token.replace(",", "") for token in re.findall(r"\d[\d,]*(?:\.\d+)?", leaf)}
        elif leaf is not None:
            for number in (abs(leaf), 100 * abs(leaf)):
                forms |= {f"{number:.{places}f}" for places in range(5)}
    return forms


def test_every_number_of_the_tables_is_in_the_json(either: Path) -> None:
    forms = number_forms(json.loads((either / "report.json").read_text(encoding="utf-8")))
    page = page_of(either)
    numbers = [number for cell in page.cells for number in re.findall(r"\d[\d,]*(?:\.\d+)?", cell)]
    assert len(numbers) > 300
    assert [number for number in numbers if number.replace(",", "") not in forms] == []


def test_every_number_of_a_sentence_is_in_its_values(either: Path) -> None:
    report = json.loads((either / "report.json").read_text(encoding="utf-8"))
    said = [report["headline"]]
    for section in report["sections"]:
        said += [section["lead"], *section["points"], *(figure["reading"] for figure in section["figures"])]
    stated = [each for each in said if each["values"]]
    assert len(stated) > 8
    for each in stated:
        forms = number_forms(each["values"]) | {"95", "90"}
        for number in re.findall(r"\d[\d,]*(?:\.\d+)?", each["text"]):
            assert number.rstrip(",").replace(",", "") in forms, each["text"]


def test_the_json_holds_the_evaluation(folder: Path, run: RunSummary) -> None:
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["runs"][0]["evaluation"] == json.loads(json.dumps(run.evaluation.to_json()))
    assert report["runs"][0]["config"] == run.config


def test_known_numbers_stand_where_they_belong(folder: Path, run: RunSummary) -> None:
    table = next(
        table
        for section in json.loads((folder / "report.json").read_text(encoding="utf-8"))["sections"]
        for table in section["tables"]
        if table["name"] == "by_size"
    )
    for shown, row in zip(table["rows"], run.evaluation.rows, strict=True):
        assert shown["size"] == row.size and shown["trained"] == (row.size in (5, 6))
        assert shown["shortest"]["value"] == row.shortest.value
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    last = run.evaluation.rows[-1].shortest
    assert f"| 8 | no | 80 | – | {100 * last.value:.1f} ({100 * last.low:.1f}–{100 * last.high:.1f}) |" in markdown


def test_figures_lie_beside_the_page(either: Path) -> None:
    report = json.loads((either / "report.json").read_text(encoding="utf-8"))
    files = [figure["file"] for section in report["sections"] for figure in section["figures"]]
    assert len(files) >= 7 and len(files) == len(set(files))
    for name in files:
        assert (either / name).read_bytes().startswith(b"\x89PNG")
        assert f"({name})" in (either / "report.md").read_text(encoding="utf-8")


def test_reproduction_is_on_the_page(folder: Path, run: RunSummary) -> None:
    text = page_of(folder).text
    assert str(run.config["command"]) in text
    assert "maze-rl evaluate runs/edges_path_only --sizes 4..8 --algorithm dfs --num 80 --seed 0" in text
    for fact in (run.evaluation.maze_digest, run.config["revision"], "torch: 2.13.0", "What this does not show"):
        assert fact in text


def test_both_modes_define_every_colour_used(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    used = set(re.findall(r"var\(--([\w-]+)\)", text))
    light, dark = re.findall(r":root \{ (.*?) \}", text)
    for declarations in (light, dark):
        assert used <= set(re.findall(r"--([\w-]+):", declarations))
    body = text[text.index("<body>") :]
    assert re.findall(r"(?:fill|stroke): (#\w+)", body) == [], "a colour that does not follow the mode"


def test_the_same_results_give_the_same_bytes(folder: Path, run: RunSummary, tmp_path: Path) -> None:
    write_report([run], tmp_path)
    for path in folder.iterdir():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_bare_run_can_be_reported(run: RunSummary, tmp_path: Path) -> None:
    """No log, no settings, no examples, nothing tested inside the training sizes, no error, no forks."""
    evaluation = run.evaluation
    row = replace(evaluation.rows[-1], solved_where_manhattan_fails=None, optimality_ratio=None, baselines={})
    errors = replace(
        evaluation.first_errors[-1],
        counts={"none": 80},
        hazard=[0.0, 0.0],
        at_risk=[80, 40],
        mean_relative_position=None,
        mean_look_ahead=None,
        constant_hazard=None,
    )
    forced = replace(
        evaluation.teacher_forced[-1], fork_accuracy=None, forced_accuracy=None, fork_calibration_error=None
    )
    bare = replace(
        run,
        config={},
        metrics=[],
        evaluation=replace(
            evaluation,
            rows=[row],
            by_length=[],
            grid=[],
            teacher_forced=[forced],
            first_errors=[errors],
            examples=[],
            longest_training_path=None,
        ),
    )
    page = Page(write_report([bare], tmp_path).read_text(encoding="utf-8"))
    assert page.faults == []
    assert "No rollout went wrong." in page.text
    assert "nan" not in page.text.lower().replace("finance", "")


def test_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MazeRLError, match="no run"):
        write_report([], tmp_path)


def test_runs_of_one_name_have_a_link_and_figures_each(run_maker: Callable[..., RunSummary], tmp_path: Path) -> None:
    runs = [run_maker("seed-0", sizes=(5, 7), num=20, steps=20, seed=seed) for seed in (1, 2)]
    record = {"outcome": "success", "scale": 0.5, "applied": 0.5}
    rolled = [
        replace(run, metrics=[row | {"rolls": [record | {"loss": row["loss"]}]} for row in run.metrics]) for run in runs
    ]
    page = page_of(write_report(rolled, tmp_path).parent)
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert {"#run1-seed-0-grid", "#run2-seed-0-grid"} <= {*links} and len(links) == len({*links})
    sections = json.loads((tmp_path / "report.json").read_text())["sections"]
    files = [figure["file"] for section in sections for figure in section["figures"]]
    assert len(files) == len({*files}), "one figure overwrites another"
    assert {"run1-seed-0-dice.png", "run2-seed-0-dice.png"} <= {*files}
