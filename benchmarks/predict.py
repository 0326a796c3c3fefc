"""predict_proba of many rows."""

from threadpoolctl import threadpool_limits

from benchmarks.shapes import normal_problem
from benchmarks.timing import in_turn, quiet

WHAT = "predict_proba, seconds; scikit-learn's over ours"


def run(*, threads, is_quick):
    """Return a row for each shape."""
    shapes = [(100_000, 20, 10)] if is_quick else [(1_000_000, 20, 10), (1_000_000, 100, 10), (1_000_000, 20, 2)]
    with threadpool_limits(threads):
        return [_row(*shape, threads) for shape in shapes]


def _row(n, p, K, threads):
    from sklearn.linear_model import LogisticRegression

    from softglm import SoftmaxGLM

    X, y = normal_problem(n, p, K)
    with quiet():
        ours, theirs = (model.fit(X[:2000], y[:2000]) for model in (SoftmaxGLM(), LogisticRegression()))
    mine, others = in_turn([lambda: ours.predict_proba(X), lambda: theirs.predict_proba(X)], rounds=5, budget=0.0)
    return {"n": n, "p": p, "K": K, "threads": threads, "ours": mine, "theirs": others, "ratio": others / mine}
