"""What folders that stand side by side are called: the last part of each path, or more of it where that is shared."""

from collections import Counter
from collections.abc import Sequence
from itertools import count

Place = tuple[str, ...]
"""The parts of a path, the last one its own name; of what lies in no folder its name alone."""


def distinct_names(places: Sequence[Place]) -> list[str]:
    """Return a name for each place, no two alike.

    Args:
        places: What is to be named, in order.

    Returns:
        The last part of each; with as much before it as tells it from the others, as ``a/seed-0`` and ``b/seed-0``.
        What is the same place is numbered from the second on, as ``seed-0 (2)``.
    """
    different = list(dict.fromkeys(places))
    named = dict(zip(different, _shortest_tails(different), strict=True))
    return _numbered([named[place] for place in places])


def _shortest_tails(places: Sequence[Place]) -> list[str]:
    taken = [1] * len(places)
    while True:
        names = ["/".join(place[-parts:]) for place, parts in zip(places, taken, strict=True)]
        times = Counter(names)
        shared = [at for at, place in enumerate(places) if times[names[at]] > 1 and taken[at] < len(place)]
        if not shared:
            return names
        for at in shared:
            taken[at] += 1


def _numbered(names: Sequence[str]) -> list[str]:
    """Number what still has a name that another has before it."""
    numbered: list[str] = []
    for name in names:
        taken = {*names, *numbered}
        further = (f"{name} ({number})" for number in count(2))
        numbered.append(name if name not in numbered else next(each for each in further if each not in taken))
    return numbered
