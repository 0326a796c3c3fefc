"""Numbers as parameters, of every size and type: each works, or a ValueError says what was expected."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import problems
import pytest

from softglm import SoftmaxGLM
from softglm.plots import Trace

X, y = problems.overlapping().X, problems.overlapping().y
HUGE, LONG = 10**400, 10**5000
# Of each parameter, numbers and what the fit takes them for.
WORK = [
    *[("tol", given, 1e3) for given in (1e300, 1.7e308, 10**300, np.float64(1e300), np.uint64(2**64 - 1))],
    *[("tol", np.float16(0.5), 0.5), ("tol", np.float32(0.5), 0.5), ("tol", Fraction(1, 2), 0.5)],
    *[("tol", given, 0.0) for given in (5e-324, 1e-300, -0.0, Fraction(1, HUGE), np.longdouble("1e-400"))],
    *[("max_iter", given, 10**6) for given in (HUGE, LONG, 2**63, np.uint64(2**64 - 1))],
    *[("max_iter", given, 50) for given in (np.int8(50), np.uint8(50), np.int64(50))],
    *[("alpha", given, 0.25) for given in (Fraction(1, 4), np.float16(0.25), np.longdouble(0.25))],
    *[("alpha", given, 0.0) for given in (-0.0, Fraction(1, HUGE))],
    *[("alpha", given, 1e300) for given in (10**300, Fraction(10**300), np.float64(1e300))],
    *[("C", given, np.inf) for given in (HUGE, LONG, Fraction(HUGE), np.float32(np.inf), 1.7e308)],
    *[("C", given, 0.25) for given in (Fraction(1, 4), np.float16(0.25))],
    ("C", 10**30, 1e30),
    ("class_weight", {0: np.float16(0.5), 1: Fraction(1, 2)}, {0: 0.5, 1: 0.5}),
]
REFUSED = [
    *[
        ("tol", given)
        for given in (HUGE, LONG, -LONG, Fraction(HUGE), Fraction(LONG), np.longdouble("1e400"), np.float32(np.inf))
    ],
    *[("tol", given) for given in (Decimal("0.5"), Decimal("NaN"), np.bool_(1), np.array(0.5), 1j)],
    *[("alpha", given) for given in (1.7e308, 1.1e300, HUGE, -LONG, Fraction(HUGE), Decimal(1), np.float32(np.nan))],
    *[("C", given) for given in (5e-324, 1e-303, -HUGE, -LONG, Fraction(1, HUGE), Decimal(1), -np.inf)],
    *[
        ("max_iter", given)
        for given in (1e300, np.inf, -HUGE, -LONG, Fraction(5), Decimal(5), np.float16(1), np.bool_(1))
    ],
    *[("class_weight", {0: given}) for given in (HUGE, LONG, np.longdouble("1e400"), Decimal(1), np.nan)],
    *[(flag, LONG) for flag in ("fit_intercept", "warm_start")],
]


def named(case):
    return f"{case:.30}" if isinstance(case, str) else type(case).__name__


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # of a tolerance of 0
@pytest.mark.parametrize(("name", "given", "same"), WORK, ids=named)
@pytest.mark.parametrize("labels", [y, y == 1])
def test_a_number_of_any_type_is_the_float_that_equals_it(name, given, same, labels):
    model, expected = (SoftmaxGLM(**{name: value}).fit(X, labels) for value in (given, same))
    np.testing.assert_array_equal(model.coef_, expected.coef_)
    assert (model.status_, model.alpha_) == (expected.status_, expected.alpha_)
    assert type(model.alpha_) is float
    assert np.copysign(1.0, model.alpha_) == 1.0
    assert model.get_params()[name] is given


@pytest.mark.parametrize(("name", "given"), REFUSED, ids=named)
def test_what_is_no_number_or_beyond_reason_is_refused(name, given):
    with pytest.raises(ValueError, match=rf"^{name}.*(must|overflows)"):
        SoftmaxGLM(**{name: given}).fit(X, y)


@pytest.mark.parametrize("size", [1e-150, 1e-99, 1e-50, 1e50, 1e99])
@pytest.mark.parametrize("alpha", [5e-324, 1e-150, 1e150, 1e300])
def test_penalties_and_columns_of_any_size_leak_no_warning(size, alpha):
    model = SoftmaxGLM(alpha=alpha, tol=1e300).fit(size * X, y)
    assert np.isfinite(model.coef_).all()
    assert model.converged_


@pytest.mark.parametrize("given", [HUGE, -HUGE, Fraction(HUGE), np.longdouble("1e400")])
def test_weights_and_offsets_beyond_the_range_are_infinite(given):
    with pytest.raises(ValueError, match="Input offset contains infinity in 150 of 150 rows"):
        SoftmaxGLM().fit(X, y, offset=given)
    with pytest.raises(ValueError, match="Input sample_weight contains infinity in 150 of 150 rows"):
        SoftmaxGLM().fit(X, y, sample_weight=given)


def test_a_trace_takes_the_tolerances_that_a_fit_takes():
    assert len(Trace.record(SoftmaxGLM(tol=1e300), X, y, repeats=1).loss)
