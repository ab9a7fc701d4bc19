"""Type aliases shared by the whole package."""

from collections.abc import Callable
from typing import TypeAlias

from jaxtyping import Array, ArrayLike, Float

#: A number, or an array of shape `()`; a tracer counts as the latter.
Scalar: TypeAlias = float | int | Float[ArrayLike, ""]

#: An even convex function of the displacement `y - x`, applied elementwise.
Cost: TypeAlias = Callable[[Array], Array]

#: An increasing map `(values, weights) -> positions`, both of shape `(n,)`.
Squash: TypeAlias = Callable[[Array, Array], Array]
