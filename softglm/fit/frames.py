"""Other forms of the features, in which they are fitted."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from softglm.arrays import FloatArray
from softglm.fit.result import Fit, Report, Start


class Frame(Protocol):
    """Another form of the features, in which they are fitted."""

    def down(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what coefficients and intercepts are there."""

    def up(self, coef: FloatArray, intercept: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return what those there are here."""


def solve_in(
    frame: Frame,
    solve_there: Callable[[Start | None, Report | None], Fit],
    start: Start | None,
    report: Report | None,
) -> Fit:
    """Fit in another frame: what it begins with is taken there, what it reports and finds is brought back."""
    result = solve_there(
        None if start is None else Start(*frame.down(start.coef, start.intercept)),
        None if report is None else lambda progress, *predictor: report(progress, *frame.up(*predictor)),
    )
    coef, intercept = frame.up(result.coef, result.intercept)
    return replace(result, coef=coef, intercept=intercept)
