"""What a search scorecard does not show, said on the page itself."""

from maze_rl.interp.behaviour.flip_rate import FAR
from maze_rl.reports.content import Statement
from maze_rl.reports.search.behaviour_section import s1_pairs_reading
from maze_rl.reports.search.patching_section import solved_reading
from maze_rl.reports.search.search_result import SearchResult
from maze_rl.reports.search.stated import paragraph, sentence


def search_limits(result: SearchResult) -> list[Statement]:
    """List the limits of these results."""
    setting = result.setting
    longest = "any length" if setting.within is None else f"choices within {setting.within.words}"
    limits = [
        Statement(
            "Other training runs. One set of weights was judged; intervals are over layouts (mazes with the same "
            "walls up to rotation and reflection count together; for S3 it is swaps with the same fork and target that "
            "do), and differences between seeds are not in them."
        ),
        sentence(
            "Other mazes. All are perfect mazes (trees) of {size}×{size} cells from {algorithm}, with paths of "
            "{longest}: nothing is said of other sizes, of loops, or of other kinds. Those of behaviour and attention "
            "are selected, with a fork that needs a look-ahead of {far} or more and that Manhattan greedy gets wrong: "
            "rates at forks of all mazes are others.",
            size=setting.size,
            algorithm=setting.algorithm,
            longest=longest,
            far=FAR,
        ),
        Statement("Rollouts. Every choice is made from the right path up to there (teacher forcing)."),
        Statement(
            "What only a non-linear reading would find. All probes are linear, and S3 swaps linear subspaces; a "
            "variable written otherwise would be missed."
        ),
        Statement(
            "Other places of the canvas. Every maze lies in the same corner of it, so that a cell is the same token in "
            "all; the model may treat other places differently."
        ),
        Statement(
            "That the thresholds fit models of this kind. They were set on hand-built and tiny models of small "
            "canvases, whose algorithms are known, not on trained models of this size."
        ),
        Statement(
            "That there is no search. Only steps to the target and dead-end filling are looked for inside; another "
            "algorithm may pass S1, S4 and S5 and fail S2 and S3."
        ),
        paragraph(
            Statement("Pairs that the model does not solve."),
            s1_pairs_reading(result.battery.scorecard.flips),
            solved_reading(result.battery),
            Statement("What the model does in them may differ."),
        ),
        sentence(
            "Mazes without a far flip pair (a change {far} or more steps away): {share:.0%} of those drawn have none "
            "and are not in S1.",
            share=1 - result.materials.pairs.found_share,
            far=FAR,
        ),
        Statement(
            "Corrections for several looks. What is chosen (in S2 variable and layer, in S3 layer and rank, the "
            "axis of the reach) is chosen on other mazes than it is judged on. The five scores are not corrected "
            "for being five: the verdict asks for four of them at once. Heads of the adjacency and consolidation "
            "scores are corrected for their number; the largest effects of patching are chosen on the pairs that "
            "their intervals are of, and lean upwards."
        ),
    ]
    if result.checkpoints_left_out:
        limits.append(
            sentence(
                "Checkpoints whose weights do not fit the model, as adapters and other phases' do not: {steps}.",
                steps=", ".join(f"step {step:,}" for step in result.checkpoints_left_out),
            )
        )
    return limits
