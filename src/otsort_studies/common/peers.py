"""Soft ranks by other packages, imported only here and only when they are asked for."""

import warnings

from jaxtyping import Array, Float

from otsort import SemiDual


def jaxopt_potential(dual: SemiDual, start: Float[Array, " m"], sweeps: int) -> Float[Array, " m"]:
    """The potential after some Sinkhorn sweeps by `jaxopt.FixedPointIteration`, with its implicit derivative."""
    with warnings.catch_warnings():  # jaxopt announces at import that it is no longer developed
        warnings.simplefilter("ignore", DeprecationWarning)
        from jaxopt import FixedPointIteration

    def sweep(potential: Float[Array, " m"], dual: SemiDual) -> Float[Array, " m"]:
        return potential - dual.epsilon * dual.log_marginal_ratio(potential)

    return FixedPointIteration(sweep, maxiter=sweeps, tol=0.0, implicit_diff=True).run(start, dual).params


def ott_ranks(
    x: Float[Array, " n"], epsilon: Float[Array, ""], m: int, sweeps: int, implicit: bool
) -> Float[Array, " n"]:
    """`ott.tools.soft_sort.ranks`, from 0, after some sweeps from its own start.

    Raises:
        ModuleNotFoundError: there is no ott.
    """
    from ott.solvers.linear.implicit_differentiation import ImplicitDiff
    from ott.tools import soft_sort

    # Not min_iterations = max_iterations: ott-jax 0.6.0 then runs its backward pass through the wrong states.
    return soft_sort.ranks(
        x,
        num_targets=m,
        epsilon=epsilon,
        threshold=0.0,
        inner_iterations=1,
        min_iterations=sweeps - 1,
        max_iterations=sweeps,
        implicit_diff=ImplicitDiff() if implicit else None,
    )
