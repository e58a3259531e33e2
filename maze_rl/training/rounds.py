"""The rounds of self-play among a run's stretches: pairs at the start, the best weights kept at the end."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from maze_rl.configs.training import Stretch, TrainingConfig
from maze_rl.mazes.solve import solve_batch
from maze_rl.mazes.splits import count_outside
from maze_rl.models.build import MazeTransformer
from maze_rl.models.digest import weights_digest
from maze_rl.training.source import maze_source
from maze_rl.training.spin.make_pairs import make_pairs
from maze_rl.training.spin.objective import falling_alarm, past_kl_stop
from maze_rl.training.spin.pair_table import PairTable
from maze_rl.training.state import TrainingState, weights_copy
from maze_rl.training.step import Row, autocast

Validate = Callable[[MazeTransformer], Row] | None
_SCORE = "validation_exact"


def open_round(
    state: TrainingState,
    config: TrainingConfig,
    stretch: Stretch,
    validate: Validate,
    on_pairs: Callable[[int, float], None] = lambda number, done: None,
) -> Row:
    """Let the model write the pairs of a round, unless a checkpoint brought them; return what is to be told of it.

    `on_pairs` is told meanwhile, with the round (from 1) and the share of its pairs that is made.
    """
    spin = stretch.phases[0].spin
    if spin is None or state.kept.get("round") == round_number(config, stretch):
        return {}
    number = round_number(config, stretch)
    first = stretch.first * config.batch_size * config.accumulation
    mazes = maze_source(stretch.phases, state.seed)(stretch.phases[0], first, spin.prompts)
    state.leaks += sum(count_outside(batch, "train") for batch in mazes.batches)
    longest = max(int(solve_batch(batch).lengths.max()) for batch in mazes.batches)
    state.longest_path = max(state.longest_path, longest)
    previous = PairTable.from_state(state.kept["pairs"]) if "pairs" in state.kept else None
    on_pairs(number + 1, 0.0)
    state.model.eval()
    with autocast(state.model, config):
        table = make_pairs(
            state.model,
            spin,
            mazes,
            seed=state.seed,
            round_number=number,
            first=first,
            previous=previous,
            micro_batch_tokens=config.micro_batch_tokens,
            progress=lambda done: on_pairs(number + 1, done),
        )
    state.model.train()
    state.kept |= {"pairs": table.state_dict(), "round": number}
    before = state.kept.pop("before", None)
    if before is not None and validate is not None:
        keep_if_best(state, number, validate, before)
    return {"spin": {"round": number + 1, "opponent": state.kept["opponent"][:16], "pairs": table.summary(number)}}


def nothing_to_learn(state: TrainingState, stretch: Stretch) -> str | None:
    """Tell why a round has no pair to train on; None where it has some, and for other stretches."""
    if stretch.phases[0].spin is None:
        return None
    table = PairTable.from_state(state.kept["pairs"])
    if (table.weights > 0).any():
        return None
    return (
        f"round {state.kept['round'] + 1} of self-play has no pair to train on and is passed over: raise prompts, "
        "samples or temperature, or punish ties and invalid paths, if the model does not write all real paths."
    )


def close_round(state: TrainingState, config: TrainingConfig, stretch: Stretch, validate: Validate) -> Row:
    """Keep the weights if they are the best so far; after the last round, end with the best ones."""
    spin = stretch.phases[0].spin
    if spin is None:
        return {}
    number = round_number(config, stretch)
    news: dict[str, Any] = {"round": number + 1, "policy": weights_digest(state.model)[:16]}
    if spin.keep_best and validate is not None:
        keep_if_best(state, number + 1, validate, weights_copy(state.model))
    if stretch.number == _last_round(config).number:
        best = state.kept.pop("best", None)
        if best is not None and spin.keep_best:
            state.model.load_state_dict(best["weights"])
            news["kept_round"] = best["round"]
        state.kept.pop("before", None)
        state.kept.pop("pairs", None)
    return {"spin_end": news}


def gone_too_far(stretch: Stretch, measured: Row) -> bool:
    """Tell whether a round ends early, and put an alarm into the row where real paths become less likely."""
    spin = stretch.phases[0].spin
    if spin is None:
        return False
    alarm = falling_alarm(measured)
    if alarm is not None:
        measured["alarm"] = alarm
    return past_kl_stop(spin, measured)


def round_number(config: TrainingConfig, stretch: Stretch) -> int:
    """Return which round of the run a stretch is, from 0."""
    return sum(other.phases[0].spin is not None for other in config.stretches[: stretch.number])


def keep_if_best(
    state: TrainingState, number: int, validate: Callable[[MazeTransformer], Row], weights: dict[str, Tensor]
) -> None:
    """Keep weights if the model solves more validation mazes than those kept did; `number` rounds are played."""
    score = validate(state.model).get(_SCORE)
    best = state.kept.get("best")
    if score is not None and (best is None or score > best["score"]):
        state.kept["best"] = {"round": number, "score": score, "weights": weights}


def _last_round(config: TrainingConfig) -> Stretch:
    return [stretch for stretch in config.stretches if stretch.phases[0].spin is not None][-1]
