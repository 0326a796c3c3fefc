"""What a user writes, for the tests of the package as it is installed: it runs, and mypy --strict follows it.

Not a test module: CI checks and runs it beside the wheel and beside the sdist, where there is no source of softglm.
"""

import sys
from typing import Any, Literal, assert_type

import numpy as np
import numpy.typing as npt

from softglm import (
    Certificate,
    DetectedSeparation,
    Inference,
    SoftmaxGLM,
    certify,
    compare,
    detect_separation,
    infer,
    neg_log_loss,
)
from softglm.families import Categorical

Floats = npt.NDArray[np.float64]
SEED = 0


def rows() -> tuple[Floats, npt.NDArray[np.int64]]:
    random = np.random.default_rng(SEED)
    X = random.normal(size=(200, 2))
    return X, np.argmax(X @ [[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]] + random.gumbel(size=(200, 3)), axis=1)


def fit_and_predict(X: Floats, y: npt.NDArray[np.int64]) -> None:
    model = SoftmaxGLM(alpha=0.01, class_weight="balanced", max_iter=200).fit(X, y, sample_weight=np.ones(len(X)))
    assert_type(model, SoftmaxGLM)
    assert_type(model.predict(X), npt.NDArray[Any])
    assert_type(model.predict_proba(X), Floats)
    assert_type(model.predict_log_proba(X, offset=None), Floats)
    assert_type(model.decision_function(X), Floats)
    assert_type(model.score(X, y), float)
    assert_type(neg_log_loss(model, X, y), float)
    assert_type(model.coef_, npt.NDArray[np.floating[Any]])
    assert_type(model.intercept_, npt.NDArray[np.floating[Any]])
    assert_type(model.converged_, bool)
    assert_type(model.status_, str)
    assert_type(model.gap_, float)
    assert_type(certify(model, X, y), Certificate)
    assert_type(model.certify(X, y).predictions.probability_errors, Floats)


def infer_and_test(X: Floats, y: npt.NDArray[np.int64]) -> Inference:
    result = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, covariance="model", level=0.9)
    assert_type(result, Inference)
    assert_type(result.coefficients.estimate, Floats)
    assert_type(result.coefficients.p_value, Floats | None)
    assert_type(result.rebase(1), Inference)
    assert_type(result.confidence_intervals("profile"), Floats)
    assert_type(result.test_terms("wald").p_value, Floats)
    assert_type(result.likelihood_ratio.df, int)
    assert_type(result.marginal_effects().estimate, Floats)
    assert_type(result.contrasts("x0").covariance, Floats)
    assert_type(result.linear_combinations("[1]x0 - [2]x0").estimate, Floats)
    assert_type(result.separation, Literal["none", "quasi-complete", "complete"])
    smaller = infer(SoftmaxGLM(alpha=0).fit(X[:, :1], y), X[:, :1], y)
    assert_type(compare(smaller, result).p_value, float)
    found = detect_separation(X, y, SoftmaxGLM(alpha=0))
    assert_type(found, DetectedSeparation)
    assert_type(found.limits, Floats)
    assert_type(Categorical(3).mean(np.zeros((3, 1))), Floats)
    return result


def print_tables(result: Inference) -> None:
    tables = [
        result,
        result.coefficients.odds_ratios(),
        result.symmetric(),
        result.test_terms(),
        result.predict(np.zeros((1, 2))),
        result.marginal_effects(),
        result.contrasts(0, kind="ratio"),
        result.hosmer_lemeshow(),
    ]
    sys.stdout.write("\n\n".join(map(str, tables)) + "\n")


def draw(result: Inference) -> None:
    """For the types alone: matplotlib is not there."""
    from softglm.plots import CoefficientDisplay, EffectDisplay

    display = CoefficientDisplay.from_inference(result)
    assert_type(display, CoefficientDisplay)
    assert_type(display.estimate, Floats)
    assert_type(EffectDisplay.from_inference(result, "x0"), EffectDisplay)


if __name__ == "__main__":
    fit_and_predict(*rows())
    print_tables(infer_and_test(*rows()))
