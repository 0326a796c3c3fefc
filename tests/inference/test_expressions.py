"""Combinations as text: what is read is what is written, whatever names hold; what is not is refused, with a remedy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from softglm.inference.coefficient_names import CoefficientNames
from softglm.inference.expressions import read_expression

PROGRAMS = CoefficientNames(("general", "vocational"), "academic", ("Intercept", "ses_middle", "write"))
TERMS = ["petal width (cm)", "C(ses)[T.low]", "poly(age, 2)1", "x0 x1", "a`b", "1e3", "=", "age^2", "über", "%", "x0"]
STRANGE = CoefficientNames(("b]", "[c", "two words", "-1", "3.0"), "a", tuple(TERMS))
COIN = CoefficientNames(("yes",), "no", ("Intercept", "x", "x - 1", "2", "write"))


def read(text, names=PROGRAMS):
    weights, value = read_expression(names, text)
    return {names.written(row, ""): weight for row, weight in units(weights)}, value


def units(weights):
    for place in np.flatnonzero(weights):
        yield np.eye(len(weights))[place], float(weights[place])


@pytest.mark.parametrize(
    ("text", "weights", "value"),
    [
        ("[general]write", {"[general]write": 1.0}, None),
        (" - [ general ]\twrite\n", {"[general]write": -1.0}, None),
        ("[general]write - [vocational]write", {"[general]write": 1.0, "[vocational]write": -1.0}, None),
        ("[general]write = [vocational] write", {"[general]write": 1.0, "[vocational]write": -1.0}, 0.0),
        ("[general]write == 1", {"[general]write": 1.0}, 1.0),
        ("1 + [general]write = 2 * [vocational]write - .5", {"[general]write": 1.0, "[vocational]write": -2.0}, -1.5),
        ("([general]write + 3 * [vocational]write) / 2", {"[general]write": 0.5, "[vocational]write": 1.5}, None),
        ("2 * 3e-1 * -(-[general]`write`)", {"[general]write": 0.6}, None),
        ("[general]write - [academic]write", {"[general]write": 1.0}, None),
        ("[general]write - [general]write", {}, None),
    ],
)
def test_a_text_says_weights_and_a_value(text, weights, value):
    assert read(text) == (pytest.approx(weights), value)


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("row", range(len(STRANGE.classes)))
def test_names_may_hold_spaces_brackets_and_operators(row, term):
    weights = np.zeros(len(STRANGE))
    weights[row * len(TERMS) + TERMS.index(term)] = -2.5
    weights[7] = 1.0 if weights[7] == 0.0 else weights[7]
    np.testing.assert_array_equal(read_expression(STRANGE, STRANGE.written(weights, ""))[0], weights)


NAMES = st.text("ab1 +-*/=()[]`,.", min_size=1, max_size=5)


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), NAMES, st.lists(st.integers(-3, 3), min_size=4))
@settings(max_examples=30, deadline=None)
def test_what_is_read_is_what_is_written_or_it_is_refused(terms, label, numbers):
    names = CoefficientNames((label, "k"), "base", tuple(terms))
    weights = np.resize(np.array(numbers, dtype=float), len(names))
    try:
        found, value = read_expression(names, names.written(weights, "[k]" + terms[0]))
    except ValueError as error:
        assert "is no combination of coefficients" in str(error)  # noqa: PT017 - one of two outcomes
        return
    if np.count_nonzero(weights) and names.written(weights, ""):
        np.testing.assert_array_equal(found, weights)
    assert value is None


@given(st.text("[]general wt+-*/=()`.,0e9", max_size=25))
@settings(max_examples=80, deadline=None)
def test_any_text_is_read_or_refused(text):
    try:
        weights, _ = read_expression(PROGRAMS, text)
    except ValueError as error:
        assert "is no combination of coefficients" in str(error)  # noqa: PT017 - one of two outcomes
    else:
        assert np.isfinite(weights).all()


def test_of_two_classes_a_term_will_do():
    assert read("write - 2.0 * [yes]x + [no]x", COIN) == ({"write": 1.0, "x": -2.0}, None)
    assert read("x = 1", COIN) == ({"x": 1.0}, 1.0)
    assert read("`x` - 1 = 0", COIN) == ({"x": 1.0}, 1.0)
    assert read("`2` * 2.0", COIN) == ({"2": 2.0}, None)


@pytest.mark.parametrize("text", ["x - 1", "[yes]x - 1", "2", "2 * x"])
def test_what_reads_in_two_ways_is_refused(text):
    with pytest.raises(ValueError, match=r"reads in two ways.* between backquotes"):
        read(text, COIN)


def test_terms_of_one_name_are_told_apart_by_no_text():
    with pytest.raises(ValueError, match="or pass an array, where two have one name"):
        read("[b]x", CoefficientNames(("b", "c"), "a", ("x", "x")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[genral]write", r"no class 'genral'; the nearest: \['general'\]"),
        ("[general]wrte + 1", r"no term 'wrte'; the nearest: \['write'\]"),
        ("[general]zzz", r"no term 'zzz'; expected one of \['Intercept', 'ses_middle', 'write'\]"),
        ("[general]Write", r"no term 'Write'; the nearest: \['write'\]"),
        ("write = 0", r"'write' is of some class, as in '\[general\]write'; test_terms tests it in all equations"),
        ("wriet", r"expected a coefficient, such as '\[general\]Intercept', or a number at 'wriet'"),
        ("", "or a number at its end"),
        ("[general]write +", "or a number at its end"),
        ("[general]", r"or a number at '\[general\]'"),
        ("[general]write [vocational]write", "no term 'write "),
        ("2 [general]write", "or a number at '2 "),
        ("[general]write * [general]write", "multiplies coefficients"),
        ("1 / [general]write", "divides by a coefficient, or by 0"),
        ("[general]write / 0", "divides by a coefficient, or by 0"),
        ("[general]write, [general]Intercept", "Several combinations are a list of texts"),
        ("[general]write = 1 = 1", "Several combinations are a list of texts"),
        ("([general]write", "expected \\) at ''"),
        ("[general]write)", "expected .* or its end at '\\)'"),
        ("[general]write + 1", "adds a number"),
        ("3", "adds a number"),
        ("1e999 * [general]write", "numbers are too large"),
        ("(" * 3000 + "[general]write" + ")" * 3000, "too many brackets in brackets"),
    ],
)
def test_what_is_no_combination_is_refused_with_a_remedy(text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_long_combinations_are_not_written():
    assert PROGRAMS.written(np.ones(6), "row 0") == "row 0"
    assert PROGRAMS.written(np.zeros(6), "row 0") == "0"
