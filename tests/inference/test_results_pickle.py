"""What infer returns goes to a file and to another process, and answers there what it answered here."""

import pickle

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM, infer


@pytest.mark.parametrize("covariance", ["model", "robust", "HC3", "cluster", "CR2"])
def test_an_inference_answers_as_before_once_it_was_pickled(covariance):
    rng = np.random.default_rng(3)
    X, y, offset = rng.normal(size=(60, 2)), rng.integers(0, 3, size=60), rng.normal(size=(60, 3))
    clusters = np.arange(60) % 10 if covariance in {"cluster", "CR2"} else None
    model = make_pipeline(StandardScaler(), SoftmaxGLM(alpha=0)).fit(X, y, softmaxglm__offset=offset)
    result = infer(model, X, y, offset=offset, covariance=covariance, clusters=clusters)
    again = pickle.loads(pickle.dumps(result))  # noqa: S301 - what was just written
    assert str(again) == str(result)
    for ask in (
        lambda one: one.predict(X[:3], offset=offset[:3]),
        lambda one: one.marginal_effects(),
        lambda one: one.test_terms("wald"),
        lambda one: one.rebase(1),
    ):
        assert str(ask(again)) == str(ask(result))
