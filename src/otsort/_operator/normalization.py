"""Operators that change the distribution of values."""

from collections.abc import Callable
from typing import Unpack

from jaxtyping import Array, ArrayLike, Float

from .._call import AbstractReading, Batch, OneList, Options, Transport, of_each_value
from .._checks import as_array, as_callable, as_size
from .._transport.target import AbstractTarget, UniformTarget, as_target
from .ranks import cdf


def quantile_normalize(
    x: ArrayLike, reference: ArrayLike, *, target: AbstractTarget | None = None, **options: Unpack[Options]
) -> Float[Array, "..."]:
    """Returns values with the distribution of a reference and the order of x.

    Each answer is the pull of the reference: its average over the points of the target that the value is sent to. This
    is T_f of Cuturi et al. (2019), Definitions 1 and 2.

    Args:
        x: values, any shape.
        reference: m nondecreasing values, shape `(m,)`.
        target: the target, with m points; uniform unless given.
        **options: see `Options`.

    Returns:
        The new values, in the shape of x and the units of the reference.

    Raises:
        ValueError: the reference decreases (RuntimeError when traced), or does not have the shape `(m,)`.
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.quantile_normalize(x, jnp.array([0.0, 10.0, 100.0])))
        [  0.     9.97   3.37  70.   100.  ]
    """
    reference = as_array(reference, "reference")
    batch = Batch(x, options, others={"reference": reference})
    if reference.ndim != 1 or reference.size == 0:
        raise ValueError(f"reference must be one list of values, shape (m,), got shape {reference.shape}")
    increases = lambda reference: ~(reference[1:] < reference[:-1]).any()
    reference = batch.checked(reference, increases, "reference", "must not decrease", "sort it first")
    target = UniformTarget(reference.size, batch.dtype) if target is None else as_target(target).astype(batch.dtype)
    if target.size != reference.size:
        raise ValueError(
            f"target must have a point for each of the {reference.size} values of reference, got {target.size}"
        )
    return batch.read(_Normalized(target, reference))


class _Normalized(AbstractReading):
    target: AbstractTarget
    reference: Float[Array, " m"]

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, " n"]:
        return one_list.at_inputs(transport.plan_to(self.target).pull(self.reference))

    dims = of_each_value


def quantile_transform(
    x: ArrayLike,
    quantile_function: Callable[[Array], Array],
    *,
    num_targets: int | None = None,
    target: AbstractTarget | None = None,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Returns x transformed to a distribution rho, as `quantile_function(cdf(x))`.

    This is T_rho of Cuturi et al. (2019), Definitions 1 and 2.

    Args:
        x: values, any shape.
        quantile_function: the quantile function of rho. It is applied to an array of the shape of x with entries in [0,
            1]. With `epsilon=0` the largest entry is 1, where the quantile of a density with unbounded support is
            infinite.
        num_targets: m, the number of points of the uniform target; n unless given.
        target: a target to use instead of a uniform one.
        **options: see `Options`.

    Returns:
        The result of `quantile_function`.

    Raises:
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.quantile_transform(x, jax.scipy.stats.norm.ppf, epsilon=0.1))
        [-0.46  0.1  -0.1   0.74  1.33]
    """
    as_callable(quantile_function, "quantile_function", "jax.scipy.stats.norm.ppf")
    return quantile_function(cdf(x, num_targets=num_targets, target=target, **options))


def quantize(x: ArrayLike, levels: int, **options: Unpack[Options]) -> Float[Array, "..."]:
    """Replaces each value by an average of the means of `levels` groups.

    The groups are the points of a uniform target. push(x) gives the mean of each group. The answer is pull(push(x)):
    the average of the means over the groups that a value is sent to.

    Args:
        x: values, any shape.
        levels: number of groups of equal weight, at least 1.
        **options: see `Options`.

    Returns:
        The averages, in the shape, units and range of x.

    Raises:
        ValueError: levels below 1.
        ValueError, TypeError, RuntimeError: see `solve`.

    Example:
        >>> x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
        >>> print(otsort.quantize(x, 2))
        [3. 6. 3. 9. 9.]
    """
    batch = Batch(x, options)
    return batch.read(_Quantized(UniformTarget(as_size(levels, "levels"), batch.dtype)))


class _Quantized(AbstractReading):
    target: AbstractTarget

    def __call__(self, one_list: OneList, transport: Transport) -> Float[Array, " n"]:
        plan = transport.plan_to(self.target)
        return one_list.at_inputs(plan.pull(plan.push(one_list.values)))

    dims = of_each_value
