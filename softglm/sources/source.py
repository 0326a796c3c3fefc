"""The contract of a place for rows that users have, and this process's memory has not."""

from abc import ABC, abstractmethod
from typing import Any

from softglm.observed import Observed
from softglm.validation.labels import Labels


class Source(ABC):
    """Rows elsewhere, with their labels, weights and offset where a fit is to be made: in files, or on a cluster.

    What `SoftmaxGLM` and `infer` do with arrays they do with these through three verbs. What is known of y and of the
    weights of all rows is found out by `observe`; predictions and scores are those of the pieces.
    """

    @abstractmethod
    def observe(self, *, class_weight: Any, estimator: Any, fitted_classes: Labels | None = None) -> Observed:
        """Read what has to be known before a fit, and check it.

        Parameters
        ----------
        class_weight : object
            As the user passed it: see `response.read_class_weight`.
        estimator : estimator
            That is to be fitted, or was; it is not changed.
        fitted_classes : array of shape (K,) or None, default=None
            Of an estimator that was: y must have the same, and X the columns of the fit.
        """

    @abstractmethod
    def predictions(self, model: Any, method: str) -> Any:
        """Return what a method of the fitted model returns for these rows: an array, or what is computed later.

        Parameters
        ----------
        model : SoftmaxGLM
        method : {"decision_function", "predict", "predict_proba", "predict_log_proba"}
            Called as ``method(X, offset)`` with the X and the offset of pieces of the rows.
        """

    @abstractmethod
    def totals(self, model: Any, method: str) -> tuple[float, ...]:
        """Return the sums over pieces of the rows of the numbers that a method of the fitted model returns for each.

        It is called as ``method(X, y, sample_weight, offset)``.
        """
