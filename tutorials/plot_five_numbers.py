"""
Soft ranks of five numbers
============================

Ranks jump, so they have no useful gradient. This page shows where a soft rank comes from.

The rank of a number is one more than the count of the numbers below it. If the number moves a little, its rank stays
the same. If it moves past another number, its rank jumps. So a rank has no gradient to learn from. The ranks of otsort
have one. Five numbers are few enough to print everything.
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
print("soft ranks", otsort.rank(x))

# %%
# Ranking is a matching
# ---------------------
#
# Take five evenly spaced places in [0, 1]. They are the points of the *target*. Then map the numbers into [0, 1] by an
# increasing function, the *squash*. Here it is the logistic function of the number of standard deviations from the
# mean. Now send each number to a place of its own, so that the sum of the squared distances is as small as possible.
# The squared distance is the *cost*. The matrix of costs has a row for each number and a column for each place:

targets = np.linspace(0, 1, 5)
weights = jnp.full(5, 1 / 5)
squashed = np.asarray(otsort.squash.logistic(x, weights))
cost = (targets[None, :] - squashed[:, None]) ** 2
print(squashed)
print(cost)

# %%
# SciPy finds the cheapest matching. It does not use the order of the numbers, and yet the places that it finds are the
# ranks, here counted from 0:

numbers, places = scipy.optimize.linear_sum_assignment(cost)
print(places)

# %%
# From exact to smooth
# --------------------
#
# A matching can be written as a matrix with a single 1 in each row and in each column. Now let the entries be shares: a
# number may be sent in parts to several places, and each place still receives as much as one number. Such a matrix is a
# *transport plan*. Its total cost is the sum of the shares times the squared distances. Of all plans,
# :func:`otsort.solve` finds the one with the smallest value of the total cost minus epsilon times the entropy. The
# entropy is larger for a plan that spreads more. The number *epsilon* says how much spread is worth: epsilon = 0 gives
# the matching, and a larger epsilon gives a smoother plan.


def plan_of(epsilon):
    solution = otsort.solve(x, otsort.UniformTarget(5), epsilon=epsilon)
    # otsort divides all shares by the number of values, hence the factor 5.
    return 5 * np.asarray(solution.plan.as_matrix())


print(plan_of(0))
print(plan_of(0.01))

# %%

figure, axes = plt.subplots(1, 4, figsize=(10, 3), layout="constrained", sharey=True)
panels = {
    "cost": cost,
    "plan, epsilon = 0": plan_of(0),
    "0.01, the default": plan_of(0.01),
    "0.1": plan_of(0.1),
}
for axis, (title, matrix) in zip(axes, panels.items(), strict=True):
    axis.imshow(matrix, cmap="Oranges" if title == "cost" else "Blues", vmin=0, vmax=1)
    for (i, j), entry in np.ndenumerate(matrix):
        color = "white" if entry > 0.6 else "black"
        axis.text(j, i, f"{entry:.2f}", ha="center", va="center", fontsize=8, color=color)
    axis.set(title=title, xlabel="place", xticks=range(5), xticklabels=range(1, 6))
axes[0].set(ylabel="number", yticks=range(5), yticklabels=[f"{number:.0f}" for number in x])

# %%
# Ranks and sorted values are means
# ---------------------------------
#
# Each row of the plan gives a soft rank: the mean of the places to which a number is sent. Each column gives a soft
# sorted value: the mean of the numbers that are sent to a place. Places are counted from 1 to 5. :func:`otsort.rank`
# and :func:`otsort.sort` do nothing else:

plan = plan_of(0.01)
print(plan @ np.arange(1, 6), otsort.rank(x))
print(plan.T @ np.asarray(x), otsort.sort(x))

# %%
# With a larger epsilon, each number is spread over more places. Its rank then depends on more of its neighbours, and
# all ranks move towards the middle:

for epsilon in (0, 0.001, 0.01, 0.1, 1):
    ranks, in_order = otsort.rank(x, epsilon=epsilon), otsort.sort(x, epsilon=epsilon)
    print(f"epsilon = {epsilon:<5}: ranks {ranks}, sorted {in_order}")

# %%
# The gradient
# ------------
#
# The plan is a smooth function of the numbers, and so are the ranks. The matrix of derivatives has a row for each rank,
# and a column for each number that moves. A rank rises with its own number, and falls when a near neighbour rises. The
# derivatives of exact ranks are zero.

print(jax.jacobian(otsort.rank)(x))
print(jax.jacobian(lambda x: otsort.rank(x, epsilon=0))(x))

# %%
# Try it: drag a number, or move epsilon. Thick lines are large shares. (The picture needs JavaScript.)
#
# .. raw:: html
#
#    <div id="five-numbers"></div>
#    <script src="../_static/five_numbers.js"></script>

# %%
# Learn an order
# --------------
#
# With a gradient, ranks can be part of a loss. Say which ranks the five numbers should have, and let an optimiser move
# the numbers. The loss is given only the wanted order.

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
# In practice, a model takes the place of the numbers. Its predictions are ranked, and the gradient flows on into its
# weights. The :doc:`gallery </gallery/index>` has such models. The :doc:`next page <plot_soft_ranks>` shows what
# epsilon changes, and how to choose it.
