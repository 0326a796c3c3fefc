"""Parquet as it comes: folders of files that differ, paths that are relative, what may not be written over."""

import errno
import os

import numpy as np
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from softglm import Parquet, SoftmaxGLM

N_ROWS = 120


@pytest.fixture(name="table", scope="module")
def _table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 2))
    labels = np.array(["low", "mid", "top"])[
        (X @ rng.normal(size=(2, 3)) + rng.gumbel(size=(N_ROWS, 3))).argmax(axis=1)
    ]
    return pa.table({"age": X[:, 0], "rate": X[:, 1], "kind": labels})


@pytest.fixture(name="here", scope="module")
def _here(table):
    return fit_of(table)


def fit_of(table):
    X = np.column_stack([table.column("age"), table.column("rate")])
    return SoftmaxGLM(0.01).fit(X, table.column("kind").to_numpy())


def written(table, path, **options):
    pq.write_table(table, path, **options)
    return path


def in_two_files(first, second, folder):
    written(first, folder / "a.parquet")
    written(second, folder / "b.parquet")
    return folder


def test_a_column_that_a_file_lacks_is_said_with_that_file(table, tmp_path):
    longer = table.append_column("extra", pa.array(np.ones(N_ROWS)))
    with pytest.raises(ValueError, match=r"no column 'extra' in one of its files, .*b\.parquet, expected it in all"):
        SoftmaxGLM().fit(in_two_files(longer, table, tmp_path), "kind")


def test_missing_values_in_a_file_are_no_missing_column(table, tmp_path):
    gaps = table.set_column(1, "rate", pa.nulls(N_ROWS, pa.float64()))
    with pytest.raises(ValueError, match=r"missing values \(null\) in the column 'rate', the first in row 120"):
        SoftmaxGLM().fit(in_two_files(table, gaps, tmp_path), "kind")


def test_one_file_in_single_precision_rounds_no_other(table, tmp_path):
    single = table.set_column(0, "age", table.column("age").cast(pa.float32()))
    single = single.set_column(1, "rate", table.column("rate").cast(pa.float32()))
    model = SoftmaxGLM(0.01).fit(in_two_files(single, table, tmp_path), "kind")
    assert model.coef_.dtype == np.float64
    assert SoftmaxGLM(0.01).fit(in_two_files(single, single, tmp_path), "kind").coef_.dtype == np.float32


def test_a_column_of_nulls_only_is_missing_and_no_text(table, tmp_path):
    path = written(table.append_column("gap", pa.nulls(N_ROWS)), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"holds missing values \(NaN\) in 'gap' \(null\)"):
        SoftmaxGLM().fit(path, "kind")


@pytest.mark.parametrize("kind", ["empty folder", "nothing", "damaged second file", "folder and column"])
def test_what_cannot_be_opened_says_what_to_do(kind, table, tmp_path):
    if kind == "damaged second file":
        written(table, tmp_path / "a.parquet")
        (tmp_path / "b.parquet").write_bytes(b"")
    if kind == "folder and column":
        (tmp_path / "age=1").mkdir()
        written(table, tmp_path / "age=1" / "a.parquet")
    expected, message = {
        "empty folder": (ValueError, "is a folder without files, expected a Parquet file, or a folder of them"),
        "nothing": (FileNotFoundError, r"There is no such file or folder.*nothing\.parquet"),
    }.get(kind, (ValueError, "cannot be read, expected whole Parquet files.*Write it again"))
    with pytest.raises(expected, match=message):
        SoftmaxGLM().fit(tmp_path / "nothing.parquet" if kind == "nothing" else tmp_path, "kind")


@pytest.mark.parametrize("is_cached", [True, False])
def test_a_relative_path_leads_to_the_same_rows_from_another_folder(is_cached, table, here, tmp_path, monkeypatch):
    written(table, tmp_path / "a b é.parquet")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    source = Parquet("a b é.parquet", "kind", cache="cache" if is_cached else None)
    model = SoftmaxGLM(0.01).fit(source)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert model.score(source) == here.score(np.column_stack([*table.columns[:2]]), table.column("kind").to_numpy())
    assert SoftmaxGLM(0.01).fit(source).converged_
    assert not list((tmp_path / "elsewhere").iterdir())
    assert SoftmaxGLM(0.01).fit((tmp_path / "a b é.parquet").as_uri(), "kind").converged_


@pytest.mark.parametrize("is_cached", [True, False])
def test_some_row_groups_of_a_file_are_these_alone(is_cached, table, tmp_path):
    whole = pads.dataset(written(table, tmp_path / "a.parquet", row_group_size=30))
    part = next(whole.get_fragments()).subset(row_group_ids=[1, 3])
    cache = tmp_path / "cache" if is_cached else None
    SoftmaxGLM(0.01).fit(Parquet(whole, "kind", cache=cache))
    some = pads.FileSystemDataset([part], whole.schema, whole.format, whole.filesystem)
    model = SoftmaxGLM(0.01).fit(Parquet(some, "kind", cache=cache))
    same = fit_of(pa.concat_tables([table.slice(30, 30), table.slice(90, 30)]))
    np.testing.assert_allclose(model.coef_, same.coef_, rtol=1e-5, atol=1e-6)


def test_a_dataset_may_be_of_a_file_in_memory(table, here):
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer)
    fragment = pads.ParquetFileFormat().make_fragment(buffer.getvalue())
    source = Parquet(pads.FileSystemDataset([fragment], table.schema, pads.ParquetFileFormat()), "kind")
    np.testing.assert_allclose(SoftmaxGLM(0.01).fit(source).coef_, here.coef_, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["file", "folder", "dataset"])
def test_predictions_replace_no_file_that_the_rows_are_read_from(kind, table, tmp_path):
    path = written(table, tmp_path / "a.parquet")
    before = path.read_bytes()
    source = Parquet({"file": path, "folder": tmp_path, "dataset": pads.dataset(path)}[kind], "kind")
    link = tmp_path / "link"
    link.symlink_to(path)
    for target in (path, tmp_path / "." / "a.parquet", link):
        with pytest.raises(ValueError, match="is a file that the rows are read from, expected another"):
            source.write_predictions(SoftmaxGLM().fit(path, "kind"), target)
    assert path.read_bytes() == before


def test_what_is_kept_is_told_from_what_is_predicted(table, tmp_path):
    taken = table.append_column("predicted", table.column("kind")).append_column("probability_low", table.column(0))
    path, out = written(taken, tmp_path / "a.parquet"), tmp_path / "out.parquet"
    source = Parquet(path, "kind", columns=["age", "rate"])
    model = SoftmaxGLM().fit(source)
    with pytest.raises(ValueError, match=r"keep names \['predicted', 'probability_low'\], expected other columns"):
        source.write_predictions(model, out, keep=["predicted", "probability_low"])
    source.write_predictions(model, out, keep="kind")
    assert pq.read_schema(out).names[:2] == ["kind", "predicted"]
    with pytest.raises(IsADirectoryError, match="expected the path of the file to write"):
        source.write_predictions(model, tmp_path)


def test_no_rows_are_said_and_leave_what_an_earlier_run_wrote(table, tmp_path):
    model = SoftmaxGLM().fit(written(table, tmp_path / "a.parquet"), "kind")
    out = tmp_path / "out.parquet"
    out.write_bytes(b"of an earlier run")
    with pytest.raises(ValueError, match=r"no rows in .*none\.parquet: nothing to predict"):
        Parquet(written(table[:0], tmp_path / "none.parquet")).write_predictions(model, out)
    assert out.read_bytes() == b"of an earlier run"


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EACCES])
def test_a_temporary_file_that_cannot_be_filled_is_left_open_nowhere(error, table, here, tmp_path, monkeypatch):
    opened = []

    class Full:
        def __init__(self):
            opened.append(self)
            self.closed = False

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.closed = True

        def tell(self):
            return 0

        def write(self, _):
            raise OSError(error, os.strerror(error))

    monkeypatch.setattr("softglm.sources.row_groups._FEW_NUMBERS", 0)
    monkeypatch.setattr("softglm.sources.row_groups.tempfile.TemporaryFile", Full)
    model = SoftmaxGLM(0.01).fit(written(table, tmp_path / "a.parquet"), "kind")
    np.testing.assert_allclose(model.coef_, here.coef_, rtol=1e-5, atol=1e-6)
    assert opened
    assert all(file.closed for file in opened)
