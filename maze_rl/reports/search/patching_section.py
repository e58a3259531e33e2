"""The section on activation patching."""

import numpy as np

from maze_rl.interp.battery import Battery, Patching
from maze_rl.interp.inputs.position_groups import listed_groups
from maze_rl.interp.interventions.patch_effects import PatchMap
from maze_rl.interp.requirements import FEWEST_MAZES
from maze_rl.reports.content import Column, Section, Statement, Table
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.search.patching_figures import (
    confirmation_figure,
    direct_figure,
    example_effects,
    groups_figure,
    patch_maps,
    patched_heads_figure,
    patched_maze_figure,
    strongest,
    strongest_components,
)
from maze_rl.reports.search.search_result import SearchResult
from maze_rl.reports.search.stated import estimate, head_name, paragraph, sentence

_LARGE = 0.25
"""Share of the real change from which a control's effect is remarked on."""


def solved_reading(battery: Battery) -> Statement:
    """State how many pairs are solved and how many left out."""
    solved = battery.solved
    return sentence(
        "{both} of {pairs} pairs are solved in both mazes ({clean} clean, {flipped} flipped); the other {left_out} are "
        "left out.",
        both=len(solved.rows),
        pairs=solved.num,
        clean=solved.num_clean,
        flipped=solved.num_flipped,
        left_out=solved.num - len(solved.rows),
    )


def patching_section(result: SearchResult, gallery: Gallery) -> Section:
    """Put the section together; without enough solved pairs it says so."""
    patching = result.battery.patching
    if patching is None:
        lead = solved_reading(result.battery) + sentence(
            "Patching was not done: it needs {least} solved pairs, half to find nodes with and half to confirm them.",
            least=2 * FEWEST_MAZES,
        )
        return Section(name="patching", title="Patching", lead=lead)
    lead = paragraph(
        solved_reading(result.battery),
        sentence("{patched} of them are patched.", patched=len(patching.pairs)),
        Statement(
            "An effect of 1 is the whole logit difference of right and wrong step: denoising puts the clean maze's "
            "activation into the flipped one's run, noising the other way round."
        ),
    )
    parts = strongest_components(patching.direct)
    pictures = [
        gallery.picture(
            groups_figure(patching),
            name="patching-groups",
            title="Residual stream before each layer",
            alt="Four heat maps of patching effects by layer and group of positions: denoising, noising, two controls.",
            reading=_groups_reading(patching),
        ),
        gallery.picture(
            patched_maze_figure(patching),
            name="patching-on-maze",
            title="One pair on the maze",
            alt="Clean maze with edges coloured by patching effect, beside the flipped maze.",
            reading=_example_reading(patching),
        ),
        gallery.picture(
            patched_heads_figure(patching.heads),
            name="patched-heads",
            title="Heads, largest effect over the groups",
            alt="Heat map of heads by layers: effect of patching a head's output.",
            narrow=True,
            reading=_heads_reading(patching.heads),
        ),
    ]
    if len(patching.confirmation.nodes):
        pictures.append(
            gallery.picture(
                confirmation_figure(patching.confirmation),
                name="attribution",
                title="Estimated and exact effects",
                alt="Scatter of exact patching effects over gradient estimates.",
                narrow=True,
                reading=_confirmation_reading(patching),
            )
        )
    if parts:
        pictures.append(
            gallery.picture(
                direct_figure(parts),
                name="direct-attribution",
                title="What is written into the logit difference",
                alt="Components with the largest direct contribution to the logit difference.",
                narrow=True,
                reading=sentence(
                    "Largest of {num} components: {name}, {part}; what a component does through others is not counted.",
                    num=len(patching.direct.names),
                    name=parts[0][0],
                    part=parts[0][1],
                ),
            )
        )
    return Section(
        name="patching",
        title="Patching",
        lead=lead,
        pictures=pictures,
        tables=[_groups_table(patching), _node_table(patching)],
    )


def largest_of(patch: PatchMap, place: str) -> tuple[int, float]:
    """Return the layer where the effect at a group is largest, and the effect."""
    effects = np.nan_to_num(patch.effects[:, patch.places.index(place)])
    layer = int(np.abs(effects).argmax())
    return layer, float(effects[layer])


def _groups_reading(patching: Patching) -> Statement:
    on_path, off_path = listed_groups(patching.pairs.spans.layout)
    at_path, path = largest_of(patching.denoise, on_path)
    at_other, other = largest_of(patching.denoise, off_path)
    reading = sentence(
        "Denoising the {on_path} gives at most {path:.2f} (layer {at_path}), {off_path} {other:.2f} (layer "
        "{at_other}); effects on the path beyond {off_path} would show that the path is held there.",
        on_path=on_path,
        off_path=off_path,
        path=path,
        at_path=at_path,
        other=other,
        at_other=at_other,
    )
    return paragraph(
        reading,
        _control_reading("random", "Largest of random steps", patching.random_step),
        _control_reading("idle", "Largest of edges that do not matter", patching.control),
    )


def _control_reading(key: str, name: str, control: PatchMap) -> Statement:
    """State the largest effect of a control, and what it means where it is large."""
    effects = np.nan_to_num(control.effects)
    layer, place = np.unravel_index(int(np.abs(effects).argmax()), effects.shape)
    largest = float(effects[layer, place])
    reading = sentence(
        f"{name}: {{{key}:.2f}} at {{{key}_place}} of layer {{{key}_layer}}.",
        **{key: largest, f"{key}_place": control.places[place], f"{key}_layer": int(layer)},
    )
    if abs(largest) < _LARGE:
        return reading
    means = ", more than the real change does." if abs(largest) > 1 else ": what should not matter moves the choice."
    return Statement(reading.template.removesuffix(".") + means, reading.values)


def _example_reading(patching: Patching) -> Statement:
    _, values = example_effects(patching)
    return sentence(
        "An example, K = {depth}. Diamond: fork, with the arrow of its right step; framed: the edge that changes "
        "(dashed where it is closed). Edges: largest effect over the layers of patching the tokens that write them, up "
        "to {largest:.2f}; {strong} of {edges} edges beyond ±0.25.",
        depth=int(patching.pairs.depth[patching.example]),
        largest=float(np.abs(values).max(initial=0.0)),
        strong=int((np.abs(values) > 0.25).sum()),
        edges=len(values),
    )


def _heads_reading(heads: PatchMap) -> Statement:
    values = strongest(heads.effects)
    layer, head = np.unravel_index(int(np.abs(values).argmax()), values.shape)
    place = heads.places[int(np.abs(np.nan_to_num(heads.effects[layer, head])).argmax())]
    return sentence(
        "Largest: {head}, {effect} at {place} (chosen on the same pairs).",
        head=head_name((int(layer), int(head))),
        place=place,
        effect=heads.interval(int(layer), place, int(head)),
    )


def _confirmation_reading(patching: Patching) -> Statement:
    confirmation = patching.confirmation
    return sentence(
        "{nodes} nodes with the largest gradient estimates, patched exactly on other pairs: rank correlation {rho}. "
        "Where attention is saturated, gradients miss what exact patching finds.",
        nodes=len(confirmation.nodes),
        rho=confirmation.spearman,
    )


def _groups_table(patching: Patching) -> Table:
    maps = patch_maps(patching)
    columns = [Column(key="place", title="group")]
    for number, title in enumerate(maps):
        columns.append(Column(key=f"layer_{number}", title="layer", kind="count"))
        columns.append(Column(key=f"effect_{number}", title=title, kind="decimal"))
    rows = []
    for place in patching.denoise.places:
        row: dict[str, object] = {"place": place}
        for number, each in enumerate(maps.values()):
            layer, _ = largest_of(each, place)
            row[f"layer_{number}"] = layer
            row[f"effect_{number}"] = estimate(each.interval(layer, place), len(patching.pairs))
        rows.append(row)
    return Table(
        name="patching",
        caption="Largest effect of each group over the layers, chosen on the same pairs.",
        columns=columns,
        rows=rows,
        folded=True,
    )


def _node_table(patching: Patching) -> Table:
    confirmation = patching.confirmation
    columns = [
        Column(key="node", title="node"),
        Column(key="estimate", title="estimate", kind="decimal"),
        Column(key="exact", title="exact", kind="decimal"),
    ]
    rows = [
        {"node": str(node), "estimate": float(guess), "exact": estimate(exact, confirmation.num_pairs)}
        for node, guess, exact in zip(confirmation.nodes, confirmation.attribution, confirmation.exact, strict=True)
    ]
    return Table(name="nodes", caption="The shortlist.", columns=columns, rows=rows, folded=True)
