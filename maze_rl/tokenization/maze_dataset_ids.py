"""Our ids as maze-dataset's and back: the same words, numbered by its vocabularies.

Its texts of modes AOTP_UT_uniform and AOTP_UT_rasterized are those of `unique_cells`, that of AOTP_CTT_indexed is
`coordinate_tuples`; the vocabulary of its modular tokenizers holds the words of both, and moves, turns and walls.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from maze_rl.errors import MazeRLError, unknown_name
from maze_rl.tokenization.coordinate_tuples import coordinate_tuples
from maze_rl.tokenization.corner_first import corner_first_cells
from maze_rl.tokenization.layouts import MOVE_WORDS, SPECIAL_WORDS, TURN_WORDS, WALL_WORD, cell_word
from maze_rl.tokenization.tokenization import Tokenization
from maze_rl.tokenization.unique_cells import unique_cells

_LARGEST_MODULAR_GRID = 50


def to_maze_dataset(
    tokens: Int64[ndarray, "..."], tokenization: Tokenization, mode: str, grid: int
) -> Int64[ndarray, "..."]:
    """Return maze-dataset's ids of the words that `tokens` stand for.

    Args:
        tokens: Ids of `tokenization`, of any shape, padding included.
        tokenization: Wrote them; format `unique_cells` or `coordinate_tuples`.
        mode: One of `MODES`.
        grid: Cells per side its tokenizer was made for; `modular` has one vocabulary for all.

    Raises:
        UnknownNameError: There is no such mode.
        MazeRLError: A word is not in its vocabulary.
    """
    return _translate(tokens, tokenization.vocabulary, maze_dataset_words(mode, grid), f"maze-dataset's {mode}")


def from_maze_dataset(
    ids: Int64[ndarray, "..."], tokenization: Tokenization, mode: str, grid: int
) -> Int64[ndarray, "..."]:
    """Return the ids of `tokenization` for maze-dataset's; the inverse of `to_maze_dataset`.

    Raises:
        UnknownNameError: There is no such mode.
        MazeRLError: A word is not in the vocabulary of `tokenization`.
    """
    return _translate(ids, maze_dataset_words(mode, grid), tokenization.vocabulary, f"our {tokenization.name}")


def maze_dataset_words(mode: str, grid: int) -> tuple[str, ...]:
    """Return the words of a vocabulary of maze-dataset in the order of their ids.

    Raises:
        UnknownNameError: There is no such mode.
    """
    if mode not in _WORDS:
        raise unknown_name("maze-dataset mode", mode, _WORDS)
    return _WORDS[mode](grid)


def _translate(ids: ndarray, source: tuple[str, ...], target: tuple[str, ...], name: str) -> ndarray:
    if ids.size and not 0 <= ids.min() <= ids.max() < len(source):
        raise MazeRLError(f"ids {ids.min()}..{ids.max()} leave the vocabulary of {len(source)} words.")
    number_of = {word: number for number, word in enumerate(target)}
    table = np.array([number_of.get(word, -1) for word in source], np.int64)
    found = table[ids]
    if found.size and found.min() < 0:
        word = source[ids[found < 0][0]]
        raise MazeRLError(f"{word!r} is not in the vocabulary of {name}: take another mode, format, option or grid.")
    return found


def _rasterized(grid: int) -> tuple[str, ...]:
    return (*SPECIAL_WORDS, *(cell_word(row, col) for row in range(grid) for col in range(grid)))


def _modular(_: int) -> tuple[str, ...]:
    """Return the 4,096 words that all modular tokenizers share."""
    sides = ("NORTH", "SOUTH", "EAST", "WEST", "NORTHEAST", "NORTHWEST", "SOUTHEAST", "SOUTHWEST", "CENTER")
    words = [
        *SPECIAL_WORDS,
        *("(", ",", ")", "=", "||", ":", "THEN", "-", "<UNK>"),
        *(f"TARGET_{chr(letter)}" for letter in range(ord("A"), ord("Z") + 1)),
        *(f"TARGET_{side}" for side in sides),
        *(*MOVE_WORDS, *TURN_WORDS, "STAY"),
        *(f"+{number}" for number in range(256)),
        *map(str, range(128)),
        *map(str, range(-256, 0)),
        *("STEP", "ADJ_GROUP", "&", WALL_WORD),
    ]
    cells = [cell_word(*cell) for cell in corner_first_cells(_LARGEST_MODULAR_GRID)]
    reserved = range(len(words), 4096 - len(cells))
    return (*words, *(f"<RESERVE_{number}>" for number in reserved), *cells)


_WORDS: dict[str, Callable[[int], tuple[str, ...]]] = {
    "AOTP_UT_uniform": lambda grid: unique_cells(grid).words,
    "AOTP_UT_rasterized": _rasterized,
    "AOTP_CTT_indexed": lambda grid: coordinate_tuples(grid).words,
    "modular": _modular,
}
MODES = tuple(_WORDS)
