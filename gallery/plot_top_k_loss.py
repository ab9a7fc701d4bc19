"""
A loss for the first k places
=============================

Where a system shows three suggestions, what counts is that the right one is among them. Cross-entropy asks for the first
place; :func:`otsort.losses.top_k_cross_entropy` asks for one of the first k. We train linear models with both on digits
that are hard to tell apart, as only the ink in each of the eight rows of the picture is seen.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from sklearn.datasets import load_digits

import otsort

digits = load_digits()
ink = digits.images.sum(axis=2)
ink = jnp.asarray((ink - ink.mean(axis=0)) / ink.std(axis=0))
train, test = np.split(np.random.default_rng(0).permutation(len(ink)), [900])
labels = jnp.asarray(digits.target)

losses = {
    "cross-entropy": optax.losses.softmax_cross_entropy_with_integer_labels,
    "top 1": lambda logits, labels: otsort.losses.top_k_cross_entropy(logits, labels, k=1, epsilon=0.1),
    "top 3": lambda logits, labels: otsort.losses.top_k_cross_entropy(logits, labels, k=3, epsilon=0.1),
}
optimiser = optax.adam(0.03)


def trained(loss):
    def objective(model):
        weights, bias = model
        return jnp.mean(loss(ink[train] @ weights + bias, labels[train]))

    def step(carry, _):
        model, state = carry
        updates, state = optimiser.update(jax.grad(objective)(model), state)
        return (optax.apply_updates(model, updates), state), None

    start = 0.01 * jax.random.normal(jax.random.key(0), (8, 10)), jnp.zeros(10)
    return jax.jit(lambda start: jax.lax.scan(step, (start, optimiser.init(start)), length=300)[0][0])(start)


# %%

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained")
places = np.arange(1, 11)
curves = {}
for name, loss in losses.items():
    weights, bias = trained(loss)
    logits = ink[test] @ weights + bias
    place = jnp.sum(logits >= jnp.take_along_axis(logits, labels[test][:, None], axis=1), axis=1)
    curves[name] = np.array([np.mean(place <= k) for k in places])
    print(f"{name:14}", "  ".join(f"in the first {k}: {100 * curves[name][k - 1]:.1f} %" for k in (1, 2, 3, 5)))
    axes[1].plot(places[:6], 100 * (curves[name] - curves["cross-entropy"])[:6], "o-", label=name)
axes[1].set(xlabel="k", ylabel="points above cross-entropy", title="Digit among the first k, test")
axes[1].legend()

for i, k in enumerate((1, 3)):
    mask = otsort.top_k_mask(logits[0], k, epsilon=0.1)
    axes[0].bar(np.arange(10) + 0.4 * i - 0.2, mask, width=0.4, label=f"k = {k}")
axes[0].set(xlabel="class", ylabel="membership", xticks=range(10), title=f"Among the k largest? A {labels[test][0]}")
axes[0].legend()
