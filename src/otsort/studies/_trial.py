"""The data of all measurements, and what is taken for the truth."""

import functools

import jax.numpy as jnp
import numpy as np
import scipy.stats
from jaxtyping import Array, Float

import otsort

from ._reading import Reading, rank_gradient, read

SEED = 1905  # not 0, that of many data: weights equal to the values make a gradient that almost vanishes
REFERENCE_TOL = 1e-10


class Trial:
    """Values, weights of the sum of ranks that is differentiated, and references in float64.

    The reference at epsilon > 0 is `Newton` to a marginal error of 1e-10, differentiated by `Implicit`. Where it does
    not get there its numbers are NaN, and so are errors against them. At epsilon = 0 it is scipy's ranks and numpy's
    sort. The gradient of such ranks is zero everywhere; a relative error against it does not exist, and is NaN again.

    Attributes:
        x: the values in float32.
        weights: of the ranks, seeded normal numbers in float32.
        spread: range of the values.
    """

    def __init__(self, values: np.ndarray):
        if jnp.zeros(()).dtype != jnp.float64:
            raise RuntimeError('references need float64: jax.config.update("jax_enable_x64", True) before any array')
        self.x: Float[Array, " n"] = jnp.asarray(values, jnp.float32)
        self.weights: Float[Array, " n"] = jnp.asarray(
            np.random.default_rng(SEED).normal(size=values.size), jnp.float32
        )
        self.spread = float(np.ptp(values))
        self.reading = functools.cache(self._reading)
        self.gradient = functools.cache(self._gradient)

    def _reading(self, epsilon: float) -> Reading:
        if epsilon == 0:
            x = np.asarray(self.x)
            yes, zero = jnp.asarray(True), jnp.zeros(())
            return Reading(jnp.asarray(scipy.stats.rankdata(x)), jnp.asarray(np.sort(x)), yes, zero, zero, zero)
        reading = read(self.x.astype(jnp.float64), _reference(epsilon))
        if reading.successful and reading.marginal_error <= REFERENCE_TOL:  # a solver may raise its tolerance
            return reading
        lost = jnp.full(self.x.shape, jnp.nan)
        return Reading(lost, lost, jnp.asarray(False), reading.steps, reading.marginal_error, reading.tol)

    def _gradient(self, epsilon: float) -> Float[Array, " n"]:
        if epsilon == 0 or not self.reading(epsilon).successful:
            return jnp.full(self.x.shape, jnp.nan)
        return rank_gradient(self.x.astype(jnp.float64), _reference(epsilon), self.weights.astype(jnp.float64))

    def gradient_error(self, gradient: Float[Array, " n"], epsilon: float) -> float:
        """Relative l2 error of a gradient."""
        truth = self.gradient(epsilon)
        return float(jnp.linalg.norm(gradient - truth) / jnp.linalg.norm(truth))


def _reference(epsilon: float) -> otsort.AbstractSolver:
    # The very epsilon that float32 solvers see.
    epsilon64 = jnp.asarray(epsilon, jnp.float32).astype(jnp.float64)
    return otsort.Newton(epsilon64, tol=REFERENCE_TOL, differentiation=otsort.Implicit())
