"""Random head sets match the chosen set layer by layer, repeat nothing, and are all there are where these are few."""

from collections import Counter

from maze_rl.interp.interventions.random_head_sets import random_head_sets


def layers_of(heads) -> Counter[int]:
    return Counter(layer for layer, _ in heads)


def test_few_are_enumerated() -> None:
    assert random_head_sets([(4, 1)], 3) == [((4, 0),), ((4, 2),)]
    assert random_head_sets([(0, 0), (0, 1)], 2) == []
    assert len(random_head_sets([(0, 0), (0, 2), (3, 1)], 4)) == 6 * 4 - 1


def test_many_are_drawn_matched_and_different() -> None:
    chosen = [(5, 2), (1, 0), (1, 3), (2, 2), (3, 2)]
    drawn = random_head_sets(chosen, 4, num=200)
    assert len(set(drawn)) == len(drawn) == 200
    assert tuple(sorted(chosen)) not in drawn
    assert all(layers_of(heads) == layers_of(chosen) and len(set(heads)) == 5 for heads in drawn)
    assert drawn == random_head_sets(chosen, 4, num=200)
    assert drawn != random_head_sets(chosen, 4, num=200, seed=1)
