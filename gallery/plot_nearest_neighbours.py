"""
Nearest neighbours in a space that is learnt
============================================

Which k points are the nearest is a top-k of minus the distances. :func:`otsort.top_k_mask` makes it smooth, so that the
space in which distances are taken can be learnt for it: here a plane through the 13 measurements of 178 wines, such that
the five nearest wines are of the same cultivar. ``where`` leaves out the wine itself.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

import otsort

measured, cultivar = load_wine(return_X_y=True)
measured = (measured - measured.mean(axis=0)) / measured.std(axis=0)
train, test = np.split(np.random.default_rng(0).permutation(len(cultivar)), 2)
wines, kinds = jnp.asarray(measured[train]), jax.nn.one_hot(cultivar[train], 3)
others = ~jnp.eye(len(train), dtype=bool)


def loss(plane):
    places = wines @ plane
    distances = jnp.sum((places[:, None] - places[None, :]) ** 2, axis=-1)
    near = otsort.top_k_mask(-distances, 5, where=others, epsilon=0.01)
    same = jnp.sum(near @ kinds * kinds, axis=1) / 5  # share of the five that are of the right kind
    return -jnp.mean(jnp.log(same + 1e-3))


optimiser = optax.adam(0.03)


@jax.jit
def step(plane, state):
    value, gradient = jax.value_and_grad(loss)(plane)
    updates, state = optimiser.update(gradient, state)
    return optax.apply_updates(plane, updates), state, value


principal = PCA(2).fit(measured[train]).components_.T
worst = np.eye(13)[:, :2]  # the first two measurements as they are
planes = {"two measurements": worst, "two principal components": principal}
plane = jnp.asarray(worst)
state = optimiser.init(plane)
for _ in range(100):
    plane, state, _ = step(plane, state)
planes["learnt for five neighbours"] = np.asarray(plane)

# %%

figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for axis, (name, plane) in zip(axes, planes.items(), strict=True):
    places = measured @ plane
    model = KNeighborsClassifier(5).fit(places[train], cultivar[train])
    score = model.score(places[test], cultivar[test])
    print(f"{name:27} {100 * score:.1f} % of the held-out wines by their five nearest")
    axis.scatter(*places[train].T, c=cultivar[train], s=10, alpha=0.3)
    axis.scatter(*places[test].T, c=cultivar[test], s=18, edgecolor="black", linewidth=0.4)
    axis.set(title=f"{name}: {100 * score:.0f} %", xticks=[], yticks=[])
