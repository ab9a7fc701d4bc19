"""The package as a whole: what an import costs, and that annotations are true."""

import pathlib
import subprocess
import sys

import pytest

import otsort

ANNOTATIONS_ARE_TRUE = """
from jaxtyping import install_import_hook

with install_import_hook("otsort", "beartype.beartype"):
    import otsort
    from otsort import images, losses, metrics, nn, ranking, streaming

import jax
import jax.numpy as jnp


def check(function):
    jax.eval_shape(function, jnp.array([1.0, 5.0, 4.0, 8.0]))  # annotations are checked while a function is traced

for solver in (
    otsort.Newton(start=otsort.WarmStart(jnp.zeros(4))),
    otsort.LogSinkhorn(otsort.EpsilonSchedule(0.05), differentiation=otsort.OneStep()),
    otsort.Sinkhorn(0.05, differentiation=otsort.Checkpointed()),
    otsort.AndersonSinkhorn(0.05),
    otsort.NorthWestCorner(),
    otsort.Quadrature(0.1),
):
    check(lambda x: otsort.sort_by(jnp.stack([x, x], 1), x, solver=solver))
streaming.fit([jnp.arange(4.0)]).quantile(jnp.array([0.5]))
for function in (
    jax.grad(lambda x: jnp.sum(otsort.sort_by(jnp.stack([x, x], 1), x))),
    lambda x: otsort.solve(x, otsort.UniformTarget(70), solver=otsort.Quadrature(0.1)).plan.push(x),
    lambda x: otsort.solve(x, otsort.UniformTarget(3), solver=otsort.SparseNewton(0.1)).plan.as_matrix(),
    lambda x: otsort.suggest_epsilon(x, 2, weights=jnp.arange(4)),
    lambda x: otsort.quantile(x, jnp.array([0.1, 0.2]), width=0.3, epsilon=0),
    lambda x: otsort.quantile_normalize(
        x, jnp.arange(2.0), weights=jnp.arange(4), cost=otsort.PowerCost(2), epsilon=0
    ),
    lambda x: otsort.top_k_mask(x[None], 2, squash=otsort.squash.min_max, epsilon=0),
    lambda x: losses.top_k_error(x[None], jnp.array([1]), num_targets=3),
    lambda x: losses.top_k_cross_entropy(x, jnp.array(1), [0.5, 0.5], where=x > 2),
    lambda x: losses.top_k_cross_entropy(x, jnp.array(1), solver=otsort.Quadrature(0.1)),
    lambda x: losses.top_k_cross_entropy(x, jnp.array(1), epsilon=0),
    lambda x: losses.spearman_distance(x, x, weights=x),
    lambda x: losses.quantile_error(x, 0.5),
    lambda x: losses.expected_shortfall(x[None], 0.5, where=x > 2),
    lambda x: metrics.roc_auc(x, x > 2),
    lambda x: metrics.kendall_tau(x, x),
    lambda x: nn.QuantileNormalization(axis=None)(x),
    lambda x: nn.TopKGate(4, 3, 2, straight_through=True, key=jax.random.key(0))(x),
    lambda x: ranking.cutoff_fn()(-ranking.rank_fn()(x, where=x > 2, key=jax.random.key(0)), 1),
    lambda x: images.median_filter(x[None], 3, epsilon=0),
):
    check(function)
"""


def run(code):
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.ci
def test_annotations_are_true():
    run(ANNOTATIONS_ARE_TRUE)


def test_import_does_not_pay_for_jaxopt():
    run("import sys, otsort; assert not {'jaxopt', 'matplotlib', 'typer', 'rax'} & set(sys.modules)")


def test_it_says_that_it_is_typed_and_which_version_it_is():
    assert (pathlib.Path(otsort.__file__).parent / "py.typed").exists()
    root = pathlib.Path(__file__).parent.parent
    assert f"version: {otsort.__version__}" in (root / "CITATION.cff").read_text()
    assert f"[{otsort.__version__}]" in (root / "CHANGELOG.md").read_text()
