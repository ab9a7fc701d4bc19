"""Transport plans, from which the operators read their answers."""

import abc

import equinox as eqx
from jaxtyping import Array, Float


class AbstractPlan(eqx.Module):
    """A transport plan P of shape `(n, m)`, used through its action on values.

    P_ij is the mass that goes from input i to target j.

    Example:
        See :doc:`/how_to/extending`.
    """

    @abc.abstractmethod
    def push(self, values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        """Returns (P^T v)_j / (P^T 1)_j: for each target j, the average of the values v that arrive there.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.push(x))
            [2.76 5.39 9.85]
        """

    @abc.abstractmethod
    def pull(self, values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        """Returns (P z)_i / a_i: for each input i, the average of the values z of the targets it goes to.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.pull(jnp.array([-1.0, 0.5, 3.0])))
            [-0.75  0.32 -0.1   1.9   2.79]
        """

    @abc.abstractmethod
    def log_upper(self) -> Float[Array, " n"]:
        """Returns log(pull([0, 1])) for a plan with two targets.

        This is the logarithm of the share of each input that the upper target receives. It is exact even where the
        share itself underflows.

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

        It is the pull of the target's `levels(share)`.

        Args:
            share: the share of a target's own mass that counts as below the target.
            at: positions of other inputs, whose levels are returned instead. The potential transports them as it
                transports the inputs of the problem.

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

        It is finite even where the share itself underflows. An exact plan has minus infinity for a share of zero. Where
        a wide gap separates the inputs, rounding leaves the potential undetermined, and shares across the gap may be
        wrong. For two targets, `log_upper` is exact there.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.log_shares())
            [[-0.11 -2.24 -6.75]
             [-4.27 -1.15 -0.4 ]
             [-2.37 -0.55 -1.11]]
        """

    @abc.abstractmethod
    def marginal_error(self) -> Float[Array, ""]:
        """Returns the marginal error sum_j abs(sum_i P_ij - b_j).

        The row sums equal the weights of the inputs by construction.

        Example:
            >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
            >>> print(otsort.solve(x, otsort.UniformTarget(3), epsilon=0.1).plan.marginal_error() < 1e-5)
            True
        """

    @abc.abstractmethod
    def transport_cost(self) -> Float[Array, ""]:
        """Returns sum_ij P_ij h(y_j - x_i), the mean cost of moving the mass, without the entropy.

        The x_i are the squashed values. The exact solver does not squash, so its cost is not comparable with that of
        the other solvers, unless the squash leaves the values as they are.

        Example:
            >>> x = jnp.array([0.1, 0.5, 0.4])
            >>> as_given = lambda x, weights: x
            >>> solution = otsort.solve(x, otsort.UniformTarget(3), squash=as_given, epsilon=0.01)
            >>> print(f"{solution.plan.transport_cost():.3f}")
            0.090
        """
