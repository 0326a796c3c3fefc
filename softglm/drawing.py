"""The door from results to their pictures."""

from importlib import import_module
from typing import Any


def display(name: str) -> Any:  # noqa: ANN401 - a class that only `softglm.plots` knows
    """Return a display of `softglm.plots`, by its name.

    Pictures know the results that they show, so these cannot import them. They look them up when they are asked to be
    drawn, as pandas does with what draws its frames; until then nobody needs matplotlib.
    """
    return getattr(import_module("softglm.plots"), name)
