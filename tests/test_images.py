"""The median filter, against that of scipy.ndimage."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.ndimage

import otsort
from otsort.images import median_filter

from . import problems
from .cases import diagonal

IMAGE = np.random.default_rng(0).integers(0, 30, (7, 5)).astype(float)
MODES = ["reflect", "mirror", "nearest", "wrap", "constant", "grid-mirror", "grid-wrap", "grid-constant"]


@pytest.mark.parametrize(("mode", "size"), diagonal(MODES, [3, 2, (1, 4), (9, 11)]))
def test_the_exact_filter_is_that_of_scipy(mode, size):
    ours = median_filter(IMAGE, size, mode=mode, cval=2.0, epsilon=0)
    np.testing.assert_array_equal(ours, scipy.ndimage.median_filter(IMAGE, size, mode=mode, cval=2.0))


def test_other_quantiles_and_footprints():
    for q in (0, 0.29, 0.75, 1):
        ours = median_filter(IMAGE, (10, 10), q=q, epsilon=0)
        np.testing.assert_array_equal(ours, scipy.ndimage.percentile_filter(IMAGE, 100 * q, (10, 10)))
    cross = np.array([[False, True, False], [True, True, True], [False, True, False]])
    ours = median_filter(IMAGE, 3, where=cross, epsilon=0)
    np.testing.assert_array_equal(ours, scipy.ndimage.median_filter(IMAGE, footprint=cross))


def test_batches_and_channels():
    images = np.random.default_rng(1).normal(size=(2, 3, 6, 4, 2))
    filtered = median_filter(images, 3, epsilon=0)
    for i in np.ndindex(2, 3):
        for c in range(2):
            np.testing.assert_array_equal(filtered[i][..., c], scipy.ndimage.median_filter(images[i][..., c], 3))
    soft = median_filter(images, 3)
    np.testing.assert_allclose(soft[1, 2, :, :, 1], median_filter(images[1, 2, :, :, 1], 3), atol=1e-6)


def test_blocks_are_whole(monkeypatch):
    expected = median_filter(IMAGE, 3)
    monkeypatch.setattr(otsort.images, "_MAX_PIXELS", 9 * 8)  # 35 pixels in blocks of 8
    np.testing.assert_allclose(median_filter(IMAGE, 3), expected, atol=1e-9)


def test_gradient():
    image, direction, probe = np.random.default_rng(2).normal(size=(3, 5, 4))
    loss = lambda image: jnp.vdot(probe, median_filter(image, 3, solver=otsort.Newton(0.05, tol=1e-12)))
    expected = problems.finite_difference(jax.jit(loss), image, direction)
    np.testing.assert_allclose(problems.directional(loss, image, direction), expected, rtol=1e-6)


def test_a_photo_in_little_memory(without_x64):
    photo = jax.ShapeDtypeStruct((512, 512), jnp.float32)
    soft = lambda photo: median_filter(photo, 3)
    for function in (soft, jax.grad(lambda photo: jnp.sum(soft(photo) ** 2))):
        analysis = jax.jit(function).lower(photo).compile().memory_analysis()
        assert analysis.temp_size_in_bytes < 100e6


def test_it_removes_salt_and_pepper(without_x64):
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(*[np.linspace(0, 3, 24)] * 2)
    clean = np.sin(x) * np.cos(y)
    noisy = np.where(rng.uniform(size=clean.shape) < 0.05, rng.choice([-1, 1], clean.shape), clean)
    errors = [np.mean(np.abs(image - clean)) for image in (noisy, median_filter(noisy, 3, epsilon=1e-2))]
    assert errors[1] < errors[0] / 2


def test_pixels_of_integers_and_flat_images():
    assert median_filter(IMAGE.astype(np.uint8), 3).dtype == float
    flat = np.full((3, 3), 7.0)
    np.testing.assert_allclose(median_filter(flat, 3), flat)
    gradient = jax.grad(lambda image: median_filter(image, 3)[1, 1])(flat)
    np.testing.assert_allclose(gradient, 1 / 9)


def test_bad_input_is_told():
    for call, words in (
        (lambda: median_filter(IMAGE[0], 3), "shape"),
        (lambda: median_filter(IMAGE, 0), "size"),
        (lambda: median_filter(IMAGE, (3, 3, 3)), "size"),
        (lambda: median_filter(IMAGE, 3, q=2), "level"),
        (lambda: median_filter(IMAGE, 3, mode="symmetric"), "mode"),
    ):
        with pytest.raises(ValueError, match=words):
            call()
