"""Do 95 % intervals cover 95 %, and do tests hold their level? Simulations with known truth, n = 500, K = 3.

    python benchmarks/coverage.py [SIMULATIONS]

Of eight coefficients the one whose rate is farthest from the nominal one is printed, and marked where binomial error
does not explain it: at 4 standard errors, so that one in two thousand is marked by chance.

- *true model*: classes drawn from a multinomial logit.
- *dependent rows*: rows come in pairs of the same class and the same features, so that there is half of the information
  that the model covariance believes in; the robust covariance by clusters knows.
- *curved*: the true predictor is a sine, and the coefficients mean its best approximation by a line: those of a fit to
  a million rows. Robust (HC0) intervals cover them.
"""

import platform
import sys
from dataclasses import dataclass, field

import numpy as np

import softglm
from softglm import SoftmaxGLM, infer

N, K, P = 500, 3, 3
LEVEL = 0.95
SEED = 20240501
MANY = 1_000_000
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

    print(f"softglm {softglm.__version__}, NumPy {np.__version__}, Python {platform.python_version()}")
    print(f"{n_simulations} simulations, n = {N}, K = {K}, p = {P}\n")
    for name, rate in rates.items():
        print(f"{name:44s} {rate}")


if __name__ == "__main__":
    main()
