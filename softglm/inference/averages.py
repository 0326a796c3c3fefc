r"""Predictions with some features set to given values: averaged over the rows, or at one place.

The means P_k and their gradients are those of `softglm.inference.means`. Intervals are symmetric on the scale of
logit P_k, whose gradient is that over P_k (1 - P_k): they stay between 0 and 1.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import expit, logit

from softglm.arrays import FloatArray
from softglm.inference.cells import LEFT_OPEN, aligned, cells_of, estimate_headings
from softglm.inference.column_averages import (
    Averages,
    Means,
    ModelColumns,
    averages_of_columns,
    check_finite,
    chosen_levels,
    grid_of,
    no_dummies,
)
from softglm.inference.estimate import Estimate
from softglm.inference.factors import BASE, are_dummies, dummy_settings
from softglm.inference.inputs import Inputs, Setting, Variable
from softglm.inference.means import Counterfactual
from softglm.inference.names import Name, Names
from softglm.inference.significance import half_widths

if TYPE_CHECKING:
    import pandas as pd

At: TypeAlias = Literal["average", "means"] | Mapping[Name, Any]
# Rows that are printed, and the decimals of their probabilities.
_MOST_ROWS, _DECIMALS = 10, 4


@final
@dataclass(frozen=True, eq=False, repr=False)
class AveragePredictions:
    """Probabilities of every class with features set to given values, each with its own (pointwise) interval.

    Attributes
    ----------
    terms : tuple of str, length g
        What was set.
    grid : array of shape (v,), or (v, g) if g > 1
        What to: numbers, or levels of a factor.
    classes : array of shape (K,)
        Sorted.
    probability, std_error, lower, upper : array of shape (v, K)
        NaN where the data do not determine them: where columns are collinear, or infinite estimates decide.
    level : float
        Of the intervals.
    observed : array
        Of a number, its values in the rows of the fit; empty otherwise.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> X = X[:, :2]
    >>> result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y)
    >>> print(result.average_predictions("x0", [13, 14]))
             probability  std. error    2.5%   97.5%
    ------------------------------------------------
    x0 = 13
      0           0.2534      0.0567  0.1587  0.3791
      1           0.3340      0.0606  0.2272  0.4611
      2           0.4126      0.0500  0.3193  0.5127
    x0 = 14
      0           0.7768      0.0488  0.6672  0.8580
      1           0.0064      0.0049  0.0014  0.0280
      2           0.2168      0.0475  0.1379  0.3239
    """

    terms: tuple[str, ...]
    grid: npt.NDArray[Any]
    classes: npt.NDArray[Any]
    probability: FloatArray
    std_error: FloatArray
    lower: FloatArray
    upper: FloatArray
    level: float
    observed: FloatArray = field(default_factory=lambda: np.empty(0))

    def __str__(self) -> str:
        """Return a table of the first values."""
        groups = {}
        for row, values in enumerate(self._listed[:_MOST_ROWS]):
            cells = cells_of(
                estimate=self.probability[row],
                std_error=self.std_error[row],
                lower=self.lower[row],
                upper=self.upper[row],
                decimals=_DECIMALS,
            )
            name = ", ".join(f"{term} = {_shown(value)}" for term, value in zip(self.terms, values, strict=True))
            groups[name] = [[str(label), *of_class] for label, of_class in zip(self.classes, cells, strict=True)]
        table = aligned(estimate_headings(self.level, estimate="probability"), groups)
        more = len(self.probability) - _MOST_ROWS
        table += [f"... and {more:,} more values: see to_frame()"] if more > 0 else []
        table += [LEFT_OPEN] if np.isnan(self.probability).any() else []
        return "\n".join(table)

    __repr__ = __str__

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy data frame with the columns value, class, probability, std_error, lower, upper.

        Of several features it has a column each, under their names, in place of value. It needs pandas.
        """
        import pandas as pd

        v, K = self.probability.shape
        names = ["value"] if len(self.terms) == 1 else self.terms
        columns: dict[str, Any] = {
            name: np.repeat(np.array([values[position] for values in self._listed]), K)
            for position, name in enumerate(names)
        }
        columns["class"] = np.tile(self.classes, v)
        for name in ("probability", "std_error", "lower", "upper"):
            columns[name] = getattr(self, name).ravel()
        return pd.DataFrame(columns)

    @property
    def _listed(self) -> list[list[Any]]:
        grid = self.grid.tolist()
        return [[value] for value in grid] if self.grid.ndim == 1 else grid


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever an input holds
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def average_predictions(
    estimate: Estimate,
    root: FloatArray,
    names: Sequence[Name],
    values: Any = None,  # noqa: ANN401 - whatever inputs hold
    at: At = "average",
    *,
    features: Sequence[str],
    classes: npt.NDArray[Any],
    distribution: Any,  # noqa: ANN401 - a frozen distribution of scipy.stats
    level: float,
    inputs: Inputs | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    base: str = BASE,
) -> AveragePredictions:
    """Predict with features set to each of several values, and average over the rows.

    Parameters
    ----------
    estimate : Estimate
    root : array of shape (P, k)
        L of the covariance L L' of the coordinates.
    names : sequence of str or int, length g
        What is set: inputs, if all of them are; else columns of the model, or a single group.
    values : array-like of shape (v,), or (v, g), or None
        What to. None for all levels of a factor, 0 and 1 of a switch, and a grid of a number.
    at : {"average", "means"} or dict from name to value
        The other features: as they are, averaged over the rows; at their means; or some at these values.
    features : sequence of str, length p
        The columns of the model.
    classes, level
        As in `AveragePredictions`.
    distribution : frozen distribution
        Of an estimate over its standard error.
    inputs : Inputs or None
        Where they are known.
    groups : mapping from str to names of columns, or None
        Dummies of one factor.
    base : str
        The name of the level of such a factor that has no column.

    Raises
    ------
    ValueError
        If there is no such feature, one is named twice, inputs are named beside columns of the model, the values are no
        list, not finite or of the wrong shape, or `at` is wrong.
    """
    if not isinstance(at, Mapping) and at not in {"average", "means"}:
        raise ValueError(f'at must be "average", "means" or a dict from columns to values, got {at!r}.')
    values = None if values is None else _listed(values)
    group = (groups or {}).get(str(names[0])) if len(names) == 1 else None
    factor = None if group is None else str(names[0])
    asked = names if group is None else group
    fixed = at if isinstance(at, Mapping) else {}
    check_finite(fixed.values(), "at")
    named = [*asked, *fixed]
    taken = _among_inputs(named, inputs)
    positions = _among_features(named, features, inputs) if taken is None else taken
    columns, others = positions[: len(asked)], positions[len(asked) :]
    place = dict(zip(others, fixed.values(), strict=True)) if isinstance(at, Mapping) else at
    if inputs is None or taken is None:
        _check_once(positions, features)
        chosen = ModelColumns(np.array(columns, dtype=np.intp), tuple(features[j] for j in columns), factor, base)
        found = averages_of_columns(estimate, chosen, values, place)
    else:
        _check_once(positions, inputs.names)
        found = _InputAverages(estimate, inputs, place).of(columns, values, factor, base)
    return _with_intervals(found, root, classes, distribution=distribution, level=level)


def _listed(values: Any) -> list[Any]:  # noqa: ANN401
    """Return values as a list of what they are, one by one or row by row."""
    is_frame = hasattr(values, "columns") and hasattr(values, "to_numpy")  # as a list it would be its names
    values = values.to_numpy() if is_frame else values
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ValueError(f"values holds {values!r}, expected a list: pass [{values!r}].")
    return list(values)


def _among_inputs(names: Sequence[Name], inputs: Inputs | None) -> list[int] | None:
    """Return the positions of columns among the inputs, if all of them are."""
    if inputs is None:
        return None
    found = [position for name in names if (position := inputs.position(name)) is not None]
    return found if len(found) == len(names) else None


def _among_features(names: Sequence[Name], features: Sequence[str], inputs: Inputs | None) -> list[int]:
    """Return the positions of columns in the model; where inputs are known it has no others than those with names."""
    known = Names(tuple(features))
    found = {name: known.find(name) if inputs is None or isinstance(name, str) else None for name in names}
    made = [name for name in names if inputs is None or inputs.position(name) is None]
    for name in made:
        if found[name] is None:
            raise _no_column(name, features, inputs)
    for name in names:
        if found[name] is None and inputs is not None:
            taken = name if isinstance(name, str) else inputs.names[name]
            raise ValueError(
                f"{taken!r} is a column that the pipeline takes and {made[0]!r} one that it makes: set columns of one "
                "kind."
            )
    return [position for name in names if (position := found[name]) is not None]


def _no_column(name: Name, features: Sequence[str], inputs: Inputs | None) -> ValueError:
    if not isinstance(name, str):
        return ValueError(f"There is no column {name!r}: X has {len(features if inputs is None else inputs.names)}.")
    where = f"the features {list(features[:10])}"
    if inputs is not None:
        where = f"the columns {list(inputs.names[:10])} of X, nor among {where} of the model"
    return ValueError(f"There is no column {name!r} among {where}.")


def _check_once(positions: Sequence[int], names: Sequence[str]) -> None:
    for place, position in enumerate(positions):
        if position in positions[:place]:
            raise ValueError(f"{names[position]!r} is named twice; set each column once, in columns or in at.")


@final
class _InputAverages:
    """The predictions with inputs set to values, at one place or averaged over the rows.

    Parameters
    ----------
    estimate : Estimate
    inputs : Inputs
    at : {"average", "means"} or dict from position to value
    """

    def __init__(self, estimate: Estimate, inputs: Inputs, at: Literal["average", "means"] | Setting) -> None:
        self._inputs = inputs
        place: Setting | None = None
        if at != "average":
            place = inputs.means() | dict(at if isinstance(at, Mapping) else {})
        self._counterfactual = Counterfactual(estimate, inputs, place)

    def of(self, positions: Sequence[int], values: list[Any] | None, factor: str | None, base: str) -> Averages:
        """Return the predictions with inputs set to values, or with the dummies of a factor set to its levels."""
        if factor is not None:
            return self._of_dummies(factor, positions, values, base)
        variables = [self._variable(position) for position in positions]
        terms = tuple(self._inputs.names[position] for position in positions)
        if values is None:
            shown, states = _default(self._inputs, terms, variables)
        else:
            states = _states(values, len(positions))
            shown = _array(states, len(positions))
        means = self._means([dict(zip(positions, state, strict=True)) for state in states])
        is_number = len(variables) == 1 and shown.dtype.kind == "f"
        observed = self._inputs.observed(positions[0]) if is_number else np.empty(0)
        return Averages(terms, shown, means, observed[~np.isnan(observed)])

    def _of_dummies(self, factor: str, positions: Sequence[int], values: list[Any] | None, base: str) -> Averages:
        if not are_dummies(self._inputs, positions):
            raise no_dummies(factor)
        settings = dict(dummy_settings(self._inputs, factor, positions, base))
        levels = chosen_levels(factor, values, list(settings))
        means = self._means([settings[name] for name in levels])
        return Averages((factor,), np.array(levels, dtype=object), means, np.empty(0))

    def _means(self, settings: Sequence[Setting]) -> Means:
        found = [self._counterfactual.mean(setting) for setting in settings]
        return (
            np.stack([each[0] for each in found]),
            np.stack([each[1] for each in found]),
            np.array([each[2] for each in found], dtype=bool),
        )

    def _variable(self, position: int) -> Variable:
        variable = self._inputs.variable(position)
        if variable is None:
            raise ValueError(
                f"No column of the model depends on {self._inputs.names[position]!r}, as far as its values in the data "
                "tell."
            )
        return variable


def _default(
    inputs: Inputs, terms: tuple[str, ...], variables: Sequence[Variable]
) -> tuple[npt.NDArray[Any], list[list[Any]]]:
    """Return what an input is set to if nobody says: as it is shown, and as it is."""
    if len(variables) > 1:
        raise ValueError(f"values is missing, the values of {list(terms)}: pass an array of shape (v, {len(terms)}).")
    variable = variables[0]
    if variable.kind == "factor":
        names = [level.name for level in variable.levels]
        return np.array(names, dtype=object), [[level.value] for level in variable.levels]
    observed = inputs.observed(variable.position)
    if observed.dtype != np.float64:
        raise ValueError(f"values is missing: {variable.name!r} has no levels, since {variable.reason}.")
    grid = grid_of(observed[~np.isnan(observed)])
    return grid, grid[:, np.newaxis].tolist()


def _states(values: list[Any], g: int) -> list[list[Any]]:
    """Return values as a list for each of the v, with a value for each of g inputs."""
    rows = values
    if g == 1:
        rows = [value if isinstance(value, list | tuple) else [value] for value in values]
    if not rows or not all(isinstance(row, list | tuple) and len(row) == g for row in rows):
        raise ValueError(
            f"values has shape {np.shape(np.array(values, dtype=object))}, expected (v, {g}): a column for each of "
            "those that are set."
        )
    check_finite((value for row in rows for value in row), "values")
    return [list(row) for row in rows]


def _array(states: list[list[Any]], g: int) -> npt.NDArray[Any]:
    """Return values for a reader: float64 if all are numbers, of whatever type."""
    rows = states if g > 1 else [row[0] for row in states]
    if all(isinstance(value, Real | np.bool_) for row in states for value in row):
        return np.array(rows, dtype=np.float64)
    shown = np.empty((len(states), g), dtype=object)
    for position, row in enumerate(states):
        shown[position] = row
    return shown if g > 1 else shown[:, 0]


def _with_intervals(
    averages: Averages,
    root: FloatArray,
    classes: npt.NDArray[Any],
    *,
    distribution: Any,  # noqa: ANN401
    level: float,
) -> AveragePredictions:
    probability, gradients, known = averages.means
    v, K = probability.shape
    # What the other classes have: 1 - P_k would cancel where P_k rounds to 1.
    rest = probability @ (1.0 - np.identity(K))
    spread = (probability * rest)[:, :, np.newaxis]
    slopes = np.divide(gradients, spread, out=np.zeros_like(gradients), where=spread > 0.0)
    errors = linalg.norm(slopes.reshape(v * K, -1) @ root, axis=1).reshape(v, K)
    with np.errstate(divide="ignore"):
        log_odds = np.where(probability < rest, logit(probability), -logit(rest))
    reach = half_widths(errors, distribution, level)
    determined = np.where(known[:, np.newaxis], 1.0, np.nan)
    return AveragePredictions(
        terms=averages.terms,
        grid=averages.grid,
        classes=classes,
        probability=determined * probability,
        std_error=determined * probability * rest * errors,
        lower=determined * expit(log_odds - reach),
        upper=determined * expit(log_odds + reach),
        level=level,
        observed=averages.observed,
    )
