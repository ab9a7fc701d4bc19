"""Times of losses with their gradient: a call of the compiled program, and the first call, which compiles it."""

import functools
import time
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import otsort


def _spearman(scores: Float[Array, "lists n"]) -> Float[Array, ""]:
    targets = jnp.asarray(np.random.default_rng(1).normal(size=scores.shape), scores.dtype)
    return jnp.mean(otsort.losses.spearman_distance(scores, targets))


def _top_k(scores: Float[Array, "lists n"]) -> Float[Array, ""]:
    labels = np.random.default_rng(1).integers(scores.shape[1], size=len(scores))
    return jnp.mean(otsort.losses.top_k_cross_entropy(scores, labels, k=5))


def _trimmed(scores: Float[Array, "lists n"]) -> Float[Array, ""]:
    return jnp.mean(otsort.losses.trimmed_mean(scores**2, low=0, high=0.9))


def _ndcg(scores: Float[Array, "lists n"]) -> Float[Array, ""]:
    import rax

    relevance = jnp.asarray(np.random.default_rng(1).integers(5, size=scores.shape), scores.dtype)
    functions: dict[str, Any] = {"rank_fn": otsort.ranking.rank_fn(), "cutoff_fn": otsort.ranking.cutoff_fn()}
    return -rax.ndcg_metric(scores, relevance, topn=10, **functions)


def _auc(scores: Float[Array, "lists n"]) -> Float[Array, ""]:
    labels = np.random.default_rng(1).random(scores.shape) < 0.1
    return -jnp.mean(otsort.metrics.roc_auc(scores, labels))


def _own_ndcg(scores: Float[Array, "lists n"]) -> Float[Array, ""]:
    relevance = np.random.default_rng(1).integers(5, size=scores.shape)
    return -jnp.mean(otsort.metrics.ndcg(scores, relevance, k=10))


def _kendall(scores: Float[Array, "lists n"]) -> Float[Array, ""]:
    targets = jnp.asarray(np.random.default_rng(1).normal(size=scores.shape), scores.dtype)
    return -jnp.mean(otsort.metrics.kendall_tau(scores, targets))


#: Name -> the loss, and the shape of its scores.
LOSSES: dict[str, tuple[Callable[[Array], Array], tuple[int, int]]] = {
    "Spearman, 1 x 442": (_spearman, (1, 442)),
    "Spearman, 4096 x 100": (_spearman, (4096, 100)),
    "top-5 cross-entropy, 128 x 100": (_top_k, (128, 100)),
    "trimmed mean, 1 x 1000": (_trimmed, (1, 1000)),
    "NDCG at 10, 32 x 100": (_ndcg, (32, 100)),
    "NDCG at 10 without rax, 32 x 100": (_own_ndcg, (32, 100)),
    "area under the ROC curve, 1 x 4096": (_auc, (1, 4096)),
    "Kendall's tau, 1 x 4096": (_kendall, (1, 4096)),
}


class Step(NamedTuple):
    """A compiled loss with its gradient, values to call it on, and the seconds that its first call took."""

    run: jax.stages.Compiled
    scores: Float[Array, "lists n"]
    seconds: float


@functools.cache  # asv calls setup before every sample
def step(name: str) -> Step:
    """Traces and compiles; asv does so in a process of its own, so that nothing is cached.

    Raises:
        NotImplementedError: this version does not have the loss, or rax is missing: asv skips it.
    """
    jax.config.update("jax_enable_x64", False)
    loss, shape = LOSSES[name]
    scores = jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.float32)
    jax.jit(jnp.sort).lower(jnp.ones(2)).compile()  # JAX's own start is not counted
    start = time.perf_counter()
    try:
        run = jax.jit(jax.value_and_grad(loss)).lower(scores).compile()
    except (AttributeError, ImportError, TypeError) as error:
        raise NotImplementedError from error
    return Step(run, scores, time.perf_counter() - start)


class Losses:
    """Value and gradient, float32, defaults."""

    params: ClassVar[list[str]] = list(LOSSES)
    param_names: ClassVar[list[str]] = ["loss"]
    timeout = 600
    rounds = 1
    repeat = (3, 30, 3.0)

    def setup(self, name: str) -> None:
        self.step = step(name)

    def time_run(self, _: str) -> None:
        jax.block_until_ready(self.step.run(self.step.scores))

    def track_first_call(self, _: str) -> float:
        return self.step.seconds

    track_first_call.unit = "seconds"  # pyright: ignore[reportFunctionMemberAccess]
