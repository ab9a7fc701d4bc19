"""A decreasing epsilon within one solve."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._checks import checked
from .._types import Scalar


class EpsilonSchedule(eqx.Module):
    """An epsilon that decays geometrically within one solve: sweep t runs at max(target, start * decay^t).

    A sweep is one step of `LogSinkhorn`. It starts from the potential of the sweep before.

    Attributes:
        target: the epsilon of the answer, > 0.
        start: the epsilon of the first sweep; it has an effect only above the target.
        decay: the factor from one sweep to the next, in (0, 1).

    Raises:
        ValueError: a value outside its range (RuntimeError when traced).

    Example:
        >>> schedule = otsort.EpsilonSchedule(0.1, start=0.8, decay=0.5)
        >>> print(schedule(jnp.arange(5)))
        [0.8 0.4 0.2 0.1 0.1]
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.rank(x, solver=otsort.LogSinkhorn(schedule)))
        [1.61 2.69 2.31 3.85 4.54]
    """

    target: Float[Array, ""]
    start: Float[Array, ""]
    decay: Float[Array, ""]

    def __init__(self, target: Scalar, start: Scalar = 1.0, decay: Scalar = 0.5):
        positive = lambda epsilon: epsilon > 0
        self.target = checked(target, positive, "target", "must be positive (the epsilon of the last sweeps)")
        self.start = checked(start, positive, "start", "must be positive (the epsilon of the first sweep)")
        self.decay = checked(decay, lambda decay: (decay > 0) & (decay < 1), "decay", "must lie between 0 and 1")

    def __call__(self, sweep: Int[Array, ""]) -> Float[Array, ""]:
        """Returns the epsilon of a sweep, counted from 0; an array of sweeps is treated elementwise."""
        return jnp.maximum(self.target, self.start * self.decay ** sweep.astype(self.decay.dtype))
