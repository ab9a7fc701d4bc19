"""How small the marginal error has to be, in each precision."""

from typing import NamedTuple, TypeAlias

import jax.numpy as jnp
from jaxtyping import DTypeLike

from .._types import Scalar


class Tolerances(NamedTuple):
    """Holds the marginal error that a solver has to reach in each precision.

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


#: What `tol` of a solver is unless given: float32 has no more digits, and finite differences in float64 need them.
default_tol = Tolerances(float32=1e-6, float64=1e-10)

#: What a solver takes as `tol`; None asks for a fixed budget of steps.
Tolerance: TypeAlias = Scalar | Tolerances | None
