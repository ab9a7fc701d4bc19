"""The functions that both regularisations share.

Sums over inputs and targets are computed in blocks where an n x m array would not fit in memory.
"""

import abc
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._xla import repeat_along, sum_along, varying_as
from .dual import AbstractDual

# Entries of an n x m array that may be in memory at once. Larger arrays are computed in blocks of rows or columns.
MAX_ENTRIES = 2**24


class AbstractSemiDual(AbstractDual):
    """A regularised problem in terms of its potential f, at all inputs.

    A regularisation determines the density S, which says how an input shares its mass among the targets.

    Attributes:
        problem: the problem of one list, or of many lists in the last axis.
        epsilon: regularisation.
    """

    @abc.abstractmethod
    def density_at(
        self, potential: Float[Array, "m *lists"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k m *lists"]:
        """Returns the density S for inputs at x; sum_j b_j S_ij = 1 for each."""

    @abc.abstractmethod
    def pull_at(
        self, potential: Float[Array, "m *lists"], values: Float[Array, "m *d"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k *d"]:
        """Returns the answer of `pull` for inputs at x; it does not depend on the mass of an input."""

    @abc.abstractmethod
    def push(self, potential: Float[Array, "m *lists"], values: Float[Array, "n *d"]) -> Float[Array, "m *d"]:
        """Returns P^T v / P^T 1: for each target, the average of the values v that arrive there."""

    @abc.abstractmethod
    def log_shares(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        """Returns log(P_ij / a_i), minus infinity for a share of zero."""

    def marginal_ratio(self, potential: Float[Array, "m *lists"]) -> Float[Array, "m *lists"]:
        """Returns s in one pass over the plan; far from the solution it may underflow."""
        return self._sum_over_inputs(lambda x, a: sum_along(a[:, None] * self.density_at(potential, x), 0))

    def pull(self, potential: Float[Array, "m *lists"], values: Float[Array, "m *d"]) -> Float[Array, "n *d"]:
        """Returns P z / a: for each input, the average of the values z of the targets it goes to."""
        return self.pull_at(potential, values, self.problem.positions)

    def transport_cost(self, potential: Float[Array, "m *lists"]) -> Float[Array, "*lists"]:
        """Returns sum_ij P_ij h(y_j - x_i), the mean cost of moving the mass."""
        return jnp.sum(self.problem.weights * self.cost_at(potential, self.problem.positions), axis=0)

    def cost_at(self, potential: Float[Array, "m *lists"], x: Float[Array, "k *lists"]) -> Float[Array, "k *lists"]:
        """Returns sum_j P(j | x) h(y_j - x), the mean cost of moving the mass of an input at x."""
        weights, points = self.problem.target_weights[None], self.problem.points[None]

        def costs(x: Float[Array, "k *lists"]) -> Float[Array, "k *lists"]:
            return sum_along(weights * self.density_at(potential, x) * self.problem.cost(points - x[:, None]), 1)

        return self._over_inputs(costs, x)

    def as_matrix(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        """Returns the plan P."""
        return self.problem.weights[:, None] * self.problem.target_weights[None, :] * self.density(potential)

    def density(self, potential: Float[Array, "m *lists"]) -> Float[Array, "n m *lists"]:
        """Returns the density S for all inputs."""
        return self.density_at(potential, self.problem.positions)

    def _exponents(
        self, potential: Float[Array, "m *lists"], x: Float[Array, "k *lists"]
    ) -> Float[Array, "k m *lists"]:
        displacement = self.problem.points[None, :] - repeat_along(x, 1, len(potential))
        return (repeat_along(potential, 0, len(x)) - self.problem.cost(displacement)) / self.epsilon

    def _over_inputs(self, function: Callable[..., Array], x: Float[Array, "k *lists"], *carried: Array) -> Array:
        return in_blocks(function, self.problem.target.size, x, *carried)

    def _over_targets(self, function: Callable[[Array], Array], y: Float[Array, "k *ones"]) -> Array:
        return in_blocks(function, len(self.problem.positions), y)

    def _sum_over_inputs(self, of_block: Callable[..., Any], *carried: Float[Array, "n *d"]) -> Any:
        """Returns the sum, over blocks of inputs, of a function of the inputs, their weights and other arrays."""
        x, a = self.problem.positions, self.problem.weights
        # Numerics: a matrix product over more inputs, as in `overlap`, would lose digits of float32.
        size = min(_block_size(self.problem.target.size), 2**14)
        if len(x) <= size:
            return of_block(x, a, *carried)
        # The last block is padded with copies of its last input, which have weight zero and so change no sum.
        others = (_blocks(array, size, mode="edge") for array in carried)
        blocks = _blocks(x, size, mode="edge"), _blocks(a, size, mode="constant"), *others
        zero = jax.tree.map(jnp.zeros_like, jax.eval_shape(of_block, *(array[0] for array in blocks)))
        zero = varying_as(zero, (self, blocks))
        # The derivative recomputes each block, because the densities of all blocks together would not fit in memory.
        add = jax.checkpoint(lambda total, block: (jax.tree.map(jnp.add, total, of_block(*block)), None))
        return jax.lax.scan(add, zero, blocks)[0]


def in_blocks(function: Callable[..., Array], width: int, *elements: Float[Array, "k *lists"]) -> Array:
    """Returns `function(*elements)`, computed block by block if it would need too much memory at once.

    Args:
        function: maps some of the elements to an array with a row for each.
        width: number of entries that the function holds for each element.
        elements: inputs or targets, and arrays with an entry for each.
    """
    size, count = _block_size(width), len(elements[0])
    if count <= size:
        return function(*elements)
    # The derivative recomputes each block instead of storing the entries of all.
    blocks = tuple(_blocks(array, size, mode="edge") for array in elements)
    answers = jax.lax.map(jax.checkpoint(lambda block: function(*block)), blocks)
    return answers.reshape(-1, *answers.shape[2:])[:count]


def _block_size(width: int) -> int:
    return max(1, MAX_ENTRIES // width)


def _blocks(array: Float[Array, "k *lists"], size: int, mode: str) -> Float[Array, "blocks size *lists"]:
    lists = array.shape[1:]
    padded = jnp.pad(array, [(0, -len(array) % size)] + [(0, 0) for _ in lists], mode=mode)
    return padded.reshape(-1, size, *lists)
