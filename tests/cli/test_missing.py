"""What is missing is refused with the ways on, left out, or filled in from the rows that are fitted."""

import re

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from softglm import SoftmaxGLM
from softglm.cli.comparison import cross_validate_rivals
from softglm.cli.main import main
from softglm.cli.tables import Missing, Reading, UnusableDataError, filled, read_table

N_ROWS = 40
# Sums in another order.
ROUNDING = 1e-9


@pytest.fixture
def write(tmp_path):
    def write(*columns):
        path = tmp_path / "data.csv"
        rows = zip(*columns, strict=True)
        path.write_text("\n".join(["size,town,member,kind", *map(",".join, rows)]), encoding="utf-8")
        return path

    return write


@pytest.fixture
def holes(write):
    """A number, a text and a boolean in which something is missing, and two rows without a label."""
    rng = np.random.default_rng(2)
    columns = [
        [f"{value:.2f}" for value in rng.normal(size=N_ROWS)],
        [("Oslo", "Bern", "Rome")[row % 3] for row in range(N_ROWS)],
        [("True", "False", "False")[row // 2 % 3] for row in range(N_ROWS)],
        ["pq"[row % 2] for row in range(N_ROWS)],
    ]
    for column, rows in zip(columns, ([1, 5, 9], [0, 5], [3], [7, 8]), strict=True):
        for row in rows:
            column[row] = "NA"
    return write(*columns)


def read(path, way, **reading):
    return read_table(path, "kind", Reading(missing=Missing(way), **reading))


def test_the_error_counts_what_is_missing_and_names_the_ways_on(holes):
    with pytest.raises(UnusableDataError) as refused:
        read(holes, "error")
    message = str(refused.value)
    found = "'size' (3 rows), 'town' (2 rows, as 'NA'), 'member' (1 row), 'kind' (2 rows, as 'NA')"
    for words in (found, "--missing drop leaves out those rows, 7 of 40", "--missing impute", "--drop size"):
        assert words in message


def test_a_label_that_is_missing_cannot_be_imputed(write):
    with pytest.raises(UnusableDataError) as refused:
        read(write(["1", "2"], ["a", "b"], ["1", "0"], ["p", ""]), "error")
    assert "impute" not in str(refused.value)


def test_dropped_are_the_rows_in_which_anything_is_missing(holes):
    table = read(holes, "drop")
    assert table.X.shape == (N_ROWS - 7, 5)
    assert not np.isnan(table.X).any()
    assert "Left out: 7 rows with missing values." in table.notes


def test_to_be_imputed_a_variable_is_missing_in_all_its_columns(holes):
    table = read(holes, "impute")
    assert table.features == ("size", "town=Bern", "town=Oslo", "town=Rome", "member")
    np.testing.assert_array_equal(np.isnan(table.X).sum(axis=0), [3, 2, 2, 2, 1])
    assert "Left out: 2 rows without 'kind'." in table.notes
    assert any("size (3 rows), town (2 rows), member (1 row)." in note for note in table.notes)


@pytest.mark.parametrize("rows", [slice(None), np.arange(0, 38, 3), np.arange(20)])
def test_numbers_are_filled_in_by_medians_as_scikit_learn_does(holes, rows):
    table = read(holes, "impute")
    whole = filled(table.X, rows, table.variables)
    numbers = table.X[:, [0]]
    np.testing.assert_array_equal(whole[:, [0]], SimpleImputer(strategy="median").fit(numbers[rows]).transform(numbers))
    np.testing.assert_array_equal(whole[~np.isnan(table.X)], table.X[~np.isnan(table.X)])


@pytest.mark.parametrize("rows", [slice(None), np.arange(0, 38, 3), np.arange(20)])
def test_text_is_filled_in_by_the_most_frequent_value_as_scikit_learn_does(holes, rows):
    table = read(holes, "impute")
    dummies = table.X[:, 1:4]
    texts = np.where(np.isnan(dummies[:, :1]), np.nan, dummies.argmax(axis=1)[:, np.newaxis])
    expected = SimpleImputer(strategy="most_frequent").fit(texts[rows]).transform(texts)
    whole = filled(table.X, rows, table.variables)[:, 1:4]
    np.testing.assert_array_equal(whole.argmax(axis=1), expected[:, 0])
    np.testing.assert_array_equal(whole.sum(axis=1), 1.0)


def test_rows_without_any_entry_are_filled_in_with_what_tells_nothing(holes):
    table = read(holes, "impute")
    assert filled(table.X, np.array([1, 5]), table.variables)[1, 0] == 0.0


def test_held_out_rows_do_not_tell_what_is_filled_in():
    rng = np.random.default_rng(3)
    codes = np.arange(60, dtype=np.int32) % 3
    X = rng.normal(size=(60, 2)) + codes[:, np.newaxis]
    X[rng.random(60) < 0.3, 0] = np.nan
    score = cross_validate_rivals(X, codes, n_folds=2, variables=(slice(0, 1), slice(1, 2)))[0]
    folds = StratifiedKFold(2, shuffle=True, random_state=0)
    model = make_pipeline(SimpleImputer(strategy="median"), SoftmaxGLM())
    losses = -cross_val_score(model, X, codes, cv=folds, scoring="neg_log_loss")
    assert score.log_loss == pytest.approx(losses.mean(), rel=ROUNDING)


def test_an_empty_column_is_left_out_rather_than_imputed(write):
    path = write(["1", "2", "3", "4"], ["", "", "", ""], ["1", "1", "", "1"], list("pqpq"))
    table = read(path, "impute")
    assert table.features == ("size",)
    assert table.notes == ("Left out: 'town' (empty), 'member' (constant).",)


def test_what_usually_stands_for_nothing_may_be_a_value(write):
    path = write(list("1234"), ["None", "Both", "None", "Driver"], list("1011"), list("pqpq"))
    with pytest.raises(
        UnusableDataError, match=re.escape("'town' (2 rows, as 'None': --not-na None has that be a value).")
    ):
        read(path, "error")
    table = read(path, "error", not_na=frozenset({"None"}))
    assert table.features[1:4] == ("town=Both", "town=Driver", "town=None")


def test_the_command_takes_the_way(capsys, holes):
    for way, words in (("drop", "33 rows, 5 features"), ("impute", "38 rows, 5 features")):
        assert main([str(holes), "--target", "kind", "--folds", "2", "--missing", way]) == 0
        assert words in capsys.readouterr().out


def test_what_stands_for_missing_values_is_not_said_by_missing(capsys):
    with pytest.raises(SystemExit):
        main(["data.csv", "--target", "kind", "--missing", "?"])
    assert "invalid choice: '?'" in capsys.readouterr().err


@pytest.mark.parametrize("way", ["error", "drop", "impute"])
def test_a_target_without_any_value_is_refused_by_itself(write, way):
    path = write(list("1234"), list("abab"), ["1", "", "0", "1"], ["NA", "", "?", "NA"])
    with pytest.raises(UnusableDataError, match=r"no value in 'kind'.* missing in every row\. Choose another --target"):
        read(path, way)


def test_of_rows_that_all_want_something_the_columns_that_want_it_are_named(write):
    path = write(["1", "", "3", ""], ["", "b", "", "a"], list("1011"), list("pqpq"))
    with pytest.raises(UnusableDataError, match=r"most of them in 'size', 'town'\. Drop"):
        read(path, "drop")


def test_a_number_stands_for_nothing_however_it_is_written(write):
    path = write(["-9.0", "-9", "2.5", "3"], list("abab"), list("1011"), list("pqpq"))
    assert np.isnan(read(path, "impute", na=frozenset({"-9"})).X[:, 0]).tolist() == [True, True, False, False]
    path = write(list("1234"), list("abab"), list("1011"), ["7.0", "1", "7", "2"])
    assert read(path, "impute", na=frozenset({"7.00"})).classes == ("1", "2")


def test_what_stands_for_nothing_among_numbers_may_be_a_value(write):
    path = write(["1", "-", "2", "3"], list("abab"), list("1011"), list("pqpq"))
    assert read(path, "impute").features[0] == "size"
    assert read(path, "error", not_na=frozenset({"-"})).features[0] == "size=-"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--na", "null", "--not-na", "null"], "--na and --not-na both have 'null'"),
        (["--not-na", "none"], "--not-na has 'none', which counts as a value anyway"),
        (["--folds", "7" * 5000], "expected a whole number, got one of 5000 digits"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(capsys, options, message):
    with pytest.raises(SystemExit):
        main(["data.csv", "--target", "kind", *options])
    assert message in capsys.readouterr().err
