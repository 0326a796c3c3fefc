"""A scorer for every kind of y that SoftmaxGLM fits."""

from typing import Any, Self, final

import numpy as np
import sklearn
from sklearn.utils.metadata_routing import MetadataRequest

from softglm.response import match_response
from softglm.validation.weights import read_weights


@final
class _NegLogLoss:
    """Score a fitted classifier by the mean log-probability of what was observed, in nats: minus the log loss.

    Use it as ``scoring=neg_log_loss``, where scikit-learn's own "neg_log_loss" takes labels only.

    Parameters
    ----------
    estimator : fitted classifier
        With `predict_log_proba` and `classes_`.
    X : array-like of shape (n, p)
        As the classifier takes it.
    y : array-like of shape (n,) or (n, K)
        Labels, or rows of class probabilities or counts.
    sample_weight : array-like of shape (n,), default=None
        How often each row counts.
    **predict_params
        Passed to `predict_log_proba`, such as `offset`.

    Returns
    -------
    float
        The mean sum_i w_i sum_k t_ik log p_ik / sum_i w_i m_i, in nats, at most 0; greater is better.

    Raises
    ------
    ValueError
        If y has labels or columns that the estimator was not fitted on.

    Notes
    -----
    With metadata routing enabled, `set_score_request` says what of the metadata that ``cross_validate`` or a search are
    given the scorer takes; their estimator asks for its own. As with scikit-learn's scorers this changes the scorer
    itself: ``copy.deepcopy(neg_log_loss)`` is one with requests of its own.

    A pipeline passes an offset on only if its last step asks for it where it predicts, too: without
    ``SoftmaxGLM().set_predict_log_proba_request(offset=True)``, beside the requests of its fit, every score of
    ``cross_validate`` is nan (``error_score="raise"`` shows why).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from softglm import SoftmaxGLM, neg_log_loss
    >>> X, y = load_iris(return_X_y=True)
    >>> cross_val_score(SoftmaxGLM(), X, y, scoring=neg_log_loss).mean().round(3).tolist()
    -0.14

    `cross_validate` needs metadata routing for a weighted score:

    >>> from copy import deepcopy
    >>> import sklearn
    >>> from sklearn.model_selection import cross_validate
    >>> weights = 1.0 + (y == 0)
    >>> with sklearn.config_context(enable_metadata_routing=True):
    ...     model = SoftmaxGLM().set_fit_request(sample_weight=True)
    ...     scoring = deepcopy(neg_log_loss).set_score_request(sample_weight=True)
    ...     result = cross_validate(model, X, y, scoring=scoring, params={"sample_weight": weights})
    >>> result["test_score"].mean().round(3).tolist()
    -0.107
    """

    def __init__(self) -> None:
        # As a function has them.
        self.__name__ = self.__qualname__ = "neg_log_loss"
        self._requests: dict[str, bool | str | None] = {"sample_weight": None, "offset": None}

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None, **predict_params: Any) -> float:
        classes = np.asarray(estimator.classes_)
        log_probabilities = np.asarray(estimator.predict_log_proba(X, **predict_params))
        response = match_response(y, classes, len(log_probabilities))
        if response.is_unknown.any():
            raise ValueError(
                f"y has labels that the model was not fitted on, expected some of {classes[:10].tolist()}: their "
                "probability is unknown. Drop those rows, or refit on all classes."
            )
        weights = read_weights(sample_weight, len(log_probabilities))
        total = response.class_totals(weights).sum()
        return response.log_likelihood(log_probabilities, weights) / float(total)

    def __repr__(self) -> str:
        return "neg_log_loss"

    def set_score_request(self, **requests: bool | str | None) -> Self:
        """Say which metadata the scorer takes, where metadata routing is enabled.

        Parameters
        ----------
        **requests
            For `sample_weight`, `offset` and other parameters of the prediction: True to take them, False to leave
            them, None to refuse them with an error (the default), or the name under which they are passed. Those that
            are not named stay as they are.

        Returns
        -------
        scorer
            Itself.

        Raises
        ------
        RuntimeError
            If metadata routing is not enabled.
        ValueError
            If a request is none of these.
        """
        if not sklearn.get_config()["enable_metadata_routing"]:
            raise RuntimeError(
                "set_score_request was called, and metadata routing is not enabled. Enable it, with "
                "sklearn.set_config(enable_metadata_routing=True)."
            )
        requested = {**self._requests, **requests}
        _as_scikit_learn_has_them(requested)
        self._requests = requested
        return self

    def get_metadata_routing(self) -> MetadataRequest:
        """Return the requests, as scikit-learn asks for them."""
        return _as_scikit_learn_has_them(self._requests)

    def _accept_sample_weight(self) -> bool:
        """Tell searches that route nothing, from scikit-learn 1.8 on, that scores are weighted as fits are."""
        return True


def _as_scikit_learn_has_them(requests: dict[str, bool | str | None]) -> MetadataRequest:
    result = MetadataRequest(owner="neg_log_loss")
    for param, alias in requests.items():
        result.score.add_request(param=param, alias=alias)
    return result


neg_log_loss = _NegLogLoss()
