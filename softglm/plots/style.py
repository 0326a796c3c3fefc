"""What the displays share: optional imports, colours that colour-blind readers tell apart, axes, names."""

from itertools import pairwise
from typing import TYPE_CHECKING, Any
from unicodedata import category

import numpy as np
import numpy.typing as npt

from softglm.arrays import FloatArray
from softglm.optional import needed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe & Ito (2008), https://jfly.uni-koeln.de/color/; without yellow, which white paper swallows.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Their numbers share no divisor with that of the colours: the first 28 series differ in some pair of the three.
MARKERS = ("o", "s", "^", "D")
LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
HATCHES = ("", "////", "....", "\\\\\\\\")
GREY = "0.45"
# At matplotlib's default size 8.3 points: nothing is written smaller.
SMALL = "small"
# Of the width of a figure of one panel: what each further panel beside the first adds, and the most of all together.
_WIDER, _WIDEST = 0.5, 2.0
# Inches: the least panel, the height of a line of names, and the width of a number with what is around it.
_LEAST_PANEL, _NAME_HEIGHT, _NUMBER_WIDTH = (1.5, 2.4), 0.125, 0.45
# Of a figure, what its axes are moved at most.
_MOST_MARGIN = 0.6
# Degrees by which names that would hide each other are turned.
_TURNED = 35
# Of a logarithmic axis: the ticks in a decade, for the spans in decades up to which they are few enough to read.
_TICKS_IN_DECADE = ((1.2, (1.0, 2.0, 5.0)), (2.5, (1.0, 3.0)))
_LEAST_TICKS, _MOST_TICKS = 3, 9


def pyplot() -> Any:
    """Return the module.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    with needed("softglm.plots", "matplotlib", "plots"):
        from matplotlib import pyplot as plt
    return plt


def line_style(position: int) -> dict[str, Any]:
    """Return the color, the line and the marker of a series."""
    return {
        "color": COLORS[position % len(COLORS)],
        "linestyle": LINES[position % len(LINES)],
        "marker": MARKERS[position % len(MARKERS)],
    }


def panel_of(n_columns: int = 1) -> tuple[float, float]:
    """Return the width and height in inches of one of so many panels beside each other.

    One alone is as large as any figure of the user's, ``rcParams["figure.figsize"]``; several share a figure that is up
    to twice as wide.
    """
    figure_width, figure_height = pyplot().rcParams["figure.figsize"]
    share = min(1.0 + _WIDER * (n_columns - 1), _WIDEST) / n_columns
    return max(share * figure_width, _LEAST_PANEL[0]), max(share * figure_height, _LEAST_PANEL[1])


def bars_of(centre: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the lengths of the bars of intervals, shape (2, n): down and up from their centres, of shape (n,)."""
    # By rounding an end may be on the other side of the centre, and matplotlib takes no negative length.
    return np.maximum(np.stack([centre - low, high - centre]), 0.0)


def axes_of(
    ax: Any,
    n_panels: int = 1,
    *,
    n_columns: int = 1,
    panel: tuple[float, float] | None = None,
    **options: Any,
) -> "list[Axes]":
    """Return as many axes as there are panels: those given, or those of a new figure.

    Parameters
    ----------
    ax : Axes, array of Axes or None
    n_panels, n_columns : int
    panel : tuple of two floats, default=None
        Width and height of a panel in inches, where the figure is new; those of `panel_of` by default.
    **options
        Of ``subplots``.

    Raises
    ------
    TypeError
        If something given is not axes with an x and a y, such as a figure, or polar ones.
    ValueError
        If the number of axes is not that of the panels.
    """
    plt = pyplot()
    if ax is not None:
        given = list(np.ravel(np.array(ax, dtype=object)))
        _check_axes(given)
        if len(given) != n_panels:
            raise ValueError(
                f"ax has {len(given)} axes, expected {n_panels}: one for each panel. Pass that many, or ax=None for a "
                "new figure."
            )
        return given
    n_columns = min(n_columns, n_panels)
    n_rows = -(-n_panels // n_columns)
    panel = panel_of(n_columns) if panel is None else panel
    size = (n_columns * panel[0], n_rows * panel[1])
    _, grid = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained", squeeze=False, **options)
    for unused in grid.ravel()[n_panels:]:
        unused.remove()
    for lowest in grid.ravel()[n_panels - n_columns : n_panels]:
        # Shared axes have numbers in the last row only, where there may be no panel.
        lowest.tick_params(labelbottom=True)
    return list(grid.ravel()[:n_panels])


def _check_axes(given: "Sequence[Any]") -> None:
    from matplotlib.axes import Axes

    for one in given:
        if not isinstance(one, Axes) or one.name != "rectilinear":
            what = f"{one.name} axes" if isinstance(one, Axes) else f"a {type(one).__name__}"
            raise TypeError(
                f"ax got {what}, expected axes with an x and a y, as plt.subplots() makes them, or several of them; or "
                "None for a new figure."
            )


def keep_inside(axes: "Sequence[Axes]") -> None:
    """Move axes away from the left and the lower end of a figure beyond which their names would be.

    Figures that make room themselves (``layout="constrained"``) are left alone.
    """
    figure = figure_of(axes[0])
    if figure.get_layout_engine() is not None:
        return
    figure.draw_without_rendering()
    margins = {"left": "x0", "bottom": "y0"}
    boxes = [axis.get_tightbbox() for axis in axes]
    beyond = {side: -min(getattr(box, end) for box in boxes) for side, end in margins.items()}
    sizes = {"left": figure.bbox.width, "bottom": figure.bbox.height}
    moved = {
        side: getattr(figure.subplotpars, side) + pixels / sizes[side]
        for side, pixels in beyond.items()
        if pixels > 0.0
    }
    if moved and all(margin < _MOST_MARGIN for margin in moved.values()):
        figure.subplots_adjust(**moved)


def turn_crowded_ticks(axes: "Sequence[Axes]") -> None:
    """Turn the names below all of these axes if some of them would run into each other."""
    figure_of(axes[0]).draw_without_rendering()
    for axis in axes:
        boxes = [label.get_window_extent() for label in axis.get_xticklabels()]
        if any(one.x1 + 2.0 > other.x0 for one, other in pairwise(boxes)):
            break
    else:
        return
    for axis in axes:
        axis.tick_params(axis="x", labelrotation=_TURNED)
        for label in axis.get_xticklabels():
            label.set(ha="right", rotation_mode="anchor")


def name_ticks(axis: "Axis") -> None:
    """Put ticks with plain numbers on a logarithmic axis that is so short that few powers of ten fall in, or none.

    Longer axes are left as they are.
    """
    from matplotlib.ticker import MaxNLocator

    low, high = axis.get_view_interval()
    for decades, within in _TICKS_IN_DECADE:
        if np.log10(high / low) < decades:
            powers = 10.0 ** np.arange(np.floor(np.log10(low)), np.log10(high))
            ticks = np.outer(powers, within).ravel()
            break
    else:
        return
    ticks = ticks[(ticks >= low) & (ticks <= high)]
    if len(ticks) < _LEAST_TICKS:
        ticks = np.asarray(MaxNLocator(nbins=_LEAST_TICKS + 1, steps=[1, 2, 5, 10]).tick_values(low, high))
        ticks = ticks[(ticks >= low) & (ticks <= high)]
    axis.set_ticks(ticks, [f"{tick:.6g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def figure_of(place: "Axes | Figure") -> "Figure":
    """Return the figure of axes, or that around their subfigure; of a figure itself."""
    figure: Figure = place.figure.figure
    return figure


def space_ticks(axis: "Axes") -> None:
    """Put no more numbers below linear axes than have room beside each other; axes that were given may be others."""
    if axis.get_xscale() != "linear":
        return
    width = axis.get_window_extent().width / figure_of(axis).dpi
    axis.locator_params(axis="x", nbins=max(2, min(int(width / _NUMBER_WIDTH), _MOST_TICKS)))


def names_that_fit(axis: "Axes", places: npt.NDArray[Any], names: "Sequence[str]") -> list[str]:
    """Return the names of rows of axes, such as one over the other: of too many, those of every few rows."""
    height = axis.get_window_extent().height / figure_of(axis).dpi
    step = max(1, int(np.ceil(len(names) * _NAME_HEIGHT / height)))
    return [name if place % step == 0 else "" for place, name in zip(places, names, strict=True)]


def tidy_axis(axis: "Axes") -> None:
    """Take away what carries no data."""
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=SMALL)


def literal(name: object, most: int = 24) -> str:
    """Return a name as a text that matplotlib draws as it is, of at most so many characters.

    A whole number loses its ".0", a line break or tab is a space. Names are cut in the middle: those of classes and of
    columns often begin, or end, alike. All that a user names goes through here: matplotlib takes what is between two
    dollars for a formula, and warns of characters that no font has.
    """
    from matplotlib import rcParams

    if isinstance(name, float | np.floating) and float(name).is_integer():
        name = int(name)
    whole = "".join(map(_visible, str(name)))
    if len(whole) > most:
        end = (most - 1) // 2
        whole = f"{whole[: most - 1 - end]}\u2026{whole[-end:]}"
    return whole.replace("$", r"\$") if rcParams["text.parse_math"] else whole


def shortened(name: object, most: int = 24) -> str:
    """Return a name as `literal` does, but fit for the label of an artist.

    An artist whose label is empty or begins with "_" has no entry in a legend, hence a space before it, which
    `put_legend` takes away.
    """
    text = literal(name, most)
    return f" {text}" if not text or text.startswith("_") else text


def _visible(letter: str) -> str:
    if letter.isspace():
        return " "
    # Control characters and halves of characters, as Python writes them.
    return repr(letter)[1:-1] if category(letter) in {"Cc", "Cs"} else letter
