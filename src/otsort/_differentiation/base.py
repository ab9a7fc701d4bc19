"""The interface between iterations, which know nothing of derivatives, and the strategies that differentiate them."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
from equinox import AbstractVar
from jaxtyping import Array, Bool, Float, Int

from .._transport.dual import AbstractDual
from .._xla import anywhere, for_each_list, kept, select_lists


class AbstractState(eqx.Module):
    """The state of a solver between two steps.

    Attributes:
        marginal_error: marginal error of the potential. It is infinite as long as it must not end the loop, and NaN
            where the solve broke down.

    Example:
        See :doc:`/how_to/extending`.
    """

    marginal_error: AbstractVar[Float[Array, "*lists"]]


class Progress(NamedTuple):
    """The state of an iteration, and the number of steps taken.

    Example:
        >>> class Detached(otsort.AbstractDifferentiation):
        ...     def run(self, iteration):
        ...         potential, progress = otsort.Implicit().run(iteration)
        ...         return jax.lax.stop_gradient(potential), progress
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> solver = otsort.Newton(differentiation=Detached())
        >>> print(jax.grad(lambda x: otsort.rank(x, solver=solver)[1])(x))
        [-0.13  0.38 -0.11 -0.08 -0.06]
    """

    state: AbstractState
    num_steps: Int[Array, "*lists"]


class AbstractIteration(eqx.Module):
    """The iteration of a solver on one problem.

    Its methods depend on its fields alone, so that a strategy can make the fields constants for derivatives.

    Attributes:
        dual: the problem.

    Example:
        See :doc:`/how_to/extending`.
    """

    dual: AbstractVar[AbstractDual]

    @property
    @abc.abstractmethod
    def takes_lists_last(self) -> bool:
        """Returns whether the iteration has one list, and many such lists should be solved in a last axis."""

    @property
    @abc.abstractmethod
    def max_steps(self) -> int:
        """Returns the largest number of steps."""

    @property
    @abc.abstractmethod
    def fixed_budget(self) -> bool:
        """Returns whether exactly max_steps steps are taken, whatever the error."""

    @abc.abstractmethod
    def begin(self) -> tuple[Any, Progress]:
        """Returns the constants that all steps need, and the progress before the first step."""

    @abc.abstractmethod
    def step(self, constants: Any, progress: Progress) -> Progress:
        """Returns the progress after one more step."""

    @abc.abstractmethod
    def undifferentiated_step(self, constants: Any, progress: Progress) -> Progress:
        """Returns the progress after one more step, which will not be differentiated."""

    @abc.abstractmethod
    def unfinished(self, progress: Progress) -> Bool[Array, "*lists"]:
        """Returns whether another step is due."""

    @abc.abstractmethod
    def potential(self, constants: Any, progress: Progress) -> Float[Array, "m *lists"]:
        """Returns the potential f that the iteration has reached."""


class AbstractDifferentiation(eqx.Module):
    """A strategy that runs an iteration so that its potential has a derivative.

    Example:
        See :doc:`/how_to/extending`.
    """

    @abc.abstractmethod
    def run(self, iteration: AbstractIteration) -> tuple[Float[Array, " m"], Progress]:
        """Returns the potential and the last progress."""


def undifferentiated(tree: Any) -> Any:
    """Returns the same tree with arrays that are constants for derivatives."""
    arrays, rest = eqx.partition(tree, eqx.is_array)
    return eqx.combine(jax.lax.stop_gradient(arrays), rest)


def run_undifferentiated(iteration: AbstractIteration) -> tuple[Float[Array, "m *lists"], Progress]:
    """Returns the potential and the last progress of an iteration, without derivatives."""
    iteration = undifferentiated(iteration)
    if not iteration.takes_lists_last:
        return kept(_run(iteration))
    function = _WithoutList(eqx.tree_at(_list, iteration, (None, None)))
    return kept(for_each_list(function, _list(iteration), lists_last=True))


class _WithoutList(eqx.Module):
    """An iteration without its positions and weights, as a function of these."""

    iteration: AbstractIteration

    def __call__(self, positions_and_weights: tuple[Array, Array]) -> tuple[Array, Progress]:
        return _run(eqx.tree_at(_list, self.iteration, positions_and_weights, is_leaf=lambda leaf: leaf is None))


def _list(iteration: Any) -> Any:
    problem = iteration.dual.problem
    return problem.positions, problem.weights


def _run(iteration: AbstractIteration) -> tuple[Float[Array, "m *lists"], Progress]:
    constants, progress = iteration.begin()

    # XLA: the loop runs until the last list is done, so the whole batch has one condition (see `anywhere`). A list that
    # is done keeps its progress.
    def step(progress: Progress) -> Progress:
        return select_lists(
            iteration.unfinished(progress), iteration.undifferentiated_step(constants, progress), progress
        )

    progress = jax.lax.while_loop(lambda progress: anywhere(iteration.unfinished(progress)), step, progress)
    return iteration.potential(constants, progress), progress


def run_stored(iteration: AbstractIteration, constants: Any, progress: Progress, count: int) -> Progress:
    """Returns the progress after `count` steps, and stores the arrays that their derivative needs.

    Steps that are no longer due are skipped.
    """

    def step(progress: Progress) -> Progress:
        return kept(iteration.step(constants, progress))

    def body(progress: Progress, _: None) -> tuple[Progress, None]:
        if iteration.fixed_budget:
            return step(progress), None
        # Reverse mode needs a loop of known length, so steps that are not due are skipped.
        return jax.lax.cond(iteration.unfinished(progress), step, lambda same: same, progress), None

    return jax.lax.scan(body, progress, length=count)[0]
