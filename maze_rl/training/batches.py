"""The batches of a stretch: mazes with their paths, or the pairs of its round."""

from collections.abc import Callable

from maze_rl.configs.training import Stretch, TrainingConfig
from maze_rl.training.source import StepBatch, maze_source, prepare_step
from maze_rl.training.spin.pair_batches import pair_batches
from maze_rl.training.spin.pair_table import PairTable
from maze_rl.training.state import TrainingState


def batch_maker(state: TrainingState, config: TrainingConfig, stretch: Stretch) -> Callable[[int], StepBatch]:
    """Return a function from a step of the run to its batch; for a round, its pairs must be made already."""
    tokenization, seed = state.model.tokenization, state.seed
    if stretch.phases[0].spin is not None:
        table = PairTable.from_state(state.kept["pairs"])
        return lambda step: StepBatch(
            pair_batches(
                table,
                seed=seed,
                step=step - stretch.first,
                batch_size=config.batch_size,
                accumulation=config.accumulation,
                micro_batch_tokens=config.micro_batch_tokens,
            ),
            leaks=0,
        )
    source = maze_source(stretch.phases, seed)
    return lambda step: prepare_step(config, tokenization, source, seed, step)
