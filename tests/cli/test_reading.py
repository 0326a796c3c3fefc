"""What the command line says of a file: columns and rows to leave out, what is missing, the decimal mark."""

import json
import re
from decimal import Decimal

import pytest

from softglm.cli.main import main
from softglm.cli.tables import Missing, Notation, Reading, UnusableDataError, read_table

N_ROWS = 60


@pytest.fixture
def run(capsys, tmp_path):
    """Run the command on a file with a text column x, a number and two classes."""

    def run(*options, x=None, separator=",", extra=""):
        path = tmp_path / "data.csv"
        path.write_text(file_of(x, separator, extra), encoding="utf-8")
        code = main([str(path), "--target", "kind", "--folds", "2", *options])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def read(tmp_path):
    def read(text, **reading):
        path = tmp_path / "data.csv"
        path.write_text(text, encoding="utf-8")
        return read_table(path, "kind", Reading(**reading))

    return read


@pytest.fixture
def read_frame(tmp_path, monkeypatch):
    """Read columns as the Parquet file that holds them, without anything that reads such files."""
    pandas = pytest.importorskip("pandas")

    def read_frame(columns, **reading):
        path = tmp_path / "data.parquet"
        path.touch()
        monkeypatch.setattr(pandas, "read_parquet", lambda _: pandas.DataFrame(columns))
        return read_table(path, "kind", Reading(**reading))

    return read_frame


def file_of(x, separator=",", extra=""):
    lines = [separator.join(["x", "size", "kind"])]
    lines += [separator.join([x(row), str(row * 7 % 11), "pq"[row % 2]]) for row in range(N_ROWS)]
    return "\n".join(lines) + "\n" + extra


def but_for(row, entry, entries):
    return lambda at: entry if at == row else entries(at)


def number(row):
    return f"{row * 1.7:.2f}"


# Columns of numbers but for one cell; the options that the report suggests, and what separates the fields.
STRAYS = {
    "a question": (but_for(7, "n/a?", number), "--na 'n/a?' --missing drop", ","),
    "a version": (but_for(9, "1.2.3", str), "--na 1.2.3 --missing drop", ","),
    "a unit": (but_for(0, "5 kg", number), "--na '5 kg' --missing drop", "\t"),
    "among integers": (but_for(3, "many", str), "--na many --missing drop", ","),
    "among decimal commas": (but_for(3, "?!", lambda row: f"{row},5"), "--na '?!' --missing drop", ";"),
    "among thousands": (but_for(3, "oo", lambda row: f'"1,{row:03}"'), "--na oo --missing drop", ","),
    "with a dash": (but_for(3, "-x", number), "--na=-x --missing drop", ","),
    "of few values": (but_for(3, "n.a.", lambda row: str(row % 4)), "--na n.a. --missing drop", ","),
}


@pytest.mark.parametrize(("x", "options", "separator"), STRAYS.values(), ids=STRAYS)
def test_the_cell_that_makes_text_of_numbers_is_named_with_the_option_that_mends_it(run, x, options, separator):
    _, out, _ = run(x=x, separator=separator)
    table, advice = (out.index(mark) for mark in ("SoftmaxGLM ", "Check how the file was read:"))
    assert table < advice < out.index("Strongest coefficients")
    shown = " ".join(out[advice:].split())
    assert "columns of 0 and 1 for 60 rows: it holds numbers, but for" in shown
    assert options in shown
    assert "--drop x leaves out the column" in shown
    given = [option.strip("'") for option in re.split(r" (?=--)|(?<=--na) |(?<=--missing) ", options)]
    code, out, err = run(*given, x=x, separator=separator)
    assert (code, err) == (0, "")
    assert out.startswith("data.csv: 59 rows, 2 features")
    assert "Left out: 1 row with missing values." in out
    assert "Check how" not in out


# Columns in which rows hardly share a value, and are no numbers.
OF_ROWS = {
    "ids": lambda row: f"a{row}",
    "zip codes": lambda row: f"{row:05}",
    "long ids": lambda row: str(2**53 + row),
    "prices": lambda row: f"${row}.50",
    "dates": lambda row: f"2024-{row // 28 + 1:02}-{row % 28 + 1:02}",
    "spaces between thousands": lambda row: f"1 {row:03}",
    "pairs": lambda row: f"name {row * 2 // 3}",
}


@pytest.mark.parametrize("x", OF_ROWS.values(), ids=OF_ROWS)
def test_a_column_that_names_rows_is_pointed_out(run, x):
    _, out, _ = run(x=x)
    shown = " ".join(out[out.index("Check how") :].split())
    n_values = len({x(row) for row in range(N_ROWS)})
    assert f"'x' became {n_values} columns of 0 and 1 for 60 rows, as an id or a name of each row would" in shown
    assert "--drop x leaves it out; if its entries are numbers, write them as 1234.5 is." in shown
    code, out, _ = run("--drop", "x", x=x)
    assert code == 0
    assert out.startswith("data.csv: 60 rows, 1 feature,")
    assert "Left out: 'x' (by --drop)." in out


@pytest.mark.parametrize("x", [lambda row: "abc"[row % 3], str, lambda row: f"town {row % 25}"])
def test_other_columns_are_not(run, x):
    assert "Check how" not in run(x=x)[1]


def test_json_has_the_advice_too(run):
    report = json.loads(run("--json", x=OF_ROWS["ids"])[1])
    assert [advice.split(" became")[0] for advice in report["advice"]] == ["'x'"]
    assert json.loads(run("--json", x=number)[1])["advice"] == []


def test_of_many_such_columns_the_first_are_shown(capsys, tmp_path):
    path = tmp_path / "data.csv"
    names = [f"id{column}" for column in range(8)]
    rows = [",".join([*(f"{name}-{row}" for name in names), "pq"[row % 2]]) for row in range(20)]
    path.write_text("\n".join([",".join([*names, "kind"]), *rows]), encoding="utf-8")
    main([str(path), "--target", "kind", "--folds", "2"])
    out = capsys.readouterr().out
    assert out.count(" became 20 columns") == 5
    assert "and 3 more columns: --json has them all" in out
    drops = [word for name in names for word in ("--drop", name)][:-2]
    main([str(path), "--target", "kind", "--folds", "2", *drops])
    assert "'id7' became 20 columns" in capsys.readouterr().out


def test_what_a_terminal_would_obey_is_not_printed(run):
    _, out, _ = run(x=but_for(3, "\x1b[31m", number))
    assert "\x1b" not in out
    assert "Check how" in out


DECIMALS = {
    "quoted decimal commas": (lambda row: f'"{row},5"', ",", "comma", [0.5, 1.5]),
    "a comma that may be either": (lambda row: f"1,{row:03}", ";", "comma", [1.0, 1.001]),
    "or between thousands": (lambda row: f"1,{row:03}", ";", "point", [1000.0, 1001.0]),
    "quoted": (lambda row: f'"1,{row:03}"', ",", "comma", [1.0, 1.001]),
    "a point between thousands": (lambda row: f"1.{row:03}", ";", "comma", [1000.0, 1001.0]),
    "a point that cannot be": (lambda row: f"{row}.5", ";", "comma", [0.5, 1.5]),
    "neither": (str, ";", "comma", [0.0, 1.0]),
}


@pytest.mark.parametrize(("x", "separator", "mark", "values"), DECIMALS.values(), ids=DECIMALS)
def test_the_decimal_mark_can_be_said(run, read, x, separator, mark, values):
    table = read(file_of(x, separator), notation=Notation[mark.upper()])
    assert table.features == ("x", "size")
    assert table.X[:2, 0].tolist() == values
    assert run("--decimal", mark, x=x, separator=separator)[0] == 0


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_comma_that_may_be_either_is_refused_with_that_option(run, separator):
    code, _, err = run(x=lambda row: f'"{row},5"' if separator == "," else f"1,{row:03}", separator=separator)
    assert code == 1
    assert "--decimal comma" in err


def test_a_column_of_mixed_marks_can_be_left_out(run):
    x = ["1,5", "2.5"]
    code, _, err = run(x=lambda row: x[row % 2], separator=";")
    assert code == 1
    assert "--drop x" in err
    assert run("--drop", "x", x=lambda row: x[row % 2], separator=";")[0] == 0


def test_rows_with_missing_values_can_be_left_out(read):
    text = file_of(but_for(4, "", but_for(5, "NA", number)), extra="7,,p\n8,3,\n9,2,?\n9,none,q\n")
    table = read(text, na=frozenset({"none"}), missing=Missing.DROP)
    assert table.X.shape == (58, 2)
    assert "Left out: 6 rows with missing values." in table.notes
    assert table.classes == ("p", "q")
    counted = "'x' (2 rows), 'size' (2 rows), 'kind' (2 rows, as '?'). --missing drop leaves out those rows, 6 of 64;"
    with pytest.raises(UnusableDataError, match=re.escape(counted)):
        read(text, na=frozenset({"none"}))


def test_a_label_can_be_missing(read):
    table = read(file_of(number, extra="1,2,unknown\n" * 3), na=frozenset({"unknown"}), missing=Missing.DROP)
    assert table.classes == ("p", "q")
    assert table.X.shape == (60, 2)


def test_a_number_can_stand_for_a_missing_value(read, read_frame):
    table = read(file_of(but_for(2, "-999", number)), na=frozenset({"-999"}), missing=Missing.DROP)
    assert table.X.min() == 0.0
    columns = {"a": [1.0, -999.0, 2.0, 3.0, 4.0], "b": [1, 2, -999, 4, 6], "kind": ["p", "q", "p", "-999", "q"]}
    table = read_frame(columns, na=frozenset({"-999"}), missing=Missing.DROP)
    assert table.X.tolist() == [[1.0, 1.0], [4.0, 6.0]]
    assert table.notes == ("Left out: 3 rows with missing values.",)


def test_nothing_is_left_out_that_is_whole(read):
    assert read(file_of(number), missing=Missing.DROP).notes == ()


def test_rows_of_which_none_is_whole_are_not_left_out(read):
    with pytest.raises(UnusableDataError, match=r"missing values in every row, most of them in 'x'.*--drop"):
        read(file_of(lambda _: ""), missing=Missing.DROP)


def test_a_column_may_be_constant_without_what_is_missing(read):
    table = read(file_of(lambda row: "?" if row < 2 else "1.5"), missing=Missing.DROP)
    assert table.features == ("size",)
    assert table.notes == ("Left out: 'x' (constant), 2 rows with missing values.",)


def test_columns_of_a_parquet_file_can_be_left_out(read_frame):
    columns = {"id": ["a1", "a2", "a3"], "size": [1.0, 2.0, 3.0], "kind": [1, 2, 1]}
    assert read_frame(columns).advice
    table = read_frame(columns, dropped=("id",))
    assert (table.features, table.advice) == (("size",), ())
    assert table.notes == ("Left out: 'id' (by --drop).",)


def test_lists_in_a_column_that_is_left_out_do_not_matter(read_frame):
    columns = {"x": [[1], [2], [3]], "size": [1.0, 2.0, 3.0], "kind": [1, 2, 1]}
    assert read_frame(columns, dropped=("x",)).features == ("size",)


def test_decimals_of_a_parquet_file_that_would_merge_are_text(read_frame):
    columns = {"x": [Decimal(2**53), Decimal(2**53 + 1), Decimal(1)], "size": [1.0, 2.0, 3.0], "kind": [1, 2, 1]}
    table = read_frame(columns)
    assert table.features[:3] == ("x=1", f"x={2**53}", f"x={2**53 + 1}")
    assert "would be the same number" in table.notes[0]
    few = read_frame({**columns, "x": [Decimal("1.5"), Decimal(2), None]}, missing=Missing.DROP)
    assert few.X[:, 0].tolist() == [1.5, 2.0]


def test_a_column_to_leave_out_that_is_not_there_is_refused(run):
    for options, message in (
        (["--drop", "sizes"], "has no column 'sizes'. Did you mean 'size'?"),
        (["--drop", "zzz"], "has no column 'zzz'. It has 'x', 'size', 'kind'."),
        (["--drop", "kind"], "'kind' is the target, and to be dropped."),
        (["--drop", "x", "--drop", "size"], "has nothing to predict 'kind' from: there is no other column"),
    ):
        code, out, err = run(*options, x=number)
        assert (code, out) == (1, "")
        assert message in err


@pytest.mark.parametrize("options", [["--drop", "x"], ["--na", "?"], ["--missing", "drop"], ["--decimal", "comma"]])
def test_options_about_a_file_need_one(capsys, options):
    with pytest.raises(SystemExit) as exit_:
        main(options)
    assert exit_.value.code == 2
    assert "are about a data file: give one" in capsys.readouterr().err
