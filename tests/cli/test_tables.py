"""Files are read for what they say: labels to the last digit, numbers in their notation, codes as codes."""

import bz2
import csv
import gzip
import io
import lzma
import re
import zipfile
from decimal import Decimal

import numpy as np
import pytest

from softglm.cli.tables import UnusableDataError, read_table
from softglm.cli.tables.csv_files import read_csv


@pytest.fixture(params=["with pandas", "without pandas"])
def read(request, tmp_path, hide_pandas):
    """Read a text as the file that holds it."""
    if request.param == "without pandas":
        hide_pandas()
    else:
        pytest.importorskip("pandas")

    def read(text, target="kind"):
        path = tmp_path / "data.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_table(path, target)

    return read


@pytest.fixture
def read_frame(tmp_path, monkeypatch):
    """Read columns as the Parquet file that holds them, without anything that reads such files."""
    pandas = pytest.importorskip("pandas")

    def read_frame(name="data.parquet", **columns):
        path = tmp_path / name
        path.touch()
        monkeypatch.setattr(pandas, "read_parquet", lambda _: pandas.DataFrame(columns))
        return read_table(path, "kind")

    return read_frame


@pytest.fixture
def read_parquet(tmp_path):
    """Read columns as the Parquet file that holds them."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")

    def read_parquet(**columns):
        path = tmp_path / "data.parquet"
        pandas.DataFrame(columns).to_parquet(path)
        return read_table(path, "kind")

    return read_parquet


def with_labels(*labels):
    """Return a file whose target has these, in this order, over and over."""
    lines = [f"{row % 7},{labels[row % len(labels)]}" for row in range(4 * len(labels))]
    return "\n".join(["a,kind", *lines]) + "\n"


def of_column(*entries, mark=",", others=()):
    """Return a file of a column, of others, and of two classes."""
    beside = ((f"y{position}", *other) for position, other in enumerate(others))
    columns = [("x", *entries), *beside, ("kind", *("pq"[i % 2] for i in range(99)))]
    return "\n".join(mark.join(row) for row in zip(*columns, strict=False)) + "\n"


LABELS = {
    "16 digits": ("9007199254746701", "9007199254746702"),
    "20 digits": ("12345678901234567890", "12345678901234567891", "12345678901234567892"),
    "numbers by size": ("9", "10", "200", "-3"),
    "zero-padded numbers by size": ("007", "10", "2"),
    "leading zeros": ("01", "1"),
    "a fraction of 0": ("1", "1.0"),
    "exponents": ("1000", "1e3"),
    "signs": ("+1", "1", "-1"),
    "spellings of a boolean": ("TRUE", "True", "false"),
    "mixed": ("1", "10", "9", "b"),
    "long exponents": ("1e99999999999999999999", "2"),
    "words for numbers": ("inf", "1"),
    "quotes and spaces": ('"a,b"', "a b", '"a ""b"""'),
    "not ASCII": ("é", "e", "\N{ARABIC-INDIC DIGIT ONE}", "1"),
}
BY_SIZE = {
    "16 digits",
    "20 digits",
    "numbers by size",
    "zero-padded numbers by size",
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_are_what_the_file_says(read, name):
    table = read(with_labels(*LABELS[name]))
    texts = [next(csv.reader([label]))[0] for label in LABELS[name]]
    assert list(table.classes) == sorted(texts, key=Decimal if name in BY_SIZE else None)
    assert [table.classes[code] for code in table.codes[: len(texts)]] == texts


def test_whitespace_around_a_label_is_not_part_of_it(read):
    assert read(with_labels("a", " a", "a ", "\ta", '" a "', "b")).classes == ("a", "b")


@pytest.mark.parametrize(
    ("labels", "alike"),
    [(("1", "01", "2"), "'01', '1'"), (("x", "X", "y"), "'X', 'x'"), (("1e3", "1000"), "'1000', '1e3'")],
)
def test_classes_that_differ_in_spelling_only_are_noted(read, labels, alike):
    assert read(with_labels(*labels)).notes == (f"Classes that differ in spelling only: {alike}.",)


def test_a_target_of_fractions_is_refused_with_one_as_it_is_written(read):
    with pytest.raises(UnusableDataError, match=r"looks continuous: it has values such as 1\.50\."):
        read(with_labels("1.50", "2"))


@pytest.mark.parametrize("missing", ["", "?", "NA", "nan", "  ", '""'])
def test_a_missing_label_is_refused(read, missing):
    with pytest.raises(UnusableDataError, match="missing values in 'kind'"):
        read(with_labels("p", "q", missing))


@pytest.mark.parametrize(
    ("labels", "example"),
    [
        (("1,5", "2,5", "2", "10,0"), "1,5"),
        (("-0,25", "1.234,5", "3"), "-0,25"),
        (("1,5", "2,5", "10"), "1,5"),
    ],
)
@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_target_of_fractions_is_refused_in_decimal_commas_too(read, labels, example, mark):
    lines = [f"{row % 7}{mark}{label}" for row, label in enumerate(labels * 4)]
    with pytest.raises(UnusableDataError, match=f"looks continuous: it has values such as {example}\\."):
        read("\n".join([f"a{mark}kind", *lines]))


@pytest.mark.parametrize(
    "labels", [("1,0", "2,0", "10,0"), ("-3,0", "2,0", "9", "100"), ("9", "1.000.000", "2.000.000")]
)
def test_labels_in_decimal_commas_are_sorted_by_size_and_stay_as_they_are(read, labels):
    lines = [f"{row % 7};{label}" for row, label in enumerate(labels[::-1] * 4)]
    assert read("\n".join(["a;kind", *lines])).classes == labels


def test_labels_in_commas_between_thousands_are_sorted_by_size(read):
    assert read(with_labels('"1,000"', "900", '"12,500"')).classes == ("900", "1,000", "12,500")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a;kind\n1;1,5\n2;2.5\n", "'1,5' in 'kind', and '2.5' in the same column"),
        ("a;kind\n1;1,234\n2;2,345\n", "'1,234' in 'kind', which may be 1.234 or 1234"),
        ('a,kind\n1,"1,5"\n2,"2,5"\n', "separated by commas, has '1,5' in 'kind'"),
    ],
)
def test_labels_whose_size_is_in_doubt_are_refused_as_features_are(read, text, sentence):
    with pytest.raises(UnusableDataError, match=re.escape(sentence)):
        read(text)


# As pandas reads them.
MARKERS = ("#N/A", "None", "n/a", "#NA", "-nan", "1.#IND", "NULL", "<NA>")


@pytest.mark.parametrize("missing", MARKERS)
def test_markers_of_missing_entries_are_missing_in_every_column(read, missing):
    for entries in (("1.5", missing, "2"), ("red", missing, "blue"), ("True", "False", missing)):
        with pytest.raises(UnusableDataError, match="missing values in 'x'"):
            read(of_column(*entries))
    with pytest.raises(UnusableDataError, match="missing values in 'kind'"):
        read(with_labels("p", "q", missing))


@pytest.mark.parametrize("missing", [".", "-", "..", "--"])
def test_dots_and_dashes_are_missing_among_numbers(read, missing):
    for entries in (("1.5", missing, "2"), ("1", missing, "NA"), ("-3", "1e5", missing)):
        with pytest.raises(UnusableDataError, match="missing values in 'x'"):
            read(of_column(*entries))
    with pytest.raises(UnusableDataError, match="missing values in 'x'"):
        read(of_column("1,5", missing, "2,5", mark=";"))
    with pytest.raises(UnusableDataError, match="missing values in 'kind'"):
        read(with_labels("1", "2", missing))


@pytest.mark.parametrize("entries", [("+", "-"), (".", "red"), ("--", "-"), ("01", "-")])
def test_dots_and_dashes_are_entries_like_others_elsewhere(read, entries):
    assert read(of_column(*entries)).features == tuple(f"x={entry}" for entry in sorted(entries))
    assert read(with_labels(*entries)).classes == tuple(sorted(entries))


CODES = {
    "leading zeros": (("01", "1", "10"), "'01' has leading zeros"),
    "zip codes": (("01234", "98765", "10000"), "'01234' has leading zeros"),
    "fractions with leading zeros": (("00.5", "1.5", "2.5"), "'00.5' has leading zeros"),
    "a sign": (("-07", "7", "8"), "'-07' has leading zeros"),
    "neighbours beyond 2**53": (
        ("9007199254740993", "9007199254740992", "1"),
        "9007199254740992 and 9007199254740993 would be the same number",
    ),
    "20 digits": (
        ("12345678901234567890", "12345678901234567891", "12345678901234567892"),
        "12345678901234567890 and 12345678901234567891 would be the same number",
    ),
}


@pytest.mark.parametrize(("entries", "reason"), CODES.values(), ids=CODES)
def test_a_column_of_codes_is_text_and_says_why(read, entries, reason):
    table = read(of_column(*entries, *entries))
    assert table.features == tuple(f"x={level}" for level in sorted(entries))
    assert table.notes == (f"One-hot encoded: x (3 values; as text: {reason}).",)
    np.testing.assert_array_equal(table.X.sum(axis=0), 2.0)


@pytest.mark.parametrize(
    "entries",
    [("0", "0.5", "-0.25"), ("1e-05", "2E+10", ".5"), ("3.", "+4", "0e7"), ("100000000000000000000", "5", "3")],
)
def test_numbers_that_look_like_codes_are_numbers(read, entries):
    table = read(of_column(*entries))
    assert table.X[:, 0].tolist() == [float(entry) for entry in entries]
    assert table.notes == ()


def test_a_stray_word_that_makes_numbers_text_is_named(read):
    note = read(of_column("1.5", "2.5", "n.a.", "3.5")).notes[0]
    assert note == "One-hot encoded: x (4 values; as text: 'n.a.' is not a number)."


def test_of_many_words_an_example_is_shown(read):
    note = read(of_column(*(f"${n}" for n in range(10, 40)))).notes[0]
    assert note == "One-hot encoded: x (30 values; such as '$10')."


# Entries in decimal commas, and their values.
COMMAS = {
    "fractions": (("3,14", "2,5", "10"), (3.14, 2.5, 10.0)),
    "negative": (("-3,14", "+2,5", "-0,125"), (-3.14, 2.5, -0.125)),
    "exponents": (("1,5e3", "2,5E-3", "1e2"), (1500.0, 0.0025, 100.0)),
    "thousands": (("1.234,5", "2.000", "1.234.567,25"), (1234.5, 2000.0, 1234567.25)),
    "repeated thousands": (("1.234.567", "12", "1.000"), (1234567.0, 12.0, 1000.0)),
    "open ends": ((",5", "5,", "7"), (0.5, 5.0, 7.0)),
}


@pytest.mark.parametrize("mark", [";", "\t"])
@pytest.mark.parametrize(("entries", "values"), COMMAS.values(), ids=COMMAS)
def test_decimal_commas_are_read_where_fields_are_separated_by_something_else(read, mark, entries, values):
    table = read(of_column(*entries, mark=mark))
    assert table.features == ("x",)
    assert table.X[:, 0].tolist() == list(values)
    assert table.notes == ("Read with a decimal comma, and points between thousands: x.",)


@pytest.mark.parametrize("other", [("2.5", "3.25", "4"), ("1", "2", "3"), ("0.123", "1.234", "2.345")])
def test_each_column_has_its_own_decimal_mark(read, other):
    table = read(of_column("3,14", "2,5", "1", mark=";", others=[other]))
    assert table.X[:, 0].tolist() == [3.14, 2.5, 1.0]
    assert table.X[:, 1].tolist() == [float(entry) for entry in other]
    assert table.notes == ("Read with a decimal comma, and points between thousands: x.",)


def test_missing_values_among_decimal_commas_are_missing_not_text(read):
    with pytest.raises(UnusableDataError, match="missing values in 'x'"):
        read(of_column("3,14", "NA", "2,5", "", mark=";"))


GROUPED = {
    "repeated": (("1,234,567", "1,234", "12"), (1234567.0, 1234.0, 12.0)),
    "with a fraction": (("1,234.5", "-2,000.25", "3.5"), (1234.5, -2000.25, 3.5)),
}


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize(("entries", "values"), GROUPED.values(), ids=GROUPED)
def test_commas_between_thousands_are_read(read, mark, entries, values):
    table = read(of_column(*(f'"{entry}"' for entry in entries), mark=mark))
    assert table.X[:, 0].tolist() == list(values)
    assert table.notes == ("Read with a decimal point, and commas between thousands: x.",)


def test_between_commas_that_separate_fields_a_quoted_comma_is_between_thousands(read):
    assert read(of_column('"1,234"', "12", '"5,678"')).X[:, 0].tolist() == [1234.0, 12.0, 5678.0]


@pytest.mark.parametrize(
    ("other", "values"), [(("2,5", "3", "4"), [1.234, 5.678, 12.0]), (("2.5", "3", "4"), [1234.0, 5678.0, 12.0])]
)
def test_a_column_that_could_be_either_is_read_as_the_rest_of_the_file(read, other, values):
    assert read(of_column("1,234", "5,678", "12", mark=";", others=[other])).X[:, 0].tolist() == values


DOUBTFUL = {
    "a comma or thousands": (of_column("1,234", "5,678", mark=";"), "'1,234' in 'x', which may be 1.234 or 1234"),
    "a comma or thousands, between tabs": (of_column("-1,234", "5", mark="\t"), "may be -1.234 or -1234"),
    "contradictory other columns": (
        of_column("1,234", "5,678", mark=";", others=[("1,5", "2"), ("1.5", "2")]),
        "'1,234' in 'x', which may be",
    ),
    "points in a file of commas": (
        of_column("1.234", "5.678", mark=";", others=[("1,5", "2")]),
        "'1.234' in 'x', which may be 1.234 or 1234",
    ),
    "both marks": (of_column("3,14", "2.5", mark=";"), "'3,14' in 'x', and '2.5' in the same column"),
    "both marks that might be thousands": (of_column("3,14", "1.234", mark=";"), "and '1.234' in the same column"),
    "both marks with three digits": (of_column("1,234", "5.678", mark="\t"), "and '5.678' in the same column"),
    "commas that contradict": (of_column("3,14", "1,234,567", mark=";"), "'1,234,567' in 'x', and others"),
    "quoted decimal commas": (of_column('"3,14"', '"2,5"'), "separated by commas, has '2,5' in 'x'"),
}


@pytest.mark.parametrize(("text", "sentence"), DOUBTFUL.values(), ids=DOUBTFUL)
def test_what_could_be_read_in_two_ways_is_refused(read, text, sentence):
    with pytest.raises(UnusableDataError, match=re.escape(sentence)) as refused:
        read(text)
    assert "decimal point" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "features"),
    [
        (of_column("01.02.2024", "02.02.2024", mark=";"), ("x=01.02.2024", "x=02.02.2024")),
        (of_column('"1,2,3"', '"4,5"'), ("x=1,2,3", "x=4,5")),
        (of_column("555.123.456", "555.123.457"), ("x=555.123.456", "x=555.123.457")),
        (of_column("1.2.3", "1.10", mark=";"), ("x=1.10", "x=1.2.3")),
        (of_column("1_000", "2_000"), ("x=1_000", "x=2_000")),
    ],
)
def test_what_is_no_number_stays_text(read, text, features):
    assert read(text).features == features


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("a,b;kind\n1;p\n2;q\n", "a,b"),
        ("\n \na,b;kind\n1;p\n2;q\n", "a,b"),
        ("a,b,c;kind\n1;p\n2;q\n", "a,b,c"),
        ("a;b\tkind\n1\tp\n2\tq\n", "a;b"),
        ("a,b;kind\n1,5;p\n2,5;q\n", "a,b"),
        ("a;b,kind\n1,p\n2,q\n", "a;b"),
    ],
)
def test_the_separator_is_the_one_that_the_first_row_agrees_with(read, text, feature):
    assert read(text).features == (feature,)


def test_a_name_may_begin_as_a_packed_file_does(read):
    assert read("BZh,kind\n1,p\n2,q\n").features == ("BZh",)


def test_separators_within_quotes_do_not_separate(read):
    table = read('"a;b;c;d","e\nf",kind\n1,"x;y",p\n2,"x,z",q\n')
    assert table.features == ("a;b;c;d", "e\nf=x,z", "e\nf=x;y")


def test_a_byte_order_mark_is_no_part_of_the_first_name(read):
    assert read(b"\xef\xbb\xbf" + of_column("1", "2").encode()).features == ("x",)


def test_an_unnamed_column_at_the_end_is_left_out_and_noted(read):
    table = read("a,kind,\n1,p,\n2,q,\n")
    assert (table.features, table.notes) == (("a",), ("Left out: 1 column without a name.",))


def test_blank_lines_are_no_rows(read):
    assert len(read("\n  \na,kind\n\n1,p\n   \n2,q\n\n").codes) == 2


@pytest.mark.parametrize("rows_at_once", [1, 3, 5, 10, 11])
def test_a_file_of_many_rows_is_read_in_pieces(tmp_path, rows_at_once):
    path = tmp_path / "data.csv"
    path.write_text(of_column(*map(str, range(10))), encoding="utf-8")
    (column,), labels = read_csv(path, "kind", rows_at_once=rows_at_once)
    assert column.entries.tolist() == list(range(10))
    assert "".join(labels.entries) == "pq" * 5
    path.write_text(of_column(*map(str, range(10))) + "7\n", encoding="utf-8")
    with pytest.raises(ValueError, match="2 names, but row 11 has 1 values"):
        read_csv(path, "kind", rows_at_once=rows_at_once)


def test_a_short_row_behind_many_is_named(read):
    with pytest.raises(UnusableDataError, match="2 names, but row 11 has 1 values"):
        read(of_column(*map(str, range(10))) + "7\n")


MALFORMED = {
    "UTF-16": (of_column("1", "2").encode("utf-16"), "is not text in UTF-8"),
    "UTF-16 without a mark": (of_column("1", "2").encode("utf-16-le"), "UTF-16"),
    "Latin-1": ("a,kind\n1,é\n2,q\n".encode("latin-1"), "is not text in UTF-8"),
    "NUL in an entry": (b"a,kind\n1,p\n2,q\0\n", "NUL characters"),
    "a quote that is not closed": ('a,kind\n1,p\n2,"q\n3,p\n4,q\n', "row 2 has a quote that is not closed"),
    "a header with such a quote": ('a,"kind\n1,p\n2,q\n', "the header has a quote that is not closed"),
    "text behind a quote": ('a,kind\n"1"5,p\n2,q\n', "row 1 has a quote that is not closed, or text behind"),
    "delimiters at the end of rows": ("a,kind\n1,p,\n2,q,\n", "its header has 2 names, but row 1 has 3 values"),
    "a short row": ("a,b,kind\n1,2,p\n2,q\n", "row 2 has 2 values"),
    "names that differ in whitespace": ("a, a ,kind\n1,2,p\n", "several columns named 'a'"),
    "another separator": ("size|weight|kind\n1|2|p\n", "has no column 'kind'. It has 'size|weight|kind'."),
    "pipes": ("a|kind\n1|p\n", "Names and fields must be separated by commas, semicolons or tabs."),
    "spaces": ("size weight kind\n1 2 p\n", "Names and fields must be separated by commas, semicolons or tabs."),
    "pipes, and a comma in a name": ("a, b|kind\n1|p\n", "separated by commas, semicolons or tabs."),
    "a line for Excel": ("sep=;\na;kind\n1;p\n", "Its first line says what separates the fields: drop that line."),
    "another such line": ("SEP=,\na,kind\n1,p\n", "drop that line."),
    "a comment": ("# 2024\na,kind\n1,p\n", "looks like a comment: the first line must hold the column names."),
    "a comment with commas": ("#a, b, c\na,kind\n1,p\n", "looks like a comment"),
    "infinite": (of_column("1", "-Infinity"), "infinite ones in 'x'"),
    "not a number": (of_column("1", "NAN"), "missing values in 'x'"),
}


@pytest.mark.parametrize(("text", "sentence"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_file_is_refused(read, text, sentence):
    with pytest.raises(UnusableDataError, match=re.escape(sentence)):
        read(text)


def zipped(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


SMALL = b"a,kind\n1,p\n2,q\n"
PACKED = {
    "gzip": gzip.compress(SMALL),
    "bzip2": bz2.compress(SMALL),
    "xz": lzma.compress(SMALL),
    "zip": zipped(table=SMALL),
    "zip of a Mac": zipped(**{"folder/": b"", "folder/table.csv": SMALL, "__MACOSX/folder/._table.csv": b"\0"}),
    "tabs, a mark and carriage returns in gzip": gzip.compress(
        b"\xef\xbb\xbf" + SMALL.replace(b",", b"\t").replace(b"\n", b"\r\n")
    ),
}


@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_a_packed_file_is_the_text_in_it(read, packed):
    table = read(packed)
    assert (table.features, table.classes) == (("a",), ("p", "q"))


NO_TABLES = {
    "a spreadsheet": (zipped(**{"[Content_Types].xml": "", "xl/workbook.xml": ""}), "is a spreadsheet"),
    "two files": (zipped(a=SMALL, b=SMALL), "holds 2 files, expected one. Unpack it"),
    "gzip cut short": (gzip.compress(SMALL)[:-12], "cannot be unpacked: it is cut short, or damaged"),
    "xz cut short": (lzma.compress(SMALL)[:-20], "cannot be unpacked"),
    "gzip of something else": (gzip.compress(b"PAR1")[:12] + b"\xff" * 9, "cannot be unpacked"),
    "zip cut short": (zipped(a=SMALL)[:40], "cannot be unpacked"),
    "Parquet by another name": (b"PAR1\x15", "is a Parquet file. Have its name end in .parquet."),
    "Parquet in gzip": (gzip.compress(b"PAR1\x15"), "is a Parquet file"),
    "tar in gzip": (gzip.compress(b"a.csv".ljust(257, b"\0") + b"ustar\0"), "is an archive of tar. Unpack it"),
    "zstd": (b"\x28\xb5\x2f\xfd\x00", "is packed with zstd. Unpack it, or pack it with gzip."),
    "an old spreadsheet": (b"\xd0\xcf\x11\xe0\xa1", "is a spreadsheet, or another document of Office. Save"),
    "JSON": (b' [{"a": 1, "kind": "p"}]', "is JSON, as it seems. Save its table as CSV"),
}


@pytest.mark.parametrize(("content", "sentence"), NO_TABLES.values(), ids=NO_TABLES)
def test_what_is_no_table_says_what_it_is_and_what_to_do(read, content, sentence):
    with pytest.raises(UnusableDataError, match=re.escape(sentence)):
        read(content)


PARQUET_LABELS = {
    "integers": (np.array([2**53, 2**53 + 1, 7]), ("7", "9007199254740992", "9007199254740993")),
    "unsigned": (np.array([2**64 - 1, 2**64 - 2, 3], np.uint64), ("3", f"{2**64 - 2}", f"{2**64 - 1}")),
    "strings": (["01", "1", "x "], ("01", "1", "x ")),
    "strings of numbers": (["10", "9", "1.5"], ("1.5", "9", "10")),
    "floats": ([10.0, 9.0, 1e20], ("9.0", "10.0", "1e+20")),
    "booleans": ([True, False, True], ("False", "True")),
}


@pytest.mark.parametrize(("labels", "classes"), PARQUET_LABELS.values(), ids=PARQUET_LABELS)
def test_labels_of_a_parquet_file_are_exact(read_parquet, labels, classes):
    assert read_parquet(a=[1, 2, 3], kind=labels).classes == classes


def test_fractions_as_the_target_of_a_parquet_file_are_refused(read_parquet):
    with pytest.raises(UnusableDataError, match=r"looks continuous: it has values such as 0\.5"):
        read_parquet(a=[1, 2], kind=[0.5, 1.0])


def test_features_of_a_parquet_file_keep_their_types(read_parquet):
    table = read_parquet(
        ids=[2**60, 2**60 + 1, 5], zip=["01", "1", "1"], price=[Decimal("1.5"), Decimal(2), Decimal(3)], kind=[1, 2, 2]
    )
    assert table.features == (f"ids={2**60}", f"ids={2**60 + 1}", "ids=5", "zip=01", "zip=1", "price")
    assert table.X[:, -1].tolist() == [1.5, 2.0, 3.0]
    assert "would be the same number" in table.notes[0]


NESTED = {
    "lists": [[1, 2], [3], []],
    "arrays": [np.zeros(2), None, np.ones(2)],
    "structures": [{"a": 1}, {"a": 2}, {"a": 3}],
    "maps": [[("a", 1)], [("b", 2)], []],
}


@pytest.mark.parametrize("values", NESTED.values(), ids=NESTED)
def test_a_column_of_several_values_in_a_row_is_named(read_frame, values):
    with pytest.raises(UnusableDataError, match=r"lists or structures in 'x', expected a single value.*drop"):
        read_frame(a=[1, 2, 3], x=values, kind=["p", "q", "p"])
    with pytest.raises(UnusableDataError, match=r"lists or structures in 'kind'"):
        read_frame(a=[1, 2, 3], kind=values)


@pytest.mark.parametrize("name", ["x.PARQUET", "x.Parquet", "x.PQ"])
def test_the_ending_of_a_parquet_file_may_be_in_capitals(read_frame, name):
    assert read_frame(name, a=[1, 2], kind=["p", "q"]).features == ("a",)


def test_labels_of_a_parquet_file_are_written_as_in_their_type(read_frame):
    pandas = pytest.importorskip("pandas")
    for labels in (np.float32([0.1, 2]), pandas.array([0.1, 2], dtype="Float32")):
        with pytest.raises(UnusableDataError, match=r"values such as 0\.1\."):
            read_frame(a=[1, 2], kind=labels)
    assert read_frame(a=[1, 2], kind=pandas.Categorical(np.float32([0.1, 1]))).classes == ("0.1", "1.0")
    assert read_frame(a=[1, 2], kind=[b"no", b"y\xc3\xa9s"]).classes == ("no", "yés")
    assert read_frame(a=[b"no", b"yes"], kind=["p", "q"]).features == ("a=no", "a=yes")
    assert read_frame(a=pandas.Categorical(np.float32([0.1, 1])), kind=["p", "q"]).features == ("a=0.1", "a=1.0")


def test_labels_in_decimal_commas_of_a_parquet_file_are_sorted_by_size(read_frame):
    assert read_frame(a=[1, 2, 3], kind=["10,5", "9,5", "-1"]).classes == ("-1", "9,5", "10,5")
