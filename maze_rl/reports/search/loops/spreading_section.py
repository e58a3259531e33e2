"""The section that shows the search spreading, and when cells become right against the rounds of algorithms."""

import numpy as np

from maze_rl.interp.behaviour.rival_algorithms import RivalAlgorithms
from maze_rl.reports.content import Column, Section, Statement, Table, Value
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.search.search_result import LoopSearchResult
from maze_rl.reports.search.spreading import spreading_figure
from maze_rl.reports.search.stated import estimate, in_percent, sentence


def spreading_section(result: LoopSearchResult, gallery: Gallery) -> Section:
    """Put the section together."""
    answers = result.battery.answers
    longest = int(answers.distances.max(axis=1).argmax())
    loops = answers.moves.shape[1]
    shown = np.unique(np.geomspace(1, loops, 5).round().astype(int)).tolist()
    picture = gallery.picture(
        spreading_figure(answers, longest, shown),
        name="spreading",
        title="The search spreading over one maze",
        alt="Where every cell of one maze would go after some loops, beside the steps to the target.",
        reading=sentence(
            "Every cell of one maze asked for its next step after some of {loops} loops: blue where the move is a "
            "shortest one, orange where it is not, the paler the less sure.",
            loops=loops,
        ),
    )
    return Section(
        name="spreading",
        title="The search, loop by loop",
        lead=settling_reading(result),
        pictures=[picture],
        tables=[] if result.battery.rivals is None else [_rival_table(result.battery.rivals)],
    )


def settling_reading(result: LoopSearchResult) -> Statement:
    """State whose rounds say best when cells become right."""
    rivals = result.battery.rivals
    if rivals is None:
        return Statement("Too few cells settle on a shortest move to say when.")
    best = rivals.rivals[rivals.best]
    return sentence(
        "Of the cells with two open sides or more {settled:.1f}% settle on a shortest move. When they do is told best "
        "by the rounds of {best}: to {error} loops, at {speed} loops a round, where a constant is off by {below} more "
        "({cells:,} cells of {mazes} held-out mazes).",
        settled=in_percent(rivals.settled),
        best=_NAMES[rivals.best],
        error=best.error,
        speed=best.loops_per_round,
        below=best.below_constant,
        cells=rivals.num_cells,
        mazes=rivals.num_mazes,
    )


_NAMES = {
    "wave": "a wave from the target",
    "dead-end filling": "dead-end filling",
    "either": "a wave and dead-end filling at once",
    "doubling": "a reach that doubles",
    "Manhattan": "Manhattan distance",
}


def _rival_table(rivals: RivalAlgorithms) -> Table:
    columns = [
        Column(key="rival", title="account"),
        Column(key="error", title="off by, loops", kind="decimal", about="mean over held-out cells, 95% interval"),
        Column(key="speed", title="loops a round", kind="decimal"),
        Column(key="beyond", title="more than the best", kind="decimal"),
        Column(key="below", title="less than a constant", kind="decimal"),
    ]
    rows: list[dict[str, Value]] = [
        {
            "rival": _NAMES[name],
            "error": estimate(each.error, rivals.num_mazes),
            "speed": estimate(each.loops_per_round, rivals.num_mazes),
            "beyond": estimate(each.beyond_best, rivals.num_mazes),
            "below": estimate(each.below_constant, rivals.num_mazes),
        }
        for name, each in rivals.rivals.items()
    ]
    caption = "When cells settle, fitted by a line over each algorithm's rounds on other mazes than it is judged on."
    return Table(name="rivals", caption=caption, columns=columns, rows=rows)
