"""
What epsilon does, and how to choose it
=======================================

Epsilon says how soft ranks are. Choose it by the number of neighbours of a value.

Epsilon is a number in units of the squared distance between values that were squashed into [0, 1]. It decides how many
neighbours a value has. The neighbours of a value are the other values that its rank depends on, or *sees*. This page
shows ranks, sorted values and gradients as epsilon grows. It then chooses epsilon by the number of neighbours.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

import otsort

# %%
# From exact to the mean
# ----------------------
#
# Epsilon is an ordinary argument, so one call can use many values of epsilon. As epsilon grows, every rank tends to the
# mean rank and every sorted value to the mean value. As epsilon falls, both tend to the exact ones. We compute both
# from the matrix that sorts, :func:`otsort.permutation`.

x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
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
# We move one value, now 4, past the four others. Its exact rank is a staircase, and its soft rank is a smoothed
# staircase. A loss on ranks passes the slope of the soft rank on to the value. With a small epsilon, the slope is high
# where two values meet and vanishes in between. With a large epsilon, the slope is low, but nowhere zero.


def rank_of_moved(t, epsilon):
    return otsort.rank(x.at[2].set(t), epsilon=epsilon)[2]


positions = jnp.linspace(-1, 14, 301)
soft = jax.jit(jax.vmap(jax.value_and_grad(rank_of_moved), in_axes=(0, None)))
exact = 1 + sum(positions > other for other in (1, 5, 8, 12))
figure, axes = plt.subplots(2, 1, figsize=(8, 6), sharex=True, layout="constrained")
axes[0].plot(positions, exact, color="black", label="exact")
for epsilon in (1e-3, 1e-2, 1e-1):
    rank, slope = soft(positions, jnp.asarray(epsilon))
    axes[0].plot(positions, rank, label=f"epsilon = {epsilon:g}")
    axes[1].plot(positions, slope, label=f"epsilon = {epsilon:g}")
axes[0].set(ylabel="rank", title="Rank of one value as it moves past 1, 5, 8 and 12")
axes[1].set(ylabel="slope of the rank", xlabel="the moving value")
for axis in axes:
    for other in (1, 5, 8, 12):
        axis.axvline(other, color="0.85", zorder=0)
axes[0].legend()

# %%
# Choose epsilon by the number of neighbours
# ------------------------------------------
#
# Say how many neighbours a rank should see, and :func:`otsort.suggest_epsilon` returns the epsilon. Each row of the
# matrix of derivatives belongs to a rank. Its entries for the other values say how strongly the rank depends on each of
# them. We count the neighbours by the participation ratio of these entries: the squared sum of their sizes, divided by
# the sum of their squares. If k entries have one size and the others are zero, the ratio is k. The data are the body
# mass indices of 80 patients:

patients = jnp.asarray(load_diabetes(scaled=False).data[:80, 2])
patients = jnp.sort(patients + 0.05 * jax.random.normal(jax.random.key(0), patients.shape))  # rounded values have ties


def count_of_seen(jacobian):
    others = np.abs(np.asarray(jacobian)) * (1 - np.eye(len(jacobian)))
    return np.sum(others, axis=1) ** 2 / np.sum(others**2, axis=1)


ranks_of_patients = jax.jit(jax.jacobian(lambda x, epsilon: otsort.rank(x, epsilon=epsilon)))
figure, axes = plt.subplots(1, 3, figsize=(10, 4), layout="constrained", sharey=True)
for axis, asked in zip(axes, (3, 10, 30), strict=True):
    epsilon = otsort.suggest_epsilon(patients, asked)
    jacobian = ranks_of_patients(patients, epsilon)
    seen = np.median(count_of_seen(jacobian))
    print(f"asked for {asked:2} neighbours: epsilon = {epsilon:.1e}, the median rank sees {seen:.1f}")
    limit = 0.3 * np.max(np.abs(jacobian))
    axis.imshow(jacobian, cmap="RdBu", vmin=-limit, vmax=limit)
    axis.set(title=f"{asked} neighbours asked, {seen:.0f} seen", xlabel="value that moves")
axes[0].set(ylabel="rank that changes")

# %%
# Blue entries are positive: a rank rises with its own value. Red entries are negative: a rank falls when a neighbour
# rises. More neighbours make a loss smoother, and its gradient depends on values further away. Fewer neighbours make
# ranks more exact.
