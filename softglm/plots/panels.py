"""What displays of several panels share."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from softglm.plots.style import axes_of, figure_of, panel_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Small panels that are side by side: so many in a single row or two, and one more where there are more rows.
_COLUMNS = 4
# And where they share the names of long rows.
_MOST_COLUMNS = 10


@dataclass(eq=False)
class PanelDisplay(ABC):
    """A display of one panel or several.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One for each panel; `ax_` is the first.
    artists_ : list
        What stands for the data.
    """

    figure_: "Figure" = field(init=False, repr=False)
    axes_: "list[Axes]" = field(init=False, repr=False)
    artists_: list[Any] = field(init=False, repr=False)

    @property
    def ax_(self) -> "Axes":
        """The first of the axes."""
        return self.axes_[0]

    @abstractmethod
    def to_frame(self) -> "pd.DataFrame":
        """Return the numbers that are drawn."""

    def _open(self, ax: Any, n_panels: int = 1, **options: Any) -> None:
        """Take the axes given, or those of a new figure, as `axes_of` does."""
        self.axes_ = axes_of(ax, n_panels, **options)
        self.figure_ = figure_of(self.ax_)

    def _name_axes(self, x: str, y: str, *, once: bool) -> None:
        """Say what the axes measure: once for the figure, or below each panel and beside the first."""
        if once:
            self.figure_.supxlabel(x, fontsize="medium")
            self.figure_.supylabel(y, fontsize="medium")
            return
        for axis in self.axes_:
            axis.set_xlabel(x)
        self.ax_.set_ylabel(y)


def columns_of(n_panels: int) -> int:
    """Return how many of so many small panels are side by side."""
    if n_panels <= _COLUMNS:
        return n_panels
    return min(_COLUMNS, -(-n_panels // 2)) if n_panels < 2 * _COLUMNS else _COLUMNS + 1


def grid_of(n_panels: int, height: float) -> dict[str, Any]:
    """Return how many panels of at least this height are beside each other, and how large each is.

    As few as in other displays, or as many more as it takes for a figure that is no taller than wide: panels beside
    each other share the names of their rows.
    """
    for n_columns in range(columns_of(n_panels), min(n_panels, _MOST_COLUMNS) + 1):
        width, least = panel_of(n_columns)
        panel = (width, max(least, height))
        n_rows = -(-n_panels // n_columns)
        if n_rows * panel[1] <= n_columns * width:
            break
    # As many in the last row as there is room for.
    return {"n_columns": -(-n_panels // n_rows), "panel": panel}
