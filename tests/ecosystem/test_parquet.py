"""Tables of pyarrow are fitted by the names of their columns, as the arrays that they hold."""

import datetime as dt
import errno
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from softglm import Blocks, Parquet, SoftmaxGLM, infer
from softglm.cli import large_files
from softglm.cli.main import main
from softglm.cli.tables import Reading, read_table

# Two proofs of a relative gap of 1e-8, in coefficients of order 1.
SAME_OPTIMUM = {"rtol": 1e-5, "atol": 1e-6}
# The same numbers, added up in another order.
ROUNDING = {"rtol": 1e-11, "atol": 1e-11}
N_ROWS = 700
FEATURES = ["age", "income", "owns", "visits", "rate"]
BESIDE = {"sample_weight": "weight", "offset": ["o1", "o2", "o3"]}


@pytest.fixture(name="frame", scope="module")
def _frame():
    """Columns of every kind of number, and what goes beside them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 5))
    eta = X @ rng.normal(size=(5, 3))
    return pd.DataFrame(
        {
            "key": np.arange(N_ROWS),
            "age": X[:, 0],
            "income": X[:, 1].astype(np.float32),
            "owns": X[:, 2] > 0.0,
            "visits": np.exp(X[:, 3]).astype(np.int16),
            "rate": [round(value, 2) for value in X[:, 4]],
            "colour": np.array(["red", "green"])[rng.integers(2, size=N_ROWS)],
            "weight": rng.uniform(0.5, 2.0, N_ROWS),
            **{f"o{which + 1}": column for which, column in enumerate(rng.normal(size=(3, N_ROWS)))},
            "kind": np.array(["low", "mid", "top"])[(eta + rng.gumbel(size=eta.shape)).argmax(axis=1)],
            "n_low": rng.uniform(1.0, 5.0, N_ROWS),
            "n_top": rng.uniform(0.0, 5.0, N_ROWS),
        }
    )


@pytest.fixture(name="path", scope="module")
def _path(frame, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "table.parquet"
    frame.to_parquet(path, row_group_size=90)
    return path


def folder_of(frame, tmp_path):
    """The same rows in files of their own, by dates that a partition tells."""
    for part, rows in enumerate(np.array_split(np.arange(N_ROWS), 3)):
        folder = tmp_path / f"part={part}"
        folder.mkdir()
        frame.iloc[rows].to_parquet(folder / "rows.parquet")
    return tmp_path


@pytest.fixture(name="here", scope="module")
def _here(frame):
    return SoftmaxGLM(0.01).fit(frame[FEATURES], frame["kind"], frame["weight"], frame[BESIDE["offset"]].to_numpy())


def assert_same_model(there, here):
    assert there.converged_
    assert there.classes_.tolist() == here.classes_.tolist()
    assert there.feature_names_in_.tolist() == FEATURES
    np.testing.assert_allclose(there.coef_, here.coef_, **SAME_OPTIMUM)
    np.testing.assert_allclose(there.deviance_, here.deviance_, **SAME_OPTIMUM)


@pytest.mark.parametrize("is_cached", [False, True], ids=["read again", "cached"])
@pytest.mark.parametrize("form", ["path", "str", "folder", "dataset", "table", "feather"])
def test_every_form_of_a_table_is_fitted(form, is_cached, frame, path, here, tmp_path):
    data = {
        "path": lambda: path,
        "str": lambda: str(path),
        "folder": lambda: folder_of(frame, tmp_path),
        "dataset": lambda: pads.dataset(folder_of(frame, tmp_path), partitioning="hive"),
        "table": lambda: pads.dataset(pa.Table.from_pandas(frame)),
        "feather": lambda: feather_of(frame, tmp_path),
    }[form]()
    source = Parquet(data, "kind", columns=FEATURES, cache=tmp_path / "cache" if is_cached else None, **BESIDE)
    model = SoftmaxGLM(0.01).fit(source)
    assert_same_model(model, here)
    given = frame[FEATURES], frame["kind"], frame["weight"], frame[BESIDE["offset"]].to_numpy()
    np.testing.assert_allclose(model.score(source), here.score(*given), **ROUNDING)
    np.testing.assert_allclose(
        here.predict_proba(data, offset=BESIDE["offset"]), here.predict_proba(given[0], given[3]), **ROUNDING
    )
    assert (here.predict(source) == here.predict(given[0], given[3])).all()


def feather_of(frame, tmp_path):
    pads.write_dataset(pa.Table.from_pandas(frame), tmp_path / "feather", format="feather")
    return pads.dataset(tmp_path / "feather", format="feather")


def no_room():
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("few_numbers", [0, 90 * len(FEATURES), sys.maxsize])
@pytest.mark.parametrize("has_room", [True, False])
def test_row_groups_of_few_and_of_many_numbers_are_read_alike(has_room, few_numbers, frame, path, here, monkeypatch):
    if not has_room:
        monkeypatch.setattr("softglm.sources.row_groups.tempfile.TemporaryFile", no_room)
    monkeypatch.setattr("softglm.sources.row_groups._FEW_NUMBERS", few_numbers)
    monkeypatch.setattr("softglm.sources.row_groups._RELEASED", 2)
    monkeypatch.setattr("softglm.sources.parquet._BATCH", 1)
    monkeypatch.setattr("softglm.sources.parquet._LEAST_ROWS", 17)  # of which no group is a multiple
    source = Parquet(path, "kind", columns=FEATURES, **BESIDE)
    assert_same_model(SoftmaxGLM(0.01).fit(source), here)
    given = frame[FEATURES], frame[BESIDE["offset"]].to_numpy()
    np.testing.assert_allclose(here.predict_proba(source), here.predict_proba(*given), **ROUNDING)


@pytest.mark.parametrize("few_numbers", [0, sys.maxsize])
def test_a_dot_in_a_name_leads_to_no_other_column(few_numbers, frame, tmp_path, monkeypatch):
    monkeypatch.setattr("softglm.sources.row_groups._FEW_NUMBERS", few_numbers)
    path = tmp_path / "dots.parquet"
    X = frame[["income", "age", "rate"]].set_axis(["age.rate", "age", "age.income"], axis=1)
    X.assign(kind=frame["kind"]).to_parquet(path)
    model = SoftmaxGLM(0.01).fit(X[["age", "age.income"]], frame["kind"])
    there = SoftmaxGLM(0.01).fit(Parquet(path, "kind", columns=["age", "age.income"]))
    np.testing.assert_allclose(there.coef_, model.coef_, **SAME_OPTIMUM)


NOT_NUMBERS = {
    "text": pa.array(["a"] * N_ROWS),
    "dates": pa.array([dt.date(2020, 1, 1)] * N_ROWS),
    "lists or structures": pa.array([[1.0]] * N_ROWS),
}


@pytest.mark.parametrize("what", NOT_NUMBERS)
@pytest.mark.parametrize("part", ["sample_weight", "offset", "second file"])
def test_what_is_no_number_is_refused_wherever_it_stands(part, what, frame, tmp_path):
    good = pa.Table.from_pandas(frame[["age", "rate", "kind"]], preserve_index=False)
    bad = NOT_NUMBERS[what]
    if part == "second file":
        pq.write_table(good, tmp_path / "a.parquet")
        pq.write_table(good.set_column(1, "rate", bad), tmp_path / "b.parquet")
        source = Parquet(tmp_path, "kind")
    else:
        pq.write_table(good.append_column("other", bad), tmp_path / "a.parquet")
        source = Parquet(tmp_path, "kind", **{part: "other" if part == "sample_weight" else ["other", "rate", "rate"]})
    with pytest.raises(ValueError, match=f"{what} in the column '(rate|other)'"):
        SoftmaxGLM().fit(source)


def test_a_target_of_lists_is_refused(frame, tmp_path):
    table = pa.Table.from_pandas(frame[["age", "rate"]], preserve_index=False)
    pq.write_table(table.append_column("kind", NOT_NUMBERS["lists or structures"]), tmp_path / "a.parquet")
    with pytest.raises(ValueError, match=r"lists or structures in the column 'kind'.*expected a label"):
        SoftmaxGLM().fit(Parquet(tmp_path, "kind"))


@pytest.mark.parametrize("columns", [["age", "age"], ["age", "kind"]])
def test_a_feature_is_named_once_and_is_not_the_target(columns, path):
    with pytest.raises(ValueError, match="each feature once, and none that is to be predicted"):
        Parquet(path, "kind", columns=columns)


@pytest.mark.parametrize("kind", ["twice", "cut short", "empty", "no Parquet"])
def test_what_is_no_table_says_where_and_what_to_do(kind, frame, tmp_path):
    path = tmp_path / "odd.parquet"
    pq.write_table(pa.table([frame["age"], frame["age"], frame["kind"]], names=["age", "age", "kind"]), path)
    whole = path.read_bytes()
    path.write_bytes({"twice": whole, "cut short": whole[: len(whole) // 2], "empty": b"", "no Parquet": b"age"}[kind])
    with pytest.raises(ValueError, match=r"odd\.parquet cannot be read, expected whole Parquet files.*Write it again"):
        Parquet(path, "kind")


def test_the_target_may_be_what_folders_are_named_by(frame, tmp_path):
    table = pa.Table.from_pandas(frame[["age", "rate", "kind"]], preserve_index=False)
    pads.write_dataset(table, tmp_path / "hive", format="parquet", partitioning=["kind"], partitioning_flavor="hive")
    model = SoftmaxGLM(0.01).fit(tmp_path / "hive", "kind")
    assert model.feature_names_in_.tolist() == ["age", "rate"]
    here = SoftmaxGLM(0.01).fit(frame[["age", "rate"]], frame["kind"])
    np.testing.assert_allclose(model.coef_, here.coef_, **SAME_OPTIMUM)


def test_the_short_form_takes_every_other_column(frame, tmp_path):
    path = tmp_path / "plain.parquet"
    frame[[*FEATURES, "weight", "kind"]].to_parquet(path)
    there = SoftmaxGLM().fit(path, "kind", sample_weight="weight")
    assert_same_model(there, SoftmaxGLM().fit(frame[FEATURES], frame["kind"], frame["weight"]))
    assert there.score(path, "kind") == there.score(frame[FEATURES], frame["kind"])
    assert (there.predict(path) == there.predict(frame[FEATURES])).all()


def test_features_are_found_by_the_names_of_the_fit_and_by_no_others(path, here):
    given, turned = (Parquet(path, "kind", columns=names, **BESIDE) for names in (FEATURES, FEATURES[::-1]))
    np.testing.assert_array_equal(here.predict_proba(given), here.predict_proba(turned))
    with pytest.raises(ValueError, match=r"columns names \['age'\], and the model was fitted to"):
        here.predict(Parquet(path, columns=["age"]))


def test_counts_have_a_column_for_each_class(frame, path):
    there = SoftmaxGLM().fit(Parquet(path, ["n_top", "n_low"], columns=FEATURES))
    here = SoftmaxGLM().fit(frame[FEATURES], frame[["n_top", "n_low"]])
    assert_same_model(there, here)
    np.testing.assert_allclose(
        there.score(Parquet(path, ["n_top", "n_low"])), here.score(frame[FEATURES], frame[["n_top", "n_low"]])
    )


@pytest.mark.parametrize("kind", ["category", "string", "int64", "bool", "object"])
def test_labels_of_every_type(kind, frame, tmp_path):
    labels = {"int64": frame["n_low"], "bool": frame["owns"]}.get(kind, frame["kind"]).astype(kind)
    table, path = frame[["age", "income"]].assign(y=labels), tmp_path / "labels.parquet"
    table.to_parquet(path)
    there, here = SoftmaxGLM().fit(path, "y"), SoftmaxGLM().fit(table[["age", "income"]], np.asarray(labels))
    assert there.classes_.tolist() == here.classes_.tolist()
    np.testing.assert_allclose(there.coef_, here.coef_, **SAME_OPTIMUM)


def test_single_precision_and_decimals(frame, tmp_path):
    path = tmp_path / "single.parquet"
    single = frame[["age", "income"]].astype(np.float32)
    single.assign(kind=frame["kind"]).to_parquet(path)
    assert SoftmaxGLM().fit(path, "kind").coef_.dtype == np.float32
    decimals = pa.table({"rate": pa.array(frame["rate"]).cast(pa.decimal128(5, 2)), "kind": pa.array(frame["kind"])})
    pq.write_table(decimals, path)
    here = SoftmaxGLM().fit(frame[["rate"]], frame["kind"])
    np.testing.assert_allclose(SoftmaxGLM().fit(path, "kind").coef_, here.coef_, **SAME_OPTIMUM)


def test_the_cache_is_used_until_the_files_change(frame, path, tmp_path, monkeypatch):
    source = Parquet(path, "kind", columns=FEATURES, cache=tmp_path / "cache")
    first = SoftmaxGLM(0.01).fit(source)
    written = {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*")}
    monkeypatch.setattr(pq, "ParquetFile", None)
    second = SoftmaxGLM(0.01).fit(source)
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "cache").rglob("*")} == written
    np.testing.assert_array_equal(first.coef_, second.coef_)
    monkeypatch.undo()
    changed = tmp_path / "changed.parquet"
    frame.to_parquet(changed)
    before = SoftmaxGLM(0.01).fit(Parquet(changed, "kind", columns=FEATURES, cache=tmp_path / "cache"))
    frame.assign(age=frame["age"] * 2.0).to_parquet(changed)
    after = SoftmaxGLM(0.01).fit(Parquet(changed, "kind", columns=FEATURES, cache=tmp_path / "cache"))
    assert not np.allclose(before.coef_[:, 0], after.coef_[:, 0])


@pytest.mark.parametrize("covariance", ["model", "robust", "cluster"])
@pytest.mark.parametrize("is_cached", [False, True], ids=["read again", "cached"])
def test_infer_says_the_same(covariance, is_cached, frame, path, tmp_path):
    source = Parquet(path, "kind", columns=FEATURES, cache=tmp_path if is_cached else None)
    X, y = frame[FEATURES].astype(float), frame["kind"]
    clusters = frame["key"] % 20 if covariance == "cluster" else None
    there = infer(SoftmaxGLM(alpha=0).fit(source), source, covariance=covariance, clusters=clusters)
    here = infer(SoftmaxGLM(alpha=0).fit(X, y), X, y, covariance=covariance, clusters=clusters)
    assert there.terms == here.terms
    for table, same in (
        (there.coefficients, here.coefficients),
        (there.marginal_effects(), here.marginal_effects()),
    ):
        np.testing.assert_allclose(table.estimate, same.estimate, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(table.std_error, same.std_error, rtol=1e-6, atol=1e-9)


def test_predictions_are_written_beside_columns_of_the_table(frame, path, here, tmp_path):
    out = tmp_path / "predicted.parquet"
    out.write_bytes(b"of an earlier run")
    Parquet(path, offset=BESIDE["offset"]).write_predictions(here, out, keep=["key"])
    found = pd.read_parquet(out)
    assert found.columns.tolist() == ["key", "predicted", *(f"probability_{label}" for label in ("low", "mid", "top"))]
    offset = frame[BESIDE["offset"]].to_numpy()
    np.testing.assert_allclose(found.iloc[:, 2:], here.predict_proba(frame[FEATURES], offset), **ROUNDING)
    assert (found["predicted"] == here.predict(frame[FEATURES], offset)).all()
    assert (found["key"] == frame["key"]).all()
    assert (here.predict(path, offset=0) == here.predict(frame[FEATURES], offset=0)).all()
    with pytest.raises(ValueError, match="fitted with an offset"):
        Parquet(path).write_predictions(here, out)
    assert len(pd.read_parquet(out)) == N_ROWS
    assert [file.name for file in tmp_path.iterdir()] == ["predicted.parquet"]


def test_a_fitted_transformer_is_mapped_over_blocks(frame, path):
    inputs = ["age", "income", "colour"]
    steps = make_column_transformer((StandardScaler(), ["age", "income"]), (OneHotEncoder(), ["colour"]))
    steps.fit(frame[inputs])

    def blocks():
        for batch in pads.dataset(path).to_batches(columns=[*inputs, "kind"], batch_size=100):
            rows = batch.to_pandas()
            yield steps.transform(rows), rows["kind"]

    there, here = SoftmaxGLM().fit(Blocks(blocks)), SoftmaxGLM().fit(steps.transform(frame[inputs]), frame["kind"])
    np.testing.assert_allclose(there.coef_, here.coef_, **SAME_OPTIMUM)


@pytest.mark.parametrize(
    ("columns", "change", "message"),
    [
        (["age", "colour"], {}, r"holds text in 'colour' \(.*string\), expected numbers or booleans. Encode it"),
        (["age", "day"], {"day": pd.Timestamp("2020-01-01")}, r"holds dates in 'day' \(timestamp"),
        (["age", "pair"], {"pair": [[1, 2]] * N_ROWS}, r"holds lists or structures in 'pair'"),
        (["age", "nobody"], {}, r"expected one by each name of \['nobody'\]\.$"),
        (["Age"], {}, r"expected one by each name of \['Age'\]\. Did you mean \['age'\]\?"),
        (["age", "gap"], {"gap": [None] * 500 + [1.0] * 200}, r"missing values \(null\) in the column 'gap', .* row 0"),
    ],
)
def test_what_is_no_number_is_named_with_its_remedy(columns, change, message, frame, tmp_path):
    frame.assign(**change).to_parquet(tmp_path / "bad.parquet")
    with pytest.raises(ValueError, match=message):
        SoftmaxGLM().fit(Parquet(tmp_path / "bad.parquet", "kind", columns=columns))


def test_nan_and_infinity_are_named_by_column_and_row(frame, tmp_path):
    columns = {name: pa.array(frame[name].to_numpy().copy()) for name in ("age", "income")}
    for value, message in ((np.nan, r"missing values \(NaN\)"), (np.inf, "values such as inf")):
        ages = frame["age"].to_numpy().copy()
        ages[500] = value
        pq.write_table(pa.table({**columns, "age": pa.array(ages), "kind": frame["kind"]}), tmp_path / "bad.parquet")
        with pytest.raises(ValueError, match=rf"Batch 0: X holds {message}.* \['age'\], first in row 500"):
            SoftmaxGLM().fit(tmp_path / "bad.parquet", "kind")


def test_missing_labels_and_a_missing_target_are_said(frame, path, tmp_path):
    labels = frame["kind"].where(frame["key"] != 123)
    frame[["age"]].assign(kind=labels).to_parquet(tmp_path / "bad.parquet")
    with pytest.raises(ValueError, match=r"in the column 'kind', the first in row 123"):
        SoftmaxGLM().fit(tmp_path / "bad.parquet", "kind")
    with pytest.raises(ValueError, match="No target was given"):
        SoftmaxGLM().fit(Parquet(path, columns=FEATURES))


def test_a_file_that_changes_during_a_fit_is_noticed(frame, tmp_path, monkeypatch):
    path, read = tmp_path / "table.parquet", []
    frame[[*FEATURES, "kind"]].to_parquet(path)
    original = Parquet._pieces  # noqa: SLF001 - what reads it

    def changed(self, names, wanted):
        read.append(wanted)
        for piece in original(self, names, wanted):
            yield piece._replace(X=piece.X + (len(read) > 2)) if "X" in wanted else piece

    monkeypatch.setattr(Parquet, "_pieces", changed)
    with pytest.raises(ValueError, match="Batch 0: it holds other numbers than at an earlier pass"):
        SoftmaxGLM().fit(path, "kind")


def test_a_dataset_can_be_filtered(frame, path):
    kept = pads.dataset(path).filter(pads.field("owns"))
    rows = frame[frame["owns"]]
    there = SoftmaxGLM().fit(Parquet(kept, "kind", columns=["age", "rate"]))
    here = SoftmaxGLM().fit(rows[["age", "rate"]], rows["kind"])
    np.testing.assert_allclose(there.coef_, here.coef_, **SAME_OPTIMUM)


def test_an_index_of_pandas_is_no_feature(frame, tmp_path):
    frame[[*FEATURES, "kind"]].set_index(frame["key"] + 7).to_parquet(tmp_path / "indexed.parquet")
    assert SoftmaxGLM().fit(tmp_path / "indexed.parquet", "kind").feature_names_in_.tolist() == FEATURES


def test_the_command_fits_a_large_file_where_it_is(path, monkeypatch, capsys):
    monkeypatch.setattr(large_files, "MOST_CELLS", 100)
    dropped = [option for name in ("key", "colour", "weight", "n_low", "n_top") for option in ("--drop", name)]
    assert main([str(path), "--target", "kind", *dropped]) == 0
    text = capsys.readouterr().out
    assert "700 rows, 8 features, 3 classes (low, mid, top). It is too large for a comparison" in " ".join(text.split())
    assert "converged" in text
    assert main([str(path), "--target", "kind", *dropped, "--json"]) == 0
    assert '"passes": ' in capsys.readouterr().out
    assert main([str(path), "--target", "kind", "--na", "?"]) == 1
    assert "--na" in capsys.readouterr().err


def test_a_sample_of_a_parquet_file_is_that_of_the_csv_file(frame, path, tmp_path):
    reading = Reading(dropped=("key", "income"), sample=150)
    there = read_table(path, "kind", reading)
    frame.to_csv(tmp_path / "table.csv", index=False)
    here = read_table(tmp_path / "table.csv", "kind", reading)
    assert there.notes == here.notes
    assert "Sampled: 150 of 700 rows, in the shares of the classes (seed 0)." in there.notes
    np.testing.assert_array_equal(there.codes, here.codes)
    np.testing.assert_allclose(there.X, here.X, **ROUNDING)
    whole = read_table(path, "kind", Reading(dropped=("key",), sample=700))
    np.testing.assert_array_equal(whole.X, read_table(path, "kind", Reading(dropped=("key",))).X)


def test_a_table_says_what_it_reads(frame, tmp_path):
    frame.to_parquet(tmp_path / "all.parquet")
    said = repr(Parquet(tmp_path / "all.parquet", "kind", sample_weight="weight", columns=FEATURES[:2]))
    place = repr(str(tmp_path / "all.parquet"))
    assert said == f"Parquet({place}, target=['kind'], sample_weight=['weight'], columns=['age', 'income'])"
