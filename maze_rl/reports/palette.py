"""The colours of a report, for light and dark pages.

Figures are drawn in the light colours. In the page each is replaced by its CSS variable, which has a value
for either mode; so every light colour is unique. Runs have the colours of Okabe and Ito, types of errors those of
Tol's muted scheme (https://sronpersonalpages.nl/~pault/), both safe for colour-blind readers; references are grey.
"""

from collections.abc import Mapping

LEVELS = 21
"""Steps of each ramp: one for shares, a diverging one for effects of either sign."""

_NAMED = {
    "ink": ("#1c2430", "#e8ebf0"),
    "muted": ("#5b6573", "#a3adba"),
    "axis": ("#b9c0c9", "#505a68"),
    "grid": ("#e6e9ed", "#2a323d"),
    "band": ("#eaf1f8", "#1c2a3a"),
    "paper": ("#fefefe", "#12171e"),
    "void": ("#eceef1", "#252c36"),
    "reference": ("#4d5866", "#b9c3cf"),
    "reference-mid": ("#8a94a1", "#87929f"),
    "reference-light": ("#c3c9d1", "#4b5563"),
    "blue": ("#0072b2", "#4fb0ea"),
    "vermillion": ("#d55e00", "#f58a4b"),
    "green": ("#009e73", "#34c79f"),
    "purple": ("#cc79a7", "#e49ac6"),
    "amber": ("#e69f00", "#f2b63c"),
    "sky": ("#56b4e9", "#8ed0f5"),
    "brown": ("#7a6a53", "#b5a383"),
    "rose": ("#cc6677", "#e08a97"),
    "indigo": ("#332288", "#8f83e8"),
    "sand": ("#ddcc77", "#e6d992"),
    "cyan": ("#88ccee", "#a5dcf7"),
    "teal": ("#44aa99", "#66c9b8"),
    "olive": ("#999933", "#bcbc5c"),
    "plum": ("#aa4499", "#cf7fc2"),
    "wine": ("#882255", "#c4628f"),
    "forest": ("#117733", "#4fae6f"),
    "stone": ("#a39a8f", "#857d73"),
}
_RAMP_STOPS = (("#eef3f8", "#a9cbe4", "#4a94c8", "#0a4f87"), ("#1d2733", "#1e4c70", "#2f86bf", "#9ad6f8"))
_DIVERGING_STOPS = (
    ("#a34a06", "#e9a878", "#f1f2f4", "#83b7dc", "#08467a"),
    ("#f79a5e", "#8f4f26", "#242c36", "#245b85", "#8dcdf4"),
)
_DARK_TEXT, _LIGHT_TEXT = (0x06, 0x09, 0x0F), (0xFF, 0xFF, 0xFF)

RUN_COLOURS = ("blue", "vermillion", "green", "purple", "amber", "sky", "brown")
ERROR_COLOURS = {
    "non_optimal": "rose",
    "wall": "indigo",
    "off_lattice": "sand",
    "backtrack": "cyan",
    "premature_end": "teal",
    "missed_end": "olive",
    "over_budget": "plum",
    "wrong_start": "wine",
    "malformed_token": "forest",
    "malformed_cell": "stone",
}
"""Type of first error -> its colour, the same on every page; none of them is a run's."""

RGB = tuple[int, ...]


def _rgb(colour: str) -> RGB:
    return tuple(int(colour[start : start + 2], 16) for start in (1, 3, 5))


def _hexadecimal(colour: RGB) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def _ramp(stops: tuple[str, ...], level: int) -> RGB:
    position = level / (LEVELS - 1) * (len(stops) - 1)
    index = min(int(position), len(stops) - 2)
    pairs = zip(_rgb(stops[index]), _rgb(stops[index + 1]), strict=True)
    return tuple(round(low + (high - low) * (position - index)) for low, high in pairs)


def luminance(colour: RGB) -> float:
    """Return the relative luminance of an sRGB colour (WCAG), 0 to 1."""
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _text_on(background: RGB, level: int) -> str:
    bright, dark = luminance(background), luminance(_DARK_TEXT)
    light_contrast, dark_contrast = 1.05 / (bright + 0.05), (bright + 0.05) / (dark + 0.05)
    red, green, blue = _LIGHT_TEXT if light_contrast > dark_contrast else _DARK_TEXT
    # the last digits tell the levels apart; nobody sees them
    return _hexadecimal((red, green, blue - level if blue == 255 else blue + level))


def _build() -> Mapping[str, tuple[str, str]]:
    colours = dict(_NAMED)
    for number, (name, ramp) in enumerate((("ramp", _RAMP_STOPS), ("diverging", _DIVERGING_STOPS))):
        for level in range(LEVELS):
            light, dark = (_ramp(stops, level) for stops in ramp)
            place = level + number * LEVELS
            colours[f"{name}-{level}"] = (_hexadecimal(light), _hexadecimal(dark))
            colours[f"on-{name}-{level}"] = (_text_on(light, place), _text_on(dark, place))
    assert len({light for light, _ in colours.values()}) == len(colours)
    return colours


COLOURS = _build()
"""Name -> (light, dark), six hexadecimal digits each."""


def light(name: str) -> str:
    """Return the light-mode colour called `name`, to draw a figure with."""
    return COLOURS[name][0]


def ramp_level(share: float) -> int:
    """Return the level of the ramp for a share of 0 to 1."""
    return round(min(max(share, 0.0), 1.0) * (LEVELS - 1))


def variables(dark: bool) -> str:
    """Return the CSS declarations of all colours for one mode."""
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in COLOURS.items())


def with_variables(text: str) -> str:
    """Replace every light colour of the palette in SVG text by its CSS variable."""
    for name, (colour, _) in COLOURS.items():
        text = text.replace(colour, f"var(--{name})")
    return text
