"""Measures the regressions of Table 1."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Key

import otsort

from ..common import outcome
from ..common.labelled import Split
from ..common.learning.bench import Workbench
from ..common.learning.networks import Dense
from ..common.learning.tables import Table, table
from ..common.learning.training import AbstractTask, Network, Plan, Trained, shuffled, train
from ..common.study import Row
from .study import LOGISTIC, MIN_MAX, PAPER_EPSILON, PAPER_T, PINBALL, Constant, Fit, Setting, Table1

_TRAIN, _VALIDATION = 0.8, 0.1  # share of all rows, and share of the training rows

#: A function `(training targets, random generator) -> training targets`.
Change: TypeAlias = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class Loss(eqx.Module):
    """A loss of residuals.

    Attributes:
        tau: quantile level.
        epsilon, squash: options of the S-quantile or the S-CDF.
        target: target of equation (4); it may be None for losses that do not use it.
        formula: function `(residuals, loss) -> number`.
    """

    tau: Float[Array, ""]
    epsilon: Float[Array, ""]
    target: otsort.TargetMeasure | None
    squash: Callable[..., Array]
    formula: Callable[[Float[Array, " batch"], "Loss"], Float[Array, ""]]

    def __call__(self, residuals: Float[Array, " batch"]) -> Float[Array, ""]:
        return self.formula(residuals, self)

    @property
    def options(self) -> dict[str, Any]:
        """Returns the options of the operators."""
        return {"epsilon": self.epsilon, "squash": self.squash}


def pinball(residuals: Float[Array, " n"], tau: Float[Array, ""]) -> Float[Array, " n"]:
    """Returns the pinball loss of each residual."""
    return jnp.maximum(tau * residuals, (tau - 1) * residuals)


def _mean(residuals: Float[Array, " batch"], loss: Loss) -> Float[Array, ""]:
    return jnp.mean(pinball(residuals, loss.tau))


def _quantile(errors: Float[Array, " batch"], loss: Loss) -> Float[Array, ""]:
    return otsort.sort(errors, target=loss.target, **loss.options)[1]


def _level_of_zero(residuals: Float[Array, " batch"], loss: Loss) -> Float[Array, ""]:
    (level,) = otsort.cdf(residuals, at=jnp.zeros(1, residuals.dtype), **loss.options)
    return (level - loss.tau) ** 2


#: Name of a loss -> its formula.
FORMULAS: dict[str, Callable[[Float[Array, " batch"], Loss], Float[Array, ""]]] = {
    PINBALL: _mean,
    "quantile of pinball": lambda residuals, loss: _quantile(pinball(residuals, loss.tau), loss),
    "quantile of absolute": lambda residuals, loss: _quantile(jnp.abs(residuals), loss),
    "quantile at zero": lambda residuals, loss: _quantile(residuals, loss) ** 2,
    "level of zero": _level_of_zero,
}
_SQUASHES = {"": otsort.squash.logistic, LOGISTIC: otsort.squash.logistic, MIN_MAX: otsort.squash.min_max}


class Regression(AbstractTask):
    """The task of predicting a quantile of a target from features.

    Attributes:
        parts: "train", "validation" and "test", each with features and targets.
        minimised: loss of the residuals.
        deviation: standard deviation of the training targets; scores are divided by it.
        begin: function that returns the network with its initial weights.
    """

    parts: dict[str, tuple[Array, Array]]
    minimised: Loss
    deviation: Float[Array, ""]
    begin: Callable[[Key[Array, ""]], Network]

    def network(self, key: Key[Array, ""]) -> Network:
        return self.begin(key)

    def loss(self, network: Network, examples: Any, key: Key[Array, ""]) -> tuple[Float[Array, ""], eqx.nn.State]:
        x, y = examples
        predictions = jax.vmap(network.model)(x, jax.random.split(key, y.size))
        return self.minimised(y - predictions), network.state

    def scores(self, network: Network, examples: Any) -> dict[str, Float[Array, ""]]:
        x, y = examples
        residuals = y - jax.vmap(network.model)(x)
        return {"pinball": jnp.mean(pinball(residuals, self.minimised.tau)) / self.deviation}


def split(data: Table, seed: int) -> Split:
    """Splits a table at random; targets are not scaled."""
    order = np.random.default_rng(seed).permutation(data.target.size)
    both = round(_TRAIN * order.size)
    return Split.of(data.features, data.target, order, (round((1 - _VALIDATION) * both), both))


def load(study: Table1, folder: Path | None) -> dict[str, Table]:
    """Loads the tables of the study by name."""
    return {name: table(name, folder) for name in (*study.data, study.setting_data)}


def measure(study: Table1, cases: Sequence[Any], data: dict[str, Table], bench: Workbench) -> Iterator[Row]:
    """Yields the rows of some of the cases. All seeds of a regression are trained, so that rows are independent."""
    for first, group in itertools.groupby(cases, key=lambda case: replace(case, seed=0)):
        if isinstance(first, Constant):
            yield from (_constant(case, data[case.data]) for case in group)
            continue
        known = data[study.setting_data if isinstance(first, Setting) else first.data]
        loss, outliers = _loss(first)
        found = regressions(study, repr(first), loss, multiplied(outliers, study.factor), known, bench)
        for case in group:
            yield found[case.seed].row(case, known.source)


def _constant(case: Constant, data: Table) -> Row:
    parts = split(data, case.seed)
    (_, train), (_, test) = parts.train, parts.test
    residuals = test - np.quantile(train, case.tau)
    loss = float(np.mean(np.maximum(case.tau * residuals, (case.tau - 1) * residuals)))
    scaled, standardised = loss / np.mean(np.abs(train)), loss / np.std(train)
    return case.row(outcome.EXACT, scaled=float(scaled), standardised=float(standardised))


def regressions(study: Any, name: str, loss: Loss, change: Change, data: Table, bench: Workbench) -> list[Trained]:
    """Trains a regression with all seeds of a study.

    Args:
        study: a study with the sizes, rates and seeds of `Table1`.
        name: name of the training, which identifies its checkpoint.
        loss: loss of the residuals.
        change: change of the training targets.
        data: the table.
        bench: checkpoint file, and function that receives the progress.
    """
    parts = split(data, seed=0)
    scored = {part: [np.arange(target.size)] for part, (_, target) in parts._asdict().items()}
    plan = Plan(
        _optimiser(study.rate, study.decay),
        shuffled(parts.train[1].size, study.batch),
        study.checkpoints,
        study.stride,
        scored,
        loops=True,
    )
    seeds = range(study.seeds)
    tasks = [_task(study, data, loss, change, seed) for seed in seeds]
    return train(name, tasks, seeds, plan, bench)


def multiplied(share: float, factor: float) -> Change:
    """Returns a function that multiplies a random share of the targets by a factor."""

    def change(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        far = rng.permutation(y.size)[: round(share * y.size)]
        return np.where(np.isin(np.arange(y.size), far), factor * y, y)

    return change


def _loss(case: Fit | Setting) -> tuple[Loss, float]:
    """Returns the loss and the share of outliers of a case."""
    if isinstance(case, Setting):
        epsilon, t, squash, outliers = case.epsilon, case.t, _SQUASHES[case.squash], case.outliers
    else:
        epsilon, t, squash, outliers = PAPER_EPSILON, PAPER_T, _SQUASHES[LOGISTIC], 0.0
    tau, epsilon = (jnp.asarray(number, jnp.float32) for number in (case.tau, epsilon))
    target = otsort.TargetMeasure.quantile(case.tau, t) if t else None
    return Loss(tau, epsilon, target, squash, FORMULAS[case.method]), outliers


def _task(study: Any, data: Table, loss: Loss, change: Change, seed: int) -> Regression:
    whole = split(data, seed)
    x, y = whole.train
    mean, scale = x.mean(axis=0), np.mean(np.abs(y))
    deviation = np.where(np.ptp(x, axis=0) > 0, x.std(axis=0), 1)  # one kind of weather occurs only once
    unit = jnp.asarray(y.std() / scale, jnp.float32)

    def prepared(x: np.ndarray, y: np.ndarray) -> tuple[Array, Array]:
        return jnp.asarray((x - mean) / deviation, jnp.float32), jnp.asarray(y / scale, jnp.float32)

    parts = {name: prepared(*part) for name, part in whole._asdict().items()}
    parts["train"] = prepared(x, change(y, np.random.default_rng(seed)))
    return Regression(parts, loss, unit, _begin(x.shape[1], study.hidden, study.dropout))


@functools.cache
def _begin(inputs: int, hidden: int, dropout: float) -> Callable[[Key[Array, ""]], Network]:
    """Returns a function that initialises the network; cached, so that nothing is compiled again."""
    return lambda key: Network(*eqx.nn.make_with_state(Dense)(inputs, (hidden, hidden), dropout, key))


@functools.cache
def _optimiser(rate: float, decay: float) -> optax.GradientTransformation:
    """Returns Adam with weight decay; cached, so that nothing is compiled again."""
    return optax.chain(optax.add_decayed_weights(decay), optax.adam(rate))
