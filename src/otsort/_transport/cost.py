"""Ground costs: even convex functions of the displacement."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import checked
from .._types import Scalar


class AbstractCost(eqx.Module):
    """A ground cost h(y - x), with h even and convex.

    Any callable with these properties may be passed as a cost; this class only names them. If h is strictly convex, the
    operators tend to the exact ones as epsilon -> 0. For h(u) = abs(u) the optimal plan is not unique, and they do not.

    Example:
        See :doc:`/how_to/extending`.
    """

    @abc.abstractmethod
    def __call__(self, displacement: Array) -> Array:
        """Returns h(u) for each entry u of an array of any shape."""


class SquaredCost(AbstractCost):
    """The cost h(u) = u^2.

    Example:
        >>> print(otsort.SquaredCost()(jnp.array([-0.5, 2.0])))
        [0.25 4.  ]
    """

    def __call__(self, displacement: Array) -> Array:
        return jnp.square(displacement)


#: The cost when the option `cost` is not given.
SQUARED = SquaredCost()


class PowerCost(AbstractCost):
    """The cost h(u) = abs(u)^p.

    Attributes:
        p: exponent, at least 1; a smaller one raises ValueError.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.rank(x, cost=otsort.PowerCost(1.5)))
        [1.01 2.97 2.03 4.   5.  ]
    """

    p: Float[Array, ""]

    def __init__(self, p: Scalar):
        self.p = checked(p, lambda p: p >= 1, "p", "must be at least 1 (the exponent of a PowerCost)")

    def __call__(self, displacement: Array) -> Array:
        return jnp.abs(displacement) ** jnp.asarray(self.p, displacement.dtype)
