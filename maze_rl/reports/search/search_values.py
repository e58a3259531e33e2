"""The numbers behind the figures, as JSON values."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from torch import Tensor

from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.patching_pairs import PatchingPairs
from maze_rl.interp.interventions.logit_attribution import LogitAttribution
from maze_rl.interp.interventions.patch_effects import PatchMap
from maze_rl.interp.scorecard import SCORES
from maze_rl.intervals import Interval
from maze_rl.reports.search.attention_figures import edge_attention
from maze_rl.reports.search.loops.measures import (
    change_followed,
    neighbour_attention,
    right_by_look_ahead,
    second_source,
)
from maze_rl.reports.search.probe_figures import emergence_shares
from maze_rl.reports.search.search_result import DecisionAttention, JudgedResult, LoopSearchResult, SearchResult

_LEFT_OUT = ("logits", "explained", "total", "first_layer", "layouts", "answers")
"""Fields with a value for every maze or cell: the figures show what they come to."""


def result_values(result: JudgedResult) -> dict[str, Any]:
    """Return the scores of all models, and all that the battery found, without tokens and single mazes."""
    return {
        "name": result.name,
        "verdict": result.judgement.text,
        "searches": result.judgement.verdict == "searches",
        "reach": json_values(result.judgement.reach),
        "scores": _scores(result.judgement.judged.scores),
        "scores_beyond": _scores(result.judgement.card.scores),
        "untrained": _scores(result.battery.untrained.scores),
        "calibration": {
            name: {"searches": result.calibration_searches.get(name), "scores": _scores(scores)}
            for name, scores in result.calibration.items()
        },
        "checkpoints": [{"step": step, "scores": _scores(scores)} for step, scores in result.checkpoints],
        "about": json_values(dict(result.about)),
        "seconds": result.seconds,
        "command": result.command,
        "setting": json_values(result.setting),
    } | (_of_causal(result) if isinstance(result, SearchResult) else _of_loops(result))


def _of_causal(result: SearchResult) -> dict[str, Any]:
    return {
        "battery": json_values(result.battery),
        "emergence_shares": _emergence(result),
        "attention": [_attention(each, result) for each in result.attention],
    }


def _of_loops(result: JudgedResult) -> dict[str, Any]:
    assert isinstance(result, LoopSearchResult)  # there are no others
    battery, seed = result.battery, result.setting.seed
    loops = battery.answers.moves.shape[1]
    found = {
        "rivals": battery.rivals,
        "state": battery.state,
        "neighbours": battery.neighbours,
        "attention": {side: neighbour_attention(each, loops, seed) for side, each in battery.kernels.items()},
        "second_source": second_source(battery.transplants, seed),
        "second_source_control": second_source(battery.transplants, seed, control=True),
        "change": change_followed(battery.change, seed),
        "larger": {side: right_by_look_ahead(each, seed) for side, each in battery.larger.items()},
    }
    return {"battery": json_values(found)}


def _emergence(result: SearchResult) -> Any:
    """Return the shares of cells by distance, then by the layer they are known from: 0 the embedding, last never."""
    found = result.battery.emergence
    return json_values(emergence_shares(found, len(found.reach)).T)


def _attention(shown: DecisionAttention, result: SearchResult) -> dict[str, Any]:
    edges, values = edge_attention(shown, result.materials.decisions)
    return {
        "what": shown.what,
        "layer": shown.layer,
        "head": shown.head,
        "edges": edges.tolist(),
        "attention": json_values(values),
    }


def _scores(scores: Mapping[str, Finding]) -> dict[str, Any]:
    return {score: json_values(scores[score]) for score in SCORES}


def json_values(value: Any) -> Any:
    """Return results as JSON values; what is not finite becomes null."""
    match value:
        case Finding():
            return {each.name: json_values(getattr(value, each.name)) for each in fields(value)} | {
                "verdict": value.verdict
            }
        case Interval():
            return {name: json_values(float(part)) for name, part in zip(Interval._fields, value, strict=True)}
        case PatchMap():
            return {
                "component": value.component,
                "direction": value.direction,
                "places": list(value.places),
                "effects": json_values(value.effects),
            }
        case LogitAttribution():
            return json_values(dict(zip(value.names, value.intervals(), strict=True)))
        case PatchingPairs():
            return {"num": len(value), "depth": value.depth.tolist()}
    if is_dataclass(value):
        kept = [each.name for each in fields(value) if each.name not in _LEFT_OUT]
        return {name: json_values(getattr(value, name)) for name in kept}
    return _plain_values(value)


def _plain_values(value: Any) -> Any:
    """Return what is no result of its own: arrays, collections, single values; of anything else its text."""
    match value:
        case Tensor():
            return None
        case np.ndarray():
            return json_values(value.tolist())
        case Mapping():
            return {_key(key): json_values(each) for key, each in value.items()}
        case tuple() | list():
            return [json_values(each) for each in value]
        case bool() | str() | None:
            return value
        case np.generic():
            return json_values(value.item())
        case int():
            return value
        case float():
            return value if np.isfinite(value) else None
    return str(value)


def _key(key: object) -> str:
    return " ".join(map(str, key)) if isinstance(key, tuple) else str(key)
