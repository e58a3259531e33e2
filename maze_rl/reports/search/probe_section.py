"""The section on probes: what the residual stream holds before the path starts."""

from maze_rl.interp.battery import Battery
from maze_rl.interp.probes.held_variables import VariableProbe
from maze_rl.reports.content import Column, Picture, Section, Statement, Table
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.search.probe_figures import CONTROL_NAMES, auroc_figure, emergence_figure, probe_figure
from maze_rl.reports.search.search_result import SearchResult
from maze_rl.reports.search.search_tables import finding_table
from maze_rl.reports.search.stated import decimal, estimate, is_known, sentence

VARIABLE_NAMES = {"distance": "steps to the target", "alive": "left by dead-end filling", "open edges": "open edges"}
_LEAD = Statement(
    "Linear probes of the stream at <PATH_START>, fitted on half of the mazes and judged on the other; 0 is what the "
    "base gives: origin, target, Manhattan distance and each cell's open sides, and for open edges origin and target "
    "alone. Curves are of the fitted half, each maze left out in turn; values in words are of the other. What can be "
    "read need not be used."
)


def probe_section(result: SearchResult, gallery: Gallery) -> Section:
    """Put the section together."""
    battery = result.battery
    probes = battery.scorecard.latent.probes
    pictures = [
        gallery.picture(
            probe_figure(probe),
            name=f"probe-{name}",
            narrow=True,
            title=f"{VARIABLE_NAMES.get(name, name).capitalize()}, at every cell",
            alt="Share explained by a linear probe after each layer, with controls.",
            reading=_probe_reading(probe),
        )
        for name, probe in probes.items()
    ]
    pictures += [
        gallery.picture(
            probe_figure(battery.walls.probe),
            name="probe-walls",
            title="Open edges (the map, not a search)",
            alt="Share explained by a linear probe of open edges after each layer, with controls.",
            narrow=True,
            reading=_probe_reading(battery.walls.probe),
        ),
        gallery.picture(
            auroc_figure(battery),
            name="auroc",
            title="Open edges, and cells of the path before it starts",
            alt="AUROC of probes beside simple baselines.",
            reading=_auroc_reading(battery),
            narrow=True,
        ),
    ]
    pictures += _emergence_pictures(battery, gallery)
    lead = _LEAD
    if not (battery.emergence.first_layer >= 0).any():
        lead += Statement("No cell's distance becomes known in any layer: there is no layer of emergence to draw.")
    findings = {VARIABLE_NAMES.get(name, name): probe.finding for name, probe in probes.items()}
    findings |= {
        "open edges": battery.walls.probe.finding,
        "cells of the path": battery.on_path.finding,
        "emergence": battery.emergence.finding,
    }
    return Section(
        name="probes",
        title="Probes",
        lead=lead,
        pictures=pictures,
        tables=[
            finding_table("probes", "Probes, each less its largest control.", findings, folded=False),
            _control_table(result),
        ],
    )


def _probe_reading(probe: VariableProbe) -> Statement:
    finding = probe.finding
    place = probe.score.layer
    where = "the embedding" if place == 0 else f"layer {place - 1}"
    return sentence(
        "At best {score} of what the base leaves, after {where}; the largest control ({name}) has {control}. Effect "
        "{effect}: {verdict}.",
        score=probe.score.interval,
        where=where,
        name=CONTROL_NAMES.get(finding.control_name, finding.control_name),
        control=finding.control,
        effect=finding.effect,
        verdict=finding.verdict,
    )


def _auroc_reading(battery: Battery) -> Statement:
    walls, on_path = battery.walls, battery.on_path
    return sentence(
        "Open edges: {walls}, {accuracy:.0%} right ({guess:.0%} by the commoner answer). Cells of the path 4 or more "
        "steps from both ends: {path}; straight corridor {corridor}.",
        walls=walls.auroc,
        accuracy=float(walls.accuracy.value),
        guess=walls.baseline_accuracy,
        path=on_path.auroc,
        corridor=on_path.baseline,
    )


def _emergence_pictures(battery: Battery, gallery: Gallery) -> list[Picture]:
    emergence = battery.emergence
    if not (emergence.first_layer >= 0).any():
        return []
    return [
        gallery.picture(
            emergence_figure(emergence, len(emergence.reach)),
            name="emergence",
            title="When a distance is first known",
            alt="Heat map: share of cells by distance and by the first layer in which their distance is known.",
            reading=emergence_reading(battery),
        )
    ]


def emergence_reading(battery: Battery) -> Statement:
    """State when distances become known, and how the reach grows."""
    emergence, growth = battery.emergence, battery.growth
    if not is_known(emergence.finding.effect):
        return sentence(
            "Only {known:.0%} of the cells become known: too few for a correlation.", known=float(emergence.known.value)
        )
    grows = {
        "linear": "The reach grows by equal steps, as a wave's does.",
        "doubling": "The reach doubles, as in merging of paths.",
        "unclear": "Whether the reach grows by equal steps or doubles is not clear.",
        "none": "Whether the reach grows by equal steps or doubles cannot be told: it does not grow through 4 layers.",
    }[growth.winner]
    return sentence(
        "Shares of the cells at each distance. {known:.0%} become known; layer and distance have a rank correlation of "
        "{rho} beyond the control's, {slope} steps per layer.",
        known=float(emergence.known.value),
        rho=emergence.finding.effect,
        slope=emergence.slope,
    ) + Statement(grows)


def _control_table(result: SearchResult) -> Table:
    battery = result.battery
    columns = [
        Column(key="what", title="read"),
        Column(key="whose", title="from"),
        Column(key="score", title="score", kind="decimal"),
        Column(key="layer", title="best place", kind="count", about="0 is the embedding, l + 1 what leaves layer l"),
        Column(key="best", title="left-out score there", kind="decimal"),
    ]
    rows = []
    for name, probe in (battery.scorecard.latent.probes | {"open edges": battery.walls.probe}).items():
        for whose, score in {"model": probe.score, **probe.controls}.items():
            rows.append(
                {
                    "what": VARIABLE_NAMES.get(name, name),
                    "whose": CONTROL_NAMES.get(whose, whose),
                    "score": estimate(score.interval, len(score.total)),
                    "layer": score.layer,
                    "best": decimal(float(score.by_layer[score.layer])),
                }
            )
    return Table(name="controls", caption="Every probe and every control.", columns=columns, rows=rows, folded=True)
