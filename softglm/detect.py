"""detect_separation: whether maximum-likelihood estimates exist, and which of them are finite."""

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
import numpy.typing as npt

from softglm.arrays import BoolArray, FloatArray
from softglm.inference.separation import detect
from softglm.inference.tables.html import facts_written
from softglm.model import Objective, Ridge
from softglm.observations import Observations, observe
from softglm.optional import pandas
from softglm.sources import check_is_in_memory
from softglm.target import Target
from softglm.validation.parameters import flag

if TYPE_CHECKING:
    import pandas as pd

# The width of what is printed.
_WIDTH = 88


@final
@dataclass(frozen=True, eq=False, repr=False)
class DetectedSeparation:
    """What `detect_separation` found.

    Attributes
    ----------
    kind : {"none", "quasi-complete", "complete"}
        None: the maximum-likelihood estimate exists. Quasi-complete: a linear predictor opposes no observation and
        favours some. Complete: it favours all of them.
    classes : array of shape (K,)
        Those that have weight, sorted.
    terms : tuple of str
        "Intercept" first, if there is one.
    excluded : bool array of shape (n, K)
        The classes whose probability in a row tends to 0.
    limits : array of shape (K, K, n_terms)
        What becomes of the coefficients of log(p_k / p_l): 0 where the estimate is finite, inf or -inf where it is not,
        NaN where columns are collinear.
    determined : bool array of shape (K, K, n_terms)
        Whether that infinity is known to be the only possible one. Where classes are completely separated the data
        often allow both, and `limits` has the one along the direction that was found. Asked of small problems only.

    Examples
    --------
    >>> from softglm import detect_separation
    >>> print(detect_separation([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1]))
    Separation is complete: some class has a probability that tends to 0 in 4 of 4 rows.
      1 against 0: Intercept -inf, x0 +inf
    """

    kind: Literal["none", "quasi-complete", "complete"]
    classes: npt.NDArray[Any]
    terms: tuple[str, ...]
    excluded: BoolArray
    limits: FloatArray
    determined: BoolArray

    @property
    def separated_rows(self) -> BoolArray:
        """The rows in which some class is excluded, shape (n,)."""
        return np.asarray(self.excluded.any(axis=1))

    def directions(self, reference: Any = None) -> FloatArray:
        """Return what becomes of the coefficients against a base class.

        Parameters
        ----------
        reference : label, default=None
            The base class; the first by default.

        Returns
        -------
        array of shape (K - 1, n_terms)
            Of the other classes in their order: 0, inf, -inf or NaN as in `limits`.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        base = self._base(reference)
        return np.delete(self.limits[:, base], base, axis=0)

    def to_frame(self, reference: Any = None) -> "pd.DataFrame":
        """Return `directions` as a tidy data frame. It needs pandas.

        Parameters
        ----------
        reference : label, default=None
            The base class; the first by default.

        Returns
        -------
        pandas.DataFrame
            A row for each class and term, with the columns class, term, limit, determined.

        Raises
        ------
        ValueError
            If there is no such class.
        """
        pd = pandas()
        base = self._base(reference)
        others = np.delete(self.classes, base)
        return pd.DataFrame(
            {
                "class": np.repeat(others, len(self.terms)),
                "term": np.tile(np.array(self.terms, dtype=object), len(others)),
                "limit": self.directions(reference).ravel(),
                "determined": np.delete(self.determined[:, base], base, axis=0).ravel(),
            }
        )

    def _base(self, reference: Any) -> int:
        if reference is None:
            return 0
        found = np.flatnonzero(self.classes == reference)
        if not len(found):
            raise ValueError(f"reference={reference!r} is none of the classes {self.classes[:10].tolist()}.")
        return int(found[0])

    def __str__(self) -> str:
        """What was found, in a few lines."""
        if self.kind == "none":
            return self._headline()
        lines = [self._headline()]
        for contrast, limits in self._contrasts():
            lines += _wrapped(f"  {contrast}: ", limits)
        return "\n".join([*lines, *self._notes()])

    def _repr_html_(self) -> str:
        contrasts = [] if self.kind == "none" else self._contrasts()
        return facts_written(self._headline(), ((name, ", ".join(limits)) for name, limits in contrasts), self._notes())

    def _headline(self) -> str:
        if self.kind == "none":
            return "No separation: the maximum-likelihood estimate exists."
        rows = f"{self.separated_rows.sum()} of {len(self.excluded)} rows"
        return f"Separation is {self.kind}: some class has a probability that tends to 0 in {rows}."

    def _contrasts(self) -> list[tuple[str, list[str]]]:
        """Return the pairs of classes, and what is infinite of the coefficients of each."""
        pairs = []
        for k, label in enumerate(self.classes):
            for j, other in enumerate(self.classes[:k]):
                told = zip(self.terms, self.limits[k, j], self.determined[k, j], strict=True)
                infinite = [f"{term} {_limit_text(limit, is_sure=sure)}" for term, limit, sure in told if limit]
                pairs.append((f"{label} against {other}", infinite or ["finite"]))
        return pairs

    def _notes(self) -> list[str]:
        is_open = (np.isinf(self.limits) & ~self.determined).any()
        return ["At \u00b1inf the data allow either sign."] if is_open else []

    def __repr__(self) -> str:
        """Return one line: printing tells more."""
        return (
            f"<DetectedSeparation: {self.kind}, {self.separated_rows.sum()} of {len(self.excluded)} rows, "
            f"{len(self.classes)} classes, {len(self.terms)} terms>"
        )


def _limit_text(limit: float, *, is_sure: bool) -> str:
    if np.isnan(limit):
        return "not estimable"
    return f"{limit:+}" if is_sure else "\u00b1inf"


def _wrapped(heading: str, items: list[str]) -> list[str]:
    """Return lines of items, none of which is broken."""
    # Of blanks, a line is not broken at those that do not break.
    text = ", ".join(item.replace(" ", "\u00a0") for item in items)
    lines = textwrap.wrap(
        heading + text, _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\u00a0", " ") for line in lines]


def detect_separation(
    X: Any,
    y: Any,
    estimator: Any = None,
    *,
    sample_weight: Any = None,
    fit_intercept: bool | None = None,
) -> DetectedSeparation:
    """Decide whether the unpenalised maximum-likelihood estimate exists, and which coefficients are finite.

    It does not exist where some linear predictor opposes no observation and favours some (Albert & Anderson 1984).
    Linear programs find the predictor that favours most (Konis 2007). Neither the size of positive weights nor an
    offset matters; but of two classes one of less than 2e-16 of the weight is none, as in a fit. Differences between
    rows that are as small as what is lost to the arithmetic, some 1e-14 of the spread of a column, count as none: such
    rows tie.

    Estimates that always exist are those under a penalty (``SoftmaxGLM(alpha=...)``), and the bias-reduced ones of
    ``infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, estimates="bias-reduced")``.

    Parameters
    ----------
    X : array-like, sparse matrix or data frame of shape (n, p)
        The features, or what a pipeline makes them of, such as columns of text; their scales do not matter.
    y : array-like of shape (n,) or (n, K)
        Labels, class probabilities or counts, as in `SoftmaxGLM.fit`.
    estimator : SoftmaxGLM, Pipeline or search, default=None
        What `infer` takes: X goes through its earlier steps, which name the terms. A search must be fitted; where a
        pipeline is not, copies of its steps are fitted to X and y. The penalty does not matter.
    sample_weight : array-like of shape (n,), default=None
        Rows of weight 0 do not count.
    fit_intercept : bool, default=None
        Whether the model has a constant for each class; by default as the estimator says, and True without one.

    Returns
    -------
    DetectedSeparation
        Print it, or look at its `kind`, `separated_rows` and `directions`.

    Raises
    ------
    TypeError
        If the estimator does not end in a `SoftmaxGLM`.
    ValueError
        If the input cannot be fitted: columns of text, for one, without a pipeline that encodes them.
    ArithmeticError
        If it hangs on differences as small as the last digits of X: subtract a constant from columns far from 0. Or on
        the digits by which columns are not collinear: pass their difference.
    MemoryError
        If there are too many parameters for the memory of this machine; or if some classes overlap while others may
        not, and the linear programs that tell would take more than minutes, as they do from about 1300 parameters on,
        (K - 1) times the rank of X, of many classes some more. That is known before they begin.

    References
    ----------
    A. Albert and J. A. Anderson, "On the existence of maximum likelihood estimates in logistic regression models",
    Biometrika 71, 1984, doi:10.1093/biomet/71.1.1. K. Konis, "Linear programming algorithms for detecting separated
    data in binary logistic regression models", Oxford, 2007.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import detect_separation
    >>> X, y = load_iris(return_X_y=True)
    >>> found = detect_separation(X, y)
    >>> found.kind
    'quasi-complete'
    >>> bool((found.limits[2, 1] == 0.0).all())  # virginica against versicolor: finite
    True

    Of columns of text, by the pipeline that is to be fitted:

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import OneHotEncoder
    >>> from softglm import SoftmaxGLM
    >>> model = make_pipeline(OneHotEncoder(drop="first"), SoftmaxGLM(alpha=0))
    >>> towns, answers = [["Ulm"], ["Ulm"], ["Ulm"], ["Bonn"], ["Bonn"]], ["yes", "no", "no", "yes", "yes"]
    >>> print(detect_separation(towns, answers, model))
    Separation is quasi-complete: some class has a probability that tends to 0 in 2 of 5 rows.
      yes against no: Intercept +inf, x0_Ulm -inf
    """
    _check_order(X)
    check_is_in_memory(X, "detect_separation")
    target = None if estimator is None else Target.to_be_fitted(estimator, X, y)
    seen = _seen(target, X, y, sample_weight)
    names = _names(target, X, seen.X.shape[1])
    if fit_intercept is None:
        fit_intercept = True if target is None else target.model.fit_intercept
    fit_intercept = flag(fit_intercept, "fit_intercept")
    rows, _ = seen.rows()
    nothing = Ridge.on_coefficients(0.0, len(names), fit_intercept=fit_intercept)
    found = detect(Objective(rows, seen.family, nothing, fit_intercept=fit_intercept))
    return DetectedSeparation(
        kind=found.kind,
        classes=seen.response.classes[seen.present],
        terms=("Intercept", *names) if fit_intercept else names,
        excluded=found.alternatives,
        limits=found.limits,
        determined=found.determined,
    )


def _check_order(X: Any) -> None:
    if hasattr(X, "fit") and hasattr(X, "get_params"):
        raise TypeError(
            f"detect_separation got a {type(X).__name__} as X, expected the data first: "
            "detect_separation(X, y, estimator)."
        )


def _seen(target: Target | None, X: Any, y: Any, sample_weight: Any) -> Observations:
    """Return what was passed as the model reads it, whose columns and classes these are if it was fitted."""
    if target is None:
        return observe(X, y, sample_weight, needs_two=True)
    model, classes = target.model, getattr(target.model, "classes_", None)
    return observe(
        target.transform(X),
        y,
        sample_weight,
        class_weight=model.class_weight,
        estimator=None if classes is None else model,
        fitted_classes=classes,
        needs_two=True,
    )


def _names(target: Target | None, X: Any, n_features: int) -> tuple[str, ...]:
    """Return the names of the columns, where all of them are strings; else x0, x1, ..."""
    if target is not None and (target.steps is not None or hasattr(target.model, "feature_names_in_")):
        return target.features(n_features)
    names = tuple(getattr(X, "columns", ()))
    if names and all(isinstance(name, str) for name in names):
        return names
    return tuple(f"x{column}" for column in range(n_features))
