"""
Gate a mixture of experts with a soft top-k mask
================================================

A mixture of experts sends each input to a few of its networks. The gate chooses them.

:class:`otsort.nn.TopKGate` chooses k experts by a soft top-k mask. With ``straight_through``, all other experts get a
weight of exactly zero, and still learn. An exact mask passes no gradient to experts that are not chosen, and more of
them stay unused. The soft mask alone fits the curve best, but uses all experts at each point.

Here six experts, each a straight line, fit a curve, with one expert at each point.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import optax

import otsort

x = jnp.linspace(-1, 1, 200)
curve = jnp.sin(5 * x) * (1 + x)
points = jnp.stack([x, jnp.ones_like(x)], axis=1)
optimiser = optax.adam(optax.cosine_decay_schedule(0.05, 500))
gates = {
    "exact mask": {"epsilon": 0},
    "soft mask": {"epsilon": 0.1},
    "straight-through": {"epsilon": 0.1, "straight_through": True},
}


class Mixture(eqx.Module):
    gate: otsort.nn.TopKGate
    experts: eqx.nn.Linear  # one line for each expert

    def __call__(self, point):
        weights = self.gate(point)
        return weights @ self.experts(point), weights


def trained(key, options):
    first, second = jax.random.split(key)
    gate = otsort.nn.TopKGate(2, 6, 1, key=first, **options)
    model = Mixture(gate, eqx.nn.Linear(2, 6, use_bias=False, key=second))
    trainable, rest = eqx.partition(model, eqx.is_array)

    def loss(trainable):
        drawn, _ = jax.vmap(eqx.combine(trainable, rest))(points)
        return jnp.mean((drawn - curve) ** 2)

    def step(carry, _):
        trainable, state = carry
        updates, state = optimiser.update(jax.grad(loss)(trainable), state)
        return (optax.apply_updates(trainable, updates), state), None

    (trainable, _), _ = jax.lax.scan(step, (trainable, optimiser.init(trainable)), length=500)
    return loss(trainable), *jax.vmap(eqx.combine(trainable, rest))(points)


# %%
# Each gate is trained from eight random starts. The picture shows the best of them.

figure, axes = plt.subplots(2, 3, figsize=(10, 4.5), layout="constrained", sharex=True, sharey="row")
for column, (name, options) in zip(axes.T, gates.items(), strict=True):
    keys = jax.random.split(jax.random.key(0), 8)
    losses, drawn, weights = jax.jit(jax.vmap(lambda key, options=options: trained(key, options)))(keys)
    experts = jnp.sum(jnp.any(weights > 0.5, axis=1), axis=1)
    per_point = jnp.mean(jnp.sum(weights > 0, axis=2))
    print(
        f"{name:17} mean squared error {jnp.median(losses):.4f} (median); experts in use {jnp.mean(experts):.1f}, "
        f"experts per point {per_point:.1f}"
    )
    best = jnp.argmin(losses)
    column[0].plot(x, curve, color="0.7", linewidth=4)
    column[0].plot(x, drawn[best], color="black", linewidth=1)
    column[0].set_title(name)
    column[1].plot(x, weights[best])
    column[1].set_xlabel("x")
axes[0, 0].set_ylabel("curve")
axes[1, 0].set_ylabel("weights of the experts")
