"""Which ingredient of the default recipe makes a transformer learn to search, and what else would help?

From the default recipe, on 3x3 to 5x5 mazes, one thing at a time is taken away or added; sizes from 6x6 on are never
trained. Every arm has the same CPU time, five to ten minutes of one core by the machine: an arm whose steps are cheaper
takes more of them, fixed beforehand (`python experiments/step_costs.py ladder --budget 600`). `one_path_as_many` alone
takes more time: it has as many decisions as the default.

Taken away: the visible prompt (`causal`), many starts (`one_path`), waves (`no_waves`: row + column + own), stray
cells, loops (`plain_layers`: eight of their own weights), the norm between loops, `cells` (`edges`), the curriculum
over sizes, Muon (`adamw`, at two learning rates).
Added: up to four mazes on a canvas; the loss where the step's loops reach at one step a loop (`within_reach`), or up to
the first wrong step and five more (`auto_curriculum`); gradients through the last four loops alone; the next cell asked
of every loop's stream (`hints`); a tenth of the cells walked hidden (`path_dropout`); rotary or learned positions,
which many starts rule out, so these are compared with `one_path` too.

Expectation: without the visible prompt or many starts 5x5 is hardly learned; without waves, stray cells or loops 5x5 is
learned and larger mazes are not; without the norm, the curriculum or Muon it is learned later; edges are level with
cells. Hints learn 5x5 soonest; several mazes and reach help beyond 5x5; positions hurt there; the rest makes no
difference.
Cost: 57 runs of five to ten minutes of one core, three of more than twenty.
"""

from dataclasses import replace
from typing import Any

from maze_rl.configs.experiment import Experiment, searching_run
from maze_rl.configs.training import RunConfig

WITHOUT: dict[str, dict[str, Any]] = {
    "causal": {"prompt": "causal"},
    "one_path": {"starts": 0},
    "one_path_as_many": {"starts": 0},
    "no_waves": {"embedding": "factored"},
    "no_stray_cells": {"stray_tokens": 0},
    "plain_layers": {"loops": None, "n_layers": 8},
    "no_outer_norm": {"outer_norm": False},
    "edges": {"format": "edges"},
    "no_curriculum": {},
    "adamw": {"optimizer": "adamw"},
    "adamw_slower": {"optimizer": "adamw", "learning_rate": 1e-3},
}
WITH: dict[str, dict[str, Any]] = {
    "several_mazes": {"mazes_per_canvas": 4},
    "within_reach": {"weight_factors": ("within_reach",)},
    "auto_curriculum": {"weight_factors": ("auto_curriculum",)},
    "last_loops": {"gradient_loops": 4},
    "hints": {"objective": "hints"},
    "path_dropout": {"objective": "path_dropout:0.1"},
    "rotary": {"starts": 0, "positions": "rotary"},
    "learned": {"starts": 0, "positions": "learned"},
}
SHAMS = {"rotary": "one_path", "learned": "one_path"}
"""Positions go with one path for each prompt alone, so that is what they are compared with."""
STEPS = {
    "default": 1500,
    "causal": 1520,
    "one_path": 1910,
    "one_path_as_many": 4160,
    "no_waves": 1480,
    "no_stray_cells": 2150,
    "plain_layers": 2110,
    "no_outer_norm": 1590,
    "edges": 1570,
    "no_curriculum": 1360,
    "adamw": 1600,
    "adamw_slower": 1630,
    "several_mazes": 1620,
    "within_reach": 1530,
    "auto_curriculum": 1130,
    "last_loops": 2020,
    "hints": 1300,
    "path_dropout": 1450,
    "rotary": 1650,
    "learned": 1890,
}
"""About 600 CPU seconds each on the machine they were measured on, half of that on a faster one, but for
`one_path_as_many`."""
TESTED = (5, 6, 8, 10)


def experiment(large: bool = False) -> Experiment:
    """Return the arms and what is judged; large has the sizes of the default run, where a step costs more."""
    arms = {
        name: searching_run(STEPS[name], large=large, **changes)
        for name, changes in ({"default": {}} | WITHOUT | WITH).items()
    }
    arms["no_curriculum"] = _of_all_sizes(arms["no_curriculum"])
    tested = (5, 7, 9, 12) if large else TESTED
    return Experiment(
        arms=arms,
        control="default",
        shams=SHAMS,
        seeds=3,
        test_sizes=tested,
        test_mazes=300,
        judged=tuple(f"shortest@{size}" for size in tested),
    )


def _of_all_sizes(run: RunConfig) -> RunConfig:
    """Return the run with mazes of all its sizes from the first step on."""
    last = replace(run.training.phases[-1], steps=run.training.steps)
    return replace(run, training=replace(run.training, phases=(last,)))
