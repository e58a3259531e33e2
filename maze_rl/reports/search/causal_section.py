"""The section on causal use: what happens when the inside is changed."""

from maze_rl.interp.interventions.edge_steering import SteeringEffect, SteeringResult
from maze_rl.interp.interventions.head_ablation import FEWEST_SETS, AblationResult
from maze_rl.interp.interventions.interchange import Interchange
from maze_rl.intervals import num_clusters
from maze_rl.reports.content import Column, Section, Statement, Table
from maze_rl.reports.gallery import Gallery
from maze_rl.reports.search.causal_figures import ablation_figure, interchange_figure, steering_figure
from maze_rl.reports.search.search_result import SearchResult
from maze_rl.reports.search.search_tables import finding_table
from maze_rl.reports.search.stated import (
    counted,
    decimal,
    estimate,
    head_name,
    in_percent,
    is_known,
    paragraph,
    sentence,
    shown_rate,
)


def causal_section(result: SearchResult, gallery: Gallery) -> Section:
    """Put the section together."""
    battery = result.battery
    swaps, steering, ablation = battery.swaps, battery.steering, battery.ablation
    notes, pictures = [], []
    if is_known(swaps.iia):
        pictures.append(
            gallery.picture(
                interchange_figure(swaps),
                name="interchange",
                title="Interchange: the variable of another maze",
                alt="Accuracy of swaps of the probe's subspace, beside controls.",
                reading=interchange_reading(swaps),
                narrow=True,
            )
        )
    else:
        notes.append(Statement("Interchange could not be measured: no pair is left to swap between."))
    if steering.add.num_confirmation or steering.remove.num_confirmation:
        pictures.append(
            gallery.picture(
                steering_figure(steering),
                name="steering",
                title="Steering: an edge written in or taken out",
                alt="Share of decisions turned by steering, beside controls.",
                reading=_steering_reading(steering),
                narrow=True,
            )
        )
    else:
        notes.append(
            sentence(
                "Steering could not be measured: of {add} and {remove} pairs asked to add and to remove an edge, none "
                "for confirmation is solved before and after.",
                add=steering.add.num_asked,
                remove=steering.remove.num_asked,
            )
        )
    findings = {
        "interchange": swaps.finding,
        "steering: add": steering.add.finding,
        "steering: remove": steering.remove.finding,
    }
    if ablation is None:
        notes.append(Statement("Attention scores named no head: there was nothing to ablate."))
    else:
        findings["ablation"] = ablation.finding
        pictures.append(
            gallery.picture(
                ablation_figure(ablation),
                name="ablation",
                title="Ablation of the heads that attention named",
                alt="Losses without random sets of heads, and the loss without the named heads.",
                narrow=True,
                reading=_ablation_reading(ablation),
            )
        )
    tables = [
        finding_table("causal", "Interventions, each beyond its control.", findings, folded=False),
        _steering_table(steering),
    ]
    if ablation is not None:
        tables.append(_ablation_table(ablation))
    return Section(name="causal-use", title="Causal use", lead=paragraph(*notes), pictures=pictures, tables=tables)


def interchange_reading(swaps: Interchange) -> Statement:
    """State whether choices follow the swapped variable, and how often the whole answer came along."""
    into = (
        "mazes that the model solves" if swaps.solved else "mazes whose choice is another, as it solves too few of them"
    )
    rates = {
        name: shown_rate(getattr(swaps, name), swaps.num_swaps, swaps.ends)
        for name in ("iia", "random", "other_labels", "source_answer", "in_data", "complement")
    }
    return sentence(
        "{num} swaps into {into} ({num_layouts} layouts, {num_ends} pairs of fork and target), from mazes with the "
        "same fork and target, rank {rank} after layer {layer}. The "
        "choice is the step that the base's open neighbours and the source's field demand together, and neither maze "
        "alone, after {iia} of them (IIA), beyond random subspaces' {random} by {effect}; with other mazes' labels "
        "{other_labels}. It is the source's own step, a copied answer, after "
        "{source_answer}. Within the data's own span {in_data}, which holds {share:.0%} of the change; all but the "
        "subspace: {complement}.",
        num=swaps.num_swaps,
        num_layouts=num_clusters(swaps.layouts),
        num_ends=num_clusters(swaps.ends),
        into=into,
        rank=swaps.rank,
        layer=swaps.layer,
        effect=swaps.finding.effect,
        share=swaps.in_data_share,
        **rates,
    )


def _steering_reading(steering: SteeringResult) -> Statement:
    return paragraph(_edit_reading(steering.add), _edit_reading(steering.remove))


def _edit_reading(effect: SteeringEffect) -> Statement:
    title = effect.edit.capitalize()
    if not effect.num_confirmation:
        return sentence("{edit}: no pair to confirm on.", edit=title)
    return sentence(
        "{edit} (layer {layer}, {strength:g} times the feature): {success} of {num} pairs, {beyond} beyond the better "
        "control.",
        edit=title,
        layer=effect.layer,
        strength=effect.strength,
        success=effect.success,
        num=effect.num_confirmation,
        beyond=effect.beyond_control,
    )


def _ablation_reading(ablation: AblationResult) -> Statement:
    sets = len(ablation.random_drops)
    few = "" if sets >= FEWEST_SETS else " (too few sets to tell)"
    return sentence(
        "On other mazes than those that named them: without {heads}, right choices at forks fall by {drop:.0f} points, "
        "more than with {percentile:.0%} of {sets} random sets{few}; at forks with k* up to {split} by {shallow:.0f}, "
        "beyond by {deep:.0f}.",
        heads=", ".join(head_name(head) for head in ablation.heads),
        drop=in_percent(ablation.drop),
        percentile=float(ablation.percentile),
        sets=sets,
        few=few,
        split=ablation.split_at,
        shallow=in_percent(ablation.shallow_drop),
        deep=in_percent(ablation.deep_drop),
    )


def _steering_table(steering: SteeringResult) -> Table:
    columns = [
        Column(key="edit", title="edit"),
        Column(key="asked", title="asked", kind="count"),
        Column(key="qualified", title="solved", kind="count", about="before and after the edit, written as tokens"),
        Column(key="confirmed", title="confirmed on", kind="count"),
        Column(key="success", title="turned", kind="decimal"),
        Column(key="flipped", title="sign flipped", kind="decimal"),
        Column(key="random", title="random direction", kind="decimal"),
    ]
    rows = [
        {
            "edit": each.edit,
            "asked": each.num_asked,
            "qualified": each.num_qualified,
            "confirmed": each.num_confirmation,
            "success": estimate(each.success, each.num_confirmation),
            "flipped": estimate(each.sign_flipped, each.num_confirmation),
            "random": estimate(each.random_direction, each.num_confirmation),
        }
        for each in (steering.add, steering.remove)
    ]
    caption = f"Steering, of {counted(steering.num_pairs, 'pair')}."
    return Table(name="steering", caption=caption, columns=columns, rows=rows, folded=True)


def _ablation_table(ablation: AblationResult) -> Table:
    columns = [
        Column(key="k", title="k*", kind="count"),
        Column(key="forks", title="forks", kind="count"),
        Column(key="drop", title="lost, points", kind="points"),
    ]
    rows = [
        {"k": k, "forks": num, "drop": decimal(float(drop))} for k, (drop, num) in ablation.drop_by_look_ahead.items()
    ]
    return Table(
        name="ablation", caption="Right choices lost by look-ahead needed.", columns=columns, rows=rows, folded=True
    )
