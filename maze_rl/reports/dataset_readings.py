"""The sentences of a dataset's page, each with the numbers it states."""

import re
from collections.abc import Sequence

from maze_rl.reports.content import Statement
from maze_rl.reports.dataset_account import DatasetAccount
from maze_rl.reports.dataset_tables import path_count_text


def headline(accounts: Sequence[DatasetAccount]) -> Statement:
    """Say in a sentence what the datasets are."""
    if len(accounts) > 1:
        names = ", ".join(f"{account.name} ({account.algorithm}, {account.sizes})" for account in accounts)
        return Statement("{names}.", {"names": names})
    (account,) = accounts
    whole = account.summary.whole
    return Statement(
        "{num:,} {algorithm} mazes of size {sizes}. Half of the shortest paths have {median:,} steps or fewer, the "
        "longest has {most:,}.",
        {
            "num": whole.num,
            "algorithm": account.algorithm,
            "sizes": account.sizes,
            "median": whole.distance.median,
            "most": whole.distance.most,
        },
    )


def _each(accounts: Sequence[DatasetAccount], sentences: Sequence[Statement]) -> Statement:
    """Join one sentence per dataset, with its name in front where there are several."""
    if len(accounts) == 1:
        return sentences[0]
    template, values = [], {}
    for index, (account, sentence) in enumerate(zip(accounts, sentences, strict=True)):
        renamed = {f"{key}_{index}": value for key, value in sentence.values.items()}
        own = re.sub(r"\{(\w+)", rf"{{\1_{index}", sentence.template)
        template.append(f"{{name_{index}}}: {own}")
        values |= renamed | {f"name_{index}": account.name}
    return Statement(" ".join(template), values)


def lengths_reading(accounts: Sequence[DatasetAccount]) -> Statement:
    """Say how long paths are at the smallest and the largest size, and how far they stray."""

    def sentence(account: DatasetAccount) -> Statement:
        first, last = account.summary.grids[0], account.summary.grids[-1]
        values = {
            "small": first.name,
            "low": first.statistics.distance.median,
            "detour": account.summary.whole.detour.median,
        }
        end = "; half of the paths are at most {detour:.2f} times as long as the Manhattan distance."
        if first is last:
            return Statement("The median path at {small} has {low:,} steps" + end, values)
        return Statement(
            "The median path has {low:,} steps at {small} and {high:,} at {large}" + end,
            values | {"large": last.name, "high": last.statistics.distance.median},
        )

    return _each(accounts, [sentence(account) for account in accounts])


def choices_reading(accounts: Sequence[DatasetAccount]) -> Statement:
    """Say how many decisions a path has."""

    def sentence(account: DatasetAccount) -> Statement:
        whole = account.summary.whole
        return Statement(
            "a shortest path meets {decisions:.1f} decisions on average, one every {steps:.1f} steps."
            if whole.decisions.mean
            else "no shortest path meets a decision.",
            {"decisions": whole.decisions.mean, "steps": whole.distance.mean / whole.decisions.mean}
            if whole.decisions.mean
            else {},
        )

    start = Statement("A decision is a position of a shortest path with more than one way on besides turning back;")
    joined = _each(accounts, [sentence(account) for account in accounts])
    return start + joined


def path_count_reading(accounts: Sequence[DatasetAccount]) -> Statement:
    """Say how many mazes have several shortest paths."""

    def sentence(account: DatasetAccount) -> Statement:
        whole = account.summary.whole
        if not whole.num_several:
            return Statement("Every maze has exactly one shortest path.")
        return Statement(
            "{share:.1%} of the mazes have more than one shortest path, up to {most}; all of them are right answers.",
            {"share": whole.share_several, "most": path_count_text(whole.path_count.most)},
        )

    return _each(accounts, [sentence(account) for account in accounts])


def duplicates_reading(accounts: Sequence[DatasetAccount]) -> Statement:
    """Say how many mazes are copies, and to which split the walls belong."""

    def sentence(account: DatasetAccount) -> Statement:
        summary = account.summary
        return Statement(
            "{duplicates:,} of {num:,} mazes ({share:.1%}) have the walls of an earlier one, as they are, rotated or "
            "mirrored. By their walls, {train:,} mazes belong to the training split, {validation:,} to validation and "
            "{test:,} to test.",
            {
                "duplicates": summary.num - summary.whole.num_distinct,
                "num": summary.num,
                "share": summary.whole.share_duplicates,
                **summary.buckets,
            },
        )

    return _each(accounts, [sentence(account) for account in accounts])
