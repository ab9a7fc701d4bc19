"""
Learning to rank, with the metrics of rax
=========================================

NDCG, the usual score of a ranked list, counts relevance by rank: it has no gradient. The metrics of rax take the function
that ranks as an argument, and with :func:`otsort.ranking.rank_fn` and :func:`otsort.ranking.cutoff_fn` they are smooth.
So what is trained is what is measured, here NDCG of the first three.

The lists: ten patients each of the diabetes table, to be ranked by the progression of the disease, in five grades.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import rax
from sklearn.datasets import load_diabetes

import otsort

features, target = load_diabetes(return_X_y=True)
features = features / features.std(axis=0)
grades = np.digitize(target, np.quantile(target, [0.2, 0.4, 0.6, 0.8])).astype(np.float32)
rng = np.random.default_rng(0)
train, test = np.split(rng.permutation(len(target)), [240])
tests = np.concatenate([rng.permutation(test)[:200] for _ in range(10)])  # the held-out patients in many lists
lists = {name: (jnp.asarray(features[rows]).reshape(-1, 10, 10), jnp.asarray(grades[rows]).reshape(-1, 10))
         for name, rows in (("train", train), ("test", tests))}  # fmt: skip

smooth = {"rank_fn": otsort.ranking.rank_fn(epsilon=0.1), "cutoff_fn": otsort.ranking.cutoff_fn(epsilon=0.1)}
losses = {
    "squared error": rax.pointwise_mse_loss,
    "softmax": rax.softmax_loss,
    "smooth NDCG": lambda scores, grades: -rax.ndcg_metric(scores, grades, topn=3, **smooth),
}
optimiser = optax.adam(0.02)


def trained(loss):
    """Exact NDCG of the first three, on both kinds of lists, at each step."""

    def step(carry, _):
        weights, state = carry
        examples, relevance = lists["train"]
        gradient = jax.grad(lambda weights: loss(examples @ weights, relevance))(weights)
        scores = [rax.ndcg_metric(examples @ weights, relevance, topn=3) for examples, relevance in lists.values()]
        updates, state = optimiser.update(gradient, state)
        return (optax.apply_updates(weights, updates), state), jnp.stack(scores)

    start = jnp.full(10, 0.01)
    return jax.jit(lambda start: jax.lax.scan(step, (start, optimiser.init(start)), length=200)[1])(start)


# %%

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for name, loss in losses.items():
    curves = np.asarray(trained(loss))
    print(f"{name:14} NDCG of the first three: train {curves[-1, 0]:.3f}, test {curves[-1, 1]:.3f}")
    for axis, curve in zip(axes, curves.T, strict=True):
        axis.plot(curve, label=name)
for axis, part in zip(axes, lists, strict=True):
    axis.set(xlabel="step", title=f"{part} lists")
axes[0].set_ylabel("exact NDCG of the first three")
axes[1].legend(title="trained with")
