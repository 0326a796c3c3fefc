"""Do 95 % intervals cover 95 %, and do tests hold their level? Simulations with known truth, n = 500, K = 3.

    python benchmarks/coverage.py [SIMULATIONS]

Of eight coefficients the one whose rate is farthest from the nominal one is printed, and marked where binomial error
does not explain it: at 4 standard errors, so that one in two thousand is marked by chance.

- *true model*: classes drawn from a multinomial logit.
- *dependent rows*: rows come in pairs of the same class and the same features, so that there is half of the information
  that the model covariance believes in; the robust covariance by clusters knows.
- *curved*: the true predictor is a sine, and the coefficients mean its best approximation by a line: those of a fit to
  a million rows. Robust (HC0) intervals cover them.
- *inputs*: the average effect, through PolynomialFeatures, of each of two inputs whose squares and product matter.
- *G clusters*: classes have effects of their own in each cluster, and no feature has any. What is asked of a single
  coefficient by its t, and by the F test of the same, has one answer; of a term over both equations (q = 2), of two
  terms (q = 4), F is the usual approximation, which few clusters strain; and chi-squared is what F replaces.
"""

import platform
import sys
from dataclasses import dataclass, field

import numpy as np
from scipy.special import softmax
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

import softglm
from softglm import SoftmaxGLM, infer

N, K, P = 500, 3, 3
LEVEL = 0.95
SEED = 20240501
MANY = 1_000_000
CLUSTERS = (4, 6, 10, 30)
# Of z1, z2, z1^2, z1 z2, z2^2.
CURVES = np.array([[0.0] * 5, [0.5, -0.3, -0.6, 0.3, 0.0], [-0.4, 0.6, 0.3, 0.0, 0.2]])
COEF = np.array([[0.0, 0.0, 0.0], [0.8, -0.5, 0.0], [-0.4, 1.0, 0.0]])
INTERCEPT = np.array([0.0, 0.3, -0.2])


@dataclass
class Rate:
    """How often something happened, of several coefficients or of one, against how often it should have."""

    nominal: float
    happened: list = field(default_factory=list)

    def __str__(self):
        rates = np.atleast_1d(np.mean(self.happened, axis=0)).ravel()
        farthest = rates[np.argmax(abs(rates - self.nominal))]
        error = np.sqrt(self.nominal * (1.0 - self.nominal) / len(self.happened))
        mark = "  *" if abs(farthest - self.nominal) > 4.0 * error else ""
        return f"{farthest:7.4f}   nominal {self.nominal:.2f} +- {error:.4f}{mark}"


def drawn(rng, eta):
    """Return a class for each row, drawn from the softmax of eta."""
    return (eta + rng.gumbel(size=eta.shape)).argmax(axis=1)


def true_model(rng, n=N):
    """Return rows and classes of the model that is fitted."""
    X = rng.normal(size=(n, P))
    return X, drawn(rng, X @ COEF.T + INTERCEPT)


def curved(rng, n=N):
    """Return rows whose predictor is no line."""
    X = rng.normal(size=(n, P))
    return X, drawn(rng, np.column_stack([np.zeros(n), 3.0 * np.sin(2.0 * X[:, 0]), X[:, 1]]))


def covers(result, truth):
    """Tell which intervals hold the truth, shape (K - 1, p + 1)."""
    table = result.coefficients
    return (table.lower <= truth) & (truth <= table.upper)


def reference_coding(coef, intercept):
    """Return the coefficients against the first class, the intercept first."""
    whole = np.column_stack([intercept, coef])
    return whole[1:] - whole[0]


def fitted(X, y):
    """Return the maximum-likelihood fit."""
    return SoftmaxGLM(alpha=0).fit(X, y)


def inputs(rng, n=N):
    """Return two inputs, and classes that depend on their squares and product."""
    X = rng.normal(size=(n, 2))
    return X, drawn(rng, powers(X) @ CURVES.T)


def powers(X):
    """Return z1, z2, z1^2, z1 z2, z2^2."""
    return np.column_stack([X, X[:, 0] ** 2, X[:, 0] * X[:, 1], X[:, 1] ** 2])


def true_effects(X, step=1e-5):
    """Return the average derivatives of the true probabilities in these rows, shape (2, K)."""
    ahead, behind = (
        [softmax(powers(X + sign * step * unit) @ CURVES.T, axis=1).mean(axis=0) for unit in np.identity(2)]
        for sign in (1.0, -1.0)
    )
    return (np.array(ahead) - np.array(behind)) / (2.0 * step)


def in_clusters(rng, n_clusters, n=N):
    """Return rows, classes and clusters that both have much to do with, and rows nothing with classes."""
    clusters = np.arange(n) % n_clusters
    X = rng.normal(size=(n, 2)) + 0.5 * rng.normal(size=(n_clusters, 2))[clusters]
    return X, drawn(rng, 0.7 * rng.normal(size=(n_clusters, K))[clusters]), clusters


def clustered_rates():
    """Return what is asked of clusters, by name, with its nominal rate."""
    asked = {
        "t intervals cover": LEVEL,
        "t of a coefficient rejects": 1.0 - LEVEL,
        "F(1, G - 1) of it rejects": 1.0 - LEVEL,
        "chi2(1) of it rejects": 1.0 - LEVEL,
        "F(2, G - 1) of a term rejects": 1.0 - LEVEL,
        "chi2(2) of it rejects": 1.0 - LEVEL,
        "F(4, G - 1) of two terms rejects": 1.0 - LEVEL,
    }
    return {f"{count} clusters: {name}": nominal for count in CLUSTERS for name, nominal in asked.items()}


def ask_clusters(rng, n_clusters, note):
    """Simulate clusters once, and note what is found."""
    X, y, clusters = in_clusters(rng, n_clusters)
    model = fitted(X, y)
    options = {"covariance": "cluster", "clusters": clusters, "level": LEVEL}
    t, normal = (infer(model, X, y, distribution=law, **options) for law in ("t", "normal"))
    table, contrast, both = t.coefficients, np.identity(6)[1], {"both": [0, 1], "one": [0]}
    place = f"{n_clusters} clusters: "
    note(place + "t intervals cover", table.lower[0, 1] <= 0.0 <= table.upper[0, 1])
    note(place + "t of a coefficient rejects", table.p_value[0, 1] < 1.0 - LEVEL)
    note(place + "F(1, G - 1) of it rejects", t.wald_test(contrast).p_value < 1.0 - LEVEL)
    note(place + "chi2(1) of it rejects", normal.wald_test(contrast).p_value < 1.0 - LEVEL)
    of_t, of_normal = (result.test_terms("wald", both).p_value < 1.0 - LEVEL for result in (t, normal))
    note(place + "F(2, G - 1) of a term rejects", of_t[1])
    note(place + "chi2(2) of it rejects", of_normal[1])
    note(place + "F(4, G - 1) of two terms rejects", of_t[0])


def main():
    """Simulate and print."""
    n_simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rng = np.random.default_rng(SEED)
    truth = reference_coding(COEF, INTERCEPT)
    large = fitted(*curved(rng, MANY))
    best = reference_coding(large.coef_, large.intercept_)
    rates = {
        name: Rate(nominal)
        for name, nominal in {
            "true model: model intervals cover": LEVEL,
            "true model: HC0 intervals cover": LEVEL,
            "true model: HC3 intervals cover": LEVEL,
            "true model: LR test of nothing rejects": 1.0 - LEVEL,
            "true model: score test of nothing rejects": 1.0 - LEVEL,
            "true model: Wald test of nothing rejects": 1.0 - LEVEL,
            "dependent rows: model intervals cover": LEVEL,
            "dependent rows: clustered intervals cover": LEVEL,
            "curved: model intervals cover": LEVEL,
            "curved: HC0 intervals cover": LEVEL,
            "inputs: average effects are covered": LEVEL,
            **clustered_rates(),
        }.items()
    }

    def note(name, outcome):
        rates[name].happened.append(outcome)

    for _ in range(n_simulations):
        X, y = true_model(rng)
        model = fitted(X, y)
        result = infer(model, X, y, level=LEVEL)
        note("true model: model intervals cover", covers(result, truth))
        for kind in ("HC0", "HC3"):
            name = "robust" if kind == "HC0" else kind
            note(f"true model: {kind} intervals cover", covers(infer(model, X, y, covariance=name), truth))
        for kind, name in {"lr": "LR", "score": "score", "wald": "Wald"}.items():
            p_value = result.test_terms(kind).p_value[-1]
            note(f"true model: {name} test of nothing rejects", p_value < 1.0 - LEVEL)
        X, y = (np.repeat(half, 2, axis=0) for half in true_model(rng, N // 2))
        model = fitted(X, y)
        note("dependent rows: model intervals cover", covers(infer(model, X, y), truth))
        clustered = infer(model, X, y, covariance="cluster", clusters=np.arange(N) // 2)
        note("dependent rows: clustered intervals cover", covers(clustered, truth))
        X, y = curved(rng)
        model = fitted(X, y)
        note("curved: model intervals cover", covers(infer(model, X, y), best))
        note("curved: HC0 intervals cover", covers(infer(model, X, y, covariance="robust"), best))
        X, y = inputs(rng)
        model = make_pipeline(PolynomialFeatures(2, include_bias=False), SoftmaxGLM(alpha=0)).fit(X, y)
        effects, true = infer(model, X, y, level=LEVEL).marginal_effects(), true_effects(X)
        note("inputs: average effects are covered", (effects.lower <= true) & (true <= effects.upper))
        for n_clusters in CLUSTERS:
            ask_clusters(rng, n_clusters, note)

    print(f"softglm {softglm.__version__}, NumPy {np.__version__}, Python {platform.python_version()}")
    print(f"{n_simulations} simulations, n = {N}, K = {K}, p = {P}\n")
    for name, rate in rates.items():
        print(f"{name:44s} {rate}")


if __name__ == "__main__":
    main()
