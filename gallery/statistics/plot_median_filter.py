"""
Train the weights of a median filter
====================================

A median filter removes salt-and-pepper noise. Its soft version can be trained.

A median filter replaces each pixel by the median of the window around it. :func:`otsort.images.median_filter` has a
derivative. Here we train the weights of the pixels in the window on one part of a photo, and apply the filter to
another part.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from sklearn.datasets import load_sample_image

import otsort

photo = load_sample_image("china.jpg")[..., 0].astype(np.float32) / 255
rng = np.random.default_rng(0)
noisy = photo.copy()
hit = rng.uniform(size=photo.shape) < 0.2
noisy[hit] = rng.integers(0, 2, hit.sum())
train, test = np.s_[158:206, 180:244], np.s_[30:158, 180:340]


def psnr(image, clean):
    """Returns the peak signal-to-noise ratio, in dB."""
    return -10 * jnp.log10(jnp.mean((image - clean) ** 2))


def weighted(logits, image):
    return otsort.images.median_filter(image, 5, weights=jax.nn.softmax(logits, axis=None), epsilon=0.01)


optimiser = optax.adam(0.1)


@jax.jit
def step(logits, state):
    value, gradient = jax.value_and_grad(lambda logits: -psnr(weighted(logits, noisy[train]), photo[train]))(logits)
    updates, state = optimiser.update(gradient, state)
    return optax.apply_updates(logits, updates), state, -value


logits = jnp.zeros((5, 5))
state = optimiser.init(logits)
for i in range(41):
    logits, state, value = step(logits, state)
    if i % 10 == 0:
        print(f"step {i:2}: {value:.2f} dB on the part for training")

# %%

clean = photo[test]
pictures = {
    "noisy": noisy[test],
    "median of 3 x 3": otsort.images.median_filter(noisy[test], 3, epsilon=0),
    "learnt weights, 5 x 5": weighted(logits, noisy[test]),
}
figure, axes = plt.subplots(2, 2, figsize=(7, 5.5), layout="constrained")
for axis, (name, picture) in zip(axes.flat, pictures.items(), strict=False):
    print(f"{name}: {psnr(picture, clean):.2f} dB on the other part")
    axis.imshow(picture, cmap="gray", vmin=0, vmax=1)
    axis.set(title=f"{name}: {psnr(picture, clean):.1f} dB", xticks=[], yticks=[])
image = axes[1, 1].imshow(jax.nn.softmax(logits, axis=None), cmap="Blues", vmin=0)
figure.colorbar(image, ax=axes[1, 1])
axes[1, 1].set(title="learnt weights", xticks=[], yticks=[])
