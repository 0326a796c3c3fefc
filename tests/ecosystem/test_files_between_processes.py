"""What one process writes another reads, to the bit: pickle, joblib and skops."""

import io
import json
import pickle
import subprocess
import sys
import zipfile

import joblib
import numpy as np
import pandas as pd
import problems
import pytest
import skops.io
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from skops.io.exceptions import UntrustedTypesFoundException

from softglm import SoftmaxGLM

# The guide says so.
TRUSTED = ["softglm.estimator.SoftmaxGLM"]
READER = """
import json, pickle, sys
import joblib, pandas as pd, skops.io

def bits(model):
    fitted = model[-1] if hasattr(model, "steps") else model
    arrays = fitted.coef_, fitted.intercept_, model.predict_proba(X), model.decision_function(X)
    return [array.tobytes().hex() for array in arrays] + [fitted.status_, model.predict(X).tolist()]

folder = sys.argv[1]
X = pd.read_pickle(f"{folder}/rows")
with open(f"{folder}/pickled", "rb") as file:
    found = {"pickle": bits(pickle.load(file))}
found["joblib"] = bits(joblib.load(f"{folder}/joblib"))
found["joblib, mapped"] = bits(joblib.load(f"{folder}/joblib", mmap_mode="r"))
found["skops"] = bits(skops.io.load(f"{folder}/skops", trusted=["softglm.estimator.SoftmaxGLM"]))
print(json.dumps(found))
"""


def frame_and_labels(n_classes):
    data = {2: problems.two_classes, 3: problems.overlapping}[n_classes]()
    colours = np.array(["red", "green", "blue"])[np.arange(len(data.y)) * 7 % 3]
    frame = pd.DataFrame(data.X, columns=list("abcd")).assign(colour=colours)
    return frame, np.array(["one", "two", "three"])[data.y]


def model_alone(n_classes):
    X, y = frame_and_labels(n_classes)
    X = X[list("abcd")]
    return SoftmaxGLM().fit(X, y), X


def pipeline(n_classes):
    X, y = frame_and_labels(n_classes)
    columns = make_column_transformer((StandardScaler(), list("abcd")), (OneHotEncoder(), ["colour"]))
    return make_pipeline(columns, SoftmaxGLM()).fit(X, y), X


MODELS = pytest.mark.parametrize("make", [model_alone, pipeline], ids=lambda make: make.__name__)
CLASSES = pytest.mark.parametrize("n_classes", [2, 3], ids=lambda n_classes: f"K={n_classes}")


def bits(model, X):
    fitted = model[-1] if hasattr(model, "steps") else model
    arrays = fitted.coef_, fitted.intercept_, model.predict_proba(X), model.decision_function(X)
    return [array.tobytes().hex() for array in arrays] + [fitted.status_, model.predict(X).tolist()]


@MODELS
@CLASSES
def test_another_process_reads_the_same_bits(make, n_classes, tmp_path):
    model, X = make(n_classes)
    X.to_pickle(tmp_path / "rows")
    (tmp_path / "pickled").write_bytes(pickle.dumps(model))
    joblib.dump(model, tmp_path / "joblib")
    skops.io.dump(model, tmp_path / "skops")
    command = [sys.executable, "-W", "error", "-c", READER, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not result.stderr
    found = json.loads(result.stdout)
    assert set(found) == {"pickle", "joblib", "joblib, mapped", "skops"}
    for way, read in found.items():
        assert read == bits(model, X), way


@MODELS
@CLASSES
def test_skops_asks_for_one_type_to_be_trusted(make, n_classes, tmp_path):
    model, _ = make(n_classes)
    skops.io.dump(model, tmp_path / "model.skops")
    assert skops.io.get_untrusted_types(file=tmp_path / "model.skops") == TRUSTED
    with pytest.raises(UntrustedTypesFoundException, match=TRUSTED[0]):
        skops.io.load(tmp_path / "model.skops")


def stored_by(version, model):
    """What skops would have stored of a model of another version."""
    stored, changed = io.BytesIO(skops.io.dumps(model)), io.BytesIO()
    with zipfile.ZipFile(stored) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                schema["content"]["content"]["_softglm_version"]["content"] = json.dumps(version)
                content = json.dumps(schema)
            target.writestr(name, content)
    return changed.getvalue()


def test_skops_keeps_the_version_and_warns_of_another():
    model, X = model_alone(3)
    stored = stored_by("0.0.1", model)
    with pytest.warns(UserWarning, match=r"pickled by softglm 0\.0\.1"):
        read = skops.io.loads(stored, trusted=TRUSTED)
    assert bits(read, X) == bits(model, X)
