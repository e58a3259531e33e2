"""The section on attention, which proposes and decides nothing."""

import numpy as np

from maze_rl.interp.attention.edge_consolidation import ENDPOINTS
from maze_rl.interp.attention.frontier_heads import FrontierHeads
from maze_rl.reports.content import Picture, Section, Statement, Table
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.search.attention_figures import attention_on_maze, heads_figure, on_own_edges, rings_figure
from maze_rl.reports.search.search_result import SearchResult
from maze_rl.reports.search.search_tables import finding_table
from maze_rl.reports.search.stated import counted, head_name, paragraph, sentence

_DECIDES_NOTHING = Statement(
    "Attention decides nothing here: models that do not search can look at the right edges, and models that do can "
    "read them otherwise. Scores are of mazes that the heads were not chosen on."
)

_RINGS = {
    "target": "Later layers look farther from the target, in the order in which a search from there would spread.",
    "origin": "Later layers look farther from the origin, in the order in which a search from there would spread.",
    "current": "Later layers look farther from the cell the model stands on, in the order in which looking ahead from "
    "there would.",
}


def attention_section(result: SearchResult, gallery: Gallery) -> Section:
    """Put the section together."""
    battery = result.battery
    adjacency, consolidation = battery.adjacency, battery.consolidation
    notes = [_DECIDES_NOTHING]
    pictures = [
        gallery.picture(
            heads_figure(adjacency.scores, adjacency.confirmed),
            name="adjacency",
            narrow=True,
            title="Adjacency score of every head",
            alt="Heat map of heads by layers: attention to the edges of the current cell beyond the walled control.",
            reading=_adjacency_reading(result),
        )
    ]
    if consolidation.scores is None:
        notes.append(sentence("Consolidation does not apply: {why}", why=consolidation.note))
    else:
        pictures += _consolidation_pictures(result, gallery)
    if result.attention:
        pictures.append(_on_maze(result, gallery))
    if battery.frontier is None:
        notes.append(Statement("Rings by layer need more than one layer: not measured."))
    elif any(np.isfinite(each.rings).any() for each in battery.frontier.anchors.values()):
        pictures.append(
            gallery.picture(
                rings_figure(battery.frontier, len(adjacency.scores)),
                name="rings",
                title="Rings looked at, by layer",
                alt="Mean distance from each anchor of the edges that the most ring-like head of each layer looks at.",
                reading=_rings_reading(battery.frontier),
            )
        )
    else:
        notes.append(Statement("No head keeps to a ring of edges in any layer: there are no rings to draw."))
    return Section(
        name="attention", title="Attention", lead=paragraph(*notes), pictures=pictures, tables=[_table(result)]
    )


def _adjacency_reading(result: SearchResult) -> Statement:
    adjacency = result.battery.adjacency
    untrained = adjacency.untrained
    reading = sentence(
        "Best: {head}, {score}; {confirmed} confirmed (framed). It gives {incident:.0%} of its attention to the edges "
        "of the current cell and {walled:.0%} to as many walled ones.",
        head=head_name(adjacency.head),
        score=adjacency.finding.effect,
        confirmed=counted(len(adjacency.confirmed), "head"),
        incident=float(adjacency.incident.value),
        walled=float(adjacency.walled.value),
    )
    return reading if untrained is None else reading + sentence("Untrained: {untrained}.", untrained=untrained.effect)


def _consolidation_pictures(result: SearchResult, gallery: Gallery) -> list[Picture]:
    consolidation = result.battery.consolidation
    assert consolidation.scores is not None and consolidation.findings is not None and consolidation.heads is not None
    return [
        gallery.picture(
            heads_figure(consolidation.scores[place], [consolidation.heads[place]]),
            name=f"consolidation-{endpoint}",
            title=f"Gathers the {endpoint} cell of an edge",
            narrow=True,
            alt=f"Heat map of heads by layers: attention from the end of an edge to its {endpoint} cell.",
            reading=sentence(
                "Best: {head}, {score}; cells of other edges get {control}.",
                head=head_name(consolidation.heads[place]),
                score=consolidation.findings[place].effect,
                control=consolidation.findings[place].control,
            ),
        )
        for place, endpoint in enumerate(ENDPOINTS)
    ]


def _on_maze(result: SearchResult, gallery: Gallery) -> Picture:
    decisions = result.materials.decisions
    readings = [
        sentence(
            "{head} gives {own:.0%} of its attention to the edges of the cell it stands on.",
            head=head_name((each.layer, each.head)).capitalize(),
            own=on_own_edges(each, decisions),
        )
        for each in result.attention
    ]
    return gallery.picture(
        attention_on_maze(result.attention, decisions),
        name="attention-on-maze",
        title="Where heads look from one cell",
        alt="A maze whose open edges are coloured by attention from the current cell.",
        reading=paragraph(
            Statement("One example, not a result. Diamond: current cell; ring: origin; square: target."), *readings
        ),
    )


def _rings_reading(frontier: FrontierHeads) -> Statement:
    best = frontier.anchors[frontier.winner]
    last = best.layers[0] + int(np.flatnonzero(np.isfinite(best.rings)).max(initial=0))
    if frontier.direction == "none":
        means = Statement("No frontier is confirmed.")
    else:
        means = Statement(
            f"{_RINGS[frontier.winner]} Attention only looks: whether anything is computed from what it "
            "sees is not shown here."
        )
    return (
        sentence(
            "Around the {anchor}, in layers {first} to {last}, rings move by {slope} steps a layer; rank correlation "
            "beyond the control's {effect}.",
            anchor=frontier.winner if frontier.winner != "current" else "current cell",
            first=best.layers[0],
            last=last,
            slope=best.slope,
            effect=best.finding.effect,
        )
        + means
    )


def _table(result: SearchResult) -> Table:
    battery = result.battery
    findings = {"adjacency": battery.adjacency.finding}
    if battery.consolidation.findings is not None:
        findings |= {
            f"gathers the {name} cell": each
            for name, each in zip(ENDPOINTS, battery.consolidation.findings, strict=True)
        }
    if battery.frontier is not None:
        findings |= {f"rings around the {name}": each.finding for name, each in battery.frontier.anchors.items()}
    return finding_table("attention", "Attention scores.", findings)
