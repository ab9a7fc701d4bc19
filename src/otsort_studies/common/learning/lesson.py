"""Defines tasks that a dense network learns through a loss with options, and trains all seeds of such a task."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
import optax
from jaxtyping import Array, Float, Key

from .. import outcome
from ..labelled import LABELLED, Split
from ..study import Row
from . import training
from .bench import Workbench
from .dense import Weights, arrays, first_weights, outputs


def as_it_is(target: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns the target unchanged."""
    del rng
    return target


class Lesson(NamedTuple):
    """A task that a network learns.

    Attributes:
        data: name in `LABELLED`.
        widths: widths of the layers of the network after the input.
        loss: function `(outputs, target, length of a list, **options) -> loss`.
        score: function `(outputs, target) -> score`; larger is better.
        target: function `(target, random generator) -> target` that is applied to all data.
    """

    data: str
    widths: tuple[int, ...]
    loss: Callable[..., Array]
    score: Callable[[Array, Array], Array]
    target: Callable[[np.ndarray, np.random.Generator], np.ndarray] = as_it_is


class Learnt(training.AbstractTask):
    """A lesson with the options of its loss, such as an epsilon.

    Attributes:
        parts: "train", "validation" and "test", each with features and targets.
        weights: initial weights.
        options: options of the loss. Their arrays are no weights, so they are not trained.
        lesson: description of the task.
        length: number of values of a list, for losses that form lists of the examples.
    """

    parts: dict[str, tuple[Array, Array]]
    weights: Weights
    options: dict[str, Any]
    lesson: Lesson = eqx.field(static=True)
    length: int = eqx.field(static=True)

    def __init__(self, lesson: Lesson, options: dict[str, Any], length: int, rng: np.random.Generator):
        self.lesson, self.options, self.length = lesson, options, length
        features, target = LABELLED[lesson.data]()
        self.parts = arrays(Split.half(features, lesson.target(target, rng), rng))
        self.weights = first_weights((features.shape[1], *lesson.widths), rng)

    def network(self, key: Key[Array, ""]) -> training.Network:
        del key
        return training.Network(self.weights, None)

    def loss(self, network: training.Network, examples: Any, key: Key[Array, ""]) -> tuple[Float[Array, ""], None]:
        del key
        x, y = examples
        return self.lesson.loss(outputs(network.model, x), y, self.length, **self.options), None

    def scores(self, network: training.Network, examples: Any) -> dict[str, Float[Array, ""]]:
        x, y = examples
        return {"score": self.lesson.score(outputs(network.model, x), y)}


class Course(NamedTuple):
    """How the seeds of a task are trained.

    Attributes:
        steps: number of steps of Adam.
        rate: learning rate of Adam.
        batch: number of examples in a step, drawn with repetition.
    """

    steps: int
    rate: float
    batch: int


_adam = functools.cache(optax.adam)  # cached, so that nothing is compiled again


def train_seeds(
    course: Course,
    cases: Sequence[Any],
    kind: Callable[[Any], tuple[Any, ...]],
    task: Callable[[Any, np.random.Generator], training.AbstractTask],
    seen: tuple[str, ...] = ("score",),
) -> Iterator[Row]:
    """Trains all seeds of the same kind in parallel, and yields their rows.

    Args:
        course: number of steps, learning rate, and size of a batch.
        cases: cases of one part, with a field `seed`.
        kind: function that gives equal results for cases that differ only in the seed.
        task: function of a case and the random numbers of its seed that returns the task.
        seen: names of the scores; "score" becomes the columns `validation` and `test`.
    """
    for _, group in itertools.groupby(cases, key=kind):
        group = list(group)
        rngs = [np.random.default_rng(case.seed) for case in group]
        tasks = [task(case, rng) for case, rng in zip(group, rngs, strict=True)]
        sizes = {use: len(target) for use, (_, target) in tasks[0].parts.items()}
        batches = {
            case.seed: rng.integers(sizes["train"], size=(course.steps, course.batch))
            for case, rng in zip(group, rngs, strict=True)
        }
        plan = training.Plan(
            optimiser=_adam(course.rate),
            batches=lambda seed, step, batches=batches: batches[seed][step],
            checkpoints=1,
            stride=course.steps,
            scored={use: [np.arange(sizes[use])] for use in ("validation", "test")},
            loops=True,
        )
        found = training.train(repr(group[0]), tasks, [case.seed for case in group], plan, Workbench())
        for case, one in zip(group, found, strict=True):
            scores = {name: one.curves[f"test_{name}"][0] for name in seen}
            validation = one.curves["validation_score"][0]
            word = outcome.outcome(one.outcome, finite=np.isfinite([validation, *scores.values()]))
            test = scores.pop("score")
            yield case.row(word, validation=validation, test=test, **scores, seconds=one.seconds)
