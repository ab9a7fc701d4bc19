"""
Choose k features by gradient descent
=====================================

A top-k mask of learnt scores chooses k features, and gradient descent trains the scores.

Which k of ten measurements predict best? Each measurement has a score, and a top-k mask of the scores multiplies the
features. With :func:`otsort.straight_through` the mask is exact, so the model sees only k features, but it learns from
the derivative of the soft mask. The k of :func:`otsort.top_k_mask` may differ between the lists of a batch, so one
batch trains the models for all k.

With ten features, every subset can be tried. For k up to four, the learnt subset is the best or the second best of its
size. For larger k, its error is within a few percent of the best.
"""

import itertools

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from sklearn.datasets import load_diabetes

import otsort

table = load_diabetes()
features = table.data / table.data.std(axis=0)
target = (table.target - table.target.mean()) / table.target.std()
x, y = jnp.asarray(features), jnp.asarray(target)
sizes = np.arange(1, 10)
hard_mask = otsort.straight_through(otsort.top_k_mask)


def errors(model):
    """Returns the mean squared errors of the models, one for each k."""
    scores, weights = model
    mask = hard_mask(scores, jnp.asarray(sizes, float), epsilon=0.3)
    return jnp.mean((x @ (mask * weights).T - y[:, None]) ** 2, axis=0)


optimiser = optax.adam(optax.cosine_decay_schedule(0.03, 1000))


def step(carry, _):
    model, state = carry
    updates, state = optimiser.update(jax.grad(lambda model: jnp.sum(errors(model)))(model), state)
    return (optax.apply_updates(model, updates), state), None


start = np.asarray(x.T @ y / len(y))  # regressions on each feature alone
model = jnp.tile(jnp.abs(start), (len(sizes), 1)), jnp.tile(start, (len(sizes), 1))
(model, _), _ = jax.jit(lambda model: jax.lax.scan(step, (model, optimiser.init(model)), length=1000))(model)
chosen = np.asarray(otsort.top_k_mask(model[0], sizes, epsilon=0)) > 0.5

# %%
# We fit every subset by least squares, and find the place of the learnt subset among those of its size:


def least_squares(subset):
    columns = features[:, list(subset)]
    return np.mean((columns @ np.linalg.lstsq(columns, target)[0] - target) ** 2)


figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
for k, mask in zip(sizes, chosen, strict=True):
    all_errors = [least_squares(subset) for subset in itertools.combinations(range(10), int(k))]
    learnt = least_squares(np.flatnonzero(mask))
    place = 1 + sum(error < learnt - 1e-9 for error in all_errors)
    best = min(all_errors)
    print(f"k = {k}: place {place:2} of {len(all_errors):3} subsets, error {learnt:.3f}, best {best:.3f}")
    axes[1].plot(np.full(len(all_errors), k), all_errors, "_", color="0.7")
    axes[1].plot(k, learnt, "o", color="C0")
axes[1].set(xlabel="k", ylabel="mean squared error", title="Learnt subsets among all")
axes[0].imshow(chosen, cmap="Blues", vmax=1.5)
axes[0].set(xticks=range(10), xticklabels=table.feature_names, yticks=range(9), yticklabels=sizes, ylabel="k")
axes[0].set_title("Features that were chosen")
