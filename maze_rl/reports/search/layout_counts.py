"""How many layouts (walls up to rotation and reflection) the mazes of a search page have, and a line where few."""

from dataclasses import dataclass

from maze_rl.displays.short_repr import Shown
from maze_rl.evaluation.results import FEWEST_LAYOUTS
from maze_rl.interp.maze_draws import layouts_of
from maze_rl.intervals import num_clusters
from maze_rl.reports.content import NOTHING, Statement
from maze_rl.reports.search.search_result import JudgedResult
from maze_rl.reports.search.stated import counted


@dataclass(frozen=True, kw_only=True)
class LayoutCount(Shown):
    """One set of mazes."""

    name: str
    """What it is for."""
    num: int
    """Number of mazes."""
    layouts: int
    """Number of layouts among them."""

    @property
    def few(self) -> bool:
        """Whether there are fewer than `FEWEST_LAYOUTS`."""
        return self.layouts < FEWEST_LAYOUTS

    @property
    def text(self) -> str:
        """The numbers in words, as ``300 mazes, 298 layouts``."""
        return f"{counted(self.num, 'maze')}, {counted(self.layouts, 'layout')}"


def layout_counts(result: JudgedResult) -> dict[str, LayoutCount]:
    """Count the layouts of each set of mazes, by the fact of the set-up that tells of it."""
    found = result.materials
    batches = {
        "decisions": ("behaviour and attention", found.decisions.batch),
        "far flip pairs": ("far flip pairs", found.pairs.pairs.clean),
        "probed": ("probes", found.probed),
        "swapped between": ("interchange", found.swapped.batch),
    }
    return {
        fact: LayoutCount(name=name, num=len(batch), layouts=num_clusters(layouts_of(batch)))
        for fact, (name, batch) in batches.items()
    }


def few_search_layouts(result: JudgedResult) -> Statement:
    """Warn of the sets of mazes with fewer layouts than `FEWEST_LAYOUTS`; nothing where there are none."""
    few = [each for each in layout_counts(result).values() if each.few]
    if not few:
        return NOTHING
    sets = "; ".join(f"{each.name}: {{layouts_{i}:,}} of {{mazes_{i}:,}} mazes" for i, each in enumerate(few))
    values = {
        f"{name}_{i}": value
        for i, each in enumerate(few)
        for name, value in (("layouts", each.layouts), ("mazes", each.num))
    }
    return Statement(
        f"Caution: fewer than {{fewest_layouts}} different layouts (walls up to rotation and reflection) for {sets}. "
        "What the model does there says little of other mazes: the intervals count layouts.",
        values | {"fewest_layouts": FEWEST_LAYOUTS},
    )
