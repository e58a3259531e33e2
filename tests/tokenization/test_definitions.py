"""The vocabulary folders: bytes as the code builds them, and plain Hugging Face gives the same ids."""

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from maze_rl.configs.tokenization import FORMATS
from maze_rl.mazes.generate import generate
from maze_rl.shipped import shipped, shipped_names
from maze_rl.tokenization.definitions import (
    FILES,
    definition_files,
    shipped_definition,
    stale_definitions,
    write_definition,
)
from maze_rl.tokenization.tokenization import load_tokenization


@pytest.mark.parametrize("name", FORMATS)
def test_shipped_files_are_what_the_code_builds(name: str) -> None:
    files = shipped_definition(name)
    assert tuple(files) == FILES
    assert {path.name: path.read_bytes() for path in shipped("tokenizers", name).iterdir()} == files


def test_every_format_ships() -> None:
    assert shipped_names("tokenizers") == sorted(FORMATS)
    assert stale_definitions() == []


def test_an_altered_or_missing_file_is_noticed(tmp_path: Path) -> None:
    for name in FORMATS:
        write_definition(name, tmp_path)
    assert stale_definitions(tmp_path) == []
    altered, missing = tmp_path / FORMATS[0] / FILES[0], tmp_path / FORMATS[1] / FILES[1]
    altered.write_text(altered.read_text().replace("NORTH", "UP", 1))
    missing.unlink()
    assert stale_definitions(tmp_path) == [str(altered), str(missing)]


@pytest.mark.parametrize("name", FORMATS)
def test_hugging_face_gives_the_same_ids(name: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(shipped("tokenizers", name)))
    tokenization = load_tokenization(name, random_offsets=True)
    assert tokenizer.get_vocab() == tokenization.with_options(path="turns").word_ids
    for maze in generate((2, 5, 9), "dfs_percolation", num=20, percolation=0.2):
        text = tokenization.to_text(maze)
        ids = tokenizer(text)["input_ids"]
        assert ids == tokenization.encode(maze).tokens[0].tolist()
        assert tokenizer.decode(ids) == text


@pytest.mark.parametrize("name", FORMATS)
def test_a_run_keeps_exactly_its_own_words(name: str, tmp_path: Path) -> None:
    further = {"path": "moves"} if name == "cells" else {"walls": True}
    for options in ({}, further, {"path": "turns"}):
        tokenization = load_tokenization(name, canvas=6, **options)
        for file, data in definition_files(tokenization).items():
            (tmp_path / file).write_bytes(data)
        assert AutoTokenizer.from_pretrained(str(tmp_path)).get_vocab() == tokenization.word_ids


@pytest.mark.parametrize("name", FORMATS)
def test_hugging_face_pads_as_we_do(name: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(shipped("tokenizers", name)))
    tokenization = load_tokenization(name)
    mazes = list(generate((2, 4), num=6))
    padded = tokenizer([tokenization.to_text(maze) for maze in mazes], padding=True, return_tensors="pt")
    lengths = [tokenization.encode(maze).tokens.shape[1] for maze in mazes]
    assert (tokenizer.pad_token, tokenizer.eos_token) == ("<PADDING>", "<PATH_END>")
    assert padded["attention_mask"].sum(dim=1).tolist() == lengths
    assert (padded["input_ids"][padded["attention_mask"] == 0] == 10).all()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("word", ["(20,0)", "nonsense", "<UNK>", "(0,0)-(2,2)", "<path_start>", "(0", "[UNK]", "<s>"])
def test_hugging_face_refuses_unknown_words(name: str, word: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(shipped("tokenizers", name)))
    with pytest.raises(Exception, match=r"Missing .* token from the vocabulary"):
        tokenizer(f"<PATH_START> {word} <PATH_END>")


@pytest.mark.parametrize("name", FORMATS)
def test_both_say_why_they_have_another_number_of_words(name: str) -> None:
    """The folder has the words of all options, those of `load_tokenization` come first."""
    tokenizer = AutoTokenizer.from_pretrained(str(shipped("tokenizers", name)))
    tokenization = load_tokenization(name)
    own, further = len(tokenization.vocabulary), len(tokenizer) - len(tokenization.vocabulary)
    kinds = "moves and turns" if name == "cells" else "moves, turns and walls"
    assert further == {"cells": 8, "edges": 8 + 760}.get(name, 9)
    assert tokenizer.convert_ids_to_tokens(range(own)) == list(tokenization.vocabulary)
    assert tokenizer.init_kwargs["maze_words"] == tokenization.with_options(path="turns").vocabulary_note
    assert tokenizer.init_kwargs["maze_words"].startswith(
        f"{own} words of format {name} on a canvas of 20 x 20, then {further} of {kinds}, which path='moves'"
    )
    assert tokenization.vocabulary_note.startswith(
        f"{own} words of format {name} on a canvas of 20 x 20; the words of {kinds}, which path='moves'"
    )


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("canvas", [2, 5, 13])
def test_a_smaller_canvas_has_the_first_ids_of_the_folder(name: str, canvas: int) -> None:
    tokenizer = AutoTokenizer.from_pretrained(str(shipped("tokenizers", name)))
    words = load_tokenization(name, canvas=canvas).vocabulary
    ids = tokenizer.convert_tokens_to_ids(list(words))
    assert ids == list(range(len(words)))
