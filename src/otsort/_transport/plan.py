"""Transport plans, from which the operators read their answers."""

import abc

import equinox as eqx
from jaxtyping import Array, Float


class AbstractPlan(eqx.Module):
    """A plan P of shape `(n, m)`, known through its action on values.

    Example:
        See :doc:`/how_to/extending`.
    """

    @abc.abstractmethod
    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        """Returns P^T v / P^T 1: for each target, the average of the values that arrive there.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.push(x))
            [2.76 5.39 9.85]
        """

    @abc.abstractmethod
    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        """Returns P z / a: for each input, the average of the values of its targets.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.pull(jnp.array([-1.0, 0.5, 3.0])))
            [-0.75  0.32 -0.1   1.9   2.79]
        """

    @abc.abstractmethod
    def log_upper(self) -> Float[Array, " n"]:
        """Returns log(pull([0, 1])) for a plan with two targets, exact also where the share itself underflows.

        It is the logarithm of the share of each input that the upper target receives.

        Raises:
            ValueError: the plan does not have two targets.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(2), epsilon=0.1).plan.log_upper())
            [-5.01 -0.97 -1.93 -0.03 -0.  ]
        """

    @abc.abstractmethod
    def level(self, share: float, at: Float[Array, " k"] | None = None) -> Float[Array, " k"]:
        """Returns the level of each input, the mass of the targets below it, in [0, 1].

        It is pull of the target's `levels(share)`.

        Args:
            share: of a target's own mass, which counts as below the target.
            at: positions of other inputs, which the potential transports as it does those of the problem.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.level(0.5))
            [0.22 0.43 0.36 0.68 0.81]
        """

    @abc.abstractmethod
    def as_matrix(self) -> Float[Array, "n m"]:
        """Returns P itself, which has n m entries.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.as_matrix())
            [[0.17 0.03 0.  ]
             [0.06 0.11 0.02]
             [0.1  0.09 0.01]
             [0.01 0.08 0.12]
             [0.   0.02 0.18]]
        """

    @abc.abstractmethod
    def log_shares(self) -> Float[Array, "n m"]:
        """Returns log(P_ij / a_i), the logarithm of the share of each input that each target receives.

        It is finite also where the share itself underflows; an exact plan has minus infinity for a share of zero. Where
        a wide gap parts the inputs, rounding leaves the potential undetermined, and shares across the gap may be off.
        For two targets, `log_upper` is exact there.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.log_shares())
            [[-0.11 -2.24 -6.75]
             [-4.27 -1.15 -0.4 ]
             [-2.37 -0.55 -1.11]]
        """

    @abc.abstractmethod
    def marginal_error(self) -> Float[Array, ""]:
        """Returns sum_j abs(sum_i P_ij - b_j); the row sums equal the weights of the inputs by construction.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.marginal_error() < 1e-5)
            True
        """

    @abc.abstractmethod
    def transport_cost(self) -> Float[Array, ""]:
        """Returns sum_ij P_ij h(y_j - x_i), the mean cost of what the plan moves, without the entropy.

        The x_i are the squashed values. The exact solver does not squash, so its cost is not comparable with that of
        the other solvers, unless the squash leaves the values as they are.

        Example:
            >>> x = jnp.array([0.1, 0.5, 0.4])
            >>> as_given = lambda x, weights: x
            >>> solution = otsort.solve(x, otsort.UniformTarget(3), squash=as_given, epsilon=0.01)
            >>> print(f"{solution.plan.transport_cost():.3f}")
            0.090
        """
