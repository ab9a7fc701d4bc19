"""
Ignore the exposure of pictures
===============================

Quantile normalisation makes a network insensitive to the exposure of its pictures.

:class:`otsort.nn.QuantileNormalization` gives the pixels of a picture a learnt distribution. It keeps their order, but
not their brightness. A network behind this layer reads digits at exposures on which it was not trained. Layer
normalisation removes a linear change of contrast, but not a nonlinear one. Quantile normalisation costs some accuracy
at the exposure of the training, because contrast also tells digits apart.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from sklearn.datasets import load_digits

import otsort

digits = load_digits()
pixels = jnp.asarray(digits.data / 16, jnp.float32)
labels = jnp.asarray(digits.target)
train, test = np.split(np.random.default_rng(0).permutation(len(labels)), [1200])

firsts = {
    "none": eqx.nn.Identity(),
    "layer normalisation": eqx.nn.LayerNorm(64),
    "quantile normalisation": otsort.nn.QuantileNormalization(m=16, epsilon=1e-3),
}
optimiser = optax.adam(0.01)


def trained(first):
    network = eqx.nn.Sequential([first, eqx.nn.MLP(64, 10, 64, 1, key=jax.random.key(0))])

    @eqx.filter_jit
    def step(network, state, rows):
        def loss(network):
            logits = jax.vmap(network)(pixels[rows])
            return jnp.mean(optax.losses.softmax_cross_entropy_with_integer_labels(logits, labels[rows]))

        updates, state = optimiser.update(eqx.filter_grad(loss)(network), state)
        return eqx.apply_updates(network, updates), state

    state = optimiser.init(eqx.filter(network, eqx.is_array))
    rng = np.random.default_rng(0)
    for _ in range(150):
        network, state = step(network, state, rng.choice(train, 100, replace=False))
    return network


# %%
# Each network is tested at exposures from bright to dark: the pixels are raised to the power gamma, which is 1 in
# training.

gammas = (0.1, 0.2, 0.5, 1, 2, 5, 10)
networks = {name: trained(first) for name, first in firsts.items()}
figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", width_ratios=[1, 2])
for name, network in networks.items():
    answers = eqx.filter_jit(lambda pixels, network=network: jnp.argmax(jax.vmap(network)(pixels), axis=1))
    scores = [float(jnp.mean(answers(pixels[test] ** gamma) == labels[test])) for gamma in gammas]
    print(f"{name:22}", "  ".join(f"{gamma}: {100 * score:.1f} %" for gamma, score in zip(gammas, scores, strict=True)))
    axes[1].plot(gammas, scores, "o-", label=name)
axes[1].set(xscale="log", xlabel="gamma", ylabel="accuracy", title="Digits at other exposures")
axes[1].set_xticks(gammas, gammas, minor=False)
axes[1].minorticks_off()
axes[1].legend(title="first layer")
strip = np.concatenate([np.asarray(pixels[test[:3]]).reshape(24, 8) ** gamma for gamma in (0.1, 1, 10)], axis=1)
axes[0].imshow(strip, cmap="gray")
axes[0].set(title="gamma 0.1, 1 and 10", xticks=[], yticks=[])
