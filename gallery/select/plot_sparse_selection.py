"""
Choose pixels with exact zeros
==============================

A soft mask is positive everywhere. :class:`otsort.SparseNewton` gives exact zeros.

With an entropic plan, every entry of a soft top-k mask is above zero, so information leaks through all entries, and a
model learns to use it. With :class:`otsort.SparseNewton`, most entries are exactly zero, and a pixel with a zero is
never read.

Here a linear classifier of handwritten digits should look at 12 of 64 pixels. We train the scores of the pixels and the
weights of the classifier together, through a soft mask of the 12 largest scores.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from sklearn.datasets import load_digits

import otsort

K = 12
digits = load_digits()
order = np.random.default_rng(0).permutation(len(digits.target))
x, y = jnp.asarray(digits.data / 16, jnp.float32)[order], jnp.asarray(digits.target)[order]
train, test = slice(0, 1200), slice(1200, None)
solvers = {"entropic": otsort.Newton(0.1), "sparse": otsort.SparseNewton(0.1)}
optimiser = optax.adam(optax.cosine_decay_schedule(0.1, 400))


def logits(model, x, mask):
    _, weights, offset = model
    return (x * mask) @ weights + offset


def trained(solver):
    def loss(model):
        guesses = logits(model, x[train], otsort.top_k_mask(model[0], K, solver=solver))
        return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(guesses, y[train]))

    def step(carry, _):
        model, state = carry
        updates, state = optimiser.update(jax.grad(loss)(model), state)
        return (optax.apply_updates(model, updates), state), None

    scores = 0.1 * jax.random.normal(jax.random.key(0), (64,))
    model = scores, jnp.zeros((64, 10)), jnp.zeros(10)
    (model, _), _ = jax.lax.scan(step, (model, optimiser.init(model)), length=400)
    return model


# %%
# We measure the accuracy on the test digits twice: with the mask as it was trained, and with only its largest entries.
# The number of entries that are kept is the number of nonzero entries of the sparse mask.

models = {name: jax.jit(lambda solver=solver: trained(solver))() for name, solver in solvers.items()}
masks = {name: otsort.top_k_mask(models[name][0], K, solver=solver) for name, solver in solvers.items()}
kept = int(jnp.sum(masks["sparse"] > 0))


def accuracy(model, mask):
    return float(jnp.mean(jnp.argmax(logits(model, x[test], mask), axis=1) == y[test]))


figure, axes = plt.subplots(1, 2, figsize=(7, 3.4), layout="constrained")
for place, (name, mask) in zip(axes, masks.items(), strict=True):
    largest = jnp.where(mask >= jnp.sort(mask)[-kept], mask, 0)
    whole, cut = accuracy(models[name], mask), accuracy(models[name], largest)
    print(f"{name:8} reads {int(jnp.sum(mask > 0))} pixels: accuracy {whole:.3f}, with {kept} of them {cut:.3f}")
    image = place.imshow(np.where(mask > 0, mask, np.nan).reshape(8, 8), cmap="viridis", vmin=0, vmax=1)
    place.set(title=f"{name}: {whole:.3f}, with {kept} pixels {cut:.3f}", xticks=[], yticks=[])
figure.colorbar(image, ax=axes, label="mask; white is exactly zero")
