"""Functions for arrays that are sharded over several devices."""

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from jaxtyping import Array

if hasattr(jax.sharding, "auto_axes"):
    _auto_axes: Any = jax.sharding.auto_axes
else:  # jax 0.6
    from jax.experimental.shard import auto_axes as _auto_axes  # pyright: ignore[reportMissingImports]

_Tree = TypeVar("_Tree")


def varying_as(tree: _Tree, like: object) -> _Tree:
    """Returns the same arrays, marked as device-varying where those in `like` are.

    `jax.shard_map` requires that the first carry of a loop (the arrays that pass from step to step) vary over the mesh
    as the later ones do, even if it is a constant. Each array is selected by a condition on arrays that vary; both
    branches are equal, so the compiler removes the selection.
    """
    arrays = [leaf for leaf in jax.tree.leaves(like) if eqx.is_array(leaf)]
    varying = [array.ravel()[0] for array in arrays if _varies(array)]
    if not varying:
        return tree
    known = functools.reduce(jnp.logical_and, [value == value for value in varying])
    arrays, rest = eqx.partition(tree, eqx.is_array)
    return eqx.combine(jax.tree.map(lambda array: jnp.where(known, array, array), arrays), rest)


def _varies(array: Array) -> bool:
    kind: Any = jax.typeof(array)
    return bool(kind.mat.varying if hasattr(kind, "mat") else kind.vma)  # jax 0.11; jax 0.6


def on_any_mesh(function: Callable[..., _Tree], x: Array, dims: tuple[int | None, ...]) -> Callable[..., _Tree]:
    """Returns the same function, which also works on explicit meshes, where shardings are part of the types of arrays.

    On an explicit mesh the function is compiled with shardings that the compiler chooses, and its answer is sharded as
    x is. The mesh is taken from the arguments; it need not be the current mesh, of `jax.set_mesh`.

    Args:
        function: of any arrays, to one array or to several with the same dimensions.
        x: the array whose sharding the answer gets.
        dims: for each dimension of the answer, the axis of x that it corresponds to, or None if it is new.
    """

    def call(*arguments: Any) -> _Tree:
        meshes: Any = (jax.typeof(leaf).sharding.mesh for leaf in jax.tree.leaves(arguments))
        mesh = next((mesh for mesh in meshes if AxisType.Explicit in mesh.axis_types), None)
        if mesh is None:
            return function(*arguments)
        kinds = zip(mesh.axis_names, mesh.axis_types, strict=True)
        explicit = tuple(name for name, kind in kinds if kind == AxisType.Explicit)
        spec = jax.typeof(x).sharding.spec
        sharding = NamedSharding(mesh, PartitionSpec(*(None if dim is None else spec[dim] for dim in dims)))
        return jax.jit(_auto_axes(function, axes=explicit, out_sharding=sharding))(*arguments)

    return call
