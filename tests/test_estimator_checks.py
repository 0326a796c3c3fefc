"""scikit-learn's own checks of an estimator, with no expected failure but one, which is explained."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from softglm import SoftmaxGLM, SoftmaxGLMCV

# Without an intercept the exact optimum cannot put 87 % of the points into the class of weight 1000, as the check
# expects of any classifier that is not excused; LogisticRegression(fit_intercept=False) fails it too.
WITHOUT_INTERCEPT = {"check_class_weight_classifiers": "the optimum without intercept cannot pass it"}


# A check fits rows of which one class alone has weight.
ABSENT = "ignore:The total weight of the classes:UserWarning"


@parametrize_with_checks(
    [
        SoftmaxGLM(),
        SoftmaxGLM(alpha=0.1),
        SoftmaxGLM(class_weight="balanced"),
        SoftmaxGLM(warm_start=True),
        SoftmaxGLM(l1_ratio=0.5),
        SoftmaxGLM(l1_ratio=0.5, grouped=True),
        SoftmaxGLM(standardize=True),
        SoftmaxGLMCV(Cs=3, cv=3),
        SoftmaxGLMCV(alphas=3, l1_ratios=(0.5,), cv=3, rule="1se"),
        SoftmaxGLMCV(Cs=3, cv="loo"),
    ]
)
@pytest.mark.filterwarnings("default", ABSENT)
def test_every_check_passes(estimator, check):
    check(estimator)


@parametrize_with_checks([SoftmaxGLM(fit_intercept=False)], expected_failed_checks=lambda _: WITHOUT_INTERCEPT)
@pytest.mark.filterwarnings("default", ABSENT)
def test_every_check_but_one_passes_without_intercept(estimator, check):
    check(estimator)
