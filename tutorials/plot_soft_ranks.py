"""
Soft ranks and what epsilon does
================================

Ranks are piecewise constant: their gradient is zero almost everywhere. :func:`otsort.rank` transports the values to
evenly spaced points with a little entropy, and the result is smooth. How smooth is one number, epsilon. We look at
ranks, sorted values and gradients on five numbers, then fit a rank correlation by gradient on a table of 442 patients.
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

# %%
# Five values
# -----------
#
# The default epsilon is 0.01, in units of the squared distance between values squashed into [0, 1]. The number 0 gives
# the exact operators.

x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
print("soft ranks ", otsort.rank(x))
print("exact ranks", otsort.rank(x, epsilon=0))

# %%
# Behind every operator is one transport. As a matrix with a row for each sorted position, :func:`otsort.permutation`,
# it gives both the sorted values and the ranks. Epsilon is an ordinary argument, so that many can be computed at
# once. As it grows, every rank tends to the mean rank and every sorted value to the mean value; as it falls, both
# tend to the exact ones.

epsilons = jnp.logspace(-4, 1, 60)
matrices = jax.vmap(lambda epsilon: otsort.permutation(x, epsilon=epsilon))(epsilons)
values = matrices @ x
ranks = jnp.arange(1.0, 6.0) @ matrices

figure, axes = plt.subplots(1, 2, figsize=(11, 3.5), layout="constrained")
for i in range(x.size):
    axes[0].plot(epsilons, ranks[:, i], label=f"of {x[i]:.0f}")
    axes[1].plot(epsilons, values[:, i], label=f"position {i + 1}")
for axis, label in zip(axes, ("soft rank", "soft sorted value"), strict=True):
    axis.axvline(1e-2, color="0.6", linestyle=":", label="default")
    axis.set(xscale="log", xlabel="epsilon", ylabel=label)
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)

# %%
# The gradient
# ------------
#
# Move one value, now 4, past the four others. Its exact rank is a staircase. The soft rank is its smoothing, and its
# slope is what a loss on ranks passes on to the value. With a small epsilon the slope is high where two values meet
# and vanishes in between; with a large one it is low and everywhere.


def rank_of_moved(t, epsilon):
    return otsort.rank(x.at[2].set(t), epsilon=epsilon)[2]


places = jnp.linspace(-1, 14, 301)
soft = jax.jit(jax.vmap(jax.value_and_grad(rank_of_moved), in_axes=(0, None)))
exact = 1 + sum(places > other for other in (1, 5, 8, 12))
figure, axes = plt.subplots(2, 1, figsize=(8, 6), sharex=True, layout="constrained")
axes[0].plot(places, exact, color="black", label="exact")
for epsilon in (1e-3, 1e-2, 1e-1):
    rank, slope = soft(places, jnp.asarray(epsilon))
    axes[0].plot(places, rank, label=f"epsilon = {epsilon:g}")
    axes[1].plot(places, slope, label=f"epsilon = {epsilon:g}")
axes[0].set(ylabel="rank", title="Rank of one value as it moves past 1, 5, 8 and 12")
axes[1].set(ylabel="slope of the rank", xlabel="the moving value")
for axis in axes:
    for other in (1, 5, 8, 12):
        axis.axvline(other, color="0.85", zorder=0)
axes[0].legend()

# %%
# A rank correlation as a loss
# ----------------------------
#
# Spearman's correlation is the correlation of ranks. With soft ranks of the predictions it has a gradient: that is
# `otsort.losses.spearman_distance`, 1 minus the correlation. The table:
# ten measurements of diabetes patients, and the progression of the disease a year later. As the loss sees the target
# through its ranks alone, no increasing distortion of it matters; least squares has no such luck. We distort the target
# by its fifth power and compare the two on held-out patients, by the exact correlation.

features, target = load_diabetes(return_X_y=True)
features = features / features.std(axis=0)
distorted = (target / target.max()) ** 5
train, test = np.split(np.random.default_rng(0).permutation(target.size), [300])

train_features = jnp.asarray(features[train])


def loss(weights):
    prediction = train_features @ weights
    # 50 targets for groups of 6 patients: fine enough, and cheaper.
    return otsort.losses.spearman_distance(prediction, distorted[train], num_targets=50)


optimiser = optax.adam(0.05)
weights = jnp.full(features.shape[1], 0.1)
state = optimiser.init(weights)


@jax.jit
def step(weights, state):
    value, gradient = jax.value_and_grad(loss)(weights)
    updates, state = optimiser.update(gradient, state)
    return optax.apply_updates(weights, updates), state, value


history = []
for _ in range(60):
    weights, state, value = step(weights, state)
    history.append(1 - float(value))

least_squares = LinearRegression().fit(features[train], distorted[train])
undistorted = LinearRegression().fit(features[train], target[train])


def score(prediction):
    return scipy.stats.spearmanr(prediction, target[test]).statistic


print(f"soft Spearman                      {score(features[test] @ np.asarray(weights)):.3f}")
print(f"least squares on the distorted     {score(least_squares.predict(features[test])):.3f}")
print(f"least squares on the undistorted   {score(undistorted.predict(features[test])):.3f}")

# %%

figure, axis = plt.subplots(figsize=(6, 3.5), layout="constrained")
axis.plot(history)
axis.set(xlabel="step", ylabel="soft Spearman correlation", title="Training")
