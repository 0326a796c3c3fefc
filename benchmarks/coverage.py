"""Do 95 % intervals cover 95 %, and do tests hold their level? Simulations with known truth, n = 500, K = 3.

    python benchmarks/coverage.py [SIMULATIONS [clusters]]

With "clusters" only those of clusters. Of several coefficients the one whose rate is farthest from the nominal one is
printed, and marked where binomial error does not explain it: at 4 standard errors, so that one in two thousand is
marked by chance.

- *true model*: classes drawn from a multinomial logit.
- *dependent rows*: rows come in pairs of the same class and the same features, so that there is half of the information
  that the model covariance believes in; the robust covariance by clusters knows.
- *curved*: the true predictor is a sine, and the coefficients mean its best approximation by a line: those of a fit to
  a million rows. Robust (HC0) intervals cover them.
- *inputs*: the average effect, through PolynomialFeatures, of each of two inputs whose squares and product matter.
- *G clusters*: classes have effects of their own in each cluster, and no feature has any. What is asked of a single
  coefficient by its t, and by the F test of the same, has one answer; of a term over both equations (q = 2), of two
  terms (q = 4), F is the usual approximation, which few clusters strain; and chi-squared is what F replaces. CR2 has
  degrees of freedom of its own for each, and the wild bootstrap of scores none.
- *G unequal clusters*: the same, where the largest has about ten times the rows of the smallest, and a feature is the
  same for all rows of a cluster, 1 in a third of them: what t(G - 1) is worst at.
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
DRAWS = 999
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


def in_unequal_clusters(rng, n_clusters, n=N):
    """Return rows, classes and clusters of very different sizes, of which a third differ in the first feature."""
    shares = np.geomspace(1.0, 10.0, n_clusters)
    # Some rows of each, so that what is the same in a cluster does not separate the classes.
    clusters = np.concatenate([np.repeat(np.arange(n_clusters), 5), rng.choice(n_clusters, n, p=shares / shares.sum())])
    treated = rng.permutation(np.arange(n_clusters) % 3 == 0)[clusters]
    X = np.column_stack([treated, rng.normal(size=len(clusters))])
    return X, drawn(rng, 0.5 * rng.normal(size=(n_clusters, K))[clusters]), clusters


DESIGNS = {"": in_clusters, "unequal ": in_unequal_clusters}


def clustered_rates():
    """Return what is asked of clusters, by name, with its nominal rate."""
    asked = {
        "t(G - 1) intervals cover": LEVEL,
        "CR2 intervals cover": LEVEL,
        "t(G - 1) of a coefficient rejects": 1.0 - LEVEL,
        "F(1, G - 1) of it rejects": 1.0 - LEVEL,
        "chi2(1) of it rejects": 1.0 - LEVEL,
        "CR2 t of it rejects": 1.0 - LEVEL,
        "bootstrap of it rejects": 1.0 - LEVEL,
        "Webb's bootstrap of it rejects": 1.0 - LEVEL,
        "F(2, G - 1) of a term rejects": 1.0 - LEVEL,
        "chi2(2) of it rejects": 1.0 - LEVEL,
        "CR2 F of it rejects": 1.0 - LEVEL,
        "bootstrap of the term rejects": 1.0 - LEVEL,
        "Webb's bootstrap of the term rejects": 1.0 - LEVEL,
        "F(4, G - 1) of two terms rejects": 1.0 - LEVEL,
        "CR2 F of two terms rejects": 1.0 - LEVEL,
    }
    places = [f"{count} {kind}clusters: " for kind in DESIGNS for count in CLUSTERS]
    return {place + name: nominal for place in places for name, nominal in asked.items()}


def ask_clusters(rng, n_clusters, kind, note):
    """Simulate clusters once, and note what is found."""
    X, y, clusters = DESIGNS[kind](rng, n_clusters)
    model = fitted(X, y)
    if model.converged_:
        found = answers_of_clusters(model, X, y, clusters)
        for name, outcome in found.items():
            note(f"{n_clusters} {kind}clusters: {name}", outcome)


def answers_of_clusters(model, X, y, clusters):
    """Return which intervals cover and which tests reject that a feature, the first, has nothing to do with classes."""
    t, normal, cr2 = (
        infer(model, X, y, covariance=covariance, distribution=law, clusters=clusters, level=LEVEL)
        for covariance, law in (("cluster", "t"), ("cluster", "normal"), ("CR2", "t"))
    )
    contrast, both = np.identity(6)[1], {"both": [0, 1], "one": [0]}
    tables = {"t(G - 1)": t.coefficients, "CR2": cr2.coefficients}
    terms = {
        "F": t.test_terms("wald", both),
        "chi2": normal.test_terms("wald", both),
        "CR2": cr2.test_terms("wald", both),
    }
    p_values = {
        "t(G - 1) of a coefficient": t.coefficients.p_value[0, 1],
        "F(1, G - 1) of it": t.wald_test(contrast).p_value,
        "chi2(1) of it": normal.wald_test(contrast).p_value,
        "CR2 t of it": cr2.coefficients.p_value[0, 1],
        "F(2, G - 1) of a term": terms["F"].p_value[1],
        "chi2(2) of it": terms["chi2"].p_value[1],
        "CR2 F of it": terms["CR2"].p_value[1],
        "F(4, G - 1) of two terms": terms["F"].p_value[0],
        "CR2 F of two terms": terms["CR2"].p_value[0],
    }
    for weights, name in {"rademacher": "bootstrap", "webb": "Webb's bootstrap"}.items():
        for tested, of_what in ((contrast, "it"), ("x0", "the term")):
            test = t.bootstrap_test(tested, draws=DRAWS, weights=weights)
            p_values[f"{name} of {of_what}"] = test.p_value
    covers_0 = {
        f"{name} intervals cover": table.lower[0, 1] <= 0.0 <= table.upper[0, 1] for name, table in tables.items()
    }
    return covers_0 | {f"{name} rejects": p_value < 1.0 - LEVEL for name, p_value in p_values.items()}


def ask_rows(rng, n_simulations, rates, note):
    """Simulate rows, independent or in pairs, and note what is found."""
    truth = reference_coding(COEF, INTERCEPT)
    large = fitted(*curved(rng, MANY))
    best = reference_coding(large.coef_, large.intercept_)
    asked = {
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
    }
    rates.update({name: Rate(nominal) for name, nominal in asked.items()})
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


def main():
    """Simulate and print."""
    n_simulations = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rng = np.random.default_rng(SEED)
    rates = {}

    def note(name, outcome):
        rates[name].happened.append(outcome)

    if sys.argv[2:] != ["clusters"]:
        ask_rows(rng, n_simulations, rates, note)
    rates.update({name: Rate(nominal) for name, nominal in clustered_rates().items()})
    for _ in range(n_simulations):
        for kind in DESIGNS:
            for n_clusters in CLUSTERS:
                ask_clusters(rng, n_clusters, kind, note)

    print(f"softglm {softglm.__version__}, NumPy {np.__version__}, Python {platform.python_version()}")
    print(f"{n_simulations} simulations, n = {N}, K = {K}, p = {P}\n")
    for name, rate in rates.items():
        print(f"{name:58s} {rate}")


if __name__ == "__main__":
    main()
