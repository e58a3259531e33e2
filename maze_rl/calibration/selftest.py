"""The self-test: every score of the battery against models whose algorithm is known, as a confusion matrix.

Each score is judged by its own column: attention and probes are *meant* to say yes for models that look or represent
without searching. The combined verdict must be right in every row, and along the graded cut of the wave (N5) the score
must fall. Verdicts are those of `maze_rl.interp.scorecard`, thresholds included: nothing is fitted here.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import cast

import torch

from maze_rl.calibration.looped_zoo import LoopInstance
from maze_rl.calibration.zoo import ROWS, SCORES, STRENGTHS, Instance, ZooRow, build_ablated
from maze_rl.calibration.zoo import instances as make_instances
from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.interp.attention.adjacency_heads import find_adjacency_heads
from maze_rl.interp.behaviour.flip_rate import flip_rates
from maze_rl.interp.behaviour.rule_exclusion import exclude_rules
from maze_rl.interp.finding import Finding
from maze_rl.interp.inputs.cell_features import Variable
from maze_rl.interp.inputs.decisions import decision_logits
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.interventions.interchange import interchange
from maze_rl.interp.materials import Materials, Setting, gather
from maze_rl.interp.probes.distance_probe import latent_state
from maze_rl.interp.probes.held_variables import Held, ProbeScore
from maze_rl.interp.scorecard import control_probes, score
from maze_rl.models.build import MazeTransformer
from maze_rl.models.threads import one_thread
from maze_rl.worker_processes import worker_processes

GRADED = ("S1", "S2", "S3", "S5")
Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class Judged(Shown):
    """All verdicts on one instance of one row."""

    row: str
    instance: Instance
    findings: Mapping[str, Finding]
    """By score; the combined verdict has none."""
    verdicts: Mapping[str, str]
    """By score, `search` among them."""
    holds: Held
    """Which search's variable S2 found."""

    def is_right(self, score_name: str, row: ZooRow) -> bool:
        """Tell whether a verdict is the one its column asks for; `unclear` is wrong, and S2 must name what is held."""
        expected = row.expected[score_name]
        named = score_name != "S2" or self.holds == row.holds
        return expected == "any" or (self.verdicts[score_name] == expected and named)


@dataclass(frozen=True, kw_only=True)
class SelfTest(Shown):
    """Everything the self-test found."""

    judged: Sequence[Judged]
    graded: Mapping[float, Sequence[Judged]]
    """N5: by the share of the wave that is cut."""

    def cell(self, row: ZooRow, score_name: str) -> tuple[int, int]:
        """Return how many instances of a row have the right verdict, and how many there are."""
        of_row = [each for each in self.judged if each.row == row.name]
        return sum(each.is_right(score_name, row) for each in of_row), len(of_row)

    @property
    def graded_scores(self) -> list[tuple[float, float]]:
        """(share cut, mean of S1, S2, S3 and S5, the scores that end at 1, over instances)."""
        return [
            (strength, mean(mean(each.findings[name].effect.value for name in GRADED) for each in judged))
            for strength, judged in self.graded.items()
        ]

    @property
    def falls(self) -> bool:
        """Whether the score of N5 falls at every step of the cut."""
        scores = [value for _, value in self.graded_scores]
        return all(after < before for before, after in itertools.pairwise(scores))

    @property
    def all_right(self) -> bool:
        """Whether every verdict is right and N5 falls."""
        cells = (self.cell(row, name) for row in ROWS for name in SCORES)
        return self.falls and all(right == num for right, num in cells)


def setting_of(instance: Instance | LoopInstance, seed: int) -> Setting:
    """Return the mazes of an instance: as large as its canvas, with paths its wave can reach, from all splits.

    A split of 4 x 4 mazes has a few dozen of them; nothing here was trained but the memorizer, on 48.
    """
    return Setting(
        size=instance.canvas,
        split=None,
        num_mazes=200,
        num_pairs=120,
        num_probed=240,
        num_swapped=1280,
        within=Within("distance", instance.rounds),
        seed=seed + instance.seed,
    )


def selftest(
    instances: int = 10, *, workers: int = 2, seed: int = 0, progress: Progress = lambda doing, done: None
) -> SelfTest:
    """Run the battery's scores over the calibration models.

    Args:
        instances: Models of every row.
        workers: Processes of one thread each; 0 runs here.
        seed: Seed of the mazes.
        progress: Called with (what, share done).
    """
    num, workers = check_count("instances", instances), check_count("workers", workers, 0)
    tasks = [(instance, seed) for instance in make_instances(num)]
    # the longest sequences first, so that no process is left with much at the end
    order = sorted(range(num), key=lambda place: -_num_edge_tokens(tasks[place][0]))
    results = {}
    for place, result in zip(order, _results([tasks[place] for place in order], workers), strict=True):
        results[place] = result
        progress(f"instance {len(results)} of {num}", len(results) / num)
    in_turn = [results[place] for place in range(num)]
    return SelfTest(
        judged=[one for rows, _ in in_turn for one in rows],
        graded={strength: [cuts[place] for _, cuts in in_turn] for place, strength in enumerate(STRENGTHS)},
    )


def _num_edge_tokens(instance: Instance) -> int:
    return instance.canvas**2 * instance.tokenization.layout.tokens_per_edge


def judge_instance(instance: Instance, seed: int) -> tuple[list[Judged], list[Judged]]:
    """Judge every row, and every strength of N5, on the mazes of one instance."""
    materials = gather(instance.tokenization, setting_of(instance, seed))
    # the wave, its untrained control and the cut waves are of one shape
    untrained = control_probes(ROWS[0].build(instance), materials)
    rows = []
    for row in ROWS:
        own = instance if row.canvas is None else replace(instance, canvas=row.canvas)
        shown = materials if own == instance else gather(own.tokenization, setting_of(own, seed))
        rows.append(_judge(row.name, own, row.build(own), shown, untrained if row.like_the_wave else None))
    wave = next(one for one in rows if one.row == ROWS[0].name)
    cuts = [
        # nothing cut is the wave itself
        wave if strength == 0 else _judge_cut(instance, build_ablated(instance, strength), materials, untrained)
        for strength in STRENGTHS
    ]
    return rows, cuts


def _judge(
    name: str,
    instance: Instance,
    model: MazeTransformer,
    materials: Materials,
    untrained: Mapping[str, ProbeScore] | None,
) -> Judged:
    card = score(model, materials, untrained=untrained)
    adjacency = find_adjacency_heads(model, materials.decisions, seed=materials.setting.seed)
    findings = {"adjacency": adjacency.finding} | card.scores
    verdicts = {key: finding.verdict for key, finding in findings.items()}
    verdicts["search"] = "yes" if card.searches else "no"
    return Judged(row=name, instance=instance, findings=findings, verdicts=verdicts, holds=card.latent.holds)


def _judge_cut(
    instance: Instance, model: MazeTransformer, materials: Materials, untrained: Mapping[str, ProbeScore]
) -> Judged:
    """Judge a cut wave by the scores of N5 alone."""
    decisions, seed = materials.decisions, materials.setting.seed
    latent = latent_state(model, materials.probed, untrained=untrained, seed=seed)
    findings = {
        "S1": flip_rates(model, materials.pairs).finding,
        "S2": latent.finding,
        "S3": interchange(model, materials.swapped, variable=cast(Variable, latent.best.variable), seed=seed).finding,
        "S5": exclude_rules(decisions, decision_logits(model, decisions), seed=seed).finding,
    }
    verdicts = {key: finding.verdict for key, finding in findings.items()}
    return Judged(row="N5 ablated", instance=instance, findings=findings, verdicts=verdicts, holds=latent.holds)


def _results(tasks: Sequence[tuple[Instance, int]], workers: int) -> Iterator[tuple[list[Judged], list[Judged]]]:
    if workers == 0:
        with one_thread():
            for instance, seed in tasks:
                yield judge_instance(instance, seed)
        return
    with worker_processes(workers, torch.set_num_threads, [1]) as pool:
        yield from pool.map(_judge_task, tasks)


def _judge_task(task: tuple[Instance, int]) -> tuple[list[Judged], list[Judged]]:
    return judge_instance(*task)
