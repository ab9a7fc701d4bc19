"""Exact values with smooth derivatives."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

from jax.lax import stop_gradient
from jaxtyping import Array, Float

_Arguments = ParamSpec("_Arguments")


def straight_through(
    operator: Callable[_Arguments, Float[Array, "..."]],
) -> Callable[_Arguments, Float[Array, "..."]]:
    """An operator with the values of its exact form, `epsilon=0`, and the derivatives of its smooth one.

    Straight-through estimation (Bengio, Leonard and Courville 2013): a network sees ranks, masks or sorted values as
    they are when it is used, and learns by the derivatives of those at the epsilon or with the solver that are given.

    Args:
        operator: any operator, or a function that hands `epsilon` and `solver` on to operators.

    Returns:
        A function of the same arguments. It costs the smooth operator and the exact one.
    """

    @functools.wraps(operator)
    def straight(*args: Any, **options: Any) -> Float[Array, "..."]:
        smooth = operator(*args, **options)
        exact = operator(*args, **{**options, "solver": None, "epsilon": 0})
        # The difference is zero, bit for bit, but has a derivative.
        return stop_gradient(exact) + (smooth - stop_gradient(smooth))

    return straight
