"""Hugging Face definitions: a vocabulary folder that plain ``AutoTokenizer.from_pretrained`` loads.

The tokenizer splits on white space and looks words up; what it adds to nothing: no beginning or end token,
no template. A test rebuilds every shipped folder and compares the bytes.
"""

import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from maze_rl.configs.tokenization import FORMATS
from maze_rl.shipped import shipped_folder
from maze_rl.tokenization.layouts import CANVAS, PADDING, PATH_END, SPECIAL_WORDS
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

FILES = ("tokenizer.json", "tokenizer_config.json")


def definition_files(tokenization: Tokenization) -> dict[str, bytes]:
    """Return the files of the Hugging Face definition of a tokenization, by name: its vocabulary, nothing more."""
    return {
        "tokenizer.json": _json(_tokenizer(tokenization.vocabulary)),
        "tokenizer_config.json": _json(_config(tokenization)),
    }


def hugging_face_tokenizer(tokenization: Tokenization) -> "PreTrainedTokenizerFast":
    """Return the tokenizer that ``AutoTokenizer.from_pretrained`` makes of the files, without the files."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer.from_str(json.dumps(_tokenizer(tokenization.vocabulary)))
    settings = _config(tokenization)
    del settings["tokenizer_class"]
    return PreTrainedTokenizerFast(tokenizer_object=core, **settings)


def shipped_definition(format_name: str) -> dict[str, bytes]:
    """Return the files of a shipped vocabulary folder: all words of the format, those that only options need too."""
    # Turns come behind the block of further words that any option brings whole.
    return definition_files(load_tokenization(format_name, canvas=CANVAS, path="turns"))


def write_definition(format_name: str, folder: str | PathLike[str]) -> None:
    """Write the shipped definition of a format to ``folder / format_name``."""
    folder = Path(folder)
    target = folder / format_name
    target.mkdir(parents=True, exist_ok=True)
    for name, data in shipped_definition(format_name).items():
        (target / name).write_bytes(data)


def stale_definitions(folder: str | PathLike[str] | None = None) -> list[str]:
    """List the files of the vocabulary folders that are missing or differ from what the code would write."""
    root = shipped_folder("tokenizers") if folder is None else Path(folder)
    stale = []
    for format_name in FORMATS:
        for name, data in shipped_definition(format_name).items():
            path = root / format_name / name
            if not path.is_file() or path.read_bytes() != data:
                stale.append(str(path))
    return stale


def _tokenizer(words: tuple[str, ...]) -> dict[str, object]:
    special = [
        {
            "id": position,
            "content": word,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
        for position, word in enumerate(SPECIAL_WORDS)
        if word.startswith("<") and word != "<-->"
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: position for position, word in enumerate(words)},
            "unk_token": "<UNK>",
        },
    }


def _config(tokenization: Tokenization) -> dict[str, object]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "pad_token": SPECIAL_WORDS[PADDING],
        "eos_token": SPECIAL_WORDS[PATH_END],
        "padding_side": "right",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 1_000_000,
        "maze_format": tokenization.name,
        "maze_canvas": tokenization.canvas,
        "maze_words": tokenization.vocabulary_note,
    }


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
