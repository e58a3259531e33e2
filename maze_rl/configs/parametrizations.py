"""The named parametrizations, and the options each takes; their code is in `maze_rl.models.parametrizations`."""

from collections.abc import Sequence

from maze_rl.configs.choices import Choice, Known, count, number, one_of, read_choice
from maze_rl.errors import ConfigurationError

PARAMETRIZATIONS: Known = {
    "unified_embeddings": {"expansion": count(8), "middle": count(1)},
    "unified_weights": {
        "version": one_of("v1", "v6"),
        "parts": one_of("output", "multiply", "all"),
        "expansion": count(16),
    },
    "residual_scaling": {"spread": number(0.5, 0.01, 0.99, "how far a scale may go from 1, 0.01 to 0.99")},
    "value_affine": {},
}
"""unified_embeddings: the big table is `expansion` times as wide as the model, the layer after it `middle` times.
unified_weights: `parts` are factors per output, also factors per input, or also terms per output and input;
`expansion` is the width of v6's free vectors in units of d_model."""


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
    return choices
