"""
Train for a rank correlation
============================

Spearman's correlation depends only on ranks. With soft ranks it becomes a loss.

:func:`otsort.losses.spearman_distance` is 1 minus the correlation of the soft ranks of the predictions with the ranks
of the target. It sees only the ranks of the target, so an increasing distortion of the target changes nothing. Least
squares does depend on such a distortion.

The table has ten measurements of 442 diabetes patients, and the progression of the disease a year later. We distort the
target by its fifth power, and compare both losses on held-out patients by the exact correlation.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import scipy.stats
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression

import otsort

features, target = load_diabetes(return_X_y=True)
features = features / features.std(axis=0)
distorted = (target / target.max()) ** 5
train, test = np.split(np.random.default_rng(0).permutation(target.size), [300])
train_features = jnp.asarray(features[train])


def loss(weights):
    prediction = train_features @ weights
    # 50 targets, one for each group of 6 patients, are fine enough and cost less.
    return otsort.losses.spearman_distance(prediction, distorted[train], num_targets=50)


optimiser = optax.adam(0.05)


@jax.jit
def step(weights, state):
    value, gradient = jax.value_and_grad(loss)(weights)
    updates, state = optimiser.update(gradient, state)
    return optax.apply_updates(weights, updates), state, value


weights = jnp.full(features.shape[1], 0.1)
state = optimiser.init(weights)
history = []
for _ in range(60):
    weights, state, value = step(weights, state)
    history.append(1 - float(value))

# %%
# For comparison, we fit two linear models by least squares, on the distorted and on the undistorted target. All three
# models predict for the patients that they have not seen:

least_squares = LinearRegression().fit(features[train], distorted[train])
undistorted = LinearRegression().fit(features[train], target[train])
predictions = {
    "soft Spearman": features[test] @ np.asarray(weights),
    "least squares": least_squares.predict(features[test]),
    "least squares on the undistorted target": undistorted.predict(features[test]),
}
scores = {name: scipy.stats.spearmanr(values, target[test]).statistic for name, values in predictions.items()}
for name, score in scores.items():
    print(f"{name:40} {score:.3f}")

figure, axes = plt.subplots(1, 3, figsize=(10, 3.5), layout="constrained")
axes[0].plot(history)
axes[0].set(xlabel="step", ylabel="soft Spearman correlation", title="Training")
for axis, name in zip(axes[1:], ("soft Spearman", "least squares"), strict=True):
    ranks = scipy.stats.rankdata(predictions[name]), scipy.stats.rankdata(target[test])
    axis.scatter(*ranks, s=10, alpha=0.6)
    axis.set(xlabel="rank of the prediction", ylabel="rank of the target", title=f"{name}: {scores[name]:.3f}")
