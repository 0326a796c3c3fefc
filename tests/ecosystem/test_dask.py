"""Collections of Dask are fitted where they are, predicted lazily, and inferred from by sums: as arrays are."""

import subprocess
import sys
import time
from uuid import uuid4

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

pytest.importorskip("distributed")

import dask.array as da
import dask.dataframe as dd
import pandas as pd
from clusters import OnCluster
from distributed import Client, LocalCluster
from scipy import sparse

import softglm.distributed.dask as engine
from softglm import ClusterError, SoftmaxGLM, SoftmaxGLMCV, detect_separation, infer, softglm_path
from softglm.distributed import RowsOnCluster
from softglm.sources import source_of
from softglm.sums import CrossMoments

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
N, CHUNK = 700, 200
# Two fits that are both proved to 1e-8 of the gap are about its root apart.
FITTED = {"rtol": 1e-4, "atol": 1e-4}


def local_cluster(n_workers, n_threads):
    return LocalCluster(
        n_workers=n_workers, threads_per_worker=n_threads, processes=False, dashboard_address=":0", silence_logs=50
    )


@pytest.fixture(scope="module", name="client")
def _client():
    with local_cluster(2, 2) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture(name="data")
def _data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, 4))
    y = np.array(["low", "mid", "top"])[(X @ rng.normal(size=(4, 3)) + rng.gumbel(size=(N, 3))).argmax(axis=1)]
    return X, y, rng.integers(1, 4, N).astype(float), rng.normal(size=(N, 3))


def collections(*arrays, chunk=CHUNK):
    return [da.from_array(array, chunks=(chunk, *array.shape[1:])) for array in arrays]


def frames(X, y):
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(label=y)
    whole = dd.from_pandas(frame, npartitions=3)
    return frame, whole[["a", "b", "c", "d"]], whole["label"]


@pytest.mark.usefixtures("client")
def test_arrays_are_fitted_with_weights_and_an_offset(data):
    there, here = SoftmaxGLM().fit(*collections(*data)), SoftmaxGLM().fit(*data)
    np.testing.assert_allclose(there.coef_, here.coef_, **FITTED)
    assert there.classes_.tolist() == here.classes_.tolist()
    assert there.converged_
    assert there.n_features_in_ == 4


@pytest.mark.usefixtures("client")
def test_frames_are_fitted_with_the_names_of_their_columns(data):
    frame, features, labels = frames(*data[:2])
    there, here = SoftmaxGLM().fit(features, labels), SoftmaxGLM().fit(frame.iloc[:, :4], frame["label"])
    np.testing.assert_allclose(there.coef_, here.coef_, **FITTED)
    assert there.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    as_categories = SoftmaxGLM().fit(features, labels.astype("category"))
    assert as_categories.coef_.tobytes() == there.coef_.tobytes()


@pytest.mark.usefixtures("client")
def test_chunks_of_other_lengths_and_columns_in_chunks_are_realigned(data):
    X, y, weights, _ = data
    expected = SoftmaxGLM().fit(*collections(X, y, weights))
    there = SoftmaxGLM().fit(
        da.from_array(X, chunks=(CHUNK, 3)), *collections(y, chunk=170), da.from_array(weights, chunks=N)
    )
    assert there.coef_.tobytes() == expected.coef_.tobytes()


@pytest.mark.usefixtures("client")
def test_chunks_of_unknown_length_are_taken_as_they_come(data):
    X, y = collections(*data[:2])
    chosen = X[:, 0] > 0.0
    there = SoftmaxGLM().fit(X[chosen], y[chosen])
    here = SoftmaxGLM().fit(data[0][data[0][:, 0] > 0.0], data[1][data[0][:, 0] > 0.0])
    np.testing.assert_allclose(there.coef_, here.coef_, **FITTED)
    with pytest.raises(ValueError, match="Partition 0: y has 200 rows there, and X has"):
        SoftmaxGLM().fit(X[chosen], y)
    with pytest.raises(ValueError, match="y has 7 partitions, X has 4, and which rows belong together is not known"):
        SoftmaxGLM().fit(X[chosen], y.rechunk(100))
    with pytest.raises(ValueError, match="y is in memory, and it is not known how many rows"):
        SoftmaxGLM().fit(X[chosen], data[1])


@pytest.mark.usefixtures("client")
def test_what_is_beside_may_be_in_memory_where_lengths_are_known(data):
    X, y, weights, _ = data
    there = SoftmaxGLM().fit(collections(X)[0], y, weights)
    assert there.coef_.tobytes() == SoftmaxGLM().fit(*collections(X, y, weights)).coef_.tobytes()
    with pytest.raises(ValueError, match="y has 699 rows, and X has 700"):
        SoftmaxGLM().fit(collections(X)[0], y[1:])


@pytest.mark.usefixtures("client")
def test_blocks_may_be_sparse(data):
    X = np.where(np.abs(data[0]) > 1.0, data[0], 0.0)
    (whole,) = collections(X)
    there = SoftmaxGLM().fit(whole.map_blocks(sparse.csr_array), collections(data[1])[0])
    np.testing.assert_allclose(there.coef_, SoftmaxGLM().fit(sparse.csr_array(X), data[1]).coef_, **FITTED)
    probabilities = there.predict_proba(whole.map_blocks(sparse.csr_array))
    np.testing.assert_allclose(probabilities.compute(), there.predict_proba(X), **FITTED)


def test_partitions_are_read_once_however_many_passes_are_made(client, data, tmp_path):
    def read(block):
        (tmp_path / f"{len(block)}-{uuid4()}").touch()
        return block

    (X,), before = collections(data[0]), set(client.futures)
    model = SoftmaxGLM().fit(X.map_blocks(read, meta=np.zeros((0, 4))), *collections(data[1]))
    assert model.n_passes_ > 2
    assert sorted(path.name.split("-")[0] for path in tmp_path.iterdir()) == ["100", "200", "200", "200"]
    deadline = time.monotonic() + 30.0
    while set(client.futures) - before and time.monotonic() < deadline:  # they are given back by another thread
        time.sleep(0.01)
    assert set(client.futures) <= before


@pytest.mark.parametrize(("n_workers", "n_threads"), [(1, 1), (3, 1), (1, 4)])
def test_bits_depend_on_the_partitions_alone(data, n_workers, n_threads):
    expected = SoftmaxGLM().fit(OnCluster(*data, lengths=(CHUNK,) * 3))
    with local_cluster(n_workers, n_threads) as cluster, Client(cluster):
        there = SoftmaxGLM().fit(*collections(*data))
    assert there.coef_.tobytes() == expected.coef_.tobytes()
    assert there.gap_ == expected.gap_


def test_a_worker_that_joins_changes_no_bit(data):
    with local_cluster(1, 1) as cluster, Client(cluster) as client:
        source = source_of(*collections(*data))
        rows, _ = source.observe(class_weight=None, estimator=SoftmaxGLM()).rows()
        assert isinstance(rows, RowsOnCluster)
        before = rows.sum(CrossMoments(3))
        cluster.scale(3)
        client.wait_for_workers(3, timeout=60)
        after = rows.sum(CrossMoments(3))
    assert [one.tobytes() for one in before] == [other.tobytes() for other in after]


@pytest.mark.usefixtures("client")
def test_predictions_are_lazy_and_those_of_arrays(data):
    X, y, _, offset = data
    model, (lazy, lazy_offset) = SoftmaxGLM().fit(*data), collections(X, offset)
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        there, here = getattr(model, method)(lazy, lazy_offset), getattr(model, method)(X, offset)
        assert isinstance(there, da.Array)
        assert (there.shape, there.dtype, there.chunks[0]) == (here.shape, here.dtype, lazy.chunks[0])
        assert np.array_equal(there.compute(), here)
    assert model.score(*collections(*data)) == pytest.approx(model.score(*data))
    weights = np.where(np.arange(N) < CHUNK, 0.0, 1.0)  # of one partition nothing
    given = (X, y, weights, offset)
    assert model.score(*collections(*given)) == pytest.approx(model.score(*given))
    with pytest.raises(ValueError, match="nothing to score"):
        model.score(*(part[:0] for part in collections(*data)))
    two = SoftmaxGLM().fit(X, y == "mid")
    assert two.decision_function(lazy).shape == (N,)
    assert np.array_equal(two.predict(lazy).compute(), two.predict(X))
    with pytest.raises(ValueError, match="fitted with an offset and none was given"):
        model.predict(lazy).compute()


@pytest.mark.usefixtures("client")
def test_predictions_of_frames_have_rows_that_are_counted_when_they_come(data):
    frame, features, labels = frames(*data[:2])
    model = SoftmaxGLM().fit(features, labels)
    there = model.predict_proba(features[features["a"] > 3.0])
    assert there.compute().shape == ((frame["a"] > 3.0).sum(), 3)
    assert model.score(features, labels) == pytest.approx(model.score(frame[["a", "b", "c", "d"]], frame["label"]))


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("covariance", ["model", "laplace", "robust", "cluster"])
def test_what_infer_says_is_what_it_says_of_arrays(data, covariance):
    X, y, weights, _ = data
    clusters = np.arange(N) % 23
    lazy = collections(X, y, weights)
    model = SoftmaxGLM(0).fit(*lazy)
    options = {"covariance": covariance}
    grouped = covariance == "cluster"
    there = infer(
        model,
        lazy[0],
        lazy[1],
        sample_weight=lazy[2],
        clusters=collections(clusters)[0] if grouped else None,
        **options,
    )
    here = infer(model, X, y, sample_weight=weights, clusters=clusters if grouped else None, **options)
    assert str(there) == str(here)
    assert str(there.marginal_effects()) == str(here.marginal_effects())
    assert str(there.test_terms("wald")) == str(here.test_terms("wald"))
    with pytest.raises(ValueError, match="the rows are on a cluster"):
        there.residuals()


def test_without_a_client_partitions_are_read_one_after_the_other(data, monkeypatch):
    def none():
        raise ValueError("No clients found")

    monkeypatch.setattr("softglm.sources.dask_collections.default_client", none)
    there, here = SoftmaxGLM().fit(*collections(*data)), SoftmaxGLM().fit(*data)
    np.testing.assert_allclose(there.coef_, here.coef_, **FITTED)
    assert np.array_equal(there.predict(*collections(data[0], data[3])).compute(), here.predict(data[0], data[3]))


def test_what_takes_arrays_says_so_and_collects_nothing(data):
    X, y = collections(*data[:2])
    model = SoftmaxGLM(0).fit(*data[:2])
    pipeline = make_pipeline(StandardScaler(), SoftmaxGLM(0)).fit(*data[:2])
    for asked in (
        lambda: SoftmaxGLMCV().fit(X, y),
        lambda: softglm_path(X, y),
        lambda: detect_separation(X, y),
        lambda: infer(pipeline, X, y),
        lambda: infer(model, *data[:2]).predict(X),
    ):
        with pytest.raises(TypeError, match=r"expected X and y in memory, as X.compute\(\) has those of Dask"):
            asked()


@pytest.mark.usefixtures("client")
def test_a_lasso_is_refused_by_name(data):
    with pytest.raises(TypeError, match="elsewhere \\(4 partitions, 0 MB a worker, read once\\)"):
        SoftmaxGLM(0.1, l1_ratio=1.0).fit(*collections(*data[:2]))


@pytest.mark.usefixtures("client")
def test_verbose_says_where_the_rows_are(data, capsys):
    SoftmaxGLM(verbose=True).fit(*collections(*data))
    assert capsys.readouterr().out.startswith("SoftmaxGLM 4 partitions, 0 MB a worker, read once\n")


@pytest.mark.usefixtures("client")
def test_a_worker_with_another_version_is_told_of(data, monkeypatch):
    made, version = engine._made, engine.__version__  # noqa: SLF001 - what is sent to a worker
    monkeypatch.setattr(engine, "_made", lambda _, *given: made("0.0", *given))
    with pytest.raises(ClusterError, match=f"A worker has softglm {version}, and the fit runs with 0.0"):
        SoftmaxGLM().fit(*collections(*data))


def test_a_worker_without_softglm_is_told_of():
    class Failed:
        status = "error"

        def exception(self, timeout):
            assert timeout > 0.0
            error = RuntimeError("Error during deserialization of the task graph.")
            error.__cause__ = ModuleNotFoundError("No module named 'softglm'")
            return error

    with pytest.raises(ClusterError, match=r"No module named 'softglm'\. Install the same version"):
        engine._check(Failed())  # noqa: SLF001 - a cluster without it takes an environment without it


def test_errors_of_whoever_reads_the_data_are_theirs(client, data):
    def fail(_):
        raise OSError("the disk is full of holes")

    (X,) = collections(data[0])
    with pytest.raises(OSError, match="full of holes"):
        SoftmaxGLM().fit(X.map_blocks(fail, meta=np.zeros((0, 4))), *collections(data[1]))
    assert client.status == "running"


def test_a_dask_without_distributed_is_told_of(data, monkeypatch):
    monkeypatch.delitem(sys.modules, "softglm.sources.dask_collections")
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ImportError, match=r'pip install "\.\[dask\]"'):
        SoftmaxGLM().fit(*collections(*data))


def test_softglm_does_not_import_dask():
    command = "import softglm, sys; assert not {'dask', 'distributed'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", command], check=True)


@pytest.mark.usefixtures("client")
def test_columns_of_one_frame_in_files_belong_together(data, tmp_path):
    frame, _, _ = frames(*data[:2])
    frame = frame.assign(**{f"more{number}": 0.0 for number in range(30)})
    for number in range(6):
        frame.iloc[number * 120 : (number + 1) * 120].to_parquet(tmp_path / f"part-{number}.parquet")
    whole = dd.read_parquet(tmp_path)
    names = ["a", "b", "c", "d"]
    there, here = SoftmaxGLM().fit(whole[names], whole["label"]), SoftmaxGLM().fit(frame[names], frame["label"])
    np.testing.assert_allclose(there.coef_, here.coef_, **FITTED)
    model = SoftmaxGLM(0).fit(whole[names], whole["label"])
    there = infer(model, whole[names], whole["label"], covariance="cluster", clusters=whole["more0"] + (whole["a"] > 0))
    assert there.covariance.n_clusters == (2,)
    assert there.n_observations == N
