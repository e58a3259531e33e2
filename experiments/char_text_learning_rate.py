"""Does a Q-learning agent that adapts the learning rate beat a cosine, once its actions reach the optimizer?

A script with a training loop of its own, to show that controllers work outside the trainer, and to run again the
comparison of runs 0 to 4 of "Adaptive Learning Rates for Transformers via Q-Learning" (The AI Scientist, 2024) on
shakespeare_char, enwik8 or text8:

    python experiments/char_text_learning_rate.py input.txt --runs 0 1 2 3 4 --seeds 0 1 2
    python experiments/char_text_learning_rate.py enwik8 --like enwik8 --runs 0 2 --device cuda
    python experiments/char_text_learning_rate.py input.txt --runs 0 4 --applied
    python experiments/char_text_learning_rate.py input.txt --controllers q_learning ucb random sham

Run 0 is the cosine alone; runs 1 to 4 add the original's agents: logged but not applied, as they were, or `--applied`.
As there, runs 2 to 4 have twice the base rate of runs 0 and 1: compare them with `--controllers none --rate 2e-3`.
    python experiments/char_text_learning_rate.py input.txt --seeds 0 1 2 --out results/shakespeare

`--out` gets the original's two figures, `train_loss_NAME.png` and `val_loss_NAME.png` (NAME as in `--like`), a line
for each controller, and `curves_NAME.csv`: both losses and the rate at every evaluation. The training loss is the mean
over the steps since the evaluation before, with dropout; the original's is measured without.

Our own controllers run at the base rate of run 0, and learn from a split of the training text that is held out for
them (tokens counted in the last column); the original's agents learn from the validation loss, faults included.

Expected: shams equal the cosine at their base rate, up to seeds. Cost: as in the original, 5000 steps of a 10-million
parameter network on shakespeare_char (a minute or two on an A100-like GPU), 100 000 on the others (13 minutes); scale
down with the flags. Text is read as bytes; the first 90 % train, what follows validates.
"""

import argparse
import csv
import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from maze_rl.configs.choices import read_choice
from maze_rl.configs.learning_rates import CONTROLLERS
from maze_rl.errors import ConfigurationError
from maze_rl.models.devices import check_device
from maze_rl.reports.palette import RUN_COLOURS, light
from maze_rl.reports.saved_figure import keep
from maze_rl.reports.vector_graphics import figure_style
from maze_rl.training.learning_rates.choose import controller, controller_called
from maze_rl.training.learning_rates.controlled_optimizer import LearningRateController
from maze_rl.workflows.arms_script import run_script

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Settings:
    """One training; the defaults are those of the original on shakespeare_char."""

    iterations: int = 5000
    batch: int = 64
    block: int = 256
    layers: int = 6
    heads: int = 6
    width: int = 384
    dropout: float = 0.2
    rate: float = 1e-3
    floor: float = 1e-4
    warmup: int = 100
    decay: float = 0.1
    clip: float = 1.0
    eval_every: int = 250
    eval_batches: int = 200
    samples: int = 10
    sample_tokens: int = 500
    validation: float = 0.1


_LARGE = replace(
    Settings(), iterations=100_000, batch=32, rate=5e-4, floor=5e-5, warmup=200, eval_every=1000, validation=0.05
)
ORIGINAL = {"shakespeare_char": Settings(), "enwik8": _LARGE, "text8": _LARGE}
TRAIN_SHARE = 0.9
CONTROLLER_SHARE = 0.05
"""Share of the training text held out for our own controllers; the original's runs train on all of it."""
LOSSES = {"train_loss": "training loss", "val_loss": "validation loss"}
COLUMNS = ("final train loss", "best val loss", "train time s", "inference tok/s", "controller tok")


class CharacterModel(nn.Module):
    """A GPT in plain torch: pre-norm blocks, learned positions, tied embedding, GPT-2's initialisation."""

    def __init__(self, vocabulary: int, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        self.block = settings.block
        self.embed, self.position = nn.Embedding(vocabulary, width), nn.Embedding(settings.block, width)
        self.dropout = nn.Dropout(settings.dropout)
        layer = nn.TransformerEncoderLayer(
            width, settings.heads, 4 * width, settings.dropout, "gelu", batch_first=True, norm_first=True, bias=False
        )
        norm = nn.LayerNorm(width, bias=False)
        self.blocks = nn.TransformerEncoder(layer, settings.layers, norm, enable_nested_tensor=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                residual = name.endswith(("out_proj.weight", "linear2.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * settings.layers) if residual else 0.02)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits, `[batch, pos, vocabulary]`."""
        length = tokens.shape[1]
        embedded = self.dropout(self.embed(tokens) + self.position.weight[:length])
        mask = torch.full((length, length), -math.inf, device=tokens.device).triu(1)
        return self.blocks(embedded, mask=mask, is_causal=True) @ self.embed.weight.T


@dataclass(frozen=True)
class Text:
    """A text as character ids, split."""

    train: Tensor
    controller: Tensor
    validation: Tensor
    vocabulary: int


def read_text(file: Path, settings: Settings, hold_out: bool) -> Text:
    """Read a file as bytes and split it.

    Raises:
        ConfigurationError: There is no such file, or it is too short.
    """
    if not file.is_file():
        raise ConfigurationError(f"{file}: there is no such file; expected a text, for example shakespeare_char's.")
    letters, ids = np.unique(np.frombuffer(file.read_bytes(), dtype=np.uint8), return_inverse=True)
    first = int(len(ids) * TRAIN_SHARE)
    last = first + int(len(ids) * settings.validation)
    cut = first - int(first * CONTROLLER_SHARE) if hold_out else first
    parts = [torch.from_numpy(part.astype(np.int64)) for part in (ids[:cut], ids[cut:first], ids[first:last])]
    if min(len(part) for part in parts if hold_out or part is not parts[1]) <= settings.block + 1:
        raise ConfigurationError(f"{file}: {len(ids)} characters are too few for --block {settings.block}.")
    return Text(*parts, vocabulary=len(letters))


def draw(part: Tensor, settings: Settings, random: torch.Generator, device: str) -> Tensor:
    """Draw a batch of windows, `[batch, block + 1]`."""
    starts = torch.randint(len(part) - settings.block, (settings.batch, 1), generator=random)
    return part[starts + torch.arange(settings.block + 1)].to(device)


def loss_of(model: CharacterModel, windows: Tensor) -> Tensor:
    """Return the mean loss of the next character, nats."""
    with torch.autocast(windows.device.type, torch.bfloat16, enabled=windows.device.type == "cuda"):
        logits = model(windows[:, :-1])
    return nn.functional.cross_entropy(logits.float().flatten(0, 1), windows[:, 1:].flatten())


@torch.no_grad()
def measure(model: CharacterModel, batches: Iterator[Tensor]) -> float:
    """Return the mean loss without dropout."""
    model.eval()
    losses = [loss_of(model, windows).item() for windows in batches]
    model.train()
    return statistics.fmean(losses)


def cosine(settings: Settings) -> Callable[[int], float]:
    """The original's schedule, as a factor: a warm-up from 0, then half a cosine down to the floor."""
    lowest = settings.floor / settings.rate

    def factor(step: int) -> float:
        if step < settings.warmup:
            return step / settings.warmup
        done = min((step - settings.warmup) / max(settings.iterations - settings.warmup, 1), 1.0)
        return lowest + 0.5 * (1.0 + math.cos(math.pi * done)) * (1.0 - lowest)

    return factor


def make_optimizer(model: CharacterModel, settings: Settings) -> torch.optim.Optimizer:
    """AdamW as in the original: matrices decay, the rest does not."""
    matrices = [parameter for parameter in model.parameters() if parameter.dim() > 1]
    rest = [parameter for parameter in model.parameters() if parameter.dim() <= 1]
    groups = [{"params": matrices, "weight_decay": settings.decay}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.99))


@dataclass(frozen=True)
class Result:
    """What the original reported, the tokens the controller cost, its decisions, and the losses on the way."""

    columns: tuple[float, float, float, float, float]
    decisions: list[dict[str, Any]]
    curve: list[dict[str, float]]
    """A row for each evaluation: `step`, `train_loss` (none at the first), `val_loss`, `learning_rate`."""


def train(file: Path, name: str, settings: Settings, seed: int, device: str) -> Result:
    """Train once under a controller, `name` with options."""
    choice = read_choice("controller", CONTROLLERS, name)
    original = choice.name.startswith("ai_scientist")
    text = read_text(file, settings, hold_out=not original and choice.name != "none")
    torch.manual_seed(seed)
    random, aside = (torch.Generator().manual_seed(2 * seed + part) for part in (0, 1))
    model = CharacterModel(text.vocabulary, settings).to(device).train()
    optimizer = make_optimizer(model, settings)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, cosine(settings))
    control = LearningRateController(optimizer, controller(choice, seed), steps=settings.iterations + 1)
    best, newest, loss, tokens, decisions = math.inf, math.inf, math.nan, 0, list[dict[str, Any]]()
    curve, since = list[dict[str, float]](), list[float]()

    def held_out() -> float:
        nonlocal tokens
        tokens += settings.batch * settings.block * (settings.eval_batches if original else 1)
        return newest if original else measure(model, iter([draw(text.controller, settings, aside, device)]))

    began = time.perf_counter()
    for step in range(settings.iterations + 1):
        if step % settings.eval_every == 0:
            batches = (draw(text.validation, settings, aside, device) for _ in range(settings.eval_batches))
            newest = measure(model, batches)
            best = min(best, newest)
            seen, since = {"train_loss": statistics.fmean(since)} if since else {}, []
            curve.append({"step": step, **seen, "val_loss": newest})
        control.before_step()
        if len(since) == 0:
            curve[-1]["learning_rate"] = control.learning_rate
        loss, norm = take_step(model, optimizer, draw(text.train, settings, random, device), settings.clip)
        since.append(loss)
        control.after_step(loss, norm, held_out)
        scheduler.step()
        if control.record:
            decisions.append({"step": step, "learning_rate": control.learning_rate, **control.record})
    seconds = time.perf_counter() - began
    return Result((loss, best, seconds, speed(model, settings, device), float(tokens)), decisions, curve)


def take_step(
    model: CharacterModel, optimizer: torch.optim.Optimizer, windows: Tensor, clip: float
) -> tuple[float, float]:
    """Take a step, unless loss or gradient is not finite; return loss and gradient norm."""
    optimizer.zero_grad(set_to_none=True)
    loss = loss_of(model, windows)
    loss.backward()
    norm = float(nn.utils.clip_grad_norm_(model.parameters(), clip))
    if math.isfinite(norm):
        optimizer.step()
    return loss.item(), norm


@torch.no_grad()
def speed(model: CharacterModel, settings: Settings, device: str) -> float:
    """Return tokens per second of sampling one text at a time (temperature 0.8, top 200), without a cache."""
    model.eval()
    rates = []
    for _ in range(settings.samples):
        began = time.perf_counter()
        tokens = torch.zeros(1, 1, dtype=torch.long, device=device)
        for _ in range(settings.sample_tokens):
            logits = model(tokens[:, -model.block :])[0, -1] / 0.8
            values, ids = logits.topk(min(200, len(logits)))
            tokens = torch.cat([tokens, ids[torch.multinomial(values.softmax(0), 1)][None]], dim=1)
        rates.append(settings.sample_tokens / (time.perf_counter() - began))
    return statistics.fmean(rates)


def planned(arguments: argparse.Namespace, settings: Settings) -> Iterator[tuple[str, str, Settings]]:
    """Yield label, controller and settings of every row of the table."""
    for run in arguments.runs:
        applied = str(arguments.applied).lower()
        options = f"every={settings.eval_every},floor={settings.floor},applied={applied}"
        name = f"ai_scientist_run{run}:{options}" if run else "none"
        label = f"run {run}" + (" applied" if run and arguments.applied else "")
        yield label, name, replace(settings, rate=settings.rate * (2 if run >= 2 else 1))
    for name in arguments.controllers:
        yield name, name, settings


def row_of(label: str, results: Sequence[Result]) -> str:
    """Format means over seeds, and after losses the standard error of the mean, sd / sqrt(seeds)."""
    cells = []
    for column, values in enumerate(zip(*(result.columns for result in results), strict=True)):
        error = f" ±{statistics.stdev(values) / math.sqrt(len(values)):.4f}" if len(values) > 1 and column < 2 else ""
        cells.append(f"{statistics.fmean(values):.{(4, 4, 1, 1, 0)[column]}f}{error}")
    return f"{label:<24}" + "".join(f"{cell:>18}" for cell in cells)


def curves_figure(results: dict[str, list[Result]], loss: str) -> "Figure":
    """Draw a loss by step, a line for each controller: the mean over seeds, and in a band the standard error."""
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(6.4, 4.2), layout="constrained")
        axes = figure.subplots()
        for number, (label, runs) in enumerate(results.items()):
            rows = [row for row in runs[0].curve if loss in row]
            steps = np.array([row["step"] for row in rows])
            values = np.array([[row[loss] for row in run.curve if loss in row] for run in runs])
            mean, error = values.mean(axis=0), np.zeros(len(steps))
            if len(runs) > 1:
                error = values.std(axis=0, ddof=1) / math.sqrt(len(runs))
            # Shams lie on the cosine bit for bit: later lines are thinner, so that those beneath are seen.
            style = {"color": light(RUN_COLOURS[number % len(RUN_COLOURS)]), "zorder": 3 + number / 100}
            width = max(1.0, 3.2 - 0.5 * number)
            axes.plot(steps, mean, label=label, linewidth=width, **style)
            axes.fill_between(steps, mean - error, mean + error, alpha=0.2, linewidth=0, **style)
        seeds = max(map(len, results.values()))
        axes.set(xlabel="optimizer step", ylabel=f"{LOSSES[loss]}, nats per character")
        axes.set_title(LOSSES[loss] + (f": mean of {seeds} seeds, band ± its standard error" if seeds > 1 else ""))
        axes.legend()
    return figure


def write_curves(results: dict[str, list[Result]], seeds: Sequence[int], out: Path, name: str) -> None:
    """Write both figures, and every curve as CSV."""
    for loss in LOSSES:
        keep(curves_figure(results, loss), out, f"{loss}_{name}")
    with open(out / f"curves_{name}.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["controller", "seed", "step", *LOSSES, "learning_rate"])
        writer.writeheader()
        for label, runs in results.items():
            for seed, run in zip(seeds, runs, strict=True):
                writer.writerows({"controller": label, "seed": seed, **row} for row in run.curve)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line: every setting is a flag."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path, help="a text; its bytes are the characters")
    parser.add_argument("--like", choices=ORIGINAL, default="shakespeare_char", help="whose settings are the defaults")
    parser.add_argument("--runs", type=int, nargs="*", choices=range(5), help="runs of the original")
    parser.add_argument("--applied", action="store_true", help="let runs 1 to 4 reach the optimizer")
    parser.add_argument("--controllers", nargs="*", default=[], help="our own, e.g. q_learning:every=20")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--out", type=Path, help="folder for the figures and the curves")
    for field in fields(Settings):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default))
    read = parser.parse_args(arguments)
    read.runs = (list(range(5)) if not read.controllers else []) if read.runs is None else read.runs
    return read


def check(read: argparse.Namespace, settings: Settings) -> None:
    """Check all that was asked for, before hours of training.

    Raises:
        MazeRLError: A number is out of range, a controller unknown, or the device is not there.
    """
    check_device(read.device)
    for field in fields(Settings):
        value, least = getattr(settings, field.name), 1 if field.type is int and field.name != "warmup" else 0
        if not least <= value < math.inf:
            raise ConfigurationError(f"--{field.name.replace('_', '-')} is {value}: at least {least}, please.")
    faults = (
        (settings.rate == 0, "--rate is 0: above 0, please."),
        (settings.dropout >= 1, f"--dropout is {settings.dropout}: below 1, please."),
        (settings.width % settings.heads, f"--width {settings.width} is no multiple of --heads {settings.heads}."),
        (
            not 0 < settings.validation <= 1 - TRAIN_SHARE + 1e-9,
            f"--validation is {settings.validation}: above 0 and at most {1 - TRAIN_SHARE:.1f}, please.",
        ),
        (read.out is not None and read.out.is_file(), f"--out {read.out} is a file: name a folder, please."),
    )
    for fault, text in faults:
        if fault:
            raise ConfigurationError(text)
    for _, name, _ in planned(read, settings):
        controller_called(name)


def main(arguments: Sequence[str] | None = None) -> dict[str, list[Result]]:
    """Train all that was asked for, and print the table."""
    read = parse(arguments)
    given = {field.name: getattr(read, field.name) for field in fields(Settings)}
    settings = replace(ORIGINAL[read.like], **{name: value for name, value in given.items() if value is not None})
    check(read, settings)
    print(f"{'':<24}" + "".join(f"{column:>18}" for column in COLUMNS))
    results = {}
    for label, name, changed in planned(read, settings):
        results[label] = [train(read.file, name, changed, seed, read.device) for seed in read.seeds]
        print(row_of(label, results[label]), flush=True)
        if read.out is not None:  # after every controller: the whole may take days
            write_curves(results, read.seeds, read.out, read.like)
    return results


if __name__ == "__main__":
    run_script(main)
