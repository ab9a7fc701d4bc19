"""Tolerances of the marginal error, for each precision."""

from typing import NamedTuple, TypeAlias

import jax.numpy as jnp
from jaxtyping import DTypeLike

from .._types import Scalar


class Tolerances(NamedTuple):
    """The marginal error that a solver has to reach, for each precision.

    Attributes:
        float32: tolerance in float32, in which float16 and bfloat16 are computed too.
        float64: tolerance in float64.

    Example:
        >>> print(otsort.Newton().tol)
        Tolerances(float32=1e-06, float64=1e-10)
    """

    float32: Scalar
    float64: Scalar

    def of(self, dtype: DTypeLike) -> Scalar:
        """Returns the tolerance of a dtype."""
        return self.float64 if jnp.finfo(dtype).bits == 64 else self.float32


#: The default of the field `tol`. Float32 has no more digits, and finite differences in float64 need more of them.
default_tol = Tolerances(float32=1e-6, float64=1e-10)

#: The values that `tol` of a solver may have; None means a fixed number of steps.
Tolerance: TypeAlias = Scalar | Tolerances | None
