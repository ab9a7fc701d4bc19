"""Trains all models."""

import functools
from collections.abc import Iterator, Sequence

import jax.numpy as jnp
import numpy as np

from ..common.learning.lesson import Course, Learnt, train_seeds
from ..common.learning.training import AbstractTask
from ..common.study import Row
from .lessons import LAYERS, lesson
from .study import Epsilons, Training

_lesson = functools.cache(lesson)  # cached, so that nothing is compiled again


def measure(study: Epsilons, cases: Sequence[Training]) -> Iterator[Row]:
    """Yields the rows of some of the cases. Seeds are trained side by side."""

    def task(case: Training, rng: np.random.Generator) -> AbstractTask:
        if case.loss in LAYERS:
            return LAYERS[case.loss](case.data, case.epsilon, rng)
        # An array, so that all epsilons share a program.
        options = {"epsilon": jnp.asarray(case.epsilon, jnp.float32)}
        return Learnt(_lesson(case.loss, case.data, study.length), options, study.length, rng)

    kind = lambda case: (case.loss, case.data, case.epsilon)
    yield from train_seeds(Course(study.steps, study.rate, study.batch), cases, kind, task)
