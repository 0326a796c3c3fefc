"""The command line: what it prints, what it refuses, and that both ways of reading a file agree."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from sklearn.datasets import load_iris

from softglm import SoftmaxGLM, __version__
from softglm.cli.comparison import Choice, cross_validate_rivals
from softglm.cli.main import main
from softglm.cli.printing import ROUNDING
from softglm.cli.tables.coding import MAX_CELLS

# Decimal fractions are parsed to within one unit in the last place, which the fits hardly amplify.
SAME_NUMBERS = 1e-9
MODELS = [
    "SoftmaxGLM",
    "LogisticRegression",
    "SoftmaxGLM, standardize=True",
    "StandardScaler + LogisticRegression",
]


@pytest.fixture
def run(capsys):
    def run(*arguments):
        code = main([str(argument) for argument in arguments])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def write(tmp_path):
    def write(text, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.fixture
def mixed():
    """Two numbers, a boolean, a text, a constant and row numbers for two classes."""
    rng = np.random.default_rng(5)
    lines = [",size,town,member,unit,weight,kind"]
    for row in range(60):
        kind = row % 2
        town = ("Oslo", "Bern", "Rome")[rng.integers(3)]
        lines.append(f"{row},{rng.normal(kind):.3f},{town},{rng.random() < 0.5},kg,{rng.normal():.3f},{kind}")
    return "\n".join(lines) + "\n"


def without_times(report):
    return [{key: value for key, value in score.items() if key != "fit_time_ms"} for score in report["scores"]]


def first_line_of(model):
    return model.split(" + ")[0].replace(", ", ",\n").split("\n")[0]


def strict(text):
    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def test_the_default_compares_both_models_on_raw_and_on_standardised_wine(run):
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out.startswith("wine (from scikit-learn): 178 rows, 13 features, 3 classes (class_0 59")
    assert "5 ConvergenceWarning" in out
    assert out.count(f"< {ROUNDING:.0e}") == 2
    assert "are two models" in out
    assert "proved by self-concordance" in out
    assert max(map(len, out.splitlines())) <= 100


def test_the_columns_of_the_table_are_aligned(run):
    _, out, _ = run("--folds", "3")
    lines = out.splitlines()
    head = next(line for line in lines if "accuracy  log loss" in line)
    ends = [head.index(word) + len(word) for word in ("accuracy", "log loss", "fit time", "iterations", "distance to")]
    for model in ("SoftmaxGLM ", "LogisticRegression ", "SoftmaxGLM, ", "StandardScaler "):
        row = next(line for line in lines if line.startswith(model))
        assert all(row[end - 1] != " " and row[end] == " " for end in ends)


def test_json_holds_the_numbers_of_the_table(run):
    report = strict(run("--json", "--folds", "3")[1])
    text = run("--folds", "3")[1]
    assert report["softglm"] == __version__
    assert report["classes"] == {"class_0": 59, "class_1": 71, "class_2": 48}
    assert [score["model"] for score in report["scores"]] == MODELS
    for score in report["scores"]:
        row = next(line for line in text.splitlines() if line.startswith(first_line_of(score["model"]) + " "))
        cells = row.split()
        assert cells[1:3] == [f"{score['accuracy']:.4f}", f"{score['log_loss']:.4f}"]
        assert cells[4] == str(score["iterations"])
        assert score["optimum"] == "proved"
        if score["distance_to_optimum"] > ROUNDING:
            assert cells[5] == f"{score['distance_to_optimum']:.1e}"
    strongest = report["strongest_coefficients"]["class_0"][0]
    assert f"{strongest['feature']}" in text
    assert f"{strongest['per_standard_deviation']:+.3f}" in text


def test_it_runs_as_a_module_with_warnings_as_errors():
    command = [sys.executable, "-W", "error", "-m", "softglm", "--folds", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "3 ConvergenceWarning" in done.stdout


def test_the_distance_is_that_of_the_loss_fitted():
    X, y = load_iris(return_X_y=True)
    scores = cross_validate_rivals(X, y.astype(np.int32), choice=Choice(0.1), n_folds=3)
    assert scores[0].distance <= ROUNDING
    assert all(0.0 <= score.distance < 1e-3 for score in scores)
    assert all(score.accuracy > 0.8 for score in scores)


@pytest.mark.parametrize(
    "choice", [Choice(0.1, 0.5), Choice(0.1, 1.0, standardize=True), Choice(0.1, standardize=True)]
)
def test_it_is_that_of_a_lasso_and_of_a_standardised_penalty_too(choice):
    X, y = load_iris(return_X_y=True)
    scores = cross_validate_rivals(X, y.astype(np.int32), choice=choice, n_folds=3)
    assert max(scores[0].distance, scores[2].distance) <= 1e-6
    # saga stops early on columns that are not scaled.
    assert all(0.0 <= score.distance < 0.1 for score in scores)
    assert [score.optimum.value for score in scores] == ["proved"] * 4
    assert scores[2].log_loss == pytest.approx(scores[3].log_loss, rel=1e-2)


def test_the_share_of_lasso_is_told(run):
    options = ("--alpha", "0.1", "--l1-ratio", "1", "--standardize", "--folds", "2")
    code, out, _ = run(*options)
    report = strict(run(*options, "--json")[1])
    assert code == 0
    words = " ".join(out.split())
    assert "alpha = 0.1 (LogisticRegression: C=1/(alpha n)), l1_ratio = 1 (solver saga)." in words
    assert "SoftmaxGLM, standardize=True, on all 178 rows: converged" in words
    assert "alpha (l1_ratio ||coef||_1" in words
    assert (report["l1_ratio"], report["standardize"]) == (1.0, True)
    assert report["scores"][0]["distance_to_optimum"] < 1e-6
    kept = [each["coefficient"] for strongest in report["strongest_coefficients"].values() for each in strongest]
    assert 0 < len(kept) < 15
    assert all(kept)


def test_without_penalty_separated_classes_have_no_optimum(run):
    code, out, _ = run("--alpha", "0", "--folds", "3")
    report = strict(run("--alpha", "0", "--folds", "3", "--json")[1])
    assert code == 0
    assert out.count("  no optimum  ") == 4
    assert "in 3 of 3 folds the classes are separated" in out
    assert "3 SeparationWarning" in out
    assert [score["distance_to_optimum"] for score in report["scores"]] == [None] * 4
    assert {score["optimum"] for score in report["scores"]} == {"does not exist"}


def test_without_penalty_an_optimum_that_exists_is_measured(run, write, mixed):
    report = strict(run(write(mixed), "--target", "kind", "--alpha", "0", "--json")[1])
    assert report["scores"][0]["distance_to_optimum"] < ROUNDING
    assert all(score["distance_to_optimum"] < 1e-3 for score in report["scores"])


@pytest.mark.parametrize("alpha", ["1e-3", "2", "5e-324", "1e-300", "1e90", "1e300"])
def test_any_alpha_gives_valid_json(run, alpha):
    report = strict(run("--alpha", alpha, "--folds", "2", "--json")[1])
    assert report["alpha"] == float(alpha)


def test_a_csv_file_reads_alike_with_and_without_pandas(run, write, mixed, hide_pandas):
    pytest.importorskip("pandas")
    path = write(mixed)
    report = strict(run(path, "--target", "kind", "--json")[1])
    hide_pandas()
    other = strict(run(path, "--target", "kind", "--json")[1])
    assert report["n_features"] == 6
    assert report["notes"] == other["notes"]
    assert report["notes"] == [
        "One-hot encoded: town (3 values).",
        "Left out: 'unit' (constant), 1 column without a name.",
    ]
    assert report["classes"] == other["classes"] == {"0": 30, "1": 30}
    for score, same in zip(without_times(report), without_times(other), strict=True):
        assert score.keys() == same.keys()
        for key in ("accuracy", "log_loss"):
            assert score[key] == pytest.approx(same[key], rel=SAME_NUMBERS)
        assert (score["iterations"], score["warnings"]) == (same["iterations"], same["warnings"])


@pytest.mark.parametrize("separator", [";", "\t"])
def test_semicolons_and_tabs_separate_columns_too(run, write, mixed, hide_pandas, separator):
    hide_pandas()
    code, out, _ = run(write(mixed.replace(",", separator)), "--target", "kind", "--folds", "2")
    assert code == 0
    assert "60 rows, 6 features, 2 classes (0 30, 1 30)" in out
    assert "1 (rather than 0)" in out


def test_semicolons_separate_columns_with_pandas(run, write, mixed):
    pytest.importorskip("pandas")
    assert "60 rows, 6 features" in run(write(mixed.replace(",", ";")), "--target", "kind", "--folds", "2")[1]


def test_text_only_columns_are_one_hot_encoded(run, write):
    path = write("a,kind\n" + "x,p\ny,q\nx,p\ny,q\nz,q\n" * 3)
    code, out, _ = run(path, "--target", "kind", "--folds", "2")
    assert code == 0
    assert "One-hot encoded: a (3 values)." in out
    assert "a=x" in out


def test_names_of_the_file_stay_on_their_line_and_differ_where_they_do(run, write):
    names = "measurement of the stem", "measurement of the leaf"
    rows = [
        f'{row % 3},{row * 5 % 7},"{("two" + chr(10) + "lines", chr(27) + "[31mred")[row % 2]}"' for row in range(20)
    ]
    _, out, _ = run(write("\n".join([",".join((*names, "kind")), *rows])), "--target", "kind", "--folds", "2")
    assert "(\\x1b[31mred 10, two\\nlines 10)" in out
    assert "\x1b" not in out
    assert "measureme.. the stem" in out
    assert "measureme.. the leaf" in out


def test_long_identifiers_as_classes_are_printed_to_the_last_digit(run, write):
    rows = [f"{row % 3},900719925474670{row % 2 + 1}" for row in range(20)]
    path = write("\n".join(["a,kind", *rows]))
    assert "2 classes (9007199254746701 10, 9007199254746702 10)" in run(path, "--target", "kind", "--folds", "2")[1]
    report = strict(run(path, "--target", "kind", "--folds", "2", "--json")[1])
    assert list(report["strongest_coefficients"]) == ["9007199254746702"]


def test_how_a_file_was_read_is_printed(run, write):
    rows = [f"0{row % 3};{row},{row % 7};{'pq'[row % 2]}" for row in range(20)]
    _, out, _ = run(write("\n".join(["code;size;kind", *rows])), "--target", "kind", "--folds", "2")
    assert "One-hot encoded: code (3 values; as text: '00' has leading zeros)." in out
    assert "Read with a decimal comma, and points between thousands: size." in out


def test_a_boolean_target_and_many_classes_are_named(run, write):
    rows = [f"{row % 15},{(row * 7) % 15}" for row in range(60)]
    path = write("\n".join(["kind,a", *rows]))
    _, out, _ = run(path, "--target", "kind", "--folds", "2")
    assert "and 3 more classes: --json has them all" in out
    flags = write("\n".join(["kind,a", *(f"{row % 3 == 0},{row % 5}" for row in range(30))]))
    assert "(False 20, True 10)" in run(flags, "--target", "kind", "--folds", "2")[1]


def test_a_parquet_file_reads_like_the_csv_file(run, write, mixed, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    csv_path, path = write(mixed), tmp_path / "data.parquet"
    frame = pandas.read_csv(csv_path, index_col=0)
    frame.to_parquet(path)
    report = strict(run(path, "--target", "kind", "--json")[1])
    other = strict(run(csv_path, "--target", "kind", "--json")[1])
    assert report["scores"][0]["log_loss"] == pytest.approx(other["scores"][0]["log_loss"], rel=SAME_NUMBERS)


def test_an_empty_label_of_a_parquet_file_is_shown_as_such(run, write, monkeypatch):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": np.arange(30.0), "b": np.arange(30) % 4, "kind": ["", "p", "q"] * 10})
    monkeypatch.setattr(pandas, "read_parquet", lambda _: frame)
    path = write(b"", "data.parquet")
    _, out, _ = run(path, "--target", "kind", "--folds", "2")
    assert "3 classes ((empty) 10, p 10, q 10)" in out
    assert "\n(empty)  " in out
    assert strict(run(path, "--target", "kind", "--folds", "2", "--json")[1])["classes"] == {"": 10, "p": 10, "q": 10}


def test_the_help_lists_what_counts_as_missing(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    out = capsys.readouterr().out
    for marker in ("#N/A, ", "None, ", " n/a, ", "<NA>", "., .., -, -- in columns whose other entries are numbers"):
        assert marker in out


def test_parquet_without_pandas_says_what_to_install(run, write, hide_pandas):
    hide_pandas()
    code, out, err = run(write(b"PAR1", "data.parquet"), "--target", "kind")
    assert (code, out) == (1, "")
    assert 'pip install ".[data]"' in err


GOOD = "a,kind\n" + "1,p\n2,q\n" * 6
REFUSED = {
    "empty": ("", "kind", "is empty"),
    "header only": ("a,kind\n", "kind", "has column names but no rows"),
    "not text": (b"\xff\xfe\x00\x81\n", "kind", "is not text in UTF-8"),
    "ragged": ("a,kind\n1,p\n2,q,3\n", "kind", "cannot be read as a table"),
    "too many values": ("a,kind\n1,p,3\n2,q,3\n", "kind", "its header has 2 names, but row 1 has 3 values"),
    "typo": (GOOD, "knid", "has no column 'knid'. Did you mean 'kind'?"),
    "wrong case": (GOOD, "KIND", "Did you mean 'kind'?"),
    "no such column": (GOOD, "zzz", "has no column 'zzz'. It has 'a', 'kind'."),
    "repeated names": ("a,b,a,kind\n1,2,3,p\n", "kind", "several columns named 'a'"),
    "missing values": (
        "a,b,kind\n1,,p\nNA,2,q\n",
        "kind",
        "missing values in 'a' (1 row), 'b' (1 row). --missing drop",
    ),
    "missing labels": ("a,kind\n1,p\n2,?\n", "kind", "has missing values in 'kind'"),
    "infinite": ("a,kind\n1,p\ninf,q\n", "kind", "infinite ones in 'a'"),
    "huge": ("a,kind\n1,p\n1e120,q\n", "kind", "beyond 1e+100 or infinite ones in 'a'"),
    "only the target": ("kind\np\nq\n", "kind", "there is no other column"),
    "constant": ("a,b,kind\n1,x,p\n1,x,q\n", "kind", "'a', 'b' never change"),
    "continuous": ("a,kind\n1,0.5\n2,1.25\n", "kind", "looks continuous: it has values such as 0.5"),
    "fractions, and missing values": ("a,kind\n,0.5\n2,1.25\n3,\n", "kind", "looks continuous"),
    "a quantity, and missing values": (
        "a,kind\n" + "".join(f"{'' if row == 3 else row % 5},{row}\n" for row in range(30)),
        "kind",
        "With 30 different values, 'kind' looks continuous",
    ),
    "one class": ("a,kind\n1,p\n2,p\n", "kind", "only one class, 'p'"),
    "rare class": (
        GOOD + "3,r\n4,r\n",
        "kind",
        "Class 'r' of 'kind' has 2 rows, fewer than 5 folds. Do one of these: use --folds 2; merge",
    ),
    "single row": (
        GOOD + "3,r\n",
        "kind",
        "has 1 row, fewer than 5 folds. Do one of these: merge that class with another; leave out its rows: --na r",
    ),
    "quantity": (
        "a,kind\n" + "".join(f"{row % 3},{row}\n" for row in range(30)),
        "kind",
        "With 30 different values, 'kind' looks continuous",
    ),
}


@pytest.mark.parametrize("with_pandas", [True, False])
@pytest.mark.parametrize(("text", "target", "sentence"), REFUSED.values(), ids=REFUSED)
def test_unusable_data_end_with_one_sentence_and_code_1(run, write, hide_pandas, with_pandas, text, target, sentence):
    if with_pandas:
        pytest.importorskip("pandas")
    else:
        hide_pandas()
    code, out, err = run(write(text), "--target", target)
    assert (code, out) == (1, "")
    assert err.startswith("softglm: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_a_missing_file_and_a_folder_are_refused(run, tmp_path):
    assert run(tmp_path / "none.csv", "--target", "y")[::2] == (
        1,
        f"softglm: {tmp_path / 'none.csv'} cannot be read: No such file or directory.\n",
    )
    assert run(tmp_path, "--target", "y")[0] == 1


def test_a_text_column_that_would_fill_the_memory_is_refused(run, write):
    n = math.isqrt(MAX_CELLS) + 1
    code, _, err = run(write("a,kind\n" + "".join(f"x{row},{row % 2}\n" for row in range(n))), "--target", "kind")
    assert code == 1
    assert f"One-hot encoding 'a', which has {n} different values" in err


def test_more_folds_than_rows_of_a_class_of_wine_are_refused(run):
    code, _, err = run("--folds", "49")
    assert code == 1
    assert "Class 'class_2' of 'wine' has 48 rows, fewer than 49 folds. Do one of these: use --folds 48" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--alpha", "-1"], "expected a number from 0 to 1e+300, got '-1'"),
        (["--alpha", "nan"], "expected a number from 0 to 1e+300, got 'nan'"),
        (["--alpha", "inf"], "expected a number from 0 to 1e+300, got 'inf'"),
        (["--alpha", "1e301"], "from 0 to 1e+300, got '1e301'"),
        (["--alpha", "much"], "expected a number from 0 to 1e+300, got 'much'"),
        (["--l1-ratio", "1.5"], "expected a number from 0 to 1, got '1.5'"),
        (["--l1-ratio", "all"], "expected a number from 0 to 1, got 'all'"),
        (["--folds", "1"], "at least 2, got '1'"),
        (["--folds", "2.5"], "at least 2, got '2.5'"),
        (["data.csv"], "a data file and --target COLUMN go together"),
        (["--target", "kind"], "a data file and --target COLUMN go together"),
        (["--unknown"], "unrecognized arguments"),
    ],
)
def test_a_wrong_command_line_ends_with_code_2(capsys, arguments, message):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "words"),
    [("--help", "usage: softglm "), ("--help", "exit codes: 0 success"), ("--version", __version__)],
)
def test_help_and_version_end_with_code_0(capsys, option, words):
    with pytest.raises(SystemExit) as ended:
        main([option])
    assert ended.value.code == 0
    assert words in capsys.readouterr().out


def test_the_coefficients_are_those_of_a_fit_on_all_rows(run, write, mixed):
    report = strict(run(write(mixed), "--target", "kind", "--alpha", "0.05", "--json")[1])
    effects = {effect["feature"]: effect for effect in report["strongest_coefficients"]["1"]}
    rows = [line.split(",") for line in mixed.splitlines()[1:]]
    X = np.array(
        [[float(r[1]), *(r[2] == t for t in ("Bern", "Oslo", "Rome")), r[3] == "True", float(r[5])] for r in rows]
    )
    coef = SoftmaxGLM(0.05).fit(X, [r[6] for r in rows]).coef_[0]
    assert effects["size"]["coefficient"] == pytest.approx(coef[0], rel=SAME_NUMBERS)
    assert effects["size"]["per_standard_deviation"] == pytest.approx(coef[0] * X[:, 0].std(), rel=SAME_NUMBERS)
