"""Readings: the answers that operators read from the transport of one list."""

import abc

import equinox as eqx
from equinox import AbstractVar
from jaxtyping import Array, Float

from .._solver import AbstractSolver
from .._transport.target import AbstractTarget, UniformTarget
from .._types import Cost, Squash
from .axes import Axes, Dims
from .one_list import AbstractListFunction, OneList
from .transport import Transport


class AbstractReading(eqx.Module):
    """The part of an operator that differs from the others: it reads the answer for a list from its transport plans.

    It is a module, so that other numbers in its fields do not recompile, and equal readings are compiled once.

    Attributes:
        target: of the transport, or one of its type and size, from which the solver is chosen before the mask is known;
            None means a uniform point for each value.
    """

    target: AbstractVar[AbstractTarget | None]

    @abc.abstractmethod
    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, "..."]:
        """Returns the answer for one list, or for lists in the last axis.

        Args:
            one_list: the list, with arrays of shape `(n, *lists)`.
            transport: gives the plan to a target, by `plan_to`.
        """

    @abc.abstractmethod
    def dims(self, axes: Axes) -> Dims:
        """Returns the dimensions of the answers for all lists."""

    def peak_entries(self, n: int) -> int:
        """Returns about how many numbers it holds at once beside those of the solver, for a list of n values."""
        return 0


class ReadFromTransport(AbstractListFunction):
    """Squashes a list, and reads an answer from its transport.

    Attributes:
        reading: what is read.
        solver: of the transport.
        cost: of the transport.
        squash: of the values.
        throw: whether an answer raises if its solve failed.
    """

    reading: AbstractReading
    solver: AbstractSolver
    cost: Cost
    squash: Squash
    throw: bool

    def __call__(self, one_list: OneList) -> Float[Array, "..."]:
        return self.reading(one_list, Transport.of(one_list, self.squash, self.solver, self.cost, self.throw))

    def takes_lists_last(self, n: int) -> bool:
        return self.solver.takes_lists_last(n, self.reading.target or UniformTarget(n))

    def dims(self, axes: Axes) -> Dims:
        return self.reading.dims(axes)
