"""
Train for a label among the first k
===================================

If a system shows three suggestions, the right one need not be first.

Cross-entropy asks for the label in first place. :func:`otsort.losses.top_k_cross_entropy` and
:func:`otsort.losses.top_k_error` ask for the label in one of the first k places. The loss matters here, because the
model is too simple to tell all digits apart: it is linear in four principal components. With losses for the first three
places, more labels are among the first three, and fewer are first.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import otsort

digits = load_digits()
features = PCA(4, whiten=True, random_state=0).fit_transform(digits.data)
features, labels = jnp.asarray(features, jnp.float32), jnp.asarray(digits.target)
rng = np.random.default_rng(0)
splits = jnp.stack([jnp.asarray(rng.permutation(len(labels))) for _ in range(3)])

losses = {
    "cross-entropy": optax.losses.softmax_cross_entropy_with_integer_labels,
    "top-3 cross-entropy": lambda logits, labels: otsort.losses.top_k_cross_entropy(logits, labels, k=3, epsilon=0.1),
    "top-3 error": lambda logits, labels: otsort.losses.top_k_error(logits, labels, k=3, epsilon=0.1),
}
optimiser = optax.adam(0.03)


def test_logits(loss, split):
    """Returns logits for one half of the digits, from a model that was trained on the other half."""
    train, test = split[:900], split[900:]

    def objective(model):
        weights, bias = model
        return jnp.mean(loss(features[train] @ weights + bias, labels[train]))

    def step(carry, _):
        model, state = carry
        updates, state = optimiser.update(jax.grad(objective)(model), state)
        return (optax.apply_updates(model, updates), state), None

    start = 0.01 * jax.random.normal(jax.random.key(0), (4, 10)), jnp.zeros(10)
    (weights, bias), _ = jax.lax.scan(step, (start, optimiser.init(start)), length=300)[0]
    return features[test] @ weights + bias


# %%
# The numbers are means over three splits:

figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
for name, loss in losses.items():
    logits = jax.jit(jax.vmap(lambda split, loss=loss: test_logits(loss, split)))(splits)
    of_label = jnp.take_along_axis(logits, labels[splits[:, 900:]][..., None], axis=-1)
    places = jnp.sum(logits >= of_label, axis=-1)
    scores = [100 * float(jnp.mean(places <= k)) for k in range(1, 6)]
    print(f"{name:20}", "  ".join(f"first {k}: {score:.1f} %" for k, score in enumerate(scores, 1)))
    axis.plot(range(1, 6), scores, "o-", label=name)
axis.set(
    xlabel="k", ylabel="digits among the first k, %", xticks=range(1, 6), title="Each loss gains what it is trained for"
)
axis.axvline(3, color="0.8", zorder=0)
axis.legend()
