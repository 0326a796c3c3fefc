"""Marginal effects with their intervals, a row for each and a mark for each class."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

from softglm.inference.effects import MarginalEffects
from softglm.plots.rows import Rows, RowsDisplay

if TYPE_CHECKING:
    import pandas as pd


@final
@dataclass(eq=False)
class MarginalEffectDisplay(RowsDisplay):
    """What a unit of each feature, or its level, adds to the probabilities of the classes. Made by `from_effects`.

    Attributes
    ----------
    effects : MarginalEffects
        What is drawn.
    figure_ : matplotlib Figure
    axes_ : list of matplotlib Axes
        One, or one for each class; `ax_` is the first.
    artists_ : list of ErrorbarContainer
        One for each class; none of what the data do not determine.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import SoftmaxGLM, infer
    >>> from softglm.plots import MarginalEffectDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> display = MarginalEffectDisplay.from_effects(infer(SoftmaxGLM().fit(X, y), X, y).marginal_effects())
    >>> display.ax_.get_xlabel()
    'change of probabilities per unit, 95% intervals'
    """

    effects: MarginalEffects

    @classmethod
    def from_effects(cls, effects: MarginalEffects, **options: Any) -> Self:
        """Draw marginal effects.

        Parameters
        ----------
        effects : MarginalEffects
            What `Inference.marginal_effects` returns.
        **options
            Of `plot`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        return cls(effects).plot(**options)

    def to_frame(self) -> "pd.DataFrame":
        """Return the data frame of the effects."""
        return self.effects.to_frame()

    @property
    def _rows(self) -> Rows:
        found = self.effects
        per_unit = "" if found.is_discrete.all() else found.of_what or " per unit"
        return Rows(
            names=[
                term if pair is None else f"{term}: {contrast}"
                for term, pair, contrast in zip(found.terms, found.levels, found.contrasts, strict=True)
            ],
            classes=found.classes,
            estimate=found.estimate,
            lower=found.lower,
            upper=found.upper,
            unit=f"change of probabilities{per_unit}, {100 * found.level:g}% intervals",
        )
