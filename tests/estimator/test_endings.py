"""How a fit ended: told once, in a sentence, with the remedy."""

import re
import warnings

import numpy as np
import problems
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from softglm import SeparationWarning, SoftmaxGLM, estimator


def fit_and_catch(model, data):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(data.X, data.y, sample_weight=data.weights)
    return caught


@pytest.mark.parametrize("alpha", ["1/n_samples", 1e-6, 10.0])
@pytest.mark.parametrize("name", problems.PROBLEMS)
def test_a_converged_fit_warns_of_nothing(name, alpha):
    model, data = SoftmaxGLM(alpha=alpha), problems.PROBLEMS[name]()
    assert fit_and_catch(model, data) == []
    assert model.converged_
    assert model.status_.startswith("converged (relative gap ")
    assert model.status_.endswith(f"proved by {model.gap_kind_}, {model.n_passes_} passes)")
    assert model.gap_kind_ in {"strong convexity", "self-concordance"}
    assert model.gap_ >= 0.0


@pytest.mark.parametrize("make", [problems.badly_scaled, problems.two_classes], ids=lambda make: make.__name__)
def test_running_out_of_iterations_is_told_once_with_the_remedy(make):
    model = SoftmaxGLM(max_iter=1)
    (caught,) = fit_and_catch(model, make())
    assert caught.category is ConvergenceWarning
    assert caught.filename == __file__
    message = str(caught.message)
    assert model.status_ in message
    assert "ran out of iterations" in model.status_
    assert message.endswith("Increase max_iter, now 1.")
    assert not model.converged_
    assert model.n_iter_.tolist() == [1]
    assert np.isfinite(model.coef_).all()


SEPARATED = {
    "iris": lambda: problems.real_data("iris"),
    "wine": lambda: problems.real_data("wine"),
    **{f"synthetic, seed {seed}": lambda seed=seed: problems.separable(seed) for seed in range(5)},
    "wide": problems.wide,
    "two classes": lambda: problems.separable(n_classes=2),
}


@pytest.mark.parametrize("name", SEPARATED)
def test_separated_classes_without_penalty_are_told_once_with_the_remedy(name):
    model, data = SoftmaxGLM(alpha=0), SEPARATED[name]()
    (caught,) = fit_and_catch(model, data)
    assert caught.category is SeparationWarning
    assert issubclass(SeparationWarning, ConvergenceWarning)
    assert caught.filename == __file__
    message = str(caught.message)
    assert "separated" in message
    assert model.status_ in message
    assert "Set alpha > 0 (the default), or leave out what separates the classes;" in message
    assert message.endswith('infer from this fit with estimates="bias-reduced".')
    assert not model.converged_
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    assert np.isfinite(model.predict_log_proba(data.X)).all()


def test_a_tolerance_beyond_the_arithmetic_is_not_called_converged():
    model = SoftmaxGLM(tol=0.0)
    (caught,) = fit_and_catch(model, problems.overlapping())
    assert caught.category is ConvergenceWarning
    assert "precision of the arithmetic" in model.status_
    assert not model.converged_


def test_the_status_says_which_of_many_optima_it_is():
    data = problems.collinear()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    assert model.converged_
    assert "collinear" in model.status_
    assert "minimum norm in standardised coordinates" in model.status_
    assert "minimum norm" not in SoftmaxGLM().fit(data.X, data.y).status_


@pytest.mark.parametrize("warning", ["column", "counts", "absent"])
def test_every_warning_points_at_the_line_that_called_fit(warning):
    data = problems.overlapping()
    given = {
        "column": {"y": data.y[:, np.newaxis]},
        "counts": {"y": 100.0 * np.identity(3)[data.y]},
        "absent": {"y": data.y, "sample_weight": (data.y > 0).astype(float)},
    }[warning]
    with pytest.warns(UserWarning) as caught:  # noqa: PT030 - which warning it is, other tests show
        SoftmaxGLM().fit(data.X, **given)
    assert [warned.filename for warned in caught] == [__file__]


HEAD = ["SoftmaxGLM", "stage", "iteration", "loss", "gap", "passes", "time", "[s]"]


def told(capsys, **parameters):
    """What a fit prints: the words before the columns, the cells in these, and the seconds in the last line."""
    data = problems.badly_scaled()
    model = SoftmaxGLM(**parameters).fit(data.X, data.y)
    *lines, last = capsys.readouterr().out.splitlines()
    assert len({len(line) for line in lines[-model.n_iter_[0] :]}) == 1
    head = next(place for place, line in enumerate(lines) if line.split() == HEAD)
    seconds, status = re.fullmatch(r"SoftmaxGLM after (\d+\.\d{3}) s: (.*)", last).groups()
    assert status == model.status_
    return model, lines[:head], [line.split()[1:] for line in lines[head + 1 :]], float(seconds)


@pytest.mark.parametrize("parameters", [{}, {"alpha": 0.0}, {"alpha": 0.01, "l1_ratio": 0.5}])
def test_verbose_prints_the_loss_gap_passes_and_time_of_each_stage_and_2_of_each_iteration(capsys, parameters):
    model, before, stages, seconds = told(capsys, verbose=1, **parameters)
    _, words, iterations, _ = told(capsys, verbose=2, **parameters)
    assert not before
    assert words == [
        f"SoftmaxGLM fits {len(problems.badly_scaled().y)} rows, 8 features, 4 classes, alpha {model.alpha_:.4g}"
    ]
    assert [int(cells[0]) for cells in stages] == [*range(1, len(stages) + 1)]
    assert [int(cells[1]) for cells in iterations] == [*range(1, model.n_iter_[0] + 1)]
    without_time = [cells[:-1] for cells in iterations]
    assert all(cells[:-1] in without_time for cells in stages)
    assert stages[-1][:-1] == without_time[-1]
    times = [float(cells[-1]) for cells in stages]
    assert times == sorted(times)
    assert times[-1] <= seconds + 1e-3
    assert float(stages[-1][2]) == pytest.approx(model.loss_, rel=1e-6)
    gaps = [cells[3] for cells in iterations]
    if "l1_ratio" in parameters:
        assert set(gaps) == {"-"}
    else:
        assert [gap[0] for gap in gaps] == ["~"] * len(gaps)
        assert float(gaps[-1][1:]) < model.tol
        assert int(iterations[-1][4]) <= model.n_passes_


def stop(*_, **__):
    raise InterruptedError


@pytest.mark.parametrize(
    ("p", "n_classes", "fit_intercept", "said"),
    [
        (4096, 2, True, "4,097 parameters are beyond the 4,096 of the largest Hessian"),
        (4097, 2, False, "4,097 parameters are beyond the 4,096 of the largest Hessian"),
        (1100, 5, True, "4,404 parameters are beyond"),
        (2, 243, True, "243 classes make 29,403 pairs, too many for a Hessian"),
        (1, 500, False, "500 classes make 124,750 pairs"),
        (3000, 3, True, "6,002 parameters are beyond .* unless one column shows that there is none"),
    ],
)
def test_verbose_says_before_the_fit_what_its_size_will_leave_unproved(
    p, n_classes, fit_intercept, said, monkeypatch, capsys
):
    monkeypatch.setattr(estimator, "solve", stop)
    rows = sparse.random(p + 3 * n_classes, p, density=1 / p, format="csr", random_state=0)
    model = SoftmaxGLM(alpha=0, fit_intercept=fit_intercept, verbose=True)
    with pytest.raises(InterruptedError):
        model.fit(rows, np.arange(rows.shape[0]) % n_classes)
    (line,) = capsys.readouterr().out.splitlines()
    assert re.match(f"SoftmaxGLM {said}", line)
    assert "undecided" in line
    assert "Set alpha > 0" in line


def test_what_verbose_says_before_the_fit_of_many_classes_is_how_it_ends(capsys):
    X, y = np.random.default_rng(0).normal(size=(2000, 2)), np.arange(2000) % 250
    with pytest.warns(ConvergenceWarning, match="too large to decide"):
        model = SoftmaxGLM(alpha=0, verbose=True).fit(X, y)
    assert capsys.readouterr().out.startswith("SoftmaxGLM 250 classes")
    assert (model.gap_kind_, model.converged_) == ("estimate", False)


@pytest.mark.parametrize(
    ("p", "n_classes", "alpha"), [(30, 2, 0.0), (2, 242, 0.0), (5000, 2, 0.0), (5000, 2, "1/n_samples"), (2, 300, 1.0)]
)
def test_verbose_says_nothing_of_sizes_that_are_proved(p, n_classes, alpha, monkeypatch, capsys):
    monkeypatch.setattr(estimator, "solve", stop)
    X = np.random.default_rng(0).normal(size=(2 * n_classes, p))
    with pytest.raises(InterruptedError):
        SoftmaxGLM(alpha=alpha, verbose=True).fit(X, np.arange(len(X)) % n_classes)
    assert not capsys.readouterr().out


def test_a_silent_fit_prints_nothing(capfd):
    data = problems.badly_scaled()
    SoftmaxGLM().fit(data.X, data.y)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("alpha", ["1/n_samples", 0.0])
def test_a_fit_without_anything_to_fit_converges_in_silence(capfd, alpha):
    model = SoftmaxGLM(alpha=alpha, fit_intercept=False).fit(np.zeros((9, 2)), np.arange(9) % 3)
    assert model.converged_
    assert np.all(model.coef_ == 0.0)
    # Not even LAPACK complains.
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["overlapping", "sparse_rows", "wide", "counts", "badly_scaled"])
def test_the_same_input_gives_the_same_bits(name):
    data = problems.PROBLEMS[name]()
    one, other = (SoftmaxGLM().fit(data.X, data.y) for _ in range(2))
    for attribute in ("coef_", "intercept_", "loss_", "gap_", "deviance_", "n_evaluations_", "n_iter_"):
        assert np.array_equal(getattr(one, attribute), getattr(other, attribute))
    assert np.array_equal(one.predict_proba(data.X), other.predict_proba(data.X))
