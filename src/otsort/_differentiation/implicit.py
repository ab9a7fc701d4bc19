"""Differentiation by the implicit function theorem."""

import equinox as eqx
from jaxtyping import Array, Float

from .._transport.dual import AbstractDual
from .._xla import with_jvp
from .base import AbstractDifferentiation, AbstractIteration, Progress, run_undifferentiated


class Implicit(AbstractDifferentiation):
    """The derivative of the solution by the implicit function theorem, with one symmetric m x m solve.

    The derivative is exact at convergence; otherwise its error is of the order of the marginal error. Memory does not
    depend on the number of steps. Forward and reverse mode are supported, at any order.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> solver = otsort.Newton(0.05, differentiation=otsort.Implicit())
        >>> print(jax.grad(lambda x: otsort.rank(x, solver=solver)[1])(x))
        [-0.03  0.29 -0.17 -0.08 -0.01]
    """

    def run(self, iteration: AbstractIteration) -> tuple[Float[Array, "m *lists"], Progress]:
        potential, progress = run_undifferentiated(iteration)
        return solution_of(potential, iteration.dual), progress


def solution_of(potential: Float[Array, "m *lists"], dual: AbstractDual) -> Float[Array, "m *lists"]:
    """Returns the potential, with its derivative as a function of the problem that it solves.

    At a fixed potential, a change of the problem changes s by ds, the drift. With J of `Linearised`, the change of the
    potential that keeps s = 1 is df = -epsilon J^(-1) ds.
    """
    return with_jvp(lambda potential, dual: potential, _solution_jvp, potential, dual)


def _solution_jvp(primals, tangents):
    potential, dual = primals
    # The rule calls the function again, so that higher derivatives see the solution and not a constant.
    potential = solution_of(potential, dual)
    _, drift = eqx.filter_jvp(lambda dual: dual.marginal_ratio(potential), (dual,), (tangents[1],))
    linearised, _ = dual.linearised(potential)
    return potential, -dual.epsilon * linearised.solve(drift)
