"""Nested models, compared by the ratio of their likelihoods."""

import numpy as np

from softglm.inference.inference import Inference
from softglm.inference.likelihood import compare_likelihoods
from softglm.inference.significance import ChiSquaredTest
from softglm.inference.validity import Validity


def compare(smaller: Inference | None, larger: Inference) -> ChiSquaredTest:
    """Return the likelihood-ratio test of two nested fits on the same rows.

    Parameters
    ----------
    smaller, larger : Inference
        Of maximum-likelihood fits, the features of the first among those of the second or combinations of them. None
        for the smaller stands for the null model of the larger, its `null`.

    Returns
    -------
    ChiSquaredTest
        With the difference of their parameters as degrees of freedom.

    Raises
    ------
    ValueError
        If one is penalised, bias-reduced or reweighted, or they are of different data, or not nested.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> from softglm import SoftmaxGLM, compare, infer
    >>> X, y = load_wine(return_X_y=True)
    >>> smaller, larger = (infer(SoftmaxGLM(alpha=0).fit(Z, y), Z, y) for Z in (X[:, :1], X[:, :2]))
    >>> print(compare(smaller, larger))
    chi2(2) = 43.93, p < 0.0001
    """
    for inference in (smaller, larger):
        if not isinstance(inference, Inference) and (inference is larger or inference is not None):
            raise TypeError(
                f"compare got a {type(inference).__name__}, expected what infer returns: compare(infer(small, X, y), "
                "infer(large, X, y)), or None for the null model."
            )
    smaller = larger.null if smaller is None else smaller
    for inference in (smaller, larger):
        validity = Validity(inference.estimate.is_penalised, inference.sample.is_reweighted, inference.covariance)
        validity.require_tests("Comparisons")
        validity.require_trusted_likelihood("compare", "Test the additional terms by wald_test")
        if inference.estimate.is_bias_reduced:
            raise ValueError(
                "compare needs maximum-likelihood fits, and these estimates are bias-reduced: the likelihoods of the "
                "two models are penalised by different amounts. Test the additional terms by test_terms of the larger."
            )
    if not np.array_equal(smaller.classes, larger.classes):
        raise ValueError(
            f"The fits have the classes {smaller.classes[:10].tolist()} and {larger.classes[:10].tolist()}, expected "
            "the same. Fit both models on the same data."
        )
    return compare_likelihoods(smaller.estimate, larger.estimate)
