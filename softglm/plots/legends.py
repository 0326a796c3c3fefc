"""Legends that hide nothing: neither data, nor titles, nor the names of ticks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from softglm.plots.style import SMALL, figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

# Inches that a letter takes; what the handle of an entry takes, in letters; how much wider than axes a legend may be.
_LETTER, _HANDLE, _WIDER = 0.065, 7, 1.2
# Rows above axes: a longer legend is beside them; and its longest column there.
_MOST_ROWS, _LONGEST = 3, 22


def legend_of(axis: "Axes", title: str | None = None) -> "Legend":
    """Put a legend where it hides nothing: above the axes, or of many entries beside them where there is room.

    A title that the axes have, or are given later, is above it. In a figure that makes no room around its axes
    (``layout="constrained"`` does) a legend that would not fit is inside.
    """
    handles, labels = axis.get_legend_handles_labels()
    n, figure = len(labels), figure_of(axis)
    # Dashes show in a long handle only; points with their intervals need none.
    handlelength = 2.8 if all(hasattr(handle, "get_linestyle") for handle in handles) else 1.2
    options: dict[str, Any] = {
        "title": title,
        "title_fontsize": SMALL,
        "handlelength": handlelength,
        "handletextpad": 0.4,
        "columnspacing": 0.9,
        "borderaxespad": 0.2,
    }
    characters = _WIDER * axis.get_position().width * figure.get_figwidth() / _LETTER
    together = sum(map(len, labels)) + _HANDLE * n
    widest = max(map(len, labels), default=0) + _HANDLE
    n_columns = n if together <= characters else max(1, int(characters // widest))
    makes_room = figure.get_layout_engine() is not None
    if n > n_columns * _MOST_ROWS and makes_room and len(figure.axes) == 1:
        return put_legend(
            axis, handles, labels, -(-n // _LONGEST), loc="upper left", bbox_to_anchor=(1.01, 1.0), **options
        )
    legend = put_legend(axis, handles, labels, n_columns, loc="lower center", bbox_to_anchor=(0.5, 1.0), **options)
    if not makes_room and legend.get_window_extent().y1 > figure.bbox.y1:
        legend.set_loc("best")
        legend.set_bbox_to_anchor(None)
        return legend
    _keep_title_above(axis, legend)
    return legend


def _keep_title_above(axis: "Axes", legend: "Legend") -> None:
    """Let no title hide a legend above axes: titles heed the axes in their axes, so an invisible one is where it is."""
    place = axis.inset_axes((0.0, 1.0, 1.0, 0.0))
    place.set_visible(False)
    to_figure = axis.figure.transSubfigure

    def where(_: Any, renderer: Any) -> Any:
        return legend.get_window_extent(renderer).transformed(to_figure.inverted())

    place.set_axes_locator(where)


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


def _by_rows(entries: Sequence[Any], n_columns: int) -> list[Any]:
    """Return the entries of a legend so that they read row by row, where matplotlib fills column by column."""
    return [entry for column in range(n_columns) for entry in entries[column::n_columns]]
