"""
Five numbers
============

The rank of a number is one more than how many others lie below it. Move the number a little and its rank stays what it
was; move it past another one and its rank jumps. So a rank has no gradient to learn from. The ranks of otsort have one,
and this page shows where it comes from, on five numbers, few enough to print everything.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import scipy.optimize

import otsort

np.set_printoptions(precision=2, suppress=True)

x = jnp.array([1.0, 5.0, 4.0, 8.0, 12.0])
print("exact ranks ", otsort.rank(x, epsilon=0))
print("smooth ranks", otsort.rank(x))

# %%
# Ranking is a matching
# ---------------------
#
# Lay out five places in [0, 1], evenly spaced: the *targets*. Bring the numbers into [0, 1] too, by an increasing
# function, the *squash*: here the logistic function of the number of standard deviations from the mean. Now send each
# number to a place of its own, so that the squared distances, the *cost*, sum to the least. A row for each number, a
# column for each place:

targets = np.linspace(0, 1, 5)
squashed = np.asarray(otsort.squash.logistic(x, jnp.full(5, 1 / 5)))
cost = (targets[None, :] - squashed[:, None]) ** 2
print(squashed)
print(cost)

# %%
# SciPy finds the cheapest matching. It knows nothing of order, and yet the places that it finds are the ranks, here
# counted from 0:

numbers, places = scipy.optimize.linear_sum_assignment(cost)
print(places)

# %%
# From exact to smooth
# --------------------
#
# Written as a matrix, a matching has one 1 in each row and in each column. Let the entries be shares instead: a number
# may be sent in parts to several places, and each place still receives as much as one number. Such a matrix is a
# *plan*. Of all plans :func:`otsort.solve` takes the one of least cost, less epsilon times its entropy, which rewards
# spreading out. The number *epsilon* is how much spread is worth: 0 gives the matching, more epsilon a smoother plan.


def plan_of(epsilon):
    solution = otsort.solve(x, otsort.UniformTarget(5), epsilon=epsilon)
    # Each row and each column sums to 1/5.
    return 5 * np.asarray(solution.plan.as_matrix())


print(plan_of(0))
print(plan_of(0.01))

# %%

figure, axes = plt.subplots(1, 4, figsize=(10, 3), layout="constrained", sharey=True)
panels = {"cost": cost, "plan, epsilon = 0": plan_of(0), "0.01, the default": plan_of(0.01), "0.1": plan_of(0.1)}
for axis, (title, matrix) in zip(axes, panels.items(), strict=True):
    axis.imshow(matrix, cmap="Oranges" if title == "cost" else "Blues", vmin=0, vmax=1)
    for (i, j), entry in np.ndenumerate(matrix):
        axis.text(j, i, f"{entry:.2f}", ha="center", va="center", fontsize=8, color="white" if entry > 0.6 else "black")
    axis.set(title=title, xlabel="place", xticks=range(5), xticklabels=range(1, 6))
axes[0].set(ylabel="number", yticks=range(5), yticklabels=[f"{number:.0f}" for number in x])

# %%
# Reading the plan
# ----------------
#
# The smooth rank of a number is the mean of the places that it is sent to, by its row; the smooth value of a place in
# the order is the mean of the numbers that are sent there, by its column. That is all that :func:`otsort.rank` and
# :func:`otsort.sort` do:

plan = plan_of(0.01)
print(plan @ np.arange(1, 6), otsort.rank(x))
print(plan.T @ np.asarray(x), otsort.sort(x))

# %%
# With more epsilon each number is spread over more places, so that its rank sees more of its neighbours, and ranks move
# to the middle:

for epsilon in (0, 0.001, 0.01, 0.1, 1):
    print(f"epsilon = {epsilon:<5}: ranks {otsort.rank(x, epsilon=epsilon)}, sorted {otsort.sort(x, epsilon=epsilon)}")

# %%
# The gradient
# ------------
#
# The plan is a smooth function of the numbers, and so are the ranks. A row for each rank, a column for the number that
# is moved: a rank rises with its own number, and falls as a near neighbour rises. Exact ranks feel nothing.

print(jax.jacobian(otsort.rank)(x))
print(jax.jacobian(lambda x: otsort.rank(x, epsilon=0))(x))

# %%
# Learning an order
# -----------------
#
# With a gradient, ranks can stand in a loss. Say which ranks the five numbers should have, and let an optimiser move
# them there. Nothing tells them where to go but their order.

wanted = jnp.array([4.0, 2.0, 5.0, 1.0, 3.0])
optimiser = optax.adam(0.3)


@jax.jit
def step(x, state):
    value, gradient = jax.value_and_grad(lambda x: jnp.mean((otsort.rank(x) - wanted) ** 2))(x)
    updates, state = optimiser.update(gradient, state)
    return optax.apply_updates(x, updates), state, value


numbers, state, paths = x, optimiser.init(x), [x]
for i in range(61):
    numbers, state, value = step(numbers, state)
    paths.append(numbers)
    if i % 20 == 0:
        print(f"step {i}: loss {value:.3f}, exact ranks {otsort.rank(paths[-2], epsilon=0)}")

figure, axis = plt.subplots(figsize=(7, 3.5), layout="constrained")
for path, rank in zip(np.asarray(paths).T, wanted, strict=True):
    axis.plot(path, label=f"rank {rank:.0f} wanted")
axis.set(xlabel="step", ylabel="number", title="Five numbers learn an order")
figure.legend(loc="outside right upper")

# %%
# A model takes the place of the numbers in practice: its predictions are ranked, and the gradient goes on into its
# weights. The :doc:`gallery </gallery/index>` has such models. What epsilon changes, and how to choose it, is
# :doc:`next <plot_soft_ranks>`.
