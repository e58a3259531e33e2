"""Settings that work and hardly do what they seem to: what a run says of itself before it starts."""

from collections.abc import Iterator

from maze_rl.configs.choices import read_choice
from maze_rl.configs.learning_rates import CONTROLLERS
from maze_rl.configs.training import TrainingConfig


def cautions(config: TrainingConfig) -> Iterator[str]:
    """Yield a line for every such setting: what it is, why it does little, what to take."""
    schedule = config.schedule.strip()
    if config.optimizer.strip() == "schedule_free" and schedule != "constant":
        yield (
            f"optimizer schedule_free with schedule {schedule}: its averaging is meant to take the place of "
            "a falling rate: take schedule constant."
        )
    controller = read_choice("learning-rate controller", CONTROLLERS, config.lr_controller)
    every, longest = controller.options.get("every"), max(stretch.steps for stretch in config.stretches)
    if not controller.own and isinstance(every, int) and every >= longest:
        yield (
            f"learning-rate controller {controller.name}: every={every} with {longest} steps: it never sees what "
            f"became of a decision: take every={max(1, longest // 20)}, or more steps."
        )
