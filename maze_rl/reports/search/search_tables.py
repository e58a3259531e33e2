"""Tables of the search page: the scorecard, the calibration models, the set-up."""

from collections.abc import Mapping

from maze_rl.interp.behaviour.flip_rate import FAR
from maze_rl.interp.finding import Finding
from maze_rl.interp.scorecard import SCORES
from maze_rl.reports.content import Column, Table, Value
from maze_rl.reports.search.layout_counts import layout_counts
from maze_rl.reports.search.scorecard_figures import MEANINGS
from maze_rl.reports.search.search_result import JudgedResult
from maze_rl.reports.search.stated import estimate

LAYOUTS = Column(
    key="layouts", title="layouts", kind="count", about="different walls among the mazes, up to rotation and reflection"
)
"""The column beside that of mazes."""


def score_table(scores: Mapping[str, Finding], *, beyond: bool = False) -> Table:
    """Tabulate the five scores with their controls; `beyond` are those on mazes of any length, which do not decide."""
    columns = [
        Column(key="score", title="score"),
        Column(key="what", title="what is measured"),
        Column(key="effect", title="effect", kind="decimal", about="with its 95% interval over layouts"),
        Column(
            key="threshold",
            title="threshold",
            kind="decimal",
            about="yes where the whole interval lies above it, no where it lies below; frozen on the calibration "
            "models, never fitted to this one",
        ),
        Column(key="verdict", title="verdict"),
        Column(key="control", title="control", kind="decimal"),
        Column(key="control_name", title="what the control is"),
        Column(key="mazes", title="mazes", kind="count"),
        LAYOUTS,
    ]
    rows = [
        {"score": f"{score} {MEANINGS[score]}", "what": each.name, **finding_row(each)}
        for score, each in scores.items()
    ]
    if beyond:
        caption = "The same scores on mazes as they come, many beyond the reach: what becomes of the search."
        return Table(name="scores-beyond", caption=caption, columns=columns, rows=rows, folded=True)
    return Table(name="scores", caption="The scorecard.", columns=columns, rows=rows)


def finding_row(finding: Finding) -> dict[str, Value]:
    """Return a finding as cells: effect, threshold, verdict, control, control_name, mazes, layouts."""
    return {
        "effect": estimate(finding.effect, finding.num_mazes),
        "threshold": finding.threshold,
        "verdict": finding.verdict,
        "control": estimate(finding.control, finding.num_mazes),
        "control_name": finding.control_name,
        "mazes": finding.num_mazes,
        "layouts": finding.num_layouts,
    }


def finding_table(name: str, caption: str, findings: Mapping[str, Finding], *, folded: bool = True) -> Table:
    """Tabulate further findings by what they are called."""
    columns = [
        Column(key="what", title="measure"),
        Column(key="effect", title="effect", kind="decimal"),
        Column(key="threshold", title="threshold", kind="decimal"),
        Column(key="verdict", title="verdict"),
        Column(key="control", title="control", kind="decimal"),
        Column(key="control_name", title="what the control is"),
        Column(key="mazes", title="mazes", kind="count"),
        LAYOUTS,
    ]
    rows = [{"what": what, **finding_row(each)} for what, each in findings.items()]
    return Table(name=name, caption=caption, columns=columns, rows=rows, folded=folded)


def comparison_table(result: JudgedResult) -> Table:
    """Tabulate the scores of the model, its untrained control and the calibration models."""
    card, control = result.judgement.judged, result.battery.untrained
    models: list[tuple[str, Mapping[str, Finding], bool]] = [
        (result.name, card.scores, card.searches),
        ("untrained control", control.scores, control.searches),
    ]
    models += [
        (name, scores, result.calibration_searches.get(name, False)) for name, scores in result.calibration.items()
    ]
    columns = [Column(key="model", title="model")]
    columns += [Column(key=score, title=f"{score}", kind="decimal") for score in SCORES]
    columns.append(Column(key="searches", title="searches"))
    rows: list[dict[str, Value]] = [
        {"model": name, "searches": searches}
        | {score: estimate(scores[score].effect, scores[score].num_mazes) for score in SCORES}
        for name, scores, searches in models
    ]
    return Table(
        name="comparison",
        caption="The same scores of models whose algorithm is known, on mazes of their own size.",
        columns=columns,
        rows=rows,
        folded=True,
    )


def setup_table(result: JudgedResult) -> Table:
    """Tabulate what was judged, and on what."""
    setting, pairs, mazes = result.setting, result.materials.pairs, layout_counts(result)
    longest = "" if setting.within is None else f", choices within {setting.within.words}"
    facts: dict[str, Value] = {
        "model": result.name,
        **{
            str(label): f"{value:,}" if isinstance(value, int) else str(value)
            for label, value in result.model_facts.items()
        },
        "trained on": training_text(result.about),
        "mazes": f"{setting.size}×{setting.size} {setting.algorithm}{longest}",
        "split": setting.split or "none kept apart",
        "decisions": f"{len(result.materials.decisions):,} in {mazes['decisions'].text}, selected: each has a fork of "
        f"k* ≥ {FAR} where Manhattan greedy is wrong",
        "far flip pairs": f"one in each of {mazes['far flip pairs'].text}, for S1; {100 * pairs.found_share:.0f}% of "
        "mazes have one",
        "probed": f"{mazes['probed'].text}, half fitted on",
        "swapped between": f"{mazes['swapped between'].text}, in groups with one fork and target, half fitted on",
        "seed": str(setting.seed),
        "time": f"{result.seconds:,.0f} s",
        "command": result.command,
    }
    rows: list[dict[str, Value]] = [{"fact": fact, "value": value} for fact, value in facts.items()]
    return Table(
        name="setup",
        caption="What was judged.",
        columns=[Column(key="fact", title=""), Column(key="value", title="")],
        rows=rows,
    )


def training_text(about: Mapping[str, object]) -> str:
    """Return what is known of the training mazes."""
    known = {
        "sizes {}": _flat(about.get("sizes")),
        "{}": about.get("algorithm"),
        "{} mazes": _thousands(about.get("mazes")),
        "{} steps": _thousands(about.get("steps")),
        "seed {}": about.get("seed"),
    }
    return ", ".join(text.format(value) for text, value in known.items() if value is not None) or "nothing recorded"


def _flat(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _thousands(value: object) -> object:
    return f"{value:,}" if isinstance(value, int) else value
