import re
from collections.abc import Callable
from typing import Any

from maze_rl.interp.finding import Finding
from maze_rl.interp.score_table import scores_html, scores_line
from maze_rl.intervals import Interval

SCORES = {
    "S1": Finding(name="flips & far", effect=Interval(0.8, 0.7, 0.9), threshold=0.5, num_mazes=1300),
    "S2": Finding(name="nothing", effect=Interval(*3 * [float("nan")]), threshold=0.2, num_mazes=0),
}


def test_a_finding_says_its_effect_and_verdict() -> None:
    assert repr(SCORES["S1"]) == "<Finding: flips & far: 0.800 [0.700, 0.900], threshold 0.5: yes>"


def test_one_line_says_the_verdict_of_every_score() -> None:
    assert scores_line("searches", SCORES) == "searches (S1 yes, S2 unclear)"


def test_a_notebook_shows_a_row_and_a_bar_for_every_score(read_page: Callable[[str], Any]) -> None:
    page = read_page(scores_html("runs/x", "searches", SCORES, "page: x.html"))
    assert page.text.startswith("runs/x searches score what was measured effect [95 %] threshold verdict mazes")
    assert "S1 flips & far 0.80 [0.70, 0.90] 0.5 yes 1,300" in page.text
    assert page.text.endswith("page: x.html")
    assert page.tags.count("svg") == 1


def test_the_tick_stands_at_a_threshold_beyond_one() -> None:
    found = Finding(name="growth", effect=Interval(1.0, 0.9, 1.1), threshold=1.25, num_mazes=300)
    lines = re.findall(r'<line x1="([\d.]+)" x2="([\d.]+)"', scores_html("a model", "unclear", {"S4": found}))
    whole, tick, interval = (tuple(map(float, line)) for line in lines)
    assert tick[0] == tick[1] <= whole[1]
    assert interval[1] < tick[0]


def test_an_effect_without_an_interval_is_a_dot_alone() -> None:
    for low, high in ((float("nan"), float("nan")), (float("-inf"), float("inf"))):
        found = Finding(name="swap", effect=Interval(0.5, low, high), threshold=0.3, num_mazes=30)
        bar = scores_html("a model", "unclear", {"S3": found}).partition("<svg")[2].partition("</svg")[0]
        assert 'cx="' in bar and 'x1="nan"' not in bar and 'cx="nan"' not in bar
