"""What the displays share: optional imports, colours that colour-blind readers tell apart, axes, legends."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from unicodedata import category

import numpy as np

from softglm import optional
from softglm.arrays import FloatArray
from softglm.optional import needed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

# Okabe & Ito (2008), https://jfly.uni-koeln.de/color/; without yellow, which white paper swallows.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
# Their numbers share no divisor with that of the colours: the first 28 series differ in some pair of the three.
MARKERS = ("o", "s", "^", "D")
LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5)))
HATCHES = ("", "////", "....", "\\\\\\\\")
GREY = "0.45"
SMALL = "small"
# Inches: a panel is half a page wide.
PANEL_WIDTH = 3.3
# Of a logarithmic axis: the ticks in a decade, for the spans in decades up to which they are few enough to read.
_TICKS_IN_DECADE = ((1.2, (1.0, 2.0, 5.0)), (2.5, (1.0, 3.0)))
_LEAST_TICKS = 3
# Characters of a small legend that fit above a panel.
_LEGEND_CHARACTERS, _HANDLE_CHARACTERS = 48, 7


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


def pandas() -> Any:
    """Return the module.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    return optional.pandas()


def line_style(position: int) -> dict[str, Any]:
    """Return the color, the line and the marker of a series."""
    return {
        "color": COLORS[position % len(COLORS)],
        "linestyle": LINES[position % len(LINES)],
        "marker": MARKERS[position % len(MARKERS)],
    }


def bars_of(centre: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Return the lengths of the bars of intervals, shape (2, n): down and up from their centres, of shape (n,)."""
    # By rounding an end may be on the other side of the centre, and matplotlib takes no negative length.
    return np.maximum(np.stack([centre - low, high - centre]), 0.0)


def axes_of(ax: Any, n_panels: int, *, n_columns: int, panel: tuple[float, float], **options: Any) -> "list[Axes]":
    """Return as many axes as there are panels: those given, or those of a new figure.

    Parameters
    ----------
    ax : Axes, array of Axes or None
    n_panels, n_columns : int
    panel : tuple of two floats
        Width and height of a panel in inches, where the figure is new.
    **options
        Of ``subplots``.

    Raises
    ------
    ValueError
        If the number of axes is not that of the panels.
    """
    plt = pyplot()
    if ax is not None:
        given = list(np.ravel(np.array(ax, dtype=object)))
        if len(given) != n_panels:
            raise ValueError(
                f"ax has {len(given)} axes, expected {n_panels}: one for each panel. Pass that many, or ax=None for a "
                "new figure."
            )
        return given
    n_columns = min(n_columns, n_panels)
    n_rows = -(-n_panels // n_columns)
    size = (n_columns * panel[0], n_rows * panel[1])
    _, grid = plt.subplots(n_rows, n_columns, figsize=size, layout="constrained", squeeze=False, **options)
    for unused in grid.ravel()[n_panels:]:
        unused.remove()
    for lowest in grid.ravel()[n_panels - n_columns : n_panels]:
        # Shared axes have numbers in the last row only, where there may be no panel.
        lowest.tick_params(labelbottom=True)
    return list(grid.ravel()[:n_panels])


def legend_above(axis: "Axes", title: str | None = None) -> "Legend":
    """Put a legend above the axes, in as many columns as fit, where it hides nothing."""
    handles, labels = axis.get_legend_handles_labels()
    n = len(labels)
    together = sum(map(len, labels)) + _HANDLE_CHARACTERS * n
    widest = max(map(len, labels), default=0) + _HANDLE_CHARACTERS
    n_columns = n if together <= _LEGEND_CHARACTERS else max(1, _LEGEND_CHARACTERS // widest)
    return put_legend(
        axis,
        handles,
        labels,
        n_columns,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        title=title,
        title_fontsize=SMALL,
        columnspacing=0.9,
        # Dashes show in a long handle only; points with their intervals need none.
        handlelength=2.8 if all(hasattr(handle, "get_linestyle") for handle in handles) else 1.2,
        handletextpad=0.4,
        borderaxespad=0.2,
    )


def put_legend(
    place: "Axes | Figure", handles: Sequence[Any], labels: Sequence[str], n_columns: int, **options: Any
) -> "Legend":
    """Put a small legend without a frame on axes or a figure.

    Its entries read row by row, in at most so many columns: fewer where the names of ticks, or its own, are long.
    """
    legend = place.legend(
        _by_rows(handles, n_columns),
        _by_rows(labels, n_columns),
        ncols=n_columns,
        fontsize=SMALL,
        frameon=False,
        **options,
    )
    for text in legend.get_texts():
        text.set_text(text.get_text().lstrip())
    if n_columns <= 1 or _is_inside(legend, figure_of(place)):
        return legend
    legend.remove()
    return put_legend(place, handles, labels, n_columns - 1, **options)


def _is_inside(legend: "Legend", figure: "Figure") -> bool:
    """Return whether a legend is within its figure from left to right."""
    figure.draw_without_rendering()
    box = legend.get_window_extent()
    return bool(figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1)


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


def _by_rows(entries: Sequence[Any], n_columns: int) -> list[Any]:
    """Return the entries of a legend so that they read row by row, where matplotlib fills column by column."""
    return [entry for column in range(n_columns) for entry in entries[column::n_columns]]


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
