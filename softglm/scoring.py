"""A scorer for every kind of y that SoftmaxGLM fits."""

from typing import Any

import numpy as np

from softglm.validation import match_response, read_weights


def neg_log_loss(estimator: Any, X: Any, y: Any, sample_weight: Any = None, **predict_params: Any) -> float:
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

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.model_selection import cross_val_score
    >>> from softglm import SoftmaxGLM, neg_log_loss
    >>> X, y = load_iris(return_X_y=True)
    >>> cross_val_score(SoftmaxGLM(), X, y, scoring=neg_log_loss).mean().round(3).tolist()
    -0.14
    """
    classes = np.asarray(estimator.classes_)
    log_probabilities = np.asarray(estimator.predict_log_proba(X, **predict_params))
    response = match_response(y, classes, len(log_probabilities))
    if response.codes is not None and (response.codes < 0).any():
        raise ValueError(
            f"y has labels that the model was not fitted on, expected some of {classes[:10].tolist()}: their "
            "probability is unknown. Drop those rows, or refit on all classes."
        )
    weights = read_weights(sample_weight, len(log_probabilities))
    total = response.class_totals(weights).sum()
    return response.log_likelihood(log_probabilities, weights) / float(total)
