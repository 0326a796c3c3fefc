"""`Path`: fits under a sequence of strengths of a penalty. What makes it is `softglm.path`."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.base import clone

from softglm.arrays import BoolArray, FloatArray, IntArray
from softglm.drawing import Drawing, drawn
from softglm.estimator import SoftmaxGLM
from softglm.fit import Report, Start
from softglm.fitted import attributes_of, parameters_present
from softglm.inference.cells import aligned
from softglm.inference.classes import class_probabilities
from softglm.inference.tables import Content
from softglm.inference.tables.html import written
from softglm.model import PenaltyForm, Prepared
from softglm.observations import Observations
from softglm.penalised import penalty_at
from softglm.predict import predictions_of
from softglm.sweep import sweep
from softglm.validation.entries import as_given
from softglm.validation.parameters import MOST_ALPHA, number
from softglm.verdict import sentence

# So many strengths are printed, and this of each.
_SHOWN = 12
_COLUMNS = ["alpha", "features in", "explained", "gap"]


@final
@dataclass(frozen=True, eq=False)
class PathProblem:
    """What is fitted: the data, and the penalty but for its strength."""

    prepared: Prepared
    seen: Observations
    total_weight: float
    form: PenaltyForm

    def fits(
        self, alphas: Iterable[float], start: Start | None, model: SoftmaxGLM, report: Report | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the attributes of a model of each strength."""
        penalties = (penalty_at(self.form, alpha, fit_intercept=self.prepared.fit_intercept) for alpha in alphas)
        results = sweep(self.prepared, penalties, start, tol=model.tol, max_iter=model.max_iter, report=report)
        for alpha, result in zip(alphas, results, strict=False):
            yield attributes_of(
                result,
                self.seen,
                self.total_weight,
                fit_intercept=self.prepared.fit_intercept,
                alpha=alpha,
                form=self.form,
                status=sentence(result),
            )

    def start(self, model: SoftmaxGLM) -> Start:
        """Return where a fit begins that continues from a model."""
        return Start(*parameters_present(model, self.seen.present))


@final
@dataclass(frozen=True, eq=False)
class Path:
    """Fits under a sequence of strengths. Made by `softglm_path`.

    Attributes
    ----------
    classes : array of shape (K,)
    feature_names : array of shape (p,), or None
        Where X had names.
    alphas : array of shape (s,)
        Decreasing.
    coefs : tuple of s CSR arrays of shape (K, p), or (1, p) for two classes
        Each as `SoftmaxGLM.coef_`.
    intercepts : array of shape (s, K), or (s, 1)
    losses : array of shape (s,)
        The objective at each, in nats per unit of weight.
    gaps : array of shape (s,)
        What each is at most above its minimum, as `SoftmaxGLM.gap_`.
    gap_kinds : tuple of s str
        What proves it, as `SoftmaxGLM.gap_kind_`.
    converged : bool array of shape (s,)
        Whether it is proved to be within the tolerance.
    deviance_explained : array of shape (s,)
        1 - deviance / null_deviance, penalty and class weights out.
    n_nonzero : int array of shape (s,)
        Features of which some coefficient is not 0.
    null_deviance : float
        Of the best model without features, in nats.
    scale : array of shape (p,), or None
        The standard deviations that are the units of the penalty, where `standardize` is True.
    ending : str
        Why it ended where it does.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from softglm import softglm_path
    >>> path = softglm_path(*load_iris(return_X_y=True), n_alphas=50)
    >>> bool((path.gaps <= 1e-7 * path.losses[0]).all()), path.ending
    (True, 'all strengths were fitted')
    >>> path.coef(0.01).shape, path.coefs[0].nnz
    ((3, 4), 0)
    >>> print(path)
    50 strengths, 4 features; all strengths were fitted.
          alpha  features in  explained      gap
    ...
    """

    classes: npt.NDArray[Any]
    feature_names: npt.NDArray[Any] | None
    alphas: FloatArray
    coefs: tuple[sparse.csr_array, ...]
    intercepts: FloatArray
    losses: FloatArray
    gaps: FloatArray
    gap_kinds: tuple[str, ...]
    converged: BoolArray
    deviance_explained: FloatArray
    n_nonzero: IntArray
    null_deviance: float
    scale: FloatArray | None
    ending: str
    _unfitted: SoftmaxGLM = field(repr=False)
    _known: dict[str, Any] = field(repr=False)
    _summaries: tuple[dict[str, Any], ...] = field(repr=False)
    _problem: PathProblem | None = field(repr=False)

    def __len__(self) -> int:
        """Return the number of strengths."""
        return len(self.alphas)

    def __str__(self) -> str:
        """Return a table of some of the strengths, from the first to the last."""
        return "\n".join([self._headline(), *aligned(_COLUMNS, {"": self._rows()})])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return written(Content(_COLUMNS, {"": self._rows()}, title=self._headline()))

    def _headline(self) -> str:
        return f"{len(self)} strengths, {self.coefs[0].shape[1]} features; {self.ending}."

    def _rows(self) -> list[list[str]]:
        """Return the cells of some of the strengths."""
        shown = np.unique(np.linspace(0, len(self) - 1, _SHOWN).round().astype(int))
        return [
            [
                "",
                f"{self.alphas[place]:.4g}",
                str(self.n_nonzero[place]),
                f"{max(self.deviance_explained[place], 0.0):.4f}",
                f"{self.gaps[place]:.1e}" if self.gap_kinds[place] != "estimate" else "not proved",
            ]
            for place in shown
        ]

    @drawn
    def plot(self) -> Drawing:
        """Draw the coefficients over the strengths, a panel for each class: `softglm.plots.PathDisplay`."""
        return Drawing("PathDisplay", "from_path", self)

    def coef(self, alpha: float) -> FloatArray:
        """Return the coefficients of a strength, as `SoftmaxGLM.coef_`: linear in between, as glmnet has it.

        Parameters
        ----------
        alpha : float
            Within those of the path.

        Returns
        -------
        array of shape (K, p), or (1, p) for two classes
            In nats per unit of a feature.

        Raises
        ------
        ValueError
            If it is beyond them.
        """
        return self._between(alpha)[0]

    def intercept(self, alpha: float) -> FloatArray:
        """Return the intercepts of a strength, as `SoftmaxGLM.intercept_`: linear in between.

        Parameters
        ----------
        alpha : float
            Within those of the path.

        Returns
        -------
        array of shape (K,), or (1,) for two classes
            In nats, at X = 0.

        Raises
        ------
        ValueError
            If it is beyond them.
        """
        return self._between(alpha)[1]

    def predict_proba(self, X: Any, alpha: float, *, offset: Any = None, exact: bool = False) -> FloatArray:
        """Return class probabilities under one strength.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            The rows to predict, with the features of the fit.
        alpha : float
            Above 0; within those of the path unless `exact`.
        offset : array-like of shape (n, K), or (n,) for two classes, or 0, default=None
            Required if the path was fitted with one; 0 leaves it out.
        exact : bool, default=False
            Whether to fit a strength that is none of the path, as `at` does; otherwise coefficients are interpolated.

        Returns
        -------
        array of shape (n, K)
            A column for each of `classes`; rows sum to one.

        Raises
        ------
        ValueError
            If the strength is beyond the path, and `exact` is False; or X does not fit.
        """
        if exact:
            return self.at(alpha).predict_proba(X, offset)
        coef, intercept = self._between(alpha)
        model = self._model(number(alpha), {"coef_": coef, "intercept_": intercept})
        return predictions_of(model, X, offset, class_probabilities)

    def at(self, alpha: float) -> SoftmaxGLM:
        """Return a fitted model of a strength: that of the path, or a new fit, from the nearest one.

        It is what ``SoftmaxGLM(alpha, ...)`` with the parameters of the path would have been fitted to, to the
        tolerance of the path.

        Parameters
        ----------
        alpha : float
            Above 0.

        Returns
        -------
        SoftmaxGLM
            Another one at every call.

        Raises
        ------
        ValueError
            If it is not above 0; or none of the path, and this was pickled, which leaves out the data.
        """
        if not 0.0 < number(alpha) <= MOST_ALPHA:
            raise ValueError(f"alpha must be a number above 0, and at most {MOST_ALPHA:g}, got {as_given(alpha)}.")
        place = int(np.abs(np.log(self.alphas / number(alpha))).argmin())
        nearest = self._model(
            float(self.alphas[place]),
            {
                **self._summaries[place],
                "coef_": self.coefs[place].toarray(),
                "intercept_": self.intercepts[place].copy(),
            },
        )
        if self.alphas[place] == number(alpha):
            return nearest
        if self._problem is None:
            raise ValueError(
                f"alpha={as_given(alpha)} is not one of the path, and this path was pickled, without the data of its "
                f"fits. The nearest is {self.alphas[place]!r}; or fit SoftmaxGLM."
            )
        (attributes,) = self._problem.fits([number(alpha)], self._problem.start(nearest), self._unfitted)
        return self._model(number(alpha), attributes)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: without the data, which would be most of it."""
        return {**vars(self), "_problem": None}

    def _model(self, alpha: float, attributes: dict[str, Any]) -> SoftmaxGLM:
        """Return an estimator with the attributes of a fit."""
        model: SoftmaxGLM = clone(self._unfitted).set_params(alpha=alpha)
        model.__dict__ = {**vars(model), **self._known, **attributes}
        return model

    def _between(self, alpha: float) -> tuple[FloatArray, FloatArray]:
        """Return coefficients and intercepts, linear between neighbouring strengths."""
        least, most = self.alphas[-1], self.alphas[0]
        if not least <= number(alpha) <= most:
            raise ValueError(
                f"alpha={as_given(alpha)} is beyond the path, which goes from {most:.6g} to {least:.6g}. Ask for one "
                "within, or for an exact fit: at(alpha), predict_proba(..., exact=True)."
            )
        after = int(np.searchsorted(-self.alphas, -number(alpha)))
        before = max(after - 1, 0)
        width = self.alphas[before] - self.alphas[after]
        share = (self.alphas[before] - number(alpha)) / width if width > 0.0 else 1.0
        ends = [(self.coefs[place].toarray(), self.intercepts[place]) for place in (before, after)]
        # Of a class without weight the intercept is infinite at both.
        with np.errstate(invalid="ignore"):
            intercept = (1.0 - share) * ends[0][1] + share * ends[1][1]
        intercept = np.where(np.isfinite(ends[1][1]), intercept, ends[1][1])
        return (1.0 - share) * ends[0][0] + share * ends[1][0], intercept
