"""What `verbose` may be, and the lines of columns that it has printed."""

import numpy as np
import pytest
from problems import overlapping

from softglm import SoftmaxGLM, SoftmaxGLMCV, infer, softglm_path
from softglm.progress import ProgressColumns, verbosity

MOST_DIGITS = 10**5000  # Python writes no number of so many


@pytest.mark.parametrize(
    ("given", "level"), [(False, 0), (True, 1), (0, 0), (1, 1), (2, 2), (10, 10), (np.int8(2), 2), (np.bool_(1), 1)]
)
def test_verbose_is_a_flag_or_a_number(given, level):
    assert verbosity(given) == level


REFUSED = [-1, np.int64(-2), 1.0, 0.5, "yes", None, [1], np.array(1), -MOST_DIGITS]


@pytest.mark.parametrize("given", REFUSED, ids=lambda given: type(given).__name__)
def test_anything_else_is_refused_and_shown(given):
    with pytest.raises(ValueError, match="verbose must be True, False or an integer of at least 0, got ") as caught:
        verbosity(given)
    assert len(str(caught.value)) < 250


def test_whoever_takes_verbose_refuses_the_same():
    data = overlapping()
    model = SoftmaxGLM(alpha=0).fit(data.X, data.y)
    result = infer(model, data.X, data.y)
    for take in (
        lambda verbose: SoftmaxGLM(verbose=verbose).fit(data.X, data.y),
        lambda verbose: SoftmaxGLMCV(verbose=verbose).fit(data.X, data.y),
        lambda verbose: softglm_path(data.X, data.y, verbose=verbose),
        lambda verbose: result.test_terms(verbose=verbose),
        lambda verbose: result.profiled(verbose=verbose),
    ):
        for given in (-1, "2"):
            with pytest.raises(ValueError, match="verbose must be True, False or an integer"):
                take(given)


def test_columns_have_their_names_once_and_stand_below_one_another(capsys):
    columns = ProgressColumns("fit", {"loss": 6, "gap": 4})
    columns.add(["1.5", "-"], 0.25)
    columns.add(["12.75", "0.1"], 123.456)
    assert capsys.readouterr().out.splitlines() == [
        "fit   loss   gap  time [s]",
        "fit    1.5     -     0.250",
        "fit  12.75   0.1     123.5",
    ]
