"""The self-test: models whose algorithm is known are judged as any model is, by scores, reach and verdict.

Each score is judged by its own column: attention and probes are *meant* to say yes for models that look or represent
without searching. The combined verdict must be right in every row, and along the graded cut of the wave (N5) the score
must fall. Mazes are drawn as `maze-rl search` draws them: how far a model sees is measured, not given. Thresholds are
those of `maze_rl.interp`: nothing is fitted here.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import cast

import torch

from maze_rl.calibration.judged import Judged
from maze_rl.calibration.looped_zoo import LOOP_ROWS, LoopInstance, make_loop_instances
from maze_rl.calibration.zoo import ROWS, SCORES, STRENGTHS, Instance, ZooRow, build_ablated, make_instances
from maze_rl.configs.options import check_count
from maze_rl.displays.short_repr import Shown
from maze_rl.interp.attention.adjacency_heads import find_adjacency_heads
from maze_rl.interp.behaviour.flip_rate import flip_rates
from maze_rl.interp.behaviour.rule_exclusion import exclude_rules
from maze_rl.interp.inputs.cell_features import Variable
from maze_rl.interp.inputs.decisions import decision_logits
from maze_rl.interp.inputs.within_reach import Within
from maze_rl.interp.interventions.interchange import interchange
from maze_rl.interp.materials import Materials, Setting, gather
from maze_rl.interp.probes.distance_probe import latent_state
from maze_rl.interp.probes.held_variables import ProbeScore
from maze_rl.interp.scorecard import control_probes
from maze_rl.interp.verdict import judge
from maze_rl.models.build import MazeTransformer
from maze_rl.models.threads import one_thread
from maze_rl.worker_processes import worker_processes

GRADED = ("S1", "S2", "S3", "S5")
UNSEEN = 100
"""First seed of the self-test, where none is given: instances below are for work on the scores and their thresholds."""
MOST_UNDECIDED = 0.1
"""Share of a column's verdicts that may be undecided, or say no where they should say yes."""
Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class SelfTest(Shown):
    """Everything the self-test found."""

    judged: Sequence[Judged]
    graded: Mapping[float, Sequence[Judged]]
    """N5: by the share of the wave that is cut."""

    def of_row(self, row: ZooRow) -> list[Judged]:
        """Return all instances of a row."""
        return [each for each in self.judged if each.row == row.name]

    def false_yes(self, score_name: str) -> list[Judged]:
        """Return the models of which a score says what is not there."""
        return [each for each in self.judged if each.is_false_yes(score_name)]

    def missed(self, score_name: str) -> list[Judged]:
        """Return the models of which a score does not say what is known: it is undecided, or says another thing."""
        return [each for each in self.judged if each.outcome(score_name) in ("undecided", "wrong")]

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
    def holds(self) -> bool:
        """Whether no score says what is not there, few of each column say less than is known, and N5 falls."""
        asked = {name: sum(each.outcome(name) != "not asked" for each in self.judged) for name in SCORES}
        return self.falls and all(
            not self.false_yes(name) and len(self.missed(name)) <= MOST_UNDECIDED * asked[name] for name in SCORES
        )


def asked_of(instance: Instance | LoopInstance) -> Setting:
    """Return the mazes of an instance, as they come: as large as its canvas, from all splits."""
    return Setting(
        size=instance.canvas,
        split=None,
        num_mazes=200,
        num_pairs=120,
        num_probed=240,
        num_swapped=1280,
        seed=instance.seed,
    )


def within_rounds(instance: Instance | LoopInstance) -> Setting:
    """Return mazes whose paths are no longer than the rounds of an instance."""
    return replace(asked_of(instance), within=Within("distance", instance.rounds))


def selftest(
    instances: int = 5, *, workers: int = 2, seed: int = UNSEEN, progress: Progress = lambda doing, done: None
) -> SelfTest:
    """Judge the calibration models.

    Args:
        instances: Models of every row.
        workers: Processes of one thread each; 0 runs here.
        seed: Seed of the first instance and its mazes; the others follow.
        progress: Called with (what, share done).
    """
    num, workers = check_count("instances", instances), check_count("workers", workers, 0)
    tasks = [*make_instances(num, seed), *make_loop_instances(num, seed)]
    # the longest sequences first, so that no process is left with much at the end
    order = sorted(range(len(tasks)), key=lambda place: -_prompt_length(tasks[place]))
    results = {}
    for place, result in zip(order, _results([tasks[place] for place in order], workers), strict=True):
        results[place] = result
        progress(f"instance {len(results)} of {len(tasks)}", len(results) / len(tasks))
    in_turn = [results[place] for place in range(len(tasks))]
    cut = [cuts for _, cuts in in_turn if cuts]
    return SelfTest(
        judged=[one for rows, _ in in_turn for one in rows],
        graded={strength: [cuts[place] for cuts in cut] for place, strength in enumerate(STRENGTHS)},
    )


def _prompt_length(instance: Instance | LoopInstance) -> int:
    layout = instance.tokenization.layout
    return instance.canvas**2 * (1 if layout.lists_cells else layout.tokens_per_edge)


def judge_instance(instance: Instance | LoopInstance) -> tuple[list[Judged], list[Judged]]:
    """Judge every row, and every strength of N5, on the mazes of one instance; models with loops have no N5."""
    materials = gather(instance.tokenization, asked_of(instance))
    rows = ROWS if isinstance(instance, Instance) else LOOP_ROWS
    # the wave and its untrained control are of one shape
    untrained = control_probes(rows[0].build(instance), materials)
    judged = [_judge(row, instance, materials, untrained if row.like_the_wave else None) for row in rows]
    return judged, _judge_cuts(instance) if isinstance(instance, Instance) else []


def _judge(
    row: ZooRow,
    instance: Instance | LoopInstance,
    materials: Materials,
    untrained: Mapping[str, ProbeScore] | None,
) -> Judged:
    model = row.build(instance)
    judgement = judge(model, materials.setting, materials=materials, untrained=untrained)
    findings = dict(judgement.judged.scores)
    if "adjacency" in row.expected:
        seed = materials.setting.seed
        findings["adjacency"] = find_adjacency_heads(model, materials.decisions, seed=seed).finding
    return Judged(
        row=row.name,
        instance=instance,
        findings=findings,
        verdicts={name: finding.verdict for name, finding in findings.items()} | {"search": judgement.verdict},
        holds=judgement.judged.latent.holds,
        reach=judgement.reach,
    )


def _judge_cuts(instance: Instance) -> list[Judged]:
    """Judge the waves with more and more of their heads cut, by the scores of N5 alone, within what the whole sees."""
    materials = gather(instance.tokenization, within_rounds(instance))
    untrained = control_probes(build_ablated(instance, 0.0), materials)
    return [_judge_cut(instance, build_ablated(instance, strength), materials, untrained) for strength in STRENGTHS]


def _judge_cut(
    instance: Instance, model: MazeTransformer, materials: Materials, untrained: Mapping[str, ProbeScore]
) -> Judged:
    decisions, seed, far = materials.decisions, materials.setting.seed, materials.setting.far
    latent = latent_state(model, materials.probed, untrained=untrained, steps=instance.rounds, seed=seed)
    findings = {
        "S1": flip_rates(model, materials.pairs, far=far).finding,
        "S2": latent.finding,
        "S3": interchange(model, materials.swapped, variable=cast(Variable, latent.best.variable), seed=seed).finding,
        "S5": exclude_rules(decisions, decision_logits(model, decisions), far=far, seed=seed).finding,
    }
    verdicts = {key: finding.verdict for key, finding in findings.items()}
    return Judged(row="N5 ablated", instance=instance, findings=findings, verdicts=verdicts, holds=latent.holds)


_Result = tuple[list[Judged], list[Judged]]


def _results(tasks: Sequence[Instance | LoopInstance], workers: int) -> Iterator[_Result]:
    if workers == 0:
        with one_thread():
            yield from map(judge_instance, tasks)
        return
    with worker_processes(workers, torch.set_num_threads, [1]) as pool:
        yield from pool.map(judge_instance, tasks)
