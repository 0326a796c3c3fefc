"""A path of strengths: each point proved, each that of a fit of its own, from where the first feature enters."""

import pickle

import numpy as np
import pandas as pd
import problems
import pytest
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM, softglm_path

WINE, CULTIVAR = load_wine(return_X_y=True)
DATA = problems.overlapping()
X, y = DATA.X, DATA.y
BINARY = (y == 1).astype(int)
# The gap asked for, relative to the loss; and what probabilities are off by then: a few roots of it.
TIGHT, SAME = 1e-9, 1e-4
# Just beyond the rounding of a slope; and beyond what it is off by where others are fitted.
JUST, JUST_BESIDE_OTHERS = 1e-9, 1e-5


def null_loss(y):
    shares = np.bincount(y) / len(y)
    shares = shares[shares > 0.0]
    return -float(shares @ np.log(shares))


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"l1_ratio": 0.5},
        {"standardize": True},
        {"penalty_factors": [0.0, 1.0, 2.0, 1.0]},
        {"fit_intercept": False},
        {"lower": 0.0, "l1_ratio": 0.5},
        {"grouped": True},
        {"grouped": True, "within_ratio": 0.5},
        {"class_weight": "balanced"},
    ],
    ids=str,
)
@pytest.mark.parametrize("labels", [y, BINARY], ids=["three classes", "two"])
def test_nothing_enters_above_the_first_strength_and_something_just_below(labels, parameters):
    first = softglm_path(X, labels, n_alphas=1, **parameters).alphas[0]
    free = (np.asarray(parameters.get("penalty_factors", np.ones(4))) == 0.0).sum()
    above = first * (1.0 + (JUST_BESIDE_OTHERS if free else JUST))
    counts = softglm_path(X, labels, alphas=[above, first * 0.999], tol=TIGHT, **parameters).n_nonzero
    assert counts[0] == free
    assert counts[1] > free


def test_the_first_strengths_are_those_of_glmnet():
    # glmnet 4.1.6 on iris, standardised.
    iris = load_iris(return_X_y=True)
    assert softglm_path(*iris, standardize=True, n_alphas=1).alphas[0] == pytest.approx(0.434995773979, rel=1e-11)
    grouped = softglm_path(*iris, standardize=True, n_alphas=1, grouped=True)
    assert grouped.alphas[0] == pytest.approx(0.560170128639, rel=1e-11)
    ridge = softglm_path(*iris, standardize=True, n_alphas=1, l1_ratio=0.0)
    assert ridge.alphas[0] == pytest.approx(434.995773979, rel=1e-11)


@pytest.mark.parametrize(
    ("l1_ratio", "grouped", "explained"),
    [
        (1.0, False, 0.735558739028),
        (0.5, False, 0.721238385876),
        (0.0, False, 0.730806588565),
        (1.0, True, 0.786003042737),
        (0.5, True, 0.743194977844),
    ],
)
def test_a_strength_explains_what_it_does_in_glmnet(l1_ratio, grouped, explained):
    iris = load_iris(return_X_y=True)
    path = softglm_path(*iris, standardize=True, alphas=[0.05], l1_ratio=l1_ratio, grouped=grouped, tol=TIGHT)
    assert path.deviance_explained[0] == pytest.approx(explained, abs=SAME)


@pytest.mark.parametrize("l1_ratio", [0.4, 1.0])
def test_every_point_is_proved_and_is_that_of_a_fit_of_its_own(l1_ratio):
    path = softglm_path(WINE, CULTIVAR, l1_ratio=l1_ratio, standardize=True, n_alphas=12, tol=TIGHT)
    assert path.converged.all()
    assert (path.gaps <= TIGHT * null_loss(CULTIVAR)).all()
    assert set(path.gap_kinds) == {"duality"}
    for place in (3, 9):
        alpha = float(path.alphas[place])
        model = SoftmaxGLM(alpha, l1_ratio=l1_ratio, standardize=True, tol=TIGHT).fit(WINE, CULTIVAR)
        assert path.losses[place] == pytest.approx(model.loss_, abs=2 * TIGHT * null_loss(CULTIVAR))
        ours = path.predict_proba(WINE, alpha)
        np.testing.assert_allclose(ours, model.predict_proba(WINE), rtol=0.0, atol=SAME)
        assert path.n_nonzero[place] == model.coef_.any(axis=0).sum()
        assert path.deviance_explained[place] == pytest.approx(1.0 - model.deviance_ / model.null_deviance_, abs=SAME)
        assert path.null_deviance == pytest.approx(model.null_deviance_)


def test_a_model_at_a_strength_is_what_a_fit_would_have_left():
    names = pd.DataFrame(X, columns=list("abcd"))
    parameters = {"l1_ratio": 0.5, "penalty_factors": {"a": 0.5}, "standardize": True}
    path = softglm_path(names, y, **parameters, tol=1e-10, n_alphas=20)
    expected = SoftmaxGLM(float(path.alphas[7]), **parameters, tol=1e-10).fit(names, y)
    model = path.at(path.alphas[7])
    assert vars(model).keys() == vars(expected).keys()
    assert model.feature_names_in_.tolist() == list("abcd") == path.feature_names.tolist()
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=SAME)
    np.testing.assert_array_equal(model.scale_, expected.scale_)
    assert model.get_params()["penalty_factors"] == {"a": 0.5}
    assert model.predict(names).shape == (len(y),)


def test_a_strength_between_is_interpolated_as_glmnet_does_or_fitted():
    path = softglm_path(X, y, alphas=[0.1, 0.02], tol=TIGHT)
    third = 0.02 + 0.75 * 0.08
    between = 0.75 * path.coefs[0].toarray() + 0.25 * path.coefs[1].toarray()
    np.testing.assert_allclose(path.coef(third), between, rtol=TIGHT)
    np.testing.assert_allclose(path.intercept(third), 0.75 * path.intercepts[0] + 0.25 * path.intercepts[1])
    model = SoftmaxGLM(third, l1_ratio=1.0, tol=TIGHT).fit(X, y)
    exact = path.predict_proba(X, third, exact=True)
    np.testing.assert_allclose(exact, model.predict_proba(X), rtol=0.0, atol=SAME)
    assert 1e-3 < np.abs(path.predict_proba(X, third) - exact).max() < 0.1
    weaker = path.at(1e-3)
    assert weaker.alpha_ == 1e-3
    assert weaker.converged_


def test_beyond_the_path_there_is_no_interpolation():
    path = softglm_path(X, y, alphas=[0.1, 0.02])
    for alpha in (0.2, 0.01, np.nan):
        with pytest.raises(ValueError, match=r"is beyond the path, which goes from 0\.1 to 0\.02"):
            path.coef(alpha)
    with pytest.raises(ValueError, match="alpha must be a number above 0"):
        path.at(0.0)


def test_a_ridge_has_a_path_too():
    path = softglm_path(WINE, CULTIVAR, l1_ratio=0.0, standardize=True, n_alphas=15, tol=1e-8)
    assert path.converged.all()
    assert (path.n_nonzero == 13).all()
    assert (np.diff(path.deviance_explained) > 0.0).all()
    model = SoftmaxGLM(float(path.alphas[-1]), standardize=True).fit(WINE, CULTIVAR)
    np.testing.assert_allclose(path.coefs[-1].toarray(), model.coef_, rtol=1e-5, atol=1e-8)


def test_weights_are_repeated_rows_and_offsets_are_known():
    times = 1 + np.arange(len(y)) % 3
    offset = np.random.default_rng(0).normal(size=(len(y), 3))
    weighted = softglm_path(X, y, sample_weight=times, offset=offset, n_alphas=6, tol=TIGHT)
    repeated = softglm_path(
        np.repeat(X, times, axis=0), np.repeat(y, times), offset=np.repeat(offset, times, axis=0), n_alphas=6, tol=TIGHT
    )
    np.testing.assert_allclose(weighted.alphas, repeated.alphas, rtol=TIGHT)
    np.testing.assert_allclose(weighted.losses, repeated.losses, rtol=2 * TIGHT)
    np.testing.assert_allclose(weighted.deviance_explained, repeated.deviance_explained, atol=SAME)
    with pytest.raises(ValueError, match="fitted with an offset and none was given"):
        weighted.predict_proba(X, float(weighted.alphas[2]))
    assert weighted.predict_proba(X, float(weighted.alphas[2]), offset=offset).shape == (len(y), 3)


def test_a_class_without_weight_keeps_its_place():
    with pytest.warns(UserWarning, match="The total weight of the classes"):
        path = softglm_path(X, y, sample_weight=(y != 1).astype(float), n_alphas=5)
    assert np.isneginf(path.intercepts[:, 1]).all()
    between = float(np.sqrt(path.alphas[2] * path.alphas[3]))
    for exact in (False, True):
        np.testing.assert_array_equal(path.predict_proba(X, between, exact=exact)[:, 1], 0.0)


def test_it_stops_as_glmnet_does_unless_it_is_told_not_to():
    scaled = StandardScaler().fit_transform(WINE)
    path = softglm_path(scaled, CULTIVAR)
    assert len(path) < 100
    assert path.deviance_explained[-2] <= 0.999 < path.deviance_explained[-1]
    assert path.ending == "0.999 of the deviance is explained (stop_early)"
    whole = softglm_path(scaled, CULTIVAR, stop_early=False)
    assert len(whole) == 100
    assert whole.converged.all()
    assert whole.alphas[-1] == pytest.approx(1e-4 * whole.alphas[0])
    given = softglm_path(scaled, CULTIVAR, alphas=path.alphas[-1] * np.linspace(0.9, 1.0, 6))
    assert len(given) == 6
    noise = softglm_path(np.random.default_rng(0).normal(size=(300, 3)), np.arange(300) % 3, n_alphas=100)
    assert noise.ending == "the last step has explained less than 1e-05 of the deviance more (stop_early)"


def test_wide_rows_stop_at_a_hundredth_of_the_first_strength():
    data = problems.wide()
    path = softglm_path(data.X, data.y, n_alphas=5, stop_early=False)
    assert path.alphas[-1] == pytest.approx(1e-2 * path.alphas[0])
    assert softglm_path(data.X, data.y, n_alphas=2, alpha_min_ratio=0.3).alphas[-1] == pytest.approx(
        0.3 * path.alphas[0]
    )


@pytest.mark.parametrize("verbose", [True, 2])
def test_each_point_is_told_as_soon_as_it_is_there(capsys, verbose):
    points = []
    path = softglm_path(X, y, n_alphas=4, callback=points.append, verbose=verbose)
    assert [point.place for point in points] == [0, 1, 2, 3]
    assert [point.alpha for point in points] == path.alphas.tolist()
    assert [point.n_nonzero for point in points] == path.n_nonzero.tolist()
    lines = capsys.readouterr().out.splitlines()
    head, *told = (line.split()[1:] for line in lines if line.startswith("softglm_path "))
    assert head == ["strength", "alpha", "features", "in", "explained", "gap", "passes", "time", "[s]"]
    assert told[0][:4] == ["1/4", f"{path.alphas[0]:.4g}", "0", "0.0000"]
    assert [float(cells[4]) for cells in told] == pytest.approx(path.gaps, rel=0.05)
    assert (len(told), len(lines) > 5) == (4, verbose == 2)


def test_pickled_it_leaves_the_data_behind():
    path = softglm_path(X, y, n_alphas=4)
    copy = pickle.loads(pickle.dumps(path))  # noqa: S301 - our own
    np.testing.assert_array_equal(copy.at(path.alphas[1]).coef_, path.at(path.alphas[1]).coef_)
    between = float(path.alphas[:2].mean())
    np.testing.assert_array_equal(copy.predict_proba(X, between), path.predict_proba(X, between))
    with pytest.raises(ValueError, match="this path was pickled, without the data of its fits"):
        copy.at(between)
    assert len(pickle.dumps(softglm_path(np.repeat(X, 50, axis=0), np.repeat(y, 50), n_alphas=4))) < 2 * len(
        pickle.dumps(path)
    )


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alphas": []}, "alphas must be None, or a sequence of numbers above 0"),
        ({"alphas": 0.1}, "alphas must be None, or a sequence"),
        ({"alphas": [0.1, 0.0]}, "alphas has 0.0 at 1, expected numbers above 0"),
        ({"alphas": [0.1, np.nan]}, "alphas has nan at 1"),
        ({"alphas": ["a"]}, "alphas has 'a' at 0"),
        ({"alphas": [1e299], "l1_ratio": 0.0, "penalty_factors": np.full(4, 1e10)}, "times penalty_factors overflows"),
        ({"n_alphas": 0}, "n_alphas must be an integer of at least 1, got 0"),
        ({"n_alphas": 2.5}, "n_alphas must be an integer"),
        ({"alpha_min_ratio": 1.0}, "alpha_min_ratio must be a number between 0 and 1"),
        ({"tol": -1.0}, "tol must be a finite number"),
        ({"max_iter": 0}, "max_iter must be an integer"),
        ({"stop_early": "no"}, "stop_early must be True or False"),
        ({"verbose": -3}, "verbose must be True, False or an integer of at least 0, got -3"),
        ({"penalty_factors": np.zeros(4)}, "no feature that is penalised explains anything"),
        ({"sample_weight": (y == 1).astype(float)}, "nothing to tell apart"),
    ],
)
def test_what_cannot_be_meant_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        softglm_path(X, y, **parameters)


def test_constant_columns_have_no_path():
    with pytest.raises(ValueError, match="Pass features that vary"):
        softglm_path(np.full((len(y), 2), 3.7), y)


def test_strengths_at_which_the_tolerance_was_not_proved_are_told():
    with pytest.warns(ConvergenceWarning, match=r"did not prove the tolerance at [1-9] of 5 strengths"):
        path = softglm_path(WINE, CULTIVAR, n_alphas=5, max_iter=1, tol=1e-10)
    assert not path.converged.all()
    assert (path.gaps >= 0.0).all()


# glmnet 4.1.6: glmnet(as.matrix(iris[, 1:4]), iris$Species, family="multinomial", lambda=.03, thresh=1e-14)$dev.ratio
# with penalty.factor=c(1, 2, .5, 1) and lambda=.03 * 1.125; the same and type.multinomial="grouped"; alpha=.5,
# lower.limits=-.5, upper.limits=.3; alpha=.7, weights=1 + (0:149) %% 3.
@pytest.mark.parametrize(
    ("parameters", "explained"),
    [
        ({"penalty_factors": [1.0, 2.0, 0.5, 1.0]}, 0.847499974772),
        ({"penalty_factors": [1.0, 2.0, 0.5, 1.0], "grouped": True}, 0.867144457596),
        ({"l1_ratio": 0.5, "lower": -0.5, "upper": 0.3}, 0.55789174045),
        ({"l1_ratio": 0.7, "sample_weight": 1 + np.arange(150) % 3}, 0.785511302386),
    ],
    ids=["factors", "grouped", "bounds", "weights"],
)
def test_factors_groups_bounds_and_weights_are_those_of_glmnet(parameters, explained):
    path = softglm_path(*load_iris(return_X_y=True), standardize=True, alphas=[0.03], tol=1e-10, **parameters)
    assert path.deviance_explained[0] == pytest.approx(explained, abs=1e-5)
