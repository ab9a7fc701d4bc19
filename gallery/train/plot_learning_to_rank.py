"""
Learning to rank: train for NDCG
================================

NDCG, the usual score of a ranked list, has no gradient. Soft ranks make it a loss.

NDCG discounts the relevance of each item by its rank. The metrics of rax take the function that ranks as an argument.
With :func:`otsort.ranking.rank_fn` and :func:`otsort.ranking.cutoff_fn` these metrics are smooth, so a model can be
trained for the metric that is measured, here the NDCG of the first three items. On the training lists, this raises the
NDCG. On other lists of this small table, the losses differ by less than the splits do.

Each list holds ten patients of the diabetes table, to be ranked by the progression of the disease in five grades.
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
features = jnp.asarray(features / features.std(axis=0))
grades = jnp.asarray(np.digitize(target, np.quantile(target, [0.2, 0.4, 0.6, 0.8])), jnp.float32)
rng = np.random.default_rng(0)


def split():
    """Returns the patients for training and other patients, each in 110 lists of ten."""
    parts = np.split(rng.permutation(440), 2)
    shuffled = [[rng.permutation(part) for _ in range(5)] for part in parts]
    return np.reshape(shuffled, (2, 110, 10))


splits = jnp.asarray(np.stack([split() for _ in range(4)]))
smooth = {"rank_fn": otsort.ranking.rank_fn(epsilon=0.03), "cutoff_fn": otsort.ranking.cutoff_fn(epsilon=0.03)}
losses = {
    "squared error": rax.pointwise_mse_loss,
    "softmax": rax.softmax_loss,
    "soft NDCG": lambda scores, grades: -rax.ndcg_metric(scores, grades, topn=3, **smooth),
}
optimiser = optax.adam(0.02)


def scores(loss, lists):
    """Returns the exact NDCG of the first three at each step of a linear model, for training lists and others."""

    def step(carry, _):
        weights, state = carry
        of_lists = [rax.ndcg_metric(features[part] @ weights, grades[part], topn=3) for part in lists]
        gradient = jax.grad(lambda weights: loss(features[lists[0]] @ weights, grades[lists[0]]))(weights)
        updates, state = optimiser.update(gradient, state)
        return (optax.apply_updates(weights, updates), state), jnp.stack(of_lists)

    start = jnp.full(10, 0.01)
    return jax.lax.scan(step, (start, optimiser.init(start)), length=150)[1]


# %%
# The numbers are means over four splits of the patients:

figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for name, loss in losses.items():
    curves = np.asarray(jax.jit(jax.vmap(lambda lists, loss=loss: scores(loss, lists)))(splits))
    of_training, of_others = curves[:, -1].T
    print(f"{name:14} training lists {of_training.mean():.3f}, others {of_others.mean():.3f} ± {of_others.std():.3f}")
    for axis, curve in zip(axes, curves.mean(axis=0).T, strict=True):
        axis.plot(curve, label=name)
for axis, title in zip(axes, ("Training lists", "Other lists"), strict=True):
    axis.set(xlabel="step", title=title)
axes[0].set_ylabel("NDCG of the first three")
axes[1].legend(title="trained with")
