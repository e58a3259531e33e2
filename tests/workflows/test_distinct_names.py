"""Folders side by side: no two have one name, and none a longer one than that takes."""

import pytest

from maze_rl.workflows.distinct_names import distinct_names


@pytest.mark.parametrize(
    ("places", "names"),
    [
        (["runs/one", "runs/two"], ["one", "two"]),
        (["runs/a/seed-0", "runs/b/seed-0"], ["a/seed-0", "b/seed-0"]),
        (["x/a/seed-0", "y/a/seed-0", "x/b/seed-0"], ["x/a/seed-0", "y/a/seed-0", "b/seed-0"]),
        (["runs/a/seed-0", "runs/b/seed-0", "runs/b/seed-1"], ["a/seed-0", "b/seed-0", "seed-1"]),
        (["runs/mine", "mine"], ["runs/mine", "mine"]),
        (["runs/x", "runs/x", "runs/x"], ["x", "x (2)", "x (3)"]),
        (["runs/x", "runs/x", "other/x"], ["runs/x", "runs/x (2)", "other/x"]),
        (["runs/x", "runs/x", "runs/x (2)"], ["x", "x (3)", "x (2)"]),
        ([], []),
    ],
)
def test_names_are_as_short_as_tells_them_apart(places: list[str], names: list[str]) -> None:
    assert distinct_names([tuple(place.split("/")) for place in places]) == names
