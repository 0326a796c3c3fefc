"""The minimum of the objective in 80-bit arithmetic, from the formula alone: it shares no line with softglm.

    f = (1/W) sum_i w_i [ m_i A(eta_i) - <t_i, eta_i> ] + alpha/2 ||B||^2,    eta_i = B' x_i + b + o_i

Everything is `np.longdouble`, which has 64 bits of mantissa on x86 and is double elsewhere: there this file refuses.

*Coordinates.* The columns, the constant among them and the rows of the penalty beneath them, are orthogonalised by
pivoted Gram-Schmidt in pairs of long doubles, 128 bits: columns 1e13 spreads from 0, or collinear to the last bit of a
double, lose nothing. In these coordinates f is well conditioned, and coefficients that a fit returned are brought there
exactly as they are. Only what is 0 to 1e-33 of a column is dropped.

*Gaps.* f(here) - f(there) is not subtracted but summed from the divergences of rows, which are at least 0: it keeps its
digits where it is 1e-30. Whatever `there` is, that is at most the true gap of `here`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

REAL = np.longdouble
EPS = np.finfo(REAL).eps
# Of the norm of a column: what Gram-Schmidt in pairs leaves of a column that depends on others.
_NOTHING = REAL(1e-33)
_SPLITTER = REAL(2**32 + 1)
# Of exp(u) - 1 - u: terms of its series, and where it is used.
_TERMS, _SMALL = 22, 0.5
# Logarithms of probabilities are cut there: subnormal squares would cost a hundred times as much. Beyond moves of eta
# that are far smaller, differences of f come from logarithms that are not cut.
_LEAST, _LARGE = -2400.0, 1e3
_ITERATIONS = 100
# Twice the distance in f at which Newton's method has arrived.
_ARRIVED = REAL(1e-37)
# Nats by which a step moves eta at most where it is taken whole: Newton's method converges quadratically there.
_NEAR = 0.1
# Of 1 + f: the least square of a decrement that a line search can tell.
_RESOLVED = 1e-17
# Beyond which so many steps are taken at most.
_BLIND_STEPS = 25
_ARMIJO, _TRIALS = 1e-4, 16
# Of 1, below which self-concordance proves that a minimiser exists.
_SAFELY = 0.25
# Of rows of unit length: what linear programming calls 0, what is clearly not, and what 80 bits leave of 0.
_TOUCHES, _CLEAR, _ZERO = 1e-7, 1e-6, 1e-17
_RANK = 1e-11


def check_arithmetic():
    """Raise where long double has no more digits than double."""
    if EPS > 2.0**-60:
        raise RuntimeError(
            f"np.longdouble has a resolution of {EPS:.1e} on this machine, expected 1.1e-19, the 80-bit format of x86. "
            "Run the reference there."
        )


# Pairs: an unevaluated sum of two arrays, the second at most half an ulp of the first.


def _renormalised(high, low):
    both = high + low
    return both, low - (both - high)


def _two_sum(one, other):
    both = one + other
    back = both - one
    return both, (one - (both - back)) + (other - back)


def _split(values):
    scaled = _SPLITTER * values
    high = scaled - (scaled - values)
    return high, values - high


def add(one, other):
    """Return the sum of two pairs."""
    high, error = _two_sum(one[0], other[0])
    low, error_of_low = _two_sum(one[1], other[1])
    high, error = _renormalised(high, error + low)
    return _renormalised(high, error + error_of_low)


def multiply(one, other):
    """Return the product of two pairs."""
    (high, low), (other_high, other_low) = _split(one[0]), _split(other[0])
    product = one[0] * other[0]
    error = ((high * other_high - product) + high * other_low + low * other_high) + low * other_low
    return _renormalised(product, error + (one[0] * other[1] + one[1] * other[0]))


def negative(pair):
    """Return minus a pair."""
    return -pair[0], -pair[1]


def divide(one, other):
    """Return the quotient of two pairs."""
    first = one[0] / other[0]
    rest = add(one, negative(multiply((first, np.zeros_like(first)), other)))
    return _renormalised(first, rest[0] / other[0])


def total(pair):
    """Return the sum over the first axis of a pair, halving it."""
    while len(pair[0]) > 1:
        half = len(pair[0]) // 2
        folded = add(*([part[cut] for part in pair] for cut in (slice(half), slice(half, 2 * half))))
        if len(pair[0]) % 2:
            folded = tuple(np.concatenate([part, whole[-1:]]) for part, whole in zip(folded, pair, strict=True))
        pair = folded
    return pair[0][0], pair[1][0]


def exact(values):
    """Return doubles or long doubles as a pair."""
    high = np.asarray(values, dtype=REAL)
    return high, np.zeros_like(high)


def power_of_two(values):
    """Return for each value above 0 a power of two within a factor of two of it; 1 for 0."""
    mantissa, exponent = np.frexp(np.asarray(values, dtype=REAL))
    return np.where(mantissa > 0, np.ldexp(REAL(1), exponent), REAL(1))


def orthogonalised(columns, n_first=0):
    """Return a basis of what columns span, orthogonal to 128 bits, and the columns in it.

    Parameters
    ----------
    columns : long double array of shape (m, d)
    n_first : int
        So many go first; the others by what is left of them.

    Returns
    -------
    basis : long double array of shape (m, r)
        Columns of norms between 1 and 2, rounded.
    factor : pair of arrays of shape (r, d)
        columns = basis @ factor.
    """
    units = power_of_two(np.sqrt((columns**2).sum(axis=0)))
    rest, d = exact(columns / units), columns.shape[1]
    basis, factor, left = [], tuple(np.zeros((d, d), dtype=REAL) for _ in range(2)), list(range(d))
    for step in range(d):
        lengths = np.sqrt((rest[0][:, left] ** 2).sum(axis=0))
        place = 0 if step < n_first else int(lengths.argmax())
        if lengths[place] <= _NOTHING:
            break
        unit, pivot = power_of_two(lengths[place]), left.pop(place)
        direction = tuple(part[:, pivot, np.newaxis] / unit for part in rest)
        factor[0][step, pivot] = unit
        basis.append(direction[0][:, 0])
        if left:
            others = tuple(part[:, left] for part in rest)
            square = total(multiply(direction, direction))
            shares = divide(total(multiply(direction, others)), square)
            reduced = add(others, negative(multiply(direction, tuple(part[np.newaxis] for part in shares))))
            for k in range(2):
                rest[k][:, left], factor[k][step, left] = reduced[k], shares[k]
    r = len(basis)
    basis = np.array(basis, dtype=REAL).reshape(r, len(columns)).T
    return np.ascontiguousarray(basis), tuple(part[:r] * units for part in factor)


def applied(factor, values):
    """Return a pair of matrices times a pair of matrices, rounded to long double."""
    product = multiply(
        tuple(part.T[:, :, np.newaxis] for part in factor), tuple(part[:, np.newaxis, :] for part in values)
    )
    if not len(product[0]):
        return np.zeros((factor[0].shape[0], values[0].shape[1]), dtype=REAL)
    return total(product)[0]


def cholesky(matrix):
    """Return the lower factor; a pivot that is nothing but rounding becomes infinite: nothing moves along it."""
    size = len(matrix)
    lower = np.zeros_like(matrix)
    for j in range(size):
        column = matrix[j:, j] - lower[j:, :j] @ lower[j, :j]
        if column[0] > 16 * size * EPS * matrix[j, j]:
            lower[j:, j] = column / np.sqrt(column[0])
        else:
            lower[j, j] = np.inf
    return lower


def solve(lower, vector):
    """Return the solution of lower @ lower.T @ x = vector."""
    x = _forward(lower, vector)
    for j in reversed(range(len(x))):
        x[j] /= lower[j, j]
        x[:j] -= lower[j, :j] * x[j]
    return x


def _forward(lower, right):
    """Return the solution of lower @ x = right, a vector or a matrix."""
    x = np.zeros_like(right)
    for j in range(len(x)):
        x[j] = (right[j] - lower[j, :j] @ x[:j]) / lower[j, j]
    return x


def _exp_less_linear(u):
    """Return exp(u) - 1 - u with all its digits."""
    series = np.zeros_like(u)
    for k in range(_TERMS, 1, -1):
        series = (series + 1) * u / k
    return np.where(np.abs(u) < _SMALL, series * u, np.expm1(u) - u)


@dataclass(frozen=True, eq=False)
class Point:
    """Where f was evaluated.

    Attributes
    ----------
    parameters : long double array of shape (r, q)
    value : long double
    gradient : long double array of shape (r, q)
    mean : long double array of shape (n, K)
        Class probabilities.
    logs : long double array of shape (n, K)
        Their logarithms.
    """

    parameters: np.ndarray
    value: np.longdouble
    gradient: np.ndarray
    mean: np.ndarray
    logs: np.ndarray


@dataclass(frozen=True, eq=False)
class Objective:
    """f in orthogonal coordinates; one class is the pivot, of the others eta is what it has more than that.

    Attributes
    ----------
    basis : long double array of shape (n, r)
    penalised : long double array of shape (p, r)
        Times the parameters, the coefficients that are penalised.
    strength : long double
        Of that penalty.
    coupling : long double array of shape (q, q)
        The squared norm of centred coefficients, as a form in differences from the pivot.
    shares : long double array of shape (n, K)
        w_i t_ik / W.
    offset : long double array of shape (n, K)
        The largest of a row is 0.
    others : int array of shape (q,)
        The classes that are not the pivot.
    """

    basis: np.ndarray
    penalised: np.ndarray
    strength: np.longdouble
    coupling: np.ndarray
    shares: np.ndarray
    offset: np.ndarray
    others: np.ndarray

    @property
    def weights(self):
        """w_i m_i / W, shape (n,)."""
        return self.shares.sum(axis=1)

    @property
    def origin(self):
        """Parameters of 0."""
        return np.zeros((self.basis.shape[1], len(self.others)), dtype=REAL)

    def eta(self, parameters):
        """Return eta without the offset, shape (n, K)."""
        eta = np.zeros_like(self.offset)
        eta[:, self.others] = self.basis @ parameters
        return eta

    def at(self, parameters):
        """Return f and its gradient."""
        eta = self.eta(parameters) + self.offset
        eta = eta - eta.max(axis=1, keepdims=True)
        exponentials = np.exp(np.maximum(eta, _LEAST))
        sums = exponentials.sum(axis=1, keepdims=True)
        mean, logs = exponentials / sums, eta - np.log(sums)
        residual = (self.weights[:, np.newaxis] * mean - self.shares)[:, self.others]
        coef = self.penalised @ parameters @ self.coupling
        gradient = self.basis.T @ residual + self.strength * (self.penalised.T @ coef)
        loss = -np.where(self.shares > 0, self.shares * logs, 0).sum()
        return Point(parameters, loss + self.penalty(parameters), gradient, mean, logs)

    def penalty(self, parameters):
        """Return the penalty."""
        coef = self.penalised @ parameters
        return self.strength / 2 * (coef * (coef @ self.coupling)).sum()

    def hessian(self, point):
        """Return the Hessian, shape (q r, q r), the classes outside."""
        r, q = self.basis.shape[1], len(self.others)
        mean, hessian = point.mean[:, self.others], np.zeros((q * r, q * r), dtype=REAL)
        gram = self.strength * (self.penalised.T @ self.penalised)
        for a in range(q):
            for b in range(a + 1):
                # 1 - mu without its cancellation, where mu is nearly 1.
                factor = -mean[:, b] if a != b else np.delete(point.mean, self.others[a], axis=1).sum(axis=1)
                weighted = self.basis * (self.weights * mean[:, a] * factor)[:, np.newaxis]
                block = weighted.T @ self.basis + self.coupling[a, b] * gram
                hessian[a * r : (a + 1) * r, b * r : (b + 1) * r] = block
                hessian[b * r : (b + 1) * r, a * r : (a + 1) * r] = block.T
        return hessian

    def gap(self, parameters, anchor):
        """Return f(parameters) - f(anchor), and by how much rounding may have changed it.

        The second is some 64 units in the last place of every eta, to first order.
        """
        moved = parameters - anchor.parameters
        delta = self.eta(moved)
        # A(eta + delta) - A(eta) - <mu, delta> = log E exp(u), with E u = 0.
        u = delta - (anchor.mean * delta).sum(axis=1, keepdims=True)
        small = np.abs(u).max(axis=1) < _LARGE
        with np.errstate(over="ignore", invalid="ignore"):
            near = np.log1p((anchor.mean * _exp_less_linear(u)).sum(axis=1))
        logs = anchor.logs + u
        largest = logs.max(axis=1)
        far = largest + np.log(np.exp(np.maximum(logs - largest[:, np.newaxis], _LEAST)).sum(axis=1))
        divergence = (self.weights * np.maximum(np.where(small, near, far), 0)).sum() + self.penalty(moved)
        size = np.abs(self.basis) @ (np.abs(parameters) + np.abs(anchor.parameters))
        size = size.max(axis=1) + 1 + np.where(self.shares > 0, -self.offset, 0).max(axis=1)
        size, length = (np.sqrt((self.weights * part**2).sum()) for part in (size, np.abs(delta).max(axis=1)))
        noise = 64 * EPS * size
        # The mean moves by no more than eta does, and by no more than 2.
        error = 64 * EPS * divergence + noise * min(length + np.sqrt(2 * divergence) + noise, 2)
        # Of an anchor that is no minimum: the rounding of both parameters.
        error += 4 * EPS * (np.abs(anchor.gradient) * (np.abs(parameters) + np.abs(anchor.parameters))).sum()
        return divergence + (anchor.gradient * moved).sum(), error


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where Newton's method ended.

    Attributes
    ----------
    point : Point
    decrement : long double
        The Newton decrement there, about sqrt(2 (f - f*)).
    lower : long double array
        The factor of the Hessian there.
    """

    point: Point
    decrement: np.longdouble
    lower: np.ndarray

    def exists(self, objective):
        """Tell whether self-concordance proves that there is a minimiser, and that it is here.

        F. Bach, Self-concordant analysis for logistic regression, 2010, doi:10.1214/09-EJS521: it is enough that the
        decrement times the largest norm of a contrast of a row, in the inverse Hessian, is below 1. Without a penalty
        that has to hold whatever rounding did to the gradient; with one there is a minimiser anyway.
        """
        if not np.isfinite(np.diag(self.lower)).all() or not self.decrement < _SAFELY:
            return False
        (n, r), q, norms = objective.basis.shape, len(objective.others), []
        for place in range(q):
            rows = np.zeros((q * r, n), dtype=REAL)
            rows[place * r : (place + 1) * r] = objective.basis.T
            norms.append(np.sqrt((_forward(self.lower, rows) ** 2).sum(axis=0)))
        two = np.sort(norms, axis=0)[-2:].sum(axis=0)
        decrement = self.decrement
        if not objective.strength > 0:
            size = np.abs(objective.eta(self.point.parameters)).max(axis=1)
            variance = 1 - self.point.mean.max(axis=1)
            decrement += EPS * (objective.weights * two * (8 + 64 * size * variance)).sum()
        return bool(decrement * two.max() < _SAFELY)


def minimised(objective, start):
    """Return where damped Newton steps lead: until the decrement is nothing, or falls no more."""
    point, last, found, n_blind = objective.at(start), np.inf, None, 0
    for _ in range(_ITERATIONS):
        lower = cholesky(objective.hessian(point))
        step = -solve(lower, point.gradient.T.ravel()).reshape(len(objective.others), -1).T
        squared = -(point.gradient * step).sum()
        if squared > last / 4:
            break
        found = Minimum(point, np.sqrt(max(squared, REAL(0))), lower)
        change = objective.eta(step)
        moves = (change.max(axis=1) - change.min(axis=1)).max()
        last = squared if moves < _NEAR else np.inf
        is_blind = moves >= _NEAR and squared <= _RESOLVED * (1 + point.value)
        n_blind += is_blind
        if not squared > _ARRIVED or n_blind > _BLIND_STEPS:
            break
        # Self-concordance promises a descent at that length; f tells what a longer step does, while it resolves it.
        safe = np.log1p(moves) / moves if moves >= _NEAR else REAL(1)
        if is_blind or moves < _NEAR:
            point = objective.at(point.parameters + safe * step)
        else:
            point = _fallen(objective, point, step, squared, safe)
        if point is None:
            break
    return found


def _fallen(objective, point, step, squared, least):
    """Return where f is lower by a share of what the step promises, or None."""
    length, ratio = REAL(1), min(REAL(0.5), least ** (REAL(1) / _TRIALS))
    while length >= least * ratio:
        following = objective.at(point.parameters + length * step)
        if following.value <= point.value - _ARMIJO * length * squared:
            return following
        length *= ratio
    return None


def separation(objective):
    """Return parameters that separate the classes, of length at most 1 in every entry; None if none was found.

    Linear programming in double precision proposes which rows touch; in extended precision the proposal is moved to
    where these touch exactly, and all others have to stay clear.
    """
    forms = _margins(objective)
    found = linprog(
        -np.asarray(forms.sum(axis=0), dtype=float),
        A_ub=-np.asarray(forms, dtype=float),
        b_ub=np.zeros(len(forms)),
        bounds=(-1, 1),
        method="highs",
    )
    if found.status != 0 or not -found.fun > _CLEAR:
        return None
    candidate = np.asarray(found.x, dtype=REAL)
    touching = forms @ candidate < _TOUCHES
    candidate = _cleared(forms[touching], candidate)
    margins = forms @ candidate
    zeros, clear = np.abs(margins) <= _ZERO * np.abs(candidate).max() * len(candidate), margins > _TOUCHES / 8
    return candidate if (zeros | clear).all() and clear.any() else None


def _margins(objective):
    """Return the rows, of length 1, that have to be at least 0: eta of an observed class less that of another."""
    forms, q = [], len(objective.others)
    K, r = objective.shares.shape[1], objective.basis.shape[1]
    places = {int(k): place for place, k in enumerate(objective.others)}
    for k in range(K):
        for other in range(K):
            rows = objective.basis[objective.shares[:, k] > 0]
            if k == other or not len(rows):
                continue
            form = np.zeros((len(rows), r, q), dtype=REAL)
            if k in places:
                form[:, :, places[k]] += rows
            if other in places:
                form[:, :, places[other]] -= rows
            forms.append(form.reshape(len(rows), -1))
    forms = np.concatenate(forms)
    lengths = np.sqrt((forms**2).sum(axis=1, keepdims=True))
    return forms[lengths[:, 0] > 0] / lengths[lengths[:, 0] > 0]


def _cleared(rows, vector):
    """Return the vector less its part in the span of rows."""
    rest = rows.copy()
    for _ in range(len(vector)):
        lengths = (rest**2).sum(axis=1)
        if not len(lengths) or lengths.max() <= _RANK**2:
            break
        direction = rest[lengths.argmax()] / np.sqrt(lengths.max())
        for _ in range(2):
            rest = rest - np.outer(rest @ direction, direction)
            vector = vector - (vector @ direction) * direction
    return vector
