"""The tables of schedules and controllers: everything named has code, options are read and refused."""

import pytest

from maze_rl.configs.choices import read_choice
from maze_rl.configs.learning_rates import CONTROLLERS, SCHEDULES
from maze_rl.errors import ConfigurationError, UnknownNameError
from maze_rl.training.learning_rates.ai_scientist import RULES
from maze_rl.training.learning_rates.choose import POLICIES
from maze_rl.training.learning_rates.schedules import SCHEDULE_FUNCTIONS


def test_everything_named_has_code_and_the_other_way_round() -> None:
    assert set(SCHEDULE_FUNCTIONS) == set(SCHEDULES)
    assert {"none", *POLICIES, *RULES} == set(CONTROLLERS)


def test_defaults_are_allowed_by_their_own_bounds() -> None:
    for name, options in (SCHEDULES | CONTROLLERS).items():
        for option in options.values():
            assert option.allows(option.default), (name, option)


def test_originals_are_shams_by_default_and_q_learning_is_not() -> None:
    assert not any(read_choice("controller", CONTROLLERS, name).options["applied"] for name in RULES)
    assert read_choice("controller", CONTROLLERS, "q_learning").options["applied"]


def test_the_first_option_may_go_without_its_name() -> None:
    assert read_choice("controller", CONTROLLERS, "q_learning:20").options["every"] == 20
    assert read_choice("schedule", SCHEDULES, "wsd:0.3,shape=sqrt").options == {"decay": 0.3, "shape": "sqrt"}


@pytest.mark.parametrize("text", ["q_learning:every=0", "q_learning:highest=0.5", "ucb:lowest=2", "sham:applied=true"])
def test_refuses_values_out_of_range(text: str) -> None:
    with pytest.raises((ConfigurationError, UnknownNameError)):
        read_choice("controller", CONTROLLERS, text)
