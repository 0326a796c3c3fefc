"""mlflow's scikit-learn flavour, whose format is skops: one type to trust, in the call that saves."""

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from softglm import SoftmaxGLM

# The guide says so.
TRUSTED = ["softglm.estimator.SoftmaxGLM"]
# Without it mlflow tries to find out in a process of its own what the model imports.
REQUIREMENTS = ["softglm"]


@pytest.fixture(scope="module")
def rows():
    return load_wine(return_X_y=True, as_frame=True)


@pytest.fixture(scope="module", params=["alone", "pipeline"])
def model(request, rows):
    X, y = rows
    labels = np.array(["barolo", "grignolino", "barbera"])[y]
    return (SoftmaxGLM() if request.param == "alone" else make_pipeline(StandardScaler(), SoftmaxGLM())).fit(X, labels)


@pytest.fixture
def file_store(tmp_path, monkeypatch):
    """Track into a folder: no server. mlflow 3 wants to be told that this is meant."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    folder = tmp_path / "mlruns"
    mlflow.set_tracking_uri(folder.as_uri())
    yield folder
    mlflow.set_tracking_uri(None)


def test_a_saved_model_is_loaded_with_the_same_bits(model, rows, tmp_path):
    X, _ = rows
    mlflow.sklearn.save_model(model, tmp_path / "model", skops_trusted_types=TRUSTED, pip_requirements=REQUIREMENTS)
    read = mlflow.sklearn.load_model(str(tmp_path / "model"))
    assert (tmp_path / "model" / "model.skops").exists()
    assert type(read) is type(model)
    assert np.array_equal(read.predict_proba(X), model.predict_proba(X))
    assert np.array_equal(mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(X), model.predict(X))


def test_without_the_trusted_type_nothing_is_saved(model, tmp_path):
    with pytest.raises(MlflowException, match=f"skops_trusted_types.*{TRUSTED[0]}"):
        mlflow.sklearn.save_model(model, tmp_path / "model", pip_requirements=REQUIREMENTS)


def test_a_model_logged_in_a_run_is_loaded_from_its_address(model, rows, file_store):
    X, _ = rows
    with mlflow.start_run() as run:
        mlflow.log_params(SoftmaxGLM().get_params())
        mlflow.log_metric("gap", SoftmaxGLM().fit(*rows).gap_)
        info = mlflow.sklearn.log_model(
            model,
            name="model",
            skops_trusted_types=TRUSTED,
            pip_requirements=REQUIREMENTS,
            signature=infer_signature(X, pd.Series(model.predict(X))),
        )
    assert list(file_store.iterdir())
    assert mlflow.get_run(run.info.run_id).data.params["alpha"] == "1/n_samples"
    read = mlflow.sklearn.load_model(info.model_uri)
    assert np.array_equal(read.predict_proba(X), model.predict_proba(X))
    assert np.array_equal(mlflow.pyfunc.load_model(info.model_uri).predict(X), model.predict(X))
