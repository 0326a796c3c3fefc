"""What a fitted model holds, and that it survives being copied, stored and shown."""

import copy
import io
import pickle

import numpy as np
import problems
import pytest
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

import softglm
from softglm import SoftmaxGLM

# Under which name the version that pickled a model is part of its state.
VERSION = "_softglm_version"
SHAPES = [("overlapping", 3, 3), ("two_classes", 2, 1), ("many_classes", 7, 7), ("soft_labels", 4, 4), ("wide", 3, 3)]


@pytest.mark.parametrize(("name", "n_classes", "n_rows"), SHAPES)
def test_attributes_have_the_types_and_shapes_of_the_docstring(name, n_classes, n_rows):
    data = problems.PROBLEMS[name]()
    model = SoftmaxGLM().fit(data.X, data.y)
    p = data.X.shape[1]
    assert model.classes_.shape == (n_classes,)
    assert model.coef_.shape == (n_rows, p)
    assert model.coef_.dtype == model.intercept_.dtype == np.float64
    assert model.coef_.flags.c_contiguous
    assert model.intercept_.shape == (n_rows,)
    assert model.n_iter_.shape == (1,)
    assert model.n_iter_.dtype.kind == "i"
    assert 1 <= model.n_iter_[0] <= model.max_iter
    assert model.n_features_in_ == p
    assert type(model.n_evaluations_) is type(model.n_passes_) is int
    for attribute in ("alpha_", "loss_", "gap_", "deviance_", "null_deviance_"):
        assert type(getattr(model, attribute)) is float
    assert type(model.converged_) is bool
    assert type(model.status_) is str
    assert model.gap_kind_ in {"self-concordance", "strong convexity", "estimate"}
    assert 0.0 <= model.deviance_ <= model.null_deviance_
    assert model.n_passes_ >= model.n_evaluations_ >= model.n_iter_[0]


def test_without_intercept_the_intercepts_are_zero():
    data = problems.overlapping()
    assert np.array_equal(SoftmaxGLM(fit_intercept=False).fit(data.X, data.y).intercept_, np.zeros(3))


@pytest.mark.parametrize("max_iter", [1, 2, 5])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_iterations_are_capped(max_iter):
    data = problems.badly_scaled()
    assert SoftmaxGLM(max_iter=max_iter).fit(data.X, data.y).n_iter_[0] <= max_iter


def test_fit_returns_the_estimator_and_its_parameters_are_untouched():
    data = problems.overlapping()
    class_weight = {0: 2.0}
    model = SoftmaxGLM(0.3, class_weight=class_weight, tol=1e-6)
    before = model.get_params()
    assert model.fit(data.X, data.y) is model
    assert model.get_params() == before
    assert model.class_weight is class_weight


def test_parameters_have_the_documented_defaults_and_only_alpha_comes_by_position():
    assert SoftmaxGLM().get_params() == {
        "alpha": "1/n_samples",
        "C": None,
        "l1_ratio": 0.0,
        "penalty_factors": None,
        "grouped": False,
        "groups": None,
        "within_ratio": 0.0,
        "lower": None,
        "upper": None,
        "standardize": False,
        "fit_intercept": True,
        "class_weight": None,
        "tol": 1e-8,
        "max_iter": 1000,
        "warm_start": False,
        "verbose": False,
    }
    assert SoftmaxGLM(0.5).alpha == 0.5


@pytest.mark.parametrize("name", ["overlapping", "counts", "sparse_rows", "wide"])
def test_no_training_data_is_kept(name):
    data = problems.PROBLEMS[name]()
    model = SoftmaxGLM().fit(data.X, data.y, offset=np.zeros((len(data.y), data.n_classes)))
    n = len(data.y)
    for value in vars(model).values():
        assert not hasattr(value, "shape") or n not in value.shape
        # Nor through a view of it.
        assert getattr(value, "base", None) is None
        assert isinstance(value, np.ndarray | str | int | float | bool | None)


def test_the_size_of_a_pickle_does_not_grow_with_the_rows():
    data = problems.overlapping()
    small = pickle.dumps(SoftmaxGLM().fit(data.X, data.y))
    large = pickle.dumps(SoftmaxGLM().fit(np.tile(data.X, (200, 1)), np.tile(data.y, 200)))
    # A status may have a digit more.
    assert abs(len(large) - len(small)) < 50


def test_a_clone_is_unfitted_and_fits_the_same():
    data = problems.overlapping()
    model = SoftmaxGLM(alpha=0.3, class_weight="balanced").fit(data.X, data.y)
    other = clone(model)
    assert other.get_params() == model.get_params()
    assert not hasattr(other, "coef_")
    assert np.array_equal(other.fit(data.X, data.y).coef_, model.coef_)


def roundtrip(model):
    return pickle.loads(pickle.dumps(model))  # noqa: S301 - our own


@pytest.mark.parametrize("duplicate", [roundtrip, copy.copy, copy.deepcopy])
def test_copies_predict_the_same(duplicate):
    data = problems.weighted_with_offset()
    model = SoftmaxGLM().fit(data.X, data.y, offset=data.offset)
    other = duplicate(model)
    assert vars(other).keys() == vars(model).keys()
    check_is_fitted(other)
    assert np.array_equal(
        other.predict_proba(data.X, offset=data.offset), model.predict_proba(data.X, offset=data.offset)
    )
    with pytest.raises(ValueError, match="offset=0"):
        other.predict(data.X)
    assert duplicate(SoftmaxGLM(alpha=3.0)).alpha == 3.0


def pickled_by(version, model):
    """What another version would have written."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file)
    pickler.dispatch_table = {SoftmaxGLM: lambda _: (SoftmaxGLM, (), model.__getstate__() | {VERSION: version})}
    pickler.dump(model)
    return file.getvalue()


def test_a_model_from_another_version_warns_and_names_both():
    data = problems.overlapping()
    model = SoftmaxGLM().fit(data.X, data.y)
    stored = pickled_by("0.0.7", model)
    with pytest.warns(UserWarning, match=rf"0\.0\.7.*{softglm.__version__}") as caught:
        other = pickle.loads(stored)  # noqa: S301 - our own
    assert len(caught) == 1
    assert np.array_equal(other.coef_, model.coef_)
    roundtrip(other)


def test_a_model_without_a_version_says_unknown():
    state = {name: value for name, value in SoftmaxGLM().__getstate__().items() if name != VERSION}
    with pytest.warns(UserWarning, match="unknown"):
        SoftmaxGLM().__setstate__(state)


def test_the_repr_shows_what_differs_from_the_defaults():
    assert repr(SoftmaxGLM(alpha=0.5, class_weight="balanced")) == "SoftmaxGLM(alpha=0.5, class_weight='balanced')"


def test_the_html_repr_shows_the_model_before_and_after_the_fit():
    data = problems.overlapping()
    model = SoftmaxGLM(alpha=0.25)
    for _ in range(2):
        html = model._repr_html_()
        assert "SoftmaxGLM" in html
        assert "0.25" in html
        model.fit(data.X, data.y)


def test_tags_say_that_x_may_be_sparse_and_that_it_is_a_classifier():
    tags = SoftmaxGLM().__sklearn_tags__()
    assert tags.input_tags.sparse
    assert tags.estimator_type == "classifier"
    assert tags.target_tags.required
    assert not tags.input_tags.allow_nan
