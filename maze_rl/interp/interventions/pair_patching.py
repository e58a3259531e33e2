"""Every patch of flip pairs that a page shows: residual stream and heads, both directions, controls, exact nodes."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from transformer_lens import HookedTransformer

from maze_rl.displays.short_repr import Shown
from maze_rl.interp.inputs.cell_features import split_halves
from maze_rl.interp.inputs.patching_pairs import PatchingPairs, SolvedPairs, control_tokens, flip_tokens
from maze_rl.interp.inputs.position_groups import FORK, position_groups
from maze_rl.interp.interventions.activation_patching import patch_map
from maze_rl.interp.interventions.attribution_patching import Confirmation, attribution_maps, confirm, shortlist
from maze_rl.interp.interventions.logit_attribution import LogitAttribution, logit_attribution
from maze_rl.interp.interventions.patch_effects import PatchMap

_PATCHED_PAIRS, _SHORTLIST = 48, 20


@dataclass(frozen=True, kw_only=True, eq=False)
class Patching(Shown):
    """Patching of the solved pairs; LD is the logit difference of right and wrong next step."""

    pairs: PatchingPairs
    """The pairs that were patched."""
    denoise: PatchMap
    """Residual stream by layer and group of positions."""
    noise: PatchMap
    random_step: PatchMap
    """Control of `denoise`: random steps as long as the real ones."""
    control: PatchMap
    """Denoising of control pairs, whose edge does not matter, in units of the flips' logit differences; its changed
    slot is the one the control changes."""
    heads: PatchMap
    """Heads by layer and group, denoising."""
    confirmation: Confirmation
    """Nodes that attribution shortlists on one half of the pairs, patched exactly on the other."""
    direct: LogitAttribution
    """What every component writes into the logit difference of the clean mazes."""
    example: int
    """Row of the pair that `by_position` shows."""
    by_position: PatchMap
    """Residual stream by layer and position of the example, denoising."""


def patch(model: HookedTransformer, pairs: PatchingPairs, solved: SolvedPairs, seed: int) -> Patching:
    """Patch the pairs that the model solves, one half to find nodes and other layouts to confirm them."""
    chosen = pairs.take(solved.rows[:_PATCHED_PAIRS])
    tokens, groups = flip_tokens(chosen), position_groups(chosen)
    denoise = patch_map(model, tokens, groups=groups, seed=seed)
    halves = split_halves(chosen.pairs.clean, seed)
    found, confirmed = chosen.take(halves.fit), chosen.take(halves.held_out)
    maps = attribution_maps(model, flip_tokens(found), groups=position_groups(found), steps=5)
    example = int(np.argmax(chosen.depth))
    return Patching(
        pairs=chosen,
        denoise=denoise,
        noise=patch_map(model, tokens, groups=groups, direction="noise", seed=seed),
        random_step=patch_map(model, tokens, groups=groups, source="random_step", seed=seed),
        control=control_map(model, chosen, denoise, seed),
        heads=patch_map(model, tokens, component="head", groups=groups, seed=seed),
        confirmation=confirm(
            model,
            maps,
            shortlist(maps, _SHORTLIST),
            flip_tokens(confirmed),
            groups=position_groups(confirmed),
            seed=seed,
        ),
        direct=logit_attribution(
            model, chosen.clean, chosen.position, chosen.right, chosen.wrong, layouts=chosen.layouts
        ),
        example=example,
        by_position=patch_map(model, flip_tokens(chosen.take(np.array([example]))), seed=seed),
    )


def control_map(model: HookedTransformer, pairs: PatchingPairs, flips: PatchMap, seed: int = 0) -> PatchMap:
    """Patch the control pairs, whose own slot is the changed one, in units of the flips' logit differences."""
    groups = position_groups(pairs, pairs.control_slot)
    control = patch_map(model, control_tokens(pairs), groups=groups, seed=seed)
    present = torch.stack(list(groups.values()), dim=1).any(dim=2).numpy()
    # every pair has a fork
    units = flips.denominators[:, [flips.places.index(FORK)]]
    return replace(control, denominators=present * units)
