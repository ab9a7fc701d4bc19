"""Lists all methods that are compared, by name. This module imports nothing."""

from typing import NamedTuple


class Method(NamedTuple):
    """A package, or one of several algorithms of a package.

    Attributes:
        library: module in `libraries`.
        package: package that it needs.
        temperature: usual temperature: epsilon, softness, strength of the regularisation, or one over the steepness; 0
            for exact operators. Trainings try multiples of it.
        power: power of n with which the number of array entries, or the time, grows for each list. Sorting networks
            store a matrix for each layer.
    """

    library: str
    package: str
    temperature: float
    power: int = 1


OURS = "otsort"
SPARSE = "otsort sparse"  # quadratic regularisation
HARD = ("jax.numpy", "numpy")

PEER_METHODS: dict[str, Method] = {
    OURS: Method("ours", "otsort", 1e-2),
    SPARSE: Method("ours", "otsort", 1e-1),
    "ott": Method("ott_tools", "ott-jax", 1e-2, 2),
    "softjax ot": Method("soft_jax", "softjax", 1e-1, 2),
    "softjax softsort": Method("soft_jax", "softjax", 1e-1, 2),
    "softjax neuralsort": Method("soft_jax", "softjax", 1e-1, 2),
    "softjax fast_soft_sort": Method("soft_jax", "softjax", 1e-1, 2),
    "softjax smooth_sort": Method("soft_jax", "softjax", 1e-1, 2),
    "softjax sorting_network": Method("soft_jax", "softjax", 1e-1),
    "torchsort l2": Method("torch_sort", "torchsort", 1.0),
    "torchsort kl": Method("torch_sort", "torchsort", 1.0),
    "torchpsort l2": Method("torch_psort", "torchpsort", 1.0),
    "torchpsort kl": Method("torch_psort", "torchpsort", 1.0),
    "fast-soft-sort l2": Method("fast_soft_sort", "fast-soft-sort", 1.0),
    "fast-soft-sort kl": Method("fast_soft_sort", "fast-soft-sort", 1.0),
    "LapSum": Method("lap_sum", "lapsum", 1e-1, 2),
    "difftopk odd_even": Method("diff_topk", "difftopk", 1e-1, 3),
    "difftopk bitonic": Method("diff_topk", "difftopk", 1e-1, 3),
    "diffsort odd_even": Method("diff_sort", "diffsort", 1e-1, 3),
    "diffsort bitonic": Method("diff_sort", "diffsort", 1e-1, 3),
    "jax.numpy": Method("jax_numpy", "jax", 0.0),
    "numpy": Method("numpy_", "numpy", 0.0),
}
