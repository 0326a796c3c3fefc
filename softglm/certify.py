"""certify: how far anyone's fitted softmax classifier is from the optimum of its own objective."""

from typing import Any

import numpy as np

from softglm.candidates import (
    Candidate,
    Given,
    as_it_is,
    certificate_of,
    certified_softmax_glm,
    check_presence,
    named,
)
from softglm.certificate import Certificate
from softglm.ending import Ending
from softglm.estimator import SoftmaxGLM
from softglm.fitted import coefficients_of
from softglm.logistic import is_logistic_regression, objective_of
from softglm.model import PenaltyForm, Ridge
from softglm.model.two_rows import OneRow, one_row_of_two
from softglm.observations import Observations, observe
from softglm.penalised import penalty_at, strength_of
from softglm.reader import Reader
from softglm.sources import check_is_in_memory
from softglm.validation.coefficients import read_coefficients
from softglm.validation.entries import as_given
from softglm.validation.finite import as_float
from softglm.validation.parameters import check_strength


def certify(
    model: Any,
    X: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    offset: Any = None,
    alpha: float | str | None = None,
    C: float | None = None,
) -> Certificate:
    r"""Return how far a fitted classifier is from the optimum of its own objective, and what its predictions lose.

    The model may be anyone's, as long as its probabilities are the softmax of linear predictors (for two classes, the
    logistic function of one). Nothing that it says of itself is believed: its loss is evaluated, a fit is made beside
    it that is proved to be near the optimum, and the way from the one to the other is measured. So a model that is far
    from its optimum is certified as tightly as one that is near. The model is not modified.

    Parameters
    ----------
    model : estimator, or tuple of arrays
        Fitted: a `SoftmaxGLM`; scikit-learn's ``LogisticRegression`` or ``LogisticRegressionCV``, whose objective is
        read from `C`, `l1_ratio` or `penalty`, `class_weight` and `fit_intercept`; a pipeline that ends in one of
        these, or a search over it. Or coefficients and intercepts ``(coef, intercept)`` from elsewhere, such as cuML
        or a linear layer of PyTorch, with `alpha` or `C`: coef of shape (K, p), a row for each class in sorted order;
        for two classes (1, p) or (p,), of the second, or (2, p). The intercept is None where there is none.
    X, y : array-like
        Those of the fit, as the model takes them; y may also hold class probabilities or counts.
    sample_weight : array-like of shape (n,), default=None
        That of the fit.
    offset : array-like of shape (n, K), or (n,) for two classes, default=None
        A known part of eta, if the model was fitted with one.
    alpha : float or "1/n_samples", default=None
        Of arrays: the strength of the ridge beside the mean loss, 0 for none; intercepts are not penalised. Of (2, p)
        coefficients it acts on both rows, which for the optimum is half of it on their difference.
    C : float, default=None
        Of arrays, instead: alpha = 1 / (C W), W the total weight.

    Returns
    -------
    Certificate
        Print it. Its `predictions` have a bound for each row.

    Raises
    ------
    TypeError
        If the model is of another kind.
    ValueError
        If its objective is not that of a softmax, as of one classifier for each class, or of liblinear, which penalises
        the intercept; or if the input cannot be fitted. The message says what to do.

    Notes
    -----
    With G the proved gap of the fit beside the model, and W the total weight, each row that was fitted has
    w_i KL(mu*_i || mu_i) <= W G under any convex penalty, and so each probability is within sqrt(W G / (2 w_i)). Where
    the Hessian H is not too large, generalised self-concordance bounds the distance to the optimum in its metric too,
    by delta = sqrt(2 G) (1 + rho sqrt(G / 2)), and with it every linear predictor: of any row z = [x; 1], fitted or
    not, eta_k - eta_l is within ||(e_k - e_l) (x) z||_{H^-1} delta of the optimum. Rounding is counted throughout, but
    for that of the model's own predictions, of which the exact values are certified.

    References
    ----------
    F. Bach, "Self-concordant analysis for logistic regression", Electronic Journal of Statistics 4, 2010,
    doi:10.1214/09-EJS521. T. Sun and Q. Tran-Dinh, "Generalized self-concordant functions", Mathematical Programming
    178, 2019, doi:10.1007/s10107-018-1282-4.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.datasets import load_wine
    >>> from sklearn.linear_model import LogisticRegression
    >>> from softglm import certify
    >>> X, y = load_wine(return_X_y=True)  # 13 columns as they come
    >>> with warnings.catch_warnings(action="ignore"):  # it stops at 100 iterations
    ...     model = LogisticRegression().fit(X, y)
    >>> print(certify(model, X, y))
    LogisticRegression beside the optimum of its objective: l2 penalty, C=1
    <BLANKLINE>
    Loss           0.118..., above its minimum by 0.0559 (5.5% of what the features explain)
    Probabilities  at most 0.52 from those of the optimum
    Labels         5 of 178 are others at the optimum: rows 4, 24, 61, 83, 130
    <BLANKLINE>
    Proved by self-concordance of a fit beside it, rounding included.

    Coefficients from elsewhere say what they minimise:

    >>> arrays = model.coef_.astype("float32"), model.intercept_
    >>> certify(arrays, X, y, C=1.0).predictions.n_may_change
    5
    """
    check_is_in_memory(X, "certify")
    given = Given(X, y, sample_weight, offset)
    if isinstance(model, tuple):
        return _certified_arrays(model, given, alpha, C)
    if alpha is not None or C is not None:
        raise ValueError(
            f"alpha={as_given(alpha)} and C={as_given(C)} were given beside a model, whose objective is read from it. "
            "Leave them out; or pass its coefficients, (model.coef_, model.intercept_)."
        )
    ending = Ending.of(model)
    if isinstance(ending.model, SoftmaxGLM):
        return certified_softmax_glm(ending.model, given, ending.transform)
    if is_logistic_regression(ending.model):
        return _certified_logistic_regression(ending, given)
    raise TypeError(
        f"certify got a {type(ending.model).__name__}, expected a fitted SoftmaxGLM, LogisticRegression or "
        "LogisticRegressionCV, a Pipeline that ends in one, a search over either, or arrays (coef, intercept). If its "
        "probabilities are the softmax of linear predictors, pass those, with the alpha or C of its ridge."
    )


def _certified_logistic_regression(ending: Ending, given: Given) -> Certificate:
    model = ending.model
    if given.offset is not None:
        raise ValueError(
            f"{type(model).__name__} knows no offset, neither in its fit nor where it predicts. Leave it out."
        )
    classes, coef, intercept = coefficients_of(model)
    minimised = objective_of(model, given.y, given.sample_weight)
    seen = observe(
        ending.transform(given.X),
        given.y,
        given.sample_weight,
        class_weight=minimised.class_weight,
        estimator=model,
        fitted_classes=classes,
    )
    # Of a class without weight it has coefficients as of any other, whose optimum is not finite.
    present = np.ones(len(classes), dtype=bool)
    check_presence(present, seen)
    alpha = _alpha(None, minimised.C, seen)
    form = PenaltyForm(minimised.l1_ratio, np.ones(len(coef)))
    candidate = Candidate(
        name=type(model).__name__,
        objective=named({0.0: "l2", 1.0: "l1"}.get(minimised.l1_ratio, "elasticnet"), alpha, C=minimised.C),
        coef=coef,
        intercept=intercept,
        penalty=penalty_at(form, alpha, fit_intercept=minimised.fit_intercept),
        alpha=alpha,
        fit_intercept=minimised.fit_intercept,
    )
    reader = Reader(model, classes, present, needs_offset=False, transform=ending.transform)
    return certificate_of(candidate, seen, reader)


def _certified_arrays(arrays: tuple[Any, ...], given: Given, alpha: float | str | None, C: float | None) -> Certificate:
    if alpha is None and C is None:
        raise ValueError(
            "Of coefficients alone it is not known what they minimise. Pass alpha, the strength of their ridge beside "
            "the mean loss (0 for none), or C, as LogisticRegression has it."
        )
    check_strength("1/n_samples" if alpha is None else alpha, C)
    seen = observe(*given, estimator=SoftmaxGLM())
    classes, present = seen.response.classes, np.ones(len(seen.response.classes), dtype=bool)
    check_presence(present, seen)
    coef, constants = read_coefficients(arrays, len(classes), seen.X.shape[1])
    strength = _alpha(alpha, C, seen)
    one = OneRow(coef, np.zeros(len(coef)) if constants is None else constants, strength, 0.0)
    if len(coef) == len(classes) == 2:
        one = one_row_of_two(coef, one.intercept, strength)
    candidate = Candidate(
        name="(coef, intercept)",
        objective=named("l2", strength, C=C),
        coef=one.coef.T,
        intercept=one.intercept,
        penalty=Ridge.on_coefficients(one.alpha, coef.shape[1], fit_intercept=constants is not None),
        alpha=strength,
        fit_intercept=constants is not None,
        beside=one.beside,
    )
    columns = SoftmaxGLM()
    columns.__dict__ |= seen.columns  # it knows the names that other rows are to have
    return certificate_of(candidate, seen, Reader(columns, classes, present, given.offset is not None, as_it_is))


def _alpha(alpha: float | str | None, C: float | None, seen: Observations) -> float:
    """Return the strength beside the mean loss of these rows."""
    _, total_weight = seen.rows()
    if C is not None:
        return strength_of(as_float(C), total_weight)
    return 1.0 / total_weight if isinstance(alpha, str) else as_float(alpha)
