"""The data of all measurements, and what is taken for the truth."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float

import otsort

from ..common import outcome
from ..common.data import REFERENCE_TOL, rank_weights
from ..common.verdict import Verdict


@eqx.filter_jit
def read(
    x: Float[Array, " n"], solver: otsort.AbstractSolver
) -> tuple[Verdict, Float[Array, " n"], Float[Array, " n"]]:
    """Solves and reads ranks and sorted values; never raises for a solve that failed."""
    solution, ranks = _solve(x, solver)
    sorted_values = solution.plan.push(x)
    return Verdict.of(solution, ranks, sorted_values), ranks, sorted_values


@eqx.filter_jit
def rank_gradient(
    x: Float[Array, " n"], solver: otsort.AbstractSolver, weights: Float[Array, " n"]
) -> Float[Array, " n"]:
    """Gradient in x of the weighted sum of the ranks."""
    return jax.grad(lambda x: jnp.vdot(weights, _solve(x, solver)[1]))(x)


def _solve(x: Float[Array, " n"], solver: otsort.AbstractSolver) -> tuple[otsort.Solution, Float[Array, " n"]]:
    """The solution, and n times the soft cumulative distribution function: the ranks, as targets are uniform."""
    solution = otsort.solve(x, otsort.UniformTarget(x.size, x.dtype), solver=solver, throw=False)
    return solution, x.size * solution.plan.level(1.0)


class Trial:
    """Values, weights of the sum of ranks that is differentiated, and references in float64.

    The reference at epsilon > 0 is `Newton` to a marginal error of 1e-10, differentiated by `Implicit`. Where it does
    not get there its numbers are NaN, and so are errors against them. At epsilon = 0 it is scipy's ranks and numpy's
    sort. The gradient of such ranks is zero everywhere; a relative error against it does not exist, and is NaN again.

    Attributes:
        x: the values in float32.
        weights: of the ranks in float32.
    """

    def __init__(self, values: tuple[float, ...]):
        self.x: Float[Array, " n"] = jnp.asarray(values, jnp.float32)
        self.weights: Float[Array, " n"] = jnp.asarray(rank_weights(self.x.size), jnp.float32)
        self.reading = functools.cache(self._reading)
        self.gradient = functools.cache(self._gradient)

    def _reading(self, epsilon: float) -> tuple[str, float, np.ndarray, np.ndarray]:
        """Outcome, marginal error, ranks and sorted values."""
        if epsilon == 0:
            x = np.asarray(self.x, float)
            return outcome.EXACT, 0.0, scipy.stats.rankdata(x), np.sort(x)
        verdict, ranks, sorted_values = read(self.x.astype(float), _reference(epsilon))
        error = float(verdict.marginal_error)
        word = verdict.outcome()
        if word == outcome.CONVERGED and error > REFERENCE_TOL:  # a solver may raise its tolerance
            word = outcome.NOT_CONVERGED
        lost = 0.0 if word == outcome.CONVERGED else np.nan
        return word, error, np.asarray(ranks) + lost, np.asarray(sorted_values) + lost

    def _gradient(self, epsilon: float) -> np.ndarray:
        if self.reading(epsilon)[0] != outcome.CONVERGED:
            return np.full(self.x.shape, np.nan)
        return np.asarray(rank_gradient(self.x.astype(float), _reference(epsilon), self.weights.astype(float)))

    def gradient_error(self, gradient: Float[Array, " n"], epsilon: float) -> float:
        """Relative l2 error of a gradient."""
        truth = self.gradient(epsilon)
        return float(np.linalg.norm(gradient - truth) / np.linalg.norm(truth))


def _reference(epsilon: float) -> otsort.AbstractSolver:
    # The very epsilon that float32 solvers see.
    epsilon64 = jnp.asarray(epsilon, jnp.float32).astype(float)
    return otsort.Newton(epsilon64, tol=REFERENCE_TOL, differentiation=otsort.Implicit())
