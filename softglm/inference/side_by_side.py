"""Several models side by side: a column for each, as papers have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from softglm.arrays import FloatArray
from softglm.drawing import Drawing, drawn
from softglm.inference.cells import NOT_ESTIMABLE, number
from softglm.inference.coefficients import Coefficients, coefficient_rows, ratio_rows
from softglm.inference.tables import Content, Table
from softglm.optional import pandas

if TYPE_CHECKING:
    import pandas as pd

# Of p-values below these.
_STARS = {0.001: "***", 0.01: "**", 0.05: "*"}
_FACTS = {"Observations": "n_observations", "Log-likelihood": "log_likelihood", "AIC": "aic"}
_DECIMALS = 2
# What estimates are unless a note tells otherwise.
_USUAL = "maximum likelihood"


@final
@dataclass(frozen=True, eq=False, repr=False)
class RegressionTable(Table):
    r"""The coefficients of several models side by side. Made by `softglm.regression_table`.

    Attributes
    ----------
    names : tuple of str, length m
        Of the models.
    coefficients : tuple of Coefficients, length m
        Theirs.
    n_observations, log_likelihood, aic : arrays of shape (m,)
        NaN where a model has none: AIC, where weights leave no likelihood, or its covariance does not trust it.
    estimates : tuple of {"maximum likelihood", "penalised", "bias-reduced"}, length m
        What the coefficients are.
    std_errors : tuple of str, length m
        What they are based on.
    stars : bool
        Whether p-values are marked.
    odds_ratios : bool
        Whether the exponentials of coefficients are shown.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer, regression_table
    >>> X, y = load_wine(return_X_y=True)
    >>> one, two = (infer(SoftmaxGLM(alpha=0).fit(Z, y), Z, y) for Z in (X[:, :1], X[:, :2]))
    >>> table = regression_table([one, two], names=["alcohol", "and acid"], stars=True)
    >>> print(table)
                        alcohol    and acid
    ---------------------------------------
    1 vs 0
      Intercept       68.23***    66.32***
                      (9.13)      (9.48)
      x0              -5.225***   -5.088***
                      (0.699)     (0.726)
      x1                           0.055
                                  (0.335)
    2 vs 0
      Intercept       29.54***    25.94***
                      (6.49)      (7.18)
      x0              -2.209***   -2.174***
                      (0.481)     (0.540)
      x1                           1.210***
                                  (0.263)
    ---------------------------------------
    Observations      178         178
    Log-likelihood  -116.06      -94.10
    AIC              240.12      200.20
    In brackets standard errors: model (inverse information).
    * p < 0.05, ** p < 0.01, *** p < 0.001.

    For a paper:

    >>> print(table.to_latex(caption="Cultivars of wine.", label="tab:wine"))
    \begin{table}
    \centering
    \caption{Cultivars of wine.}
    \label{tab:wine}
    \begin{tabular}{lrr}
    \toprule
     & alcohol & and acid \\
    \midrule
    \multicolumn{3}{l}{1 vs 0} \\
    \quad Intercept & 68.23$^{***}$ & 66.32$^{***}$ \\
    ...
    """

    names: tuple[str, ...]
    coefficients: tuple[Coefficients, ...]
    n_observations: FloatArray
    log_likelihood: FloatArray
    aic: FloatArray
    estimates: tuple[str, ...]
    std_errors: tuple[str, ...]
    stars: bool
    odds_ratios: bool

    def _content(self) -> Content:
        columns = [self._column(table) for table in self.coefficients]
        terms: dict[str, dict[str, None]] = {}
        for column in columns:
            for block, cells in column.items():
                terms.setdefault(block, {}).update(dict.fromkeys(cells))
        groups: dict[str, list[list[str]]] = {block: [] for block in terms}
        for block, of_block in terms.items():
            for term in of_block:
                pairs = [column.get(block, {}).get(term, ("", "")) for column in columns]
                estimates, errors = zip(*pairs, strict=True)
                groups[block] += [[term, *estimates], ["", *errors]]
        facts = ((label, _fact_cells(getattr(self, name))) for label, name in _FACTS.items())
        foot = [[label, *cells] for label, cells in facts if any(cells)]
        title = "Odds ratios" if self.odds_ratios else ""
        return Content(self.names, groups, title=title, foot=foot, notes=self._notes())

    def _column(self, table: Coefficients) -> dict[str, dict[str, tuple[str, str]]]:
        """Return, for each contrast of classes and each term, the cells of its estimate and its standard error."""
        rows = ratio_rows(table.odds_ratios()) if self.odds_ratios else coefficient_rows(table)
        column: dict[str, dict[str, tuple[str, str]]] = {}
        for k, (block, of_block) in enumerate(rows.items()):
            column[block] = {}
            for j, (term, estimate, error, *_) in enumerate(of_block):
                stars = _stars(table.p_value[k, j]) if self.stars and table.p_value is not None else ""
                column[block][term] = (f"{estimate}{stars}", "" if error == NOT_ESTIMABLE else f"({error})")
        return column

    def _notes(self) -> list[str]:
        notes = [f"In brackets standard errors: {self._told(self.std_errors)}."]
        if any(kind != _USUAL for kind in self.estimates):
            notes.insert(0, f"Estimates: {self._told(self.estimates)}.")
        marks = ", ".join(f"{stars} p < {level:g}" for level, stars in reversed(_STARS.items()))
        return [*notes, f"{marks}."] if self.stars else notes

    def _told(self, facts: tuple[str, ...]) -> str:
        """Say a fact of each model; once, if it is the same of all."""
        return facts[0] if len(set(facts)) == 1 else "; ".join(map(": ".join, zip(self.names, facts, strict=True)))

    @drawn
    def plot(self) -> Drawing:
        """Draw the models, a mark for each in the row of a term: `softglm.plots.RegressionTableDisplay`."""
        return Drawing("RegressionTableDisplay", "from_table", self)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame, a row for each model, class and term. It needs pandas.

        Its columns: model, class, term, estimate (or ratio), std_error, z, p_value, lower, upper.
        """
        pd = pandas()
        tables = (table.odds_ratios() if self.odds_ratios else table for table in self.coefficients)
        frames = {name: table.to_frame() for name, table in zip(self.names, tables, strict=True)}
        return pd.concat(frames, names=["model"]).reset_index("model").reset_index(drop=True)


def regression_table(
    results: Sequence[Any], *, names: Sequence[str] | None = None, stars: bool = False, odds_ratios: bool = False
) -> RegressionTable:
    """Set the coefficients of several models side by side: a column for each, and a block for each class.

    Parameters
    ----------
    results : list of Inference
        What `infer` returned; or other results that have `coefficients`.
    names : list of str, default=None
        Of the columns; (1), (2), ... by default.
    stars : bool, default=False
        Whether to mark p-values: one star below 0.05, two below 0.01, three below 0.001. Penalised fits have none.
    odds_ratios : bool, default=False
        Whether to show exp(coefficient) with its delta-method standard error. Stars are those of the coefficients.

    Returns
    -------
    RegressionTable
        To print, or to write by its `to_latex`, `to_markdown` and `to_html`.

    Raises
    ------
    TypeError
        If something is no such result.
    ValueError
        If there are none, or as many names as results are not given, or a name is given twice, or results of the same
        classes have different base classes.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer, regression_table
    >>> X, y = load_wine(return_X_y=True)
    >>> one, two = (infer(SoftmaxGLM(alpha=0).fit(Z, y), Z, y) for Z in (X[:, :1], X[:, :2]))
    >>> regression_table([one, two]).aic.round(2).tolist()
    [240.12, 200.2]
    """
    results = _checked(results)
    names = [f"({place})" for place in range(1, len(results) + 1)] if names is None else list(names)
    if len(names) != len(results) or len(set(names)) < len(names):
        raise ValueError(
            f"names={names!r}, expected a different one for each of the {len(results)} results. Give one name each."
        )
    facts = {name: np.array([_fact(result, name) for result in results]) for name in _FACTS.values()}
    return RegressionTable(
        names=tuple(map(str, names)),
        coefficients=tuple(result.coefficients for result in results),
        estimates=tuple(_estimates_of(result) for result in results),
        std_errors=tuple(
            result.covariance.description if hasattr(result, "covariance") else "pooled" for result in results
        ),
        stars=stars,
        odds_ratios=odds_ratios,
        **facts,
    )


def _checked(results: Sequence[Any]) -> list[Any]:
    """Return the results as a list; raise unless they can stand side by side."""
    results = list(results) if isinstance(results, Sequence) else [results]
    for result in results:
        if not isinstance(getattr(result, "coefficients", None), Coefficients):
            raise TypeError(
                f"regression_table got a {type(result).__name__}, expected a list of what infer returns: "
                "regression_table([infer(model, X, y), ...])."
            )
    if not results:
        raise ValueError(
            "regression_table got no results, expected at least one: regression_table([infer(model, X, y)])."
        )
    first = results[0]
    for place, result in enumerate(results):
        if set(result.classes) == set(first.classes) and result.reference != first.reference:
            raise ValueError(
                f"Result {place} has the base class {result.reference!r}, result 0 has {first.reference!r}: their "
                f"coefficients are of different contrasts. Pass .rebase({first.reference!r}) of it."
            )
    return results


def _estimates_of(result: Any) -> str:  # noqa: ANN401 - a result of any kind
    """Return what the coefficients are; pooled ones are what all of the pooled are."""
    estimate = getattr(getattr(result, "results", (result,))[0], "estimate", None)
    return _USUAL if estimate is None else str(estimate.kind)


def _fact(result: Any, name: str) -> float:  # noqa: ANN401 - a result of any kind
    """Return a number that describes a whole fit; NaN where it has none."""
    try:
        return float(getattr(result, name))
    except (AttributeError, ValueError):
        return float("nan")


def _fact_cells(values: FloatArray) -> list[str]:
    return [
        "" if np.isnan(value) else f"{value:.0f}" if value.is_integer() else number(value, _DECIMALS)
        for value in values
    ]


def _stars(p_value: float) -> str:
    return next((stars for level, stars in _STARS.items() if p_value < level), "")
