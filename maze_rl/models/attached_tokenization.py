"""How a model's mazes are written, attached to any `HookedTransformer`: measured and studied as those built here are.

Nothing of the network changes, and hooks stay: the model is used as it is.
"""

from dataclasses import replace
from typing import Any, TypeVar

from transformer_lens import HookedTransformer
from transformers import PreTrainedTokenizerBase

from maze_rl.configs.ranges import AnySizes, check_squares
from maze_rl.errors import ConfigurationError
from maze_rl.models.context_room import longest_sequence
from maze_rl.tokenization.definitions import hugging_face_tokenizer
from maze_rl.tokenization.tokenization import Tokenization, load_tokenization

Network = TypeVar("Network", bound=HookedTransformer)


def attach_tokenization(
    model: Network,
    tokenization: Tokenization | str,
    *,
    name: str | None = None,
    sizes: AnySizes | None = None,
    algorithm: str | None = None,
) -> Network:
    """Attach a tokenization to a model of your own, in place, with its Hugging Face tokenizer; return the model.

    `maze_rl.evaluate`, `search`, `report`, `save_model` and everything in `maze_rl.interp` then take it.

    Args:
        model: Any `HookedTransformer` whose ids are those of the tokenization; it may have more.
        tokenization: How its mazes are written: a tokenization or the name of a format.
        name: What reports call the model; None for the name it has, or "untitled".
        sizes: Sizes it was trained on, cells per side, as ``"4..6"`` or ``[4, 5]``; None where that is not known: no
            size is then told from others.
        algorithm: Generator of the mazes it was trained on; None where that is not known.

    Raises:
        MazeRLError: The model has fewer ids than the tokenization has words, or a tokenizer with other ids; or there
            are no such sizes. The model is then as it was.
    """
    attached = load_tokenization(tokenization) if isinstance(tokenization, str) else tokenization
    known = _known(name, sizes, algorithm)
    _check_fits(model, attached)  # before anything is changed: a model that refuses stays as it was
    model.tokenization = attached  # type: ignore[assignment]
    if vars(model).get("tokenizer") is None:
        model.tokenizer = hugging_face_tokenizer(attached)
    elif model.tokenizer is not None and model.tokenizer.bos_token == model.tokenizer.eos_token:
        model.tokenizer.bos_token = None  # TransformerLens takes the end's where there is none
    model.cfg.default_prepend_bos, model.cfg.tokenizer_prepends_bos = False, False
    model.about = about_of(model) | known  # type: ignore[assignment]
    return model


def _known(name: str | None, sizes: AnySizes | None, algorithm: str | None) -> dict[str, Any]:
    """Return what is said of a model, as its files hold it; what is not known is left out."""
    cells = None if sizes is None else list(check_squares(sizes))
    known = {"name": name, "sizes": cells, "algorithm": algorithm}
    return {key: value for key, value in known.items() if value is not None}


def tokenization_of(model: HookedTransformer) -> Tokenization:
    """Return the tokenization of a model.

    Raises:
        ConfigurationError: It has none.
    """
    attached: Any = getattr(model, "tokenization", None)
    if not isinstance(attached, Tokenization):
        raise ConfigurationError(
            "this model has no tokenization, so nothing says how mazes are written for it: attach one first, as in "
            'maze_rl.attach_tokenization(model, "edges").'
        )
    return attached


def about_of(model: HookedTransformer) -> dict[str, Any]:
    """Return what a model's files, or whoever attached its tokenization, say of it; empty where nothing is known."""
    about: Any = getattr(model, "about", None)
    return about or {}


def check_attached(model: HookedTransformer) -> Tokenization:
    """Check that a model can read and write all words of its tokenization; return that.

    Raises:
        ConfigurationError: It has no tokenization, fewer ids than words, or a tokenizer that gives words other ids.
    """
    return _check_fits(model, tokenization_of(model))


def _check_fits(model: HookedTransformer, attached: Any) -> Tokenization:
    if not isinstance(attached, Tokenization):
        raise ConfigurationError(
            f"tokenization is {attached!r}: give the name of a format, or what maze_rl.load_tokenization returns."
        )
    num, cfg = len(attached.vocabulary), model.cfg
    for field in ("d_vocab", "d_vocab_out"):
        if getattr(cfg, field) < num:
            raise ConfigurationError(
                f"{field} is {getattr(cfg, field)}, and {attached.name} on a canvas of {attached.canvas} has {num} "
                f"words: {_fitting(attached, getattr(cfg, field))}."
            )
    given: Any = vars(model).get("tokenizer")
    if given is not None and (other := other_word(attached, given)) is not None:
        raise ConfigurationError(
            f"the model's tokenizer gives the word {other!r} the id {given.get_vocab().get(other)}, and "
            f"{attached.name} on a canvas of {attached.canvas} the id {attached.word_ids[other]}: attach the "
            "tokenization the model was trained with, or bring its embeddings into the order of these ids."
        )
    return attached


def other_word(tokenization: Tokenization, tokenizer: PreTrainedTokenizerBase) -> str | None:
    """Return the first word to which a tokenizer gives another id, or none; None where there is no such word."""
    ids = tokenizer.get_vocab()
    return next((word for number, word in enumerate(tokenization.vocabulary) if ids.get(word) != number), None)


def _fitting(tokenization: Tokenization, num_ids: int) -> str:
    """Say what fits a model with so many ids."""
    for canvas in range(tokenization.canvas - 1, 1, -1):
        smaller = Tokenization(replace(tokenization.config, canvas=canvas))
        if len(smaller.vocabulary) <= num_ids:
            return (
                f"use canvas={canvas} ({len(smaller.vocabulary)} words), or build the model with "
                f"d_vocab={len(tokenization.vocabulary)} and n_ctx={longest_sequence(tokenization)}"
            )
    return f"build the model with d_vocab={len(tokenization.vocabulary)}"
