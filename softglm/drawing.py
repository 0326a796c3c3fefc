"""The door from results to their pictures."""

from collections.abc import Callable
from importlib import import_module
from inspect import getdoc
from typing import Any, Concatenate, NamedTuple, TypeVar, final

_Result = TypeVar("_Result")
# What `plot` takes and returns, of every result.
_SECTIONS = """

Parameters
----------
ax : Axes, array of Axes or None
    Where to; None makes a new figure.
**options
    Of the method of the display that makes it, ``from_...``.

Returns
-------
object
    The display, with the figure, the axes and the numbers that are drawn. It needs matplotlib.
"""


@final
class Drawing(NamedTuple):
    """What a result is drawn by.

    Pictures know the results that they show, so these cannot import them. They name them, and they are looked up when
    somebody asks to draw, as pandas does with what draws its frames; until then nobody needs matplotlib.

    Attributes
    ----------
    display, maker : str
        A class of `softglm.plots`, and its method that makes one.
    shown : object
        What that is made of.
    """

    display: str
    maker: str
    shown: Any


def drawn(drawing_of: Callable[[_Result], Drawing]) -> Callable[Concatenate[_Result, ...], Any]:
    """Make the method `plot` of a result, of one that returns its drawing, and whose docstring says what that shows."""

    def plot(self: _Result, ax: Any = None, **options: Any) -> Any:  # noqa: ANN401 - axes of matplotlib, and a display
        display, maker, shown = drawing_of(self)
        return getattr(getattr(import_module("softglm.plots"), display), maker)(shown, ax=ax, **options)

    plot.__doc__ = f"{getdoc(drawing_of)}{_SECTIONS}"
    plot.__module__, plot.__qualname__ = drawing_of.__module__, drawing_of.__qualname__
    return plot
