"""The named parametrizations, and the options each takes; their code is in `maze_rl.models.parametrizations`."""

from collections.abc import Sequence

from maze_rl.configs.choices import Choice, Known, count, number, one_of, read_choice
from maze_rl.configs.options import Option
from maze_rl.errors import ConfigurationError

PARTS = ("output", "multiply", "all")
PARAMETRIZATIONS: Known = {
    "unified_embeddings": {"expansion": count(8), "middle": count(1)},
    "unified_weights": {
        "version": one_of("v1", "v3", "v4", "v5", "v6"),
        "parts": Option(None, lambda value: value in (None, *PARTS), f"one of {', '.join(PARTS)}"),
        "expansion": count(16),
    },
    "residual_scaling": {"spread": number(0.5, 0.01, 0.99, "how far a scale may go from 1, 0.01 to 0.99")},
    "value_affine": {},
}
"""unified_embeddings: the big table is `expansion` times as wide as the model, the layer after it `middle` times.
unified_weights: `parts` are factors per output, also factors per input, or also terms per output and input; none for
those of the original, `output`, and `multiply` in v5. `expansion` is the width of the free vectors of v3 to v6 in units
of d_model, or of the weight's inputs where it has a network of its own (v3, v4, v5)."""


def read_parametrizations(texts: Sequence[str]) -> tuple[Choice, ...]:
    """Read parametrizations as people write them.

    Raises:
        UnknownNameError: There is no parametrization or option of that name.
        ConfigurationError: A value is out of range, or one stands there twice.
    """
    choices = tuple(read_choice("parametrization", PARAMETRIZATIONS, text) for text in texts)
    names = [choice.name for choice in choices]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"parametrizations names {name} twice: give it once, with its options.")
    for choice in choices:
        if choice.options.get("version") == "v5" and choice.options["parts"] == "output":
            raise ConfigurationError(
                "unified_weights:v5,parts=output: v5 predicts what is per input; use parts=multiply or all, or v4."
            )
    return choices
