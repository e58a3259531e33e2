"""The section on what cells hold, loop by loop."""

from maze_rl.reports.content import Section, Statement
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.search.search_result import LoopSearchResult
from maze_rl.reports.search.search_tables import finding_table
from maze_rl.reports.search.stated import sentence
from maze_rl.reports.study_figures import curves_figure


def state_section(result: LoopSearchResult, gallery: Gallery) -> Section:
    """Put the section together."""
    state = result.battery.state
    curves = {name: dict(zip(state.loops, probe.scores, strict=True)) for name, probe in state.probes.items()}
    look_ahead = state.probes["look-ahead"]
    curves["look-ahead, other mazes"] = dict(zip(state.loops, look_ahead.other_mazes, strict=True))
    curves["look-ahead, untrained"] = dict(zip(state.loops, look_ahead.untrained, strict=True))
    grey = [name for name in curves if "," in name]
    picture = gallery.picture(
        curves_figure(
            curves,
            labels=("loop", "share explained beyond a look around"),
            grey=grey,
            ticks={loop: str(loop) for loop in state.loops},
        ),
        name="state",
        title="What linear probes read from a cell",
        alt="Share explained of four variables by loop, beside controls.",
        reading=_reading(result),
    )
    findings = {name: probe.finding for name, probe in result.judgement.judged.latent.probes.items()}
    return Section(
        name="state",
        title="What cells hold",
        pictures=[picture],
        tables=[
            finding_table("variables", "What S2 is from: each variable at the loop chosen on other mazes.", findings)
        ],
    )


def _reading(result: LoopSearchResult) -> Statement:
    state, best = result.battery.state, result.judgement.judged.latent.best
    return sentence(
        "Shown are shares of what a look around leaves open, at {cells:,} cells of {mazes} held-out mazes that need "
        "three steps or more. Of what a search keeps, {best} is held best: {effect} beyond the controls, after the "
        "loop that is best on other mazes.",
        cells=state.num_cells,
        mazes=state.num_mazes,
        best=best.variable,
        effect=best.finding.effect,
    )
