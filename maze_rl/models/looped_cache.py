"""The activations of a model with loops: all of TransformerLens's `ActivationCache` but sums over layers.

Between loops the stream is normed and the embedding added again. So what a layer writes does not reach the end as it
is, and the stream is no sum of what layers wrote: decompositions that say so are refused.
"""

from typing import Any, NoReturn

from transformer_lens import ActivationCache

from maze_rl.errors import ConfigurationError


class LoopedCache(ActivationCache):
    """An `ActivationCache` that refuses to decompose a residual stream that is no sum."""

    def accumulated_resid(self, *args: Any, **settings: Any) -> NoReturn:  # noqa: D102 - as what it replaces
        _refuse("accumulated_resid", "read the stream at a place, such as cache['resid_post', layer]")

    def decompose_resid(self, *args: Any, **settings: Any) -> NoReturn:  # noqa: D102 - as what it replaces
        _refuse("decompose_resid")

    def get_full_resid_decomposition(self, *args: Any, **settings: Any) -> NoReturn:  # noqa: D102 - as above
        _refuse("get_full_resid_decomposition")

    def logit_attrs(self, *args: Any, **settings: Any) -> NoReturn:  # noqa: D102 - as what it replaces
        _refuse("logit_attrs")

    def stack_head_results(self, *args: Any, **settings: Any) -> Any:
        """Return what each head wrote; refused with a remainder or the last norm, which take it for a part of a sum."""
        return self._only_stacked("stack_head_results", *args, **settings)

    def stack_neuron_results(self, *args: Any, **settings: Any) -> Any:
        """Return what each neuron wrote; refused with a remainder or the last norm, as for heads."""
        return self._only_stacked("stack_neuron_results", *args, **settings)

    def _only_stacked(self, name: str, *args: Any, **settings: Any) -> Any:
        for option in ("incl_remainder", "apply_ln"):
            if settings.get(option):
                _refuse(f"{name} with {option}", f"leave out {option}")
        if len(args) > 2:
            raise ConfigurationError(f"{name}: name all settings but the layer, so that they can be checked.")
        return getattr(super(), name)(*args, **settings)

    def apply_slice_to_batch_dim(self, batch_slice: Any) -> "LoopedCache":
        """Return the cache of some rows of the batch."""
        part = super().apply_slice_to_batch_dim(batch_slice)
        return LoopedCache(part.cache_dict, self.model, has_batch_dim=part.has_batch_dim)


def _refuse(what: str, instead: str = "patch or ablate, or look within one loop") -> NoReturn:
    raise ConfigurationError(
        f"{what}: between the loops of this model the stream is normed and the embedding added again, so it is no sum "
        f"of what layers wrote; {instead}."
    )
