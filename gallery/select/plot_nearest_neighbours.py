"""
Learn a plane for nearest neighbours
====================================

A soft top-k mask lets gradients learn the space in which neighbours are searched.

The k nearest points are the k largest values of minus the distance. :func:`otsort.top_k_mask` makes their choice
smooth. Here we learn a plane: the 64 pixels of a digit are projected to two numbers, so that the five nearest digits
are of the same class. ``where`` leaves out the digit itself.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

import otsort

pixels, digit = load_digits(return_X_y=True)
pixels = (pixels / 16).astype(np.float32)
train, test = np.split(np.random.default_rng(0).permutation(len(digit)), [400])
known, classes = jnp.asarray(pixels[train]), jax.nn.one_hot(digit[train], 10)
others = ~jnp.eye(len(train), dtype=bool)


def loss(plane, others):
    projected = known @ plane
    distances = jnp.sum((projected[:, None] - projected[None, :]) ** 2, axis=-1)
    near = otsort.top_k_mask(-distances, 5, where=others, epsilon=0.01)
    same = jnp.sum(near @ classes * classes, axis=1) / 5  # share of the five in the right class
    return -jnp.mean(jnp.log(same + 1e-2))


optimiser = optax.adam(0.03)


@jax.jit
def step(plane, state, others):  # an argument: XLA would fold a constant at compile time
    value, gradient = jax.value_and_grad(loss)(plane, others)
    updates, state = optimiser.update(gradient, state)
    return optax.apply_updates(plane, updates), state, value


principal = PCA(2, random_state=0).fit(pixels[train]).components_.T
plane = jnp.asarray(principal)
state = optimiser.init(plane)
for i in range(101):
    plane, state, value = step(plane, state, others)
    if i % 25 == 0:
        print(f"step {i:3}: loss {value:.3f}")

# %%

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for axis, (name, projection) in zip(axes, {"Principal plane": principal, "Learnt plane": plane}.items(), strict=True):
    projected = pixels @ np.asarray(projection)
    score = KNeighborsClassifier(5).fit(projected[train], digit[train]).score(projected[test], digit[test])
    print(f"{name:15}: {100 * score:.1f} % of the held-out digits are classified correctly")
    shown = axis.scatter(*projected[test].T, c=digit[test], s=8, cmap="tab10", vmin=-0.5, vmax=9.5)
    axis.set(title=f"{name}: {100 * score:.0f} %", xticks=[], yticks=[])
figure.colorbar(shown, ax=axes, ticks=range(10), label="digit")
