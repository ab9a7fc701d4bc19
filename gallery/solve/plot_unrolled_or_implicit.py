"""
Choose unrolled or implicit derivatives
=======================================

Implicit derivatives, the default, are about as accurate or better, in less memory.

A *sweep* is one step of Sinkhorn's algorithm. :class:`otsort.Unrolled` differentiates the sweeps one by one.
:class:`otsort.Implicit`, the default, differentiates the solution to which they converge, by the implicit function
theorem. The choice is a field of the solver. For every number of sweeps, the implicit gradient is at least about as
accurate, and its memory does not grow with that number. The study :doc:`/studies/gradients/report` measures this on
many lists.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes

import otsort

x = jnp.asarray(load_diabetes(scaled=False).data[:60, 2])
direction = jax.random.normal(jax.random.key(0), x.shape)


def gradient_of(solver):
    """Returns the compiled gradient of a weighted sum of ranks."""
    return jax.jit(jax.grad(lambda x: direction @ otsort.rank(x, solver=solver, throw=False))).lower(x).compile()


truth = gradient_of(otsort.Newton(epsilon=0.01))(x)
budgets = (2, 8, 32, 128)
figure, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for name, differentiation in {"unrolled": otsort.Unrolled(), "implicit": otsort.Implicit()}.items():
    errors, memory = [], []
    for budget in budgets:
        # Without a tolerance, the solver takes exactly `budget` sweeps.
        solver = otsort.LogSinkhorn(0.01, tol=None, max_steps=budget, differentiation=differentiation)
        compiled = gradient_of(solver)
        errors.append(float(jnp.linalg.norm(compiled(x) - truth) / jnp.linalg.norm(truth)))
        memory.append(compiled.memory_analysis().temp_size_in_bytes / 1024)
        print(f"{name}, {budget:3} sweeps: error {errors[-1]:.1e}, scratch memory {memory[-1]:6.0f} KiB")
    axes[0].plot(budgets, errors, "o-", label=name)
    axes[1].plot(budgets, memory, "o-", label=name)
for axis, label in zip(axes, ("relative error of the gradient", "scratch memory, KiB"), strict=True):
    axis.set(xscale="log", yscale="log", xlabel="sweeps", ylabel=label)
axes[0].legend()
