"""The flags of `maze-rl train` about the network, its tokens and its training."""

import argparse

from maze_rl.cli.given_paths import given_path
from maze_rl.configs.learning_rates import CONTROLLERS, SCHEDULES
from maze_rl.configs.losses import FACTORS
from maze_rl.configs.model import EMBEDDINGS, MEMORY_KINDS, POSITIONS, PROMPTS, REVERSE_FORMS
from maze_rl.configs.named_plans import PLANS
from maze_rl.configs.parametrizations import PARAMETRIZATIONS
from maze_rl.configs.tokenization import FORMATS, ORIGINS, PATHS
from maze_rl.configs.training import OPTIMIZERS
from maze_rl.configs.update_rules import UPDATE_RULES


def add_network(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the network and its tokens."""
    parser.add_argument(
        "--tokenizer",
        default=None,
        metavar="NAME",
        help=f"token format: {', '.join(FORMATS)} (default cells)",
    )
    parser.add_argument(
        "--canvas",
        type=int,
        default=None,
        metavar="N",
        help="cells per side mazes are placed on (default 20, or the largest size)",
    )
    parser.add_argument(
        "--origin",
        default=None,
        metavar="WHERE",
        help=f"where the origin is given: {', '.join(ORIGINS)} (default path)",
    )
    parser.add_argument(
        "--path", default=None, metavar="KIND", help=f"how the path is written: {', '.join(PATHS)} (default cells)"
    )
    parser.add_argument(
        "--positions",
        default=None,
        metavar="NAME",
        help=f"position embedding: {', '.join(POSITIONS)} (default none)",
    )
    parser.add_argument(
        "--prompt", default=None, metavar="KIND", help=f"what a prompt sees of itself: {', '.join(PROMPTS)}"
    )
    parser.add_argument(
        "--embedding", default=None, metavar="KIND", help=f"how words become vectors: {', '.join(EMBEDDINGS)}"
    )
    parser.add_argument(
        "--loops", type=int, default=None, metavar="N", help="times the layers are applied, with the same weights"
    )
    parser.add_argument("--layers", type=int, default=None, metavar="N", help="transformer blocks (default by device)")
    parser.add_argument(
        "--d-model",
        type=int,
        default=None,
        metavar="N",
        help="width of the residual stream (default by device)",
    )
    parser.add_argument("--heads", type=int, default=None, metavar="N", help="attention heads (default by device)")
    parser.add_argument(
        "--value-norm", action="store_true", default=None, help="layer norm of every head's values; stays when folded"
    )
    parser.add_argument(
        "--reverse-positions",
        action="store_true",
        default=None,
        help="attention scores get a learned term of query and distance; stays when folded",
    )
    parser.add_argument(
        "--reverse-form",
        default=None,
        metavar="KIND",
        help=f"what that term does to a score: {', '.join(REVERSE_FORMS)} (default add)",
    )
    parser.add_argument(
        "--memory", type=int, default=None, metavar="N", help="learned cells each MLP attends to; stay when folded"
    )
    parser.add_argument(
        "--memory-kind",
        default=None,
        metavar="KIND",
        help=f"how it chooses among them: {', '.join(MEMORY_KINDS)} (default keys)",
    )


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the training itself."""
    parser.add_argument("--steps", type=int, default=None, metavar="N", help="optimizer steps (default by device)")
    parser.add_argument(
        "--batch-size", type=int, default=None, metavar="N", help="mazes per mini-batch (default by device)"
    )
    parser.add_argument("--accumulation", type=int, default=1, metavar="N", help="mini-batches per optimizer step")
    parser.add_argument("--optimizer", default="muon", metavar="NAME", help=f"one of {', '.join(OPTIMIZERS)}")
    parser.add_argument(
        "--learning-rate",
        "--lr",
        type=float,
        default=None,
        metavar="X",
        help="peak learning rate; under muon that of everything but the block matrices (default by device)",
    )
    parser.add_argument(
        "--schedule", default=None, metavar="NAME", help=f"one of {', '.join(SCHEDULES)} (default by recipe)"
    )
    _prompts(parser)
    parser.add_argument(
        "--lr-controller", default="none", metavar="NAME", help=f"what steers the rate: {', '.join(CONTROLLERS)}"
    )
    parser.add_argument(
        "--update-rule",
        default="every_step",
        metavar="NAME",
        help=f"whether and how strongly a step counts: {', '.join(UPDATE_RULES)}, as dice:classic or dice:head,dc=15",
    )
    parser.add_argument(
        "--rounds", type=int, default=0, metavar="N", help="rounds of self-play (SPIN) after the supervised steps"
    )
    parser.add_argument(
        "--round-steps",
        type=int,
        default=None,
        metavar="N",
        help="steps of a round (default: a twentieth of the others, at least 10)",
    )
    parser.add_argument(
        "--lora", type=int, default=None, metavar="RANK", help="train adapters alone: in the rounds, or without them"
    )
    parser.add_argument(
        "--parametrization",
        dest="parametrizations",
        action="append",
        default=None,
        metavar="NAME",
        help=f"how weights are computed while training, folded at the end: {', '.join(PARAMETRIZATIONS)}",
    )
    parser.add_argument(
        "--start-from",
        type=given_path,
        default=None,
        metavar="RUN",
        help="begin with the weights of a trained model, shape included",
    )
    parser.add_argument(
        "--plan",
        type=given_path,
        default=None,
        metavar="NAME",
        help="phases to train one after another: a name below, or a JSON file",
    )
    width = max(map(len, PLANS)) + 2
    parser.epilog = "\n".join(
        ["plans (--plan NAME; the phases share --steps):"]
        + [f"  {name:<{width}}{plan.line}" for name, plan in PLANS.items()]
    )


def _prompts(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--starts",
        type=int,
        default=None,
        metavar="N",
        help="cells of each maze, off its path, that are asked for one step (default 24)",
    )
    parser.add_argument(
        "--stray-tokens", type=int, default=None, metavar="N", help="most cells in a prompt of no maze (default 24)"
    )
    parser.add_argument(
        "--mazes-per-canvas", type=int, default=None, metavar="N", help="most mazes in a prompt (default 1)"
    )
    parser.add_argument("--training-loops", default=None, metavar="A..B", help="loops of a step, drawn evenly")
    parser.add_argument(
        "--weight-factor",
        action="append",
        default=None,
        metavar="NAME",
        dest="weight_factors",
        help=f"multiplies the weights of the loss: {', '.join(FACTORS)}",
    )
