r"""Predictions with some features set to given values: averaged over the rows, or at one place.

The means P_k and their gradients are those of `softglm.inference.means`. Intervals are symmetric on the scale of
logit P_k, whose gradient is that over P_k (1 - P_k): they stay between 0 and 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import expit, logit

from softglm.arrays import BoolArray, FloatArray
from softglm.data import Block, Rows
from softglm.inference import summary
from softglm.inference.classes import class_probabilities, every_class
from softglm.inference.effects import BASE, are_dummies, dummy_settings, level_of
from softglm.inference.estimate import Estimate
from softglm.inference.inputs import Inputs, Setting, Variable
from softglm.inference.means import (
    Moved,
    are_changes_known,
    deviations_of,
    is_place_known,
    observed_rows,
    pulled_back,
    rows_at,
    weighted_means,
)

if TYPE_CHECKING:
    import pandas as pd

Name: TypeAlias = str | int
At: TypeAlias = Literal["average", "means"] | Mapping[Name, Any]
# Probabilities (v, K), their gradients (v, K, P), and which of the v the data determine.
Means: TypeAlias = tuple[FloatArray, FloatArray, BoolArray]
# The values of a number at which it is set by default.
_POINTS = 51
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
            cells = summary.cells_of(
                estimate=self.probability[row],
                std_error=self.std_error[row],
                lower=self.lower[row],
                upper=self.upper[row],
                decimals=_DECIMALS,
            )
            name = ", ".join(f"{term} = {_shown(value)}" for term, value in zip(self.terms, values, strict=True))
            groups[name] = [[str(label), *of_class] for label, of_class in zip(self.classes, cells, strict=True)]
        table = summary.aligned(summary.estimate_headings(self.level, estimate="probability"), groups)
        more = len(self.probability) - _MOST_ROWS
        return "\n".join([*table, f"... and {more:,} more values: see to_frame()"] if more > 0 else table)

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


@final
@dataclass(frozen=True, eq=False)
class _Question:
    """What is set, what to, and how a reader calls it."""

    terms: tuple[str, ...]
    grid: npt.NDArray[Any]
    means: Means
    observed: FloatArray


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
        If there is no such feature, the shape of the values is wrong, or `at` is.
    """
    if not isinstance(at, Mapping) and at not in {"average", "means"}:
        raise ValueError(f'at must be "average", "means" or a dict from columns to values, got {at!r}.')
    group = (groups or {}).get(str(names[0])) if len(names) == 1 else None
    factor = None if group is None else str(names[0])
    asked = [*(names if group is None else group), *(at if isinstance(at, Mapping) else ())]
    if inputs is not None and all(inputs.position(name) is not None for name in asked):
        found = _Settings(estimate, inputs, at)
        question = (
            found.of_inputs(names, values) if group is None else found.of_dummies(str(factor), group, values, base)
        )
    else:
        find = _Finder(features, inputs)
        columns = np.array([find.column(name) for name in (names if group is None else group)], dtype=np.intp)
        fixed = {find.column(name): value for name, value in at.items()} if isinstance(at, Mapping) else at
        chosen = _Chosen(columns, tuple(features[column] for column in columns), factor, base)
        question = _of_columns(estimate, chosen, values, fixed)
    return _with_intervals(question, root, classes, distribution=distribution, level=level)


@final
@dataclass(frozen=True, eq=False)
class _Chosen:
    """Columns of the model that are set, shape (g,), with their names, and those of their factor and of its base."""

    columns: npt.NDArray[np.intp]
    names: tuple[str, ...]
    factor: str | None
    base: str


@final
@dataclass(frozen=True)
class _Finder:
    """Finds columns of the model."""

    features: Sequence[str]
    inputs: Inputs | None

    def column(self, name: Name) -> int:
        """Return the position of a column by its name, or its position."""
        names = None if self.inputs is None else self.inputs.names
        if isinstance(name, str):
            if name in self.features:
                return self.features.index(name)
            where = f"the features {list(self.features[:10])}"
            if names is not None:
                where = f"the columns {list(names[:10])} of X, nor among {where} of the model"
            raise ValueError(f"There is no column {name!r} among {where}.")
        p = len(self.features if names is None else names)
        if names is not None or not -p <= name < p:
            raise ValueError(f"There is no column {name!r}: X has {p}.")
        return int(name) % p


@final
class _Settings:
    """The predictions of settings of inputs, at one place or averaged over the rows.

    Parameters
    ----------
    estimate : Estimate
    inputs : Inputs
    at : {"average", "means"} or dict from name to value
    """

    def __init__(self, estimate: Estimate, inputs: Inputs, at: At) -> None:
        self._inputs = inputs
        place: Setting | None = None
        if at != "average":
            fixed = at if isinstance(at, Mapping) else {}
            place = inputs.means() | {self._position(name): value for name, value in fixed.items()}
        self._moved = Moved(estimate, inputs, place)

    def of_inputs(self, names: Sequence[Name], values: Any) -> _Question:  # noqa: ANN401
        """Return the predictions with inputs set to values."""
        positions = [self._position(name) for name in names]
        variables = [self._variable(position) for position in positions]
        terms = tuple(self._inputs.names[position] for position in positions)
        if values is None:
            shown, states = _default(self._inputs, terms, variables)
        else:
            states = _states(values, len(names))
            shown = _array(states, len(names))
        means = self._means([dict(zip(positions, state, strict=True)) for state in states])
        is_number = len(variables) == 1 and shown.dtype.kind == "f"
        observed = self._inputs.observed(positions[0]) if is_number else np.empty(0)
        return _Question(terms, shown, means, observed[~np.isnan(observed)])

    def of_dummies(self, factor: str, group: Sequence[str], values: Any, base: str) -> _Question:  # noqa: ANN401
        """Return the predictions with inputs that are dummies of one factor set to its levels."""
        positions = [self._position(name) for name in group]
        if not are_dummies(self._inputs, positions):
            raise _no_dummies(factor)
        settings = dict(dummy_settings(self._inputs, factor, positions, base))
        levels = _chosen_levels(factor, values, list(settings))
        return _Question(
            (factor,), np.array(levels, dtype=object), self._means([settings[name] for name in levels]), np.empty(0)
        )

    def _means(self, settings: Sequence[Setting]) -> Means:
        found = [self._moved.mean(setting) for setting in settings]
        return (
            np.stack([each[0] for each in found]),
            np.stack([each[1] for each in found]),
            np.array([each[2] for each in found], dtype=bool),
        )

    def _position(self, name: Name) -> int:
        position = self._inputs.position(name)
        assert position is not None  # noqa: S101 - asked for before
        return position

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
    grid = _grid(observed[~np.isnan(observed)])
    return grid, grid[:, np.newaxis].tolist()


def _grid(observed: FloatArray) -> FloatArray:
    if np.isin(observed, (0.0, 1.0)).all():
        return np.unique(observed)
    return np.linspace(observed.min(), observed.max(), _POINTS)


def _states(values: Any, n_names: int) -> list[list[Any]]:  # noqa: ANN401
    """Return values as a list for each of the v, with a value for each name."""
    given = values.tolist() if hasattr(values, "tolist") else list(values)
    if n_names == 1:
        given = [value if isinstance(value, list | tuple) else [value] for value in given]
    if not given or not all(isinstance(row, list | tuple) and len(row) == n_names for row in given):
        raise ValueError(
            f"values has shape {np.shape(np.array(values, dtype=object))}, expected (v, {n_names}): a column for each "
            "of those that are set."
        )
    if any(isinstance(value, float) and not np.isfinite(value) for row in given for value in row):
        raise ValueError("values holds numbers that are not finite. Leave them out.")
    return [list(row) for row in given]


def _array(states: list[list[Any]], n_names: int) -> npt.NDArray[Any]:
    """Return values for a reader: float64 if all are numbers."""
    rows = states if n_names > 1 else [row[0] for row in states]
    if all(isinstance(value, int | float) for row in states for value in row):
        return np.array(rows, dtype=np.float64)
    shown = np.empty((len(states), n_names), dtype=object)
    for position, row in enumerate(states):
        shown[position] = row
    return shown if n_names > 1 else shown[:, 0]


def _of_columns(
    estimate: Estimate,
    chosen: _Chosen,
    values: Any,  # noqa: ANN401
    at: Literal["average", "means"] | Mapping[int, Any],
) -> _Question:
    columns, terms, observed = chosen.columns, chosen.names, np.empty(0)
    shown: npt.NDArray[Any]
    if chosen.factor is not None and (values is None or _are_names(values)):
        terms = (chosen.factor,)
        shown, states = _levels(estimate, chosen, values)
    else:
        if len(columns) == 1:
            observed = _observed(estimate, columns)[:, 0]
        if values is None:
            if len(columns) > 1:
                raise ValueError(f"values is missing: pass an array of shape (v, {len(columns)}).")
            values = _grid(observed)
        states = _numbers(values, len(columns))
        shown = states[:, 0] if len(columns) == 1 else states
    place: FloatArray | None = None
    if at != "average":
        place = weighted_means(estimate.objective.rows)
        for column, value in at.items() if isinstance(at, Mapping) else ():
            place[column] = value
    return _Question(terms, shown, _means(estimate, columns, states, place), observed)


def _numbers(values: Any, g: int) -> FloatArray:  # noqa: ANN401
    """Return what columns of the model are set to, shape (v, g)."""
    try:
        states = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"values holds {values!r}, expected numbers: columns of the model hold no others.") from None
    states = states[:, np.newaxis] if states.ndim == 1 and g == 1 else states
    if states.ndim != 2 or states.shape[1] != g or not len(states) or not np.isfinite(states).all():
        raise ValueError(
            f"values has shape {np.shape(values)}, expected (v, {g}) finite numbers: a column for each of those that "
            "are set."
        )
    return states


def _are_names(values: Any) -> bool:  # noqa: ANN401
    return all(isinstance(value, str) for value in values)


def _observed(estimate: Estimate, columns: npt.NDArray[np.intp]) -> FloatArray:
    """Return columns of the rows of any weight, shape (n, g)."""
    rows = estimate.objective.rows
    pick = np.zeros((rows.n_features, len(columns)))
    pick[columns, np.arange(len(columns))] = 1.0

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        return block.times(pick), block.weighted(np.ones(len(block)))

    values, weights = rows.concatenate(statistic)
    return np.asarray(values[:, weights > 0.0].T)


def _levels(
    estimate: Estimate,
    chosen: _Chosen,
    values: Any,  # noqa: ANN401
) -> tuple[npt.NDArray[Any], FloatArray]:
    """Return the names of levels of a factor of dummies, and what its columns are in each, shape (v, g)."""
    columns, factor = chosen.columns, str(chosen.factor)
    observed = _observed(estimate, columns)
    if not np.isin(observed, (0.0, 1.0)).all() or observed.sum(axis=1).max() > 1.0:
        raise _no_dummies(factor)
    names = [level_of(name, factor) for name in chosen.names]
    states = np.identity(len(columns))
    if observed.sum(axis=1).min() < 1.0:
        names, states = [chosen.base, *names], np.concatenate([np.zeros((1, len(columns))), states])
    levels = _chosen_levels(factor, values, names)
    return np.array(levels, dtype=object), states[[names.index(name) for name in levels]]


def _chosen_levels(factor: str, values: Any, names: list[str]) -> list[str]:  # noqa: ANN401
    """Return the levels asked for: all by default."""
    levels = names if values is None else list(values)
    unknown = [name for name in levels if name not in names]
    if unknown:
        raise ValueError(f"{factor!r} has no level {unknown[0]!r}, expected some of {names[:10]}.")
    return levels


def _no_dummies(factor: str) -> ValueError:
    return ValueError(
        f"The columns of {factor!r} are not zeros and ones with one of them on: no level is known. Set its columns to "
        "values, one at a time."
    )


def _means(estimate: Estimate, columns: npt.NDArray[np.intp], states: FloatArray, place: FloatArray | None) -> Means:
    """Return the means with columns of the model set, over the rows or where the others are at one place, (p,)."""
    if place is None:
        rows = estimate.objective.rows
        known = [_is_known(estimate, columns, state) for state in states]
    else:
        rows = rows_at(observed_rows(estimate), place)
        known = []
        for state in states:
            there = place.copy()
            there[columns] = state
            known.append(is_place_known(estimate, there))
    return *_sums(estimate, rows, columns, states), np.array(known, dtype=bool)


def _is_known(estimate: Estimate, columns: npt.NDArray[np.intp], state: FloatArray) -> bool:
    """Tell whether the data determine what setting columns does to the rows of any weight."""

    def changes() -> Iterator[FloatArray]:
        for (block,) in estimate.objective.rows.map(lambda block: (_counted(block),)):
            moved = np.zeros_like(block)
            moved[:, columns] = state - block[:, columns]
            yield moved

    return are_changes_known(estimate, changes())


def _counted(block: Block) -> FloatArray:
    X = block.centred(np.zeros(block.X.shape[1]))
    return X if block.weights is None else X[block.weights > 0.0]


def _sums(
    estimate: Estimate, rows: Rows, columns: npt.NDArray[np.intp], states: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return P, shape (v, K), and its gradients, shape (v, K, P), in one pass over the rows."""
    objective = estimate.objective
    coef, intercept = objective.uncentred(estimate.parameters)
    directions = every_class(estimate.coordinates.classes)
    moved = coef[columns]

    def statistic(block: Block) -> tuple[FloatArray, ...]:
        centred = block.centred(objective.moments.center)
        eta = block.predictor(coef, intercept)
        eta -= moved.T @ (centred[:, columns] + objective.moments.center[columns]).T
        sums = []
        for state in states:
            probability = class_probabilities(eta + (state @ moved)[:, np.newaxis])
            deviations = deviations_of(probability, directions)
            jacobians = block.weighted(probability)[:, np.newaxis] * deviations
            centred[:, columns] = state - objective.moments.center[columns]
            sums += [probability.sum(axis=1), jacobians @ centred, jacobians.sum(axis=2)]
        weight = block.weighted(np.ones(len(block))).sum(keepdims=True)
        return (weight, *sums)

    weight, *sums = rows.sum(statistic)
    probability, features, constant = (np.stack(sums[first::3]) / weight for first in range(3))
    return probability, pulled_back(estimate, features, constant)


def _with_intervals(
    question: _Question,
    root: FloatArray,
    classes: npt.NDArray[Any],
    *,
    distribution: Any,  # noqa: ANN401
    level: float,
) -> AveragePredictions:
    probability, gradients, known = question.means
    v, K = probability.shape
    # What the other classes have: 1 - P_k would cancel where P_k rounds to 1.
    rest = probability @ (1.0 - np.identity(K))
    spread = (probability * rest)[:, :, np.newaxis]
    slopes = np.divide(gradients, spread, out=np.zeros_like(gradients), where=spread > 0.0)
    errors = linalg.norm(slopes.reshape(v * K, -1) @ root, axis=1).reshape(v, K)
    with np.errstate(divide="ignore"):
        log_odds = np.where(probability < rest, logit(probability), -logit(rest))
    reach = distribution.isf((1.0 - level) / 2.0) * errors
    determined = np.where(known[:, np.newaxis], 1.0, np.nan)
    return AveragePredictions(
        terms=question.terms,
        grid=question.grid,
        classes=classes,
        probability=determined * probability,
        std_error=determined * probability * rest * errors,
        lower=determined * expit(log_odds - reach),
        upper=determined * expit(log_odds + reach),
        level=level,
        observed=question.observed,
    )
