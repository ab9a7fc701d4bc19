"""Ordinary JAX in place of compiler tricks, `OTSORT_PLAIN=1`: the same answers."""

import inspect
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort
from otsort import _xla
from otsort._xla import division, layout, plain

RNG = np.random.default_rng(0)
MATRIX, VECTOR = RNG.normal(size=(6, 4)), RNG.normal(size=4)
SQUARE = np.einsum("ij...,kj...->ik...", *[RNG.normal(size=(4, 4, 3))] * 2) + np.eye(4)[:, :, None]
ARRAYS = {
    "sum_along": (MATRIX, 1),
    "repeat_along": (MATRIX, 1, 3),
    "max_along": (MATRIX, 0),
    "materialised": (MATRIX,),
    "matvec": (MATRIX, VECTOR),
    "weighted_sum": (MATRIX, RNG.normal(size=6)),
    "matmul": (MATRIX, RNG.normal(size=(4, 3))),
    "transposed": (MATRIX,),
    "anywhere": (MATRIX > 1,),
    "largest_anywhere": (np.arange(5),),
    "kept": (MATRIX,),
}
OTHERS = {"factorise", "solve_factorised", "on_any_mesh", "varying_as", "with_jvp", "for_each_list", "at_once"}


def test_both_have_the_same_functions():
    functions = {name for name, one in vars(_xla).items() if inspect.isfunction(one)}
    in_both_cases = vars(layout) | vars(division)
    assert functions - in_both_cases.keys() == ARRAYS.keys() | OTHERS
    assert all(hasattr(plain, name) for name in ARRAYS.keys() | OTHERS)


@pytest.mark.parametrize("name", ARRAYS)
def test_functions_of_arrays(name):
    arrays = [jnp.asarray(one) if isinstance(one, np.ndarray) else one for one in ARRAYS[name]]
    found, expected = (getattr(room, name)(*arrays) for room in (plain, _xla))
    np.testing.assert_allclose(found, expected, rtol=1e-13, strict=True)


@pytest.mark.parametrize("lists", [(), (3,)])
def test_systems(lists):
    matrix, right = (jnp.asarray(one if lists else one[..., 0]) for one in (SQUARE, RNG.normal(size=(4, 3))))
    solve = lambda room: room.solve_factorised(room.factorise(matrix, lists_last=True), right, lists_last=True)
    np.testing.assert_allclose(solve(plain), solve(_xla), rtol=1e-10)


def answers():
    """Operators, gradients, Hessians, masks and loops, of short lists and of longer ones."""
    rng = np.random.default_rng(1)
    for n in (6, 30):
        x, probe = rng.normal(size=(2, 3, n))
        where = rng.uniform(size=(3, n)) < 0.7
        loss = lambda x, probe=probe: jnp.sum(probe[: len(x), : x.shape[1]] * otsort.rank(x, epsilon=0.05) ** 2)
        yield otsort.rank(x, where=where)
        yield jax.grad(loss)(jnp.asarray(x))
    x, probe = x[:, :6], probe[:, :6]
    yield otsort.sort(x, weights=np.abs(probe))
    yield otsort.quantile(x, [0.3, 0.5])
    yield otsort.top_k_mask(x, 2)
    yield jax.vmap(jax.grad(lambda x: jnp.sum(otsort.sort(x, where=x > 0) ** 2)))(jnp.asarray(x))
    yield jax.hessian(loss)(jnp.asarray(x[:1, :5]))
    mapped = lambda x: jnp.sum(jax.lax.map(otsort.rank, x) ** 3)
    yield jax.jvp(jax.grad(mapped), (jnp.asarray(x[:, :5]),), (jnp.asarray(probe[:, :5]),))[1]
    yield otsort.rank(rng.normal(size=3000), solver=otsort.Quadrature(0.05))


@pytest.mark.slow
def test_answers(tmp_path):
    code = (
        "import sys, numpy; from tests import conftest, test_plain as test; "
        "assert test._xla.sum_along is test.plain.sum_along; numpy.savez(sys.argv[1], *test.answers())"
    )
    path = tmp_path / "plain.npz"
    subprocess.run([sys.executable, "-c", code, path], env=os.environ | {"OTSORT_PLAIN": "1"}, check=True)
    with np.load(path) as found:
        for one, expected in zip(found.values(), answers(), strict=True):
            np.testing.assert_allclose(one, expected, rtol=1e-6, atol=1e-7)
