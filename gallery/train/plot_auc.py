"""
Train for the area under the ROC curve
======================================

A detector of rare positives is judged by the area under the ROC curve. Train it for that.

The area under the ROC curve (AUC) says how often a positive has a higher score than a negative. It depends only on
ranks, and :func:`otsort.metrics.roc_auc` makes it smooth.

Here a linear model must find the eights, about 10 % of 1796 pictures of digits. The model cannot order all pictures
correctly, so the loss matters: trained for the AUC, it orders them better than with the usual cross-entropy. Its scores
are not probabilities, however. Adding an offset to all scores changes no rank, so training does not determine the
offset.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from sklearn.datasets import load_digits
from sklearn.metrics import roc_curve

import otsort

digits = load_digits()
labels = jnp.asarray(digits.target[:1796] == 8, jnp.float32)
features = digits.data[:1796]
features = jnp.asarray((features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9), jnp.float32)
rng = np.random.default_rng(0)
splits = jnp.asarray(np.stack([rng.permutation(1796).reshape(2, -1) for _ in range(5)]))

auc = otsort.metrics.roc_auc
losses = {
    "cross-entropy": lambda scores, labels: jnp.mean(optax.sigmoid_binary_cross_entropy(scores, labels)),
    "AUC": lambda scores, labels: 1 - auc(scores, labels, epsilon=0.1),
}
optimiser = optax.adam(0.02)


def scores(loss, split):
    """Returns the scores of the second half of the pictures, after 200 steps on the first half."""
    rows = split[0]
    objective = lambda model: loss(features[rows] @ model["weights"] + model["offset"], labels[rows])

    def step(carry, _):
        model, state = carry
        updates, state = optimiser.update(jax.grad(objective)(model), state)
        return (optax.apply_updates(model, updates), state), None

    start = {"weights": jnp.full(64, 0.01), "offset": jnp.zeros(())}
    (model, _), _ = jax.lax.scan(step, (start, optimiser.init(start)), length=200)
    return features[split[1]] @ model["weights"]


# %%
# The AUC is exact, and is computed on the second half of the pictures. The numbers are means over five splits. The
# brackets show the difference from cross-entropy on the same split, with its standard deviation:

judged = labels[splits[:, 1]]
found = {name: jax.jit(jax.vmap(lambda split, loss=loss: scores(loss, split)))(splits) for name, loss in losses.items()}
areas = {name: auc(s, judged, epsilon=0) for name, s in found.items()}
figure, axis = plt.subplots(figsize=(5, 3.6), layout="constrained")
for name, area in areas.items():
    gain = area - areas["cross-entropy"]
    print(f"trained with {name:13} AUC {area.mean():.3f} ({gain.mean():+.3f} ± {gain.std():.3f})")
    axis.plot(*roc_curve(judged[0], found[name][0])[:2], label=name)
axis.set(xlabel="share of other digits above the threshold", ylabel="share of eights above it", xlim=(0, 0.4))
axis.legend(title="trained with, first split")
