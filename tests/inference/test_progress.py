"""What takes a fit for each of many results says how far it is, where it is asked to; the results are the same."""

import re

import numpy as np
import problems
import pytest
from threadpoolctl import threadpool_info

from softglm import SoftmaxGLM, infer
from softglm.inference import constrained
from softglm.inference import estimate as estimates
from softglm.inference.profile import profile_interval


def inferred(data):
    X = data.X[:, :3]
    return infer(SoftmaxGLM(alpha=0).fit(X, data.y), X, data.y)


CASES = {
    "three classes": (problems.overlapping, 2 * 4),
    "two classes": (problems.two_classes, 4),
    "many classes": (problems.many_classes, None),
}


@pytest.mark.parametrize(("make", "n_intervals"), CASES.values(), ids=CASES)
def test_each_profile_interval_is_printed_once_it_is_there(capsys, make, n_intervals):
    result = inferred(make())
    quiet = result.confidence_intervals("profile")
    assert capsys.readouterr().out == ""
    np.testing.assert_array_equal(result.confidence_intervals("profile", verbose=True), quiet)
    lines = capsys.readouterr().out.splitlines()
    n_intervals = n_intervals or quiet[0].size
    assert len(lines) == n_intervals
    names = [f"{term} of {label}" for label in result.coefficients.classes for term in result.coefficients.terms]
    for number, (line, name, lower, upper) in enumerate(zip(lines, names, *map(np.ravel, quiet), strict=True), start=1):
        assert line.startswith(f"Profile interval {number} of {n_intervals}: {name}: {lower:.4f}"[:-2])
        end, seconds = re.search(r" to (\S+) \((\d+\.\d{3}) s\)$", line).groups()
        assert float(end) == pytest.approx(upper, abs=1e-3 * (1.0 + abs(upper)))
        assert float(seconds) >= 0.0
    result.profiled(verbose=2)
    without_times = [re.sub(r" \(.*", "", line) for line in lines]
    assert [re.sub(r" \(.*", "", line) for line in capsys.readouterr().out.splitlines()] == without_times


def test_intervals_that_nothing_determines_are_not_counted(capsys):
    data = problems.overlapping()
    X = np.c_[data.X[:, :2], data.X[:, 0] + data.X[:, 1]]
    result = infer(SoftmaxGLM(alpha=0).fit(X, data.y), X, data.y)
    ends = result.confidence_intervals("profile", verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == np.isfinite(ends[0]).sum() == 2
    assert lines[-1].startswith("Profile interval 2 of 2: Intercept of 2: ")


@pytest.mark.parametrize(("kind", "name"), [("lr", "Likelihood-ratio"), ("score", "Score"), ("wald", "Wald")])
def test_each_test_of_a_term_is_printed_once_it_is_there(capsys, kind, name):
    result = inferred(problems.overlapping())
    quiet = result.test_terms(kind)
    assert capsys.readouterr().out == ""
    loud = result.test_terms(kind, verbose=True)
    np.testing.assert_array_equal(loud.statistic, quiet.statistic)
    lines = capsys.readouterr().out.splitlines()
    for number, (line, statistic) in enumerate(zip(lines, quiet.statistic, strict=True), start=1):
        assert line.startswith(f"{name} test {number} of 3: x{number - 1}: chi2(2) = ")
        assert float(re.search(r"= ([\d.]+)", line)[1]) == pytest.approx(statistic, rel=1e-3)


def test_groups_are_called_by_their_names(capsys):
    inferred(problems.overlapping()).test_terms("lr", {"both": [0, 1]}, verbose=True)
    assert capsys.readouterr().out.startswith("Likelihood-ratio test 1 of 1: both: chi2(4) = ")


def test_separated_fits_report_too(capsys):
    X = np.c_[np.arange(12.0), np.tile([0.0, 1.0, 1.0], 4)]
    y = (X[:, 0] > 5.5).astype(int)
    with pytest.warns(UserWarning, match="separated"):
        model = SoftmaxGLM(alpha=0).fit(X, y)
    result = infer(model, X, y)
    result.test_terms("lr", verbose=True)
    result.confidence_intervals("profile", verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [
        *(f"Likelihood-ratio test {number} of 2" for number in (1, 2)),
        *(f"Profile interval {number} of 3" for number in (1, 2, 3)),
    ]


def test_the_curvature_of_one_fit_serves_the_next(monkeypatch):
    result = inferred(problems.many_classes())
    estimate, made = result.estimate, []
    original = estimates.estimate_at
    monkeypatch.setattr(estimates, "estimate_at", lambda *given, **named: made.append(0) or original(*given, **named))
    classes, terms = estimate.class_forms[1] - estimate.class_forms[0], estimate.term_forms[1]
    profile_interval(estimate, classes, terms, 0.95)
    # There are three fits to either side, and each alone would make one or two.
    assert len(made) <= 5


def test_many_small_products_are_not_made_by_threads_that_wait_for_each_other(monkeypatch):
    data = problems.overlapping()
    seen = []

    def looked(*given, **named):
        seen.append([library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"])
        return original(*given, **named)

    result = inferred(data)
    for module, kind in (("profile", "profile"), ("hypotheses", "lr")):
        place = f"softglm.inference.{module}.constrained_fit"
        original = constrained.constrained_fit
        monkeypatch.setattr(place, looked)
        result.confidence_intervals("profile") if kind == "profile" else result.test_terms("lr")
    assert {number for numbers in seen for number in numbers} <= {1}
    assert seen
