"""
Reach a small epsilon in few sweeps
===================================

At a small epsilon, Sinkhorn's algorithm converges slowly. A good start helps most.

A *sweep* is one step of Sinkhorn's algorithm. Two methods reduce the number of sweeps. Epsilon can fall to its final
value during the solve (:class:`otsort.EpsilonSchedule`). Or the solve can start from the potential of the exact
transport, which has a closed form in one dimension. The second method is the default, and takes fewer sweeps.
:class:`otsort.Newton`, the default solver for short lists, takes a few steps, each of which costs more than a sweep.

The ``stats`` of a solution hold its number of steps or sweeps, and the marginal error that it reached. The study
:doc:`/studies/schedules/report` measures them on many lists, and measures schedules over the steps of a training.
"""

import jax.numpy as jnp
import matplotlib.pyplot as plt
from sklearn.datasets import load_diabetes

import otsort

x = jnp.asarray(load_diabetes(scaled=False).data[:200, 2])
target = otsort.UniformTarget(200)
epsilon, tolerances = 0.003, (1e-1, 1e-2, 1e-3, 1e-4, 3e-5)
falling = otsort.EpsilonSchedule(epsilon, start=1, decay=0.9)
solvers = {
    "constant, from zero": lambda tol: otsort.LogSinkhorn(epsilon, tol, start=otsort.zero_start),
    "falling, from zero": lambda tol: otsort.LogSinkhorn(falling, tol, start=otsort.zero_start),
    "constant, from the exact": lambda tol: otsort.LogSinkhorn(epsilon, tol),
    "Newton, from the exact": lambda tol: otsort.Newton(epsilon, tol),
}

figure, axes = plt.subplots(1, 2, figsize=(11, 3.6), layout="constrained")
sweeps = jnp.arange(100)
axes[0].plot(sweeps, [falling(sweep) for sweep in sweeps])
axes[0].set(yscale="log", xlabel="sweep", ylabel="epsilon", title="A falling epsilon")
for name, solver_of in solvers.items():
    steps = []
    for tol in tolerances:
        solution = otsort.solve(x, target, solver=solver_of(tol))
        steps.append(int(solution.stats["num_steps"]))
    print(f"{name:25} {steps[-1]:4} steps to a marginal error of {solution.stats['marginal_error']:.1e}")
    axes[1].plot(steps, tolerances, "o-", label=name)
axes[1].set_xscale("symlog", linthresh=1)  # the exact start may need no step at all
axes[1].set(yscale="log", xlabel="steps", ylabel="marginal error asked for", title=f"epsilon = {epsilon}")
figure.legend(loc="outside right upper")
