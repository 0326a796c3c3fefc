"""What a fit does with the rows: one protocol; rows that are read each time, or held."""

from softglm.model.passes.cached import CachedPasses, HeldColumns, are_few
from softglm.model.passes.passes import Passes
from softglm.model.passes.streamed import StreamedPasses

__all__ = ["CachedPasses", "HeldColumns", "Passes", "StreamedPasses", "are_few"]
