"""Measures regressions with outliers."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

import otsort

from ..common.learning.bench import Workbench
from ..common.learning.tables import Table, table
from ..common.study import Row
from ..table1.measure import FORMULAS, Change, Loss, multiplied, pinball, regressions
from ..table1.study import PAPER_T
from .study import HEAVY, KEPT, OUTLIERS, TRIMMED, Outliers, Training

_FREEDOM, _SCALE = 1.5, 0.3  # of heavy-tailed noise: degrees of freedom, and scale in standard deviations


def _trimmed(residuals: Float[Array, " batch"], loss: Loss) -> Float[Array, ""]:
    return otsort.losses.trimmed_mean(pinball(residuals, loss.tau), 0, KEPT, **loss.options)


def heavy(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Adds noise of Student's t-distribution to targets."""
    return y + _SCALE * y.std() * rng.standard_t(_FREEDOM, size=y.size)


def load(study: Outliers, folder: Path | None) -> dict[str, Table]:
    """Loads the tables of the study by name."""
    return {name: table(name, folder) for name in (*study.data, *study.changed)}


def measure(study: Outliers, cases: Sequence[Training], data: dict[str, Table], bench: Workbench) -> Iterator[Row]:
    """Yields the rows of some of the cases. All seeds of a regression are trained, so that rows are independent."""
    for first, group in itertools.groupby(cases, key=lambda case: replace(case, seed=0)):
        known = data[first.data]
        found = regressions(study, repr(first), loss_of(first), change_of(study, first), known, bench)
        for case in group:
            yield found[case.seed].row(case, known.source)


def loss_of(case: Training) -> Loss:
    """Returns the loss of a case."""
    tau, epsilon = (jnp.asarray(number, jnp.float32) for number in (case.tau, case.epsilon))
    formula = _trimmed if case.loss == TRIMMED else FORMULAS[case.loss]
    target = otsort.TargetMeasure.quantile(case.tau, PAPER_T)
    return Loss(tau, epsilon, target, otsort.squash.logistic, formula)


def change_of(study: Outliers, case: Training) -> Change:
    """Returns the change of the training targets of a case."""
    return heavy if case.change == HEAVY else multiplied(OUTLIERS[case.change], study.factor)
