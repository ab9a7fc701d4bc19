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
    """Returns an operator with the values of the exact operator and the derivatives of the soft operator.

    This is straight-through estimation (Bengio, Léonard and Courville, 2013). In training, a network then sees the same
    exact ranks, masks or sorted values (`epsilon=0`) as in use. It learns from the derivatives of the soft ones, at
    the epsilon or with the solver that is given.

    Args:
        operator: any operator, or a function that passes `epsilon` and `solver` on to operators.

    Returns:
        A function with the same arguments. A call costs as much as the smooth and the exact operator together. The
        answers of a list with an infinite value are NaN, as those of the smooth operator are.

    Raises:
        TypeError: operator is not a function; on use, it does not take `epsilon` and `solver`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> hard_rank = otsort.straight_through(otsort.rank)
        >>> print(hard_rank(x), jax.grad(lambda x: hard_rank(x)[1])(x))
        [1. 3. 2. 4. 5.] [ 0.01  0.24 -0.22 -0.02 -0.02]
    """
    if not callable(operator):
        raise TypeError(f"straight_through takes an operator such as otsort.rank, not its values, got {type(operator)}")

    @functools.wraps(operator)
    def straight(*args: Any, **options: Any) -> Float[Array, "..."]:
        smooth = operator(*args, **options)
        exact = operator(*args, **{**options, "solver": None, "epsilon": 0})
        # The difference is zero, bit for bit, but has a derivative.
        return stop_gradient(exact) + (smooth - stop_gradient(smooth))

    return straight
