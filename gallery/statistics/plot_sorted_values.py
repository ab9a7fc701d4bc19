"""
Sort a column, and sort one column by another
=============================================

:func:`otsort.permutation` returns the matrix that sorts. Other operators apply it.

The matrix has a row for each place in the order. The row holds the share of every value in that place. With
``epsilon=0``, each row holds a single 1. As epsilon grows, a row averages over more values: about ten times as many for
a hundred times the epsilon.

:func:`otsort.sort` applies the matrix to the values, and :func:`otsort.sort_by` applies it to another column of the
table. Neither stores the matrix. Sorting one column by another averages neighbours, so it is a smoother. The table has
178 wines.
"""

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine

import otsort

wine = load_wine()
alcohol, colour = (jnp.asarray(wine.data[:, wine.feature_names.index(name)]) for name in ("alcohol", "color_intensity"))

figure, axes = plt.subplots(1, 3, figsize=(9, 3.6), layout="constrained")
order = np.argsort(alcohol)  # for the picture
for axis, epsilon in zip(axes, (0, 0.0001, 0.01), strict=True):
    matrix = otsort.permutation(alcohol, epsilon=epsilon)
    averaged = float(jnp.median(1 / jnp.sum(matrix**2, axis=1)))
    print(f"epsilon = {epsilon:<6}: a row averages {averaged:4.1f} wines")
    axis.imshow(np.sqrt(matrix[:, order]), cmap="Blues", vmin=0, vmax=0.5, interpolation="antialiased")
    axis.set(title=f"epsilon = {epsilon}", xlabel="wine, by its alcohol", xticks=[], yticks=[])
axes[0].set_ylabel("place in the order")

# %%
# The lines show the colours in the order of alcohol, against the sorted alcohols. Each line is a running mean, and
# epsilon sets the width of its window. The means have derivatives in both columns.

figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.scatter(alcohol, colour, s=8, color="0.6")
for epsilon in (0.0001, 0.01):
    ordered, smoothed = otsort.sort(alcohol, epsilon=epsilon), otsort.sort_by(colour, key=alcohol, epsilon=epsilon)
    axis.plot(ordered, smoothed, label=f"epsilon = {epsilon}")
axis.set(xlabel="alcohol, %", ylabel="colour", title="One column sorted by another")
axis.legend()
print("matrix @ x is sort(x) to", float(jnp.max(jnp.abs(matrix @ alcohol - ordered))))
