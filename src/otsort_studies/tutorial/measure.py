"""Measures the numbers, the photo and the training of the tutorial."""

import functools
import itertools
import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.ndimage
from jaxtyping import Array, Float, Int

import otsort

from ..common import outcome
from ..common.learning.bench import Workbench
from ..common.learning.classification import cross_entropy, trainings
from ..common.learning.images import CLASSES, Images
from ..common.learning.images import load as load
from ..common.learning.networks import Unchanged
from ..common.study import Row
from .study import CROSS_ENTROPY, MEDIAN, NOISY, SOFT, Denoising, Example, Tutorial

_SHOWN = (slice(30, 158), slice(180, 340))  # part of the photo in the picture


def measure(study: Tutorial, cases: Sequence[Any], data: Images, bench: Workbench) -> Iterator[Row]:
    """Yields the rows of some of the cases."""
    for kind, group in itertools.groupby(cases, key=type):
        some: Any = list(group)
        if kind is Example:
            yield from map(_example, some)
        elif kind is Denoising:
            yield from (_denoised(study, case) for case in some)
        else:
            how = lambda case: (_OBJECTIVES[case.loss], Unchanged.of)
            optimiser = optax.adamw(study.rate, weight_decay=study.decay)
            yield from trainings(study, some, data, bench, optimiser, how)


def _example(case: Example) -> Row:
    x = jnp.asarray([1.0, 5.0, 4.0, 8.0, 12.0], jnp.float32)
    with jax.threefry_partitionable(False):  # the random generator at the time of the tutorial
        many = jax.random.uniform(jax.random.PRNGKey(0), (1000,), jnp.float32)
    ours, exact = {
        "sort": lambda: (otsort.sort(x), np.sort(x)),
        "sort, epsilon = 0.0001": lambda: (otsort.sort(x, epsilon=1e-4), np.sort(x)),
        "sort, epsilon = 0.1": lambda: (otsort.sort(x, epsilon=0.1), np.sort(x)),
        "ranks from 0": lambda: (otsort.rank(x) - 1, np.argsort(np.argsort(x))),
        "median": lambda: (otsort.quantile(x, np.array([0.5])), [np.median(x)]),
        "top 5 of 1000": lambda: (otsort.top_k(many, 5)[::-1], np.sort(many)[-5:]),
    }[case.name]()
    numbers = {"ours": np.asarray(ours, float), "exact": np.asarray(exact, float)}
    word = outcome.outcome(outcome.CONVERGED, finite=np.isfinite(numbers["ours"]))
    return case.row(word, **{name: found.tolist() for name, found in numbers.items()})


def _denoised(study: Tutorial, case: Denoising) -> Row:
    photo = _photo()
    noisy = _salt_and_pepper(photo, study.noise, case.seed)

    def soft(image: Float[Array, "h w"]) -> Float[Array, "h w"]:
        return otsort.images.median_filter(image, study.size, epsilon=case.epsilon)

    if case.filter == NOISY:
        filtered, seconds = noisy, 0.0
    elif case.filter == MEDIAN:
        start = time.perf_counter()
        filtered = scipy.ndimage.median_filter(noisy, study.size)
        seconds = time.perf_counter() - start
    else:
        run = jax.jit(soft).lower(noisy).compile()
        start = time.perf_counter()
        filtered = np.asarray(run(noisy))
        seconds = time.perf_counter() - start
    shown = np.clip(np.rint(255 * filtered[_SHOWN]), 0, 255).astype(int)
    return case.row(
        outcome.outcome(outcome.CONVERGED, finite=np.isfinite(filtered)),
        psnr=float(-10 * np.log10(np.mean((filtered - photo) ** 2))),
        seconds=seconds,
        **({} if case.seed else {"picture": shown.ravel().tolist(), "width": shown.shape[1]}),
    )


@functools.cache
def _photo() -> Float[np.ndarray, "h w"]:
    """Loads the photo, with values from 0 to 1."""
    from sklearn.datasets import load_sample_image

    return load_sample_image("china.jpg")[..., 0].astype(np.float32) / 255


def _salt_and_pepper(image: Float[np.ndarray, "h w"], share: float, seed: int) -> Float[np.ndarray, "h w"]:
    """Sets random pixels, drawn with repetition, to 0 or 1, as in the tutorial."""
    rng = np.random.default_rng(seed)
    noisy = image.copy()
    places = rng.integers(0, image.size, int(np.ceil(share * image.size)))
    noisy.reshape(-1)[places] = rng.uniform(size=places.size) > 0.5
    return noisy


def soft_error(logits: Float[Array, "batch classes"], labels: Int[Array, " batch"]) -> Float[Array, " batch"]:
    """Computes the soft 0/1 loss of the tutorial, as a number of places."""
    return CLASSES * otsort.losses.top_k_error(logits, labels)


_OBJECTIVES = {SOFT: soft_error, CROSS_ENTROPY: cross_entropy}
