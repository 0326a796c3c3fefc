"""What every estimator is once it is fitted: it predicts, it scores, it is pickled, and it has said how it ended."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from typing import Any, Self, TypeVar, cast

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning

from softglm.arrays import FloatArray, IntArray
from softglm.fit import Fit
from softglm.inference.classes import class_probabilities, log_probabilities
from softglm.predict import predictions_of
from softglm.response import match_response
from softglm.sources import source_of
from softglm.status import Status
from softglm.validation.weights import check_some_weight, read_weights_of_part
from softglm.verdict import REMEDY, without_weight
from softglm.version import __version__
from softglm.warn import warn_user


class SeparationWarning(ConvergenceWarning):
    """The classes are separated and nothing is penalised: some coefficients would be infinite.

    It is a `ConvergenceWarning`, so that a filter for those catches it too.

    Examples
    --------
    >>> import warnings
    >>> from softglm import SeparationWarning, SoftmaxGLM
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", SeparationWarning)
    ...     SoftmaxGLM(alpha=0).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    Traceback (most recent call last):
        ...
    softglm.classifier.SeparationWarning: SoftmaxGLM ...
    """


_Method = TypeVar("_Method", bound=Callable[..., Any])


def _wherever_rows_are(method: _Method) -> _Method:
    """Return a method of ``(X, offset)`` that is called with pieces of X, where X is not in memory."""

    @wraps(method)
    def predicted(self: "SoftmaxClassifier", X: Any, offset: Any = None) -> Any:
        source = source_of(X, offset=offset)
        return method(self, X, offset) if source is None else source.predictions(self, method.__name__)

    return cast("_Method", predicted)


class SoftmaxClassifier(ClassifierMixin, BaseEstimator, ABC):
    """An estimator that a fit leaves with coefficients, and with what it says of itself.

    Its attributes are those of `SoftmaxGLM`.
    """

    classes_: npt.NDArray[Any]
    coef_: npt.NDArray[np.floating[Any]]
    intercept_: npt.NDArray[np.floating[Any]]
    n_iter_: IntArray
    n_evaluations_: int
    n_passes_: int
    n_features_in_: int
    feature_names_in_: npt.NDArray[Any]
    alpha_: float
    scale_: FloatArray | None
    converged_: bool
    status_: str
    loss_: float
    gap_: float
    gap_kind_: str
    deviance_: float
    null_deviance_: float
    # Of models whose attributes were set by hand.
    _has_offset: bool = False

    @abstractmethod
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit the model."""

    @_wherever_rows_are
    def decision_function(self, X: Any, offset: Any = None) -> FloatArray:
        """Return eta: for two classes that of the second, as in LogisticRegression.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            The rows to predict, with the features of the fit. Rows elsewhere as in `fit`.
        offset : array-like of shape (n, K), or (n,) for two classes, or 0, default=None
            Required if the model was fitted with one; 0 leaves it out.

        Returns
        -------
        array of shape (n, K), or (n,) for two classes
            In nats.

        Raises
        ------
        ValueError
            If the model was fitted with an offset and none is given, or X does not fit the model.
        """
        eta = predictions_of(self, X, offset, lambda eta: eta)
        return eta[:, 0] if eta.shape[1] == 1 else eta

    @_wherever_rows_are
    def predict(self, X: Any, offset: Any = None) -> npt.NDArray[Any]:
        """Return the most probable class of each row.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            The rows to predict, with the features of the fit. Rows elsewhere as in `fit`.
        offset : array-like of shape (n, K), or (n,) for two classes, or 0, default=None
            Required if the model was fitted with one; 0 leaves it out.

        Returns
        -------
        array of shape (n,)
            Of `classes_`.

        Raises
        ------
        ValueError
            If the model was fitted with an offset and none is given, or X does not fit the model.
        """
        codes = self._most_probable(X, offset)
        return np.asarray(self.classes_)[codes]

    @_wherever_rows_are
    def predict_proba(self, X: Any, offset: Any = None) -> FloatArray:
        """Return class probabilities.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            The rows to predict, with the features of the fit. Rows elsewhere as in `fit`.
        offset : array-like of shape (n, K), or (n,) for two classes, or 0, default=None
            Required if the model was fitted with one; 0 leaves it out.

        Returns
        -------
        array of shape (n, K)
            A column for each of `classes_`; rows sum to one.

        Raises
        ------
        ValueError
            If the model was fitted with an offset and none is given, or X does not fit the model.
        """
        return predictions_of(self, X, offset, class_probabilities)

    @_wherever_rows_are
    def predict_log_proba(self, X: Any, offset: Any = None) -> FloatArray:
        """Return log-probabilities, exact where the probability underflows to 0.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            The rows to predict, with the features of the fit. Rows elsewhere as in `fit`.
        offset : array-like of shape (n, K), or (n,) for two classes, or 0, default=None
            Required if the model was fitted with one; 0 leaves it out.

        Returns
        -------
        array of shape (n, K)
            In nats, a column for each of `classes_`.

        Raises
        ------
        ValueError
            If the model was fitted with an offset and none is given, or X does not fit the model.
        """
        return predictions_of(self, X, offset, log_probabilities)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> float:
        """Return the share of the observed weight in the predicted classes: the accuracy, for labels.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, p)
            The rows to predict, with the features of the fit. Rows elsewhere as in `fit`, with y.
        y : array-like of shape (n,) or (n, K)
            Labels, class probabilities or counts; a frame is matched by the names of its columns. Labels that the model
            was not fitted on are never hit.
        sample_weight : array-like of shape (n,), default=None
            How often each row counts.
        offset : array-like of shape (n, K), or (n,) for two classes, or 0, default=None
            Required if the model was fitted with one; 0 leaves it out.

        Returns
        -------
        float
            The share sum_i w_i t_i,predicted / sum_i w_i m_i, from 0 to 1.

        Raises
        ------
        ValueError
            If the model was fitted with an offset and none is given, or X or y do not fit the model.
        """
        source = source_of(X, y, sample_weight, offset)
        hits, total = (
            self._hits(X, y, sample_weight, offset) if source is None else source.totals(self, self._hits.__name__)
        )
        check_some_weight(total)
        return hits / total

    def __sklearn_tags__(self) -> Any:
        """Return the default tags of a classifier, and that X may be sparse."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled, with the version that pickled it."""
        return {**super().__getstate__(), "_softglm_version": __version__}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a pickled model, and warn if another version made it."""
        version = state.pop("_softglm_version", "unknown")
        if version != __version__:
            warnings.warn(
                f"This {type(self).__name__} was pickled by softglm {version} and is loaded by softglm {__version__}; "
                "refit it, or install that version, if results differ.",
                UserWarning,
                stacklevel=2,
            )
        # Of an earlier version, whose models had fewer parameters.
        super().__setstate__({**type(self)().get_params(), **state})

    def _become(self, fitted: dict[str, Any]) -> None:
        """Take on the attributes of a fit, all at once: an exception finds the old model whole, or the new one."""
        kept = {name: value for name, value in vars(self).items() if name != "feature_names_in_"}
        self.__dict__ = {**kept, **fitted}

    def _most_probable(self, X: Any, offset: Any) -> npt.NDArray[np.intp]:
        """Return the place in `classes_` of the most probable class of each row, shape (n,)."""
        eta = self.decision_function(X, offset)
        return np.asarray((eta > 0.0).astype(np.intp) if eta.ndim == 1 else eta.argmax(axis=1))

    def _hits(self, X: Any, y: Any, sample_weight: Any, offset: Any) -> tuple[float, float]:
        """Return sum_i w_i t_i,predicted and sum_i w_i m_i."""
        predicted = self._most_probable(X, offset)
        weights = read_weights_of_part(sample_weight, len(predicted))
        response = match_response(y, np.asarray(self.classes_), len(predicted))
        hits, trials = response.observed_at(predicted), response.trials
        if weights is None:
            weights = np.ones(len(hits))
        return float(weights @ hits), float(weights.sum() if trials is None else weights @ trials)

    def _warn(self, result: Fit, status: str, absent: npt.NDArray[Any]) -> None:
        if len(absent):
            warn_user(without_weight(absent), UserWarning)
        if result.status is not Status.CONVERGED:
            kind = SeparationWarning if result.status is Status.SEPARATED else ConvergenceWarning
            remedy = REMEDY[result.status].format(max_iter=self.max_iter)
            warn_user(f"{type(self).__name__} {status}. {remedy}", kind)
