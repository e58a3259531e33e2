"""The description of an experiment: what it refuses, and what it fills in."""

import pytest

from maze_rl.configs.experiment import Experiment, arm_in_words, lower_is_better, small_run, too_small_to_judge
from maze_rl.errors import ConfigurationError, UnknownNameError

ARMS = {"one": small_run(), "two": small_run(loss="all"), "three": small_run(loss="path_only_set")}


def test_tests_and_verdicts_follow_from_the_sizes_trained_on() -> None:
    experiment = Experiment(arms={"one": small_run((4, 5), canvas=7)}, control="one")
    assert experiment.test_sizes == (3, 4, 5, 6, 7)
    assert experiment.judged == ("shortest@5", "path_loss@5")


def test_small_mazes_are_compared_and_the_verdict_is_on_larger_ones() -> None:
    assert Experiment(arms=ARMS, control="one").judged == ("shortest@4", "path_loss@4", "shortest@5", "path_loss@5")
    assert Experiment(arms=ARMS, control="one", test_sizes=(3, 4)).judged == ("shortest@4", "path_loss@4")
    small = [too_small_to_judge(measure) for measure in ("shortest@4", "path_loss@5", "noise_exact@0.1")]
    assert small == [True, False, False]


def test_every_arm_meets_the_control_and_then_its_sham() -> None:
    experiment = Experiment(arms=ARMS, control="one", shams={"three": "two", "two": "one"})
    assert experiment.pairs == [("two", "one"), ("three", "one"), ("three", "two")]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"control": "tow"}, "unknown arm 'tow'. Did you mean 'two'"),
        ({"control": "one", "shams": {"two": "four"}}, "unknown arm 'four'"),
        ({"control": "one", "seeds": 0}, "seeds is 0"),
        ({"control": "one", "test_sizes": (3, 6)}, "test size 6 does not fit"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict, message: str) -> None:
    with pytest.raises(ConfigurationError if "unknown" not in message else UnknownNameError, match=message):
        Experiment(arms=ARMS, **settings)


def test_changes_reach_the_part_of_the_run_they_belong_to() -> None:
    run = small_run(
        (3,), steps=7, loss="all", d_model=32, format="unique_cells", algorithm="wilson", embedding="free", canvas=4
    )
    assert (run.training.steps, run.training.loss, run.model.d_model) == (7, "all", 32)
    assert (run.tokenization.format, run.tokenization.canvas, run.model.embedding) == ("unique_cells", 4, "free")
    assert (run.training.phases[0].mazes.algorithm, run.sizes) == ("wilson", (3,))
    assert small_run(format="row_column").model.embedding == "free"
    assert small_run("3..4", layers=3) == small_run((3, 4), n_layers=3)
    with pytest.raises(UnknownNameError, match="Did you mean 'n_layers'"):
        small_run(num_layers=3)


def test_the_large_scale_differs_and_is_larger() -> None:
    small, large = small_run(), small_run(large=True)
    assert large.training.steps > small.training.steps
    assert max(large.sizes) > max(small.sizes)
    assert arm_in_words(small).startswith("500 steps of 64 mazes")


def test_losses_and_adjacency_tokens_are_better_low() -> None:
    assert lower_is_better("path_loss@4")
    assert lower_is_better("slice_path_loss@-0.1")
    assert lower_is_better("adjacency_first@3")
    assert not lower_is_better("shortest@4")
