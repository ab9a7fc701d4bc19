"""Differentiable image filters."""

import math
from typing import Any, Unpack

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from ._call import Options
from ._checks import as_array, as_size, as_values, is_traced
from ._operator import quantile

#: The modes of scipy.ndimage, and their names in `jax.numpy.pad`.
_MODES = {
    "reflect": "symmetric",
    "grid-mirror": "symmetric",
    "mirror": "reflect",
    "nearest": "edge",
    "wrap": "wrap",
    "grid-wrap": "wrap",
    "constant": "constant",
    "grid-constant": "constant",
}
_MAX_PIXELS = 2**17  # of all windows that are in memory at once


def median_filter(
    image: ArrayLike,
    size: int | tuple[int, int],
    *,
    q: float = 0.5,
    mode: str = "reflect",
    cval: float = 0.0,
    **options: Unpack[Options],
) -> Float[Array, "..."]:
    """Replaces each pixel of an image by the median, or another quantile, of the window around it.

    The filter removes noise and is differentiable. With `epsilon=0` it is `scipy.ndimage.median_filter`, or
    `scipy.ndimage.percentile_filter` for another q: it takes the pixel at place floor(q N), counted from 0, of the N
    sorted pixels of a window. (It is the soft median filter of the tutorial of `ott.tools.soft_sort`, for whole
    images.) Windows are computed block by block, and again for a gradient, so they are never all in memory.

    Args:
        image: shape `(h, w)`, or `(..., h, w, channels)`. Each channel is filtered separately. Give several images
            without channels a last axis of length 1.
        size: size of the window, one number for both axes or `(rows, columns)`. A window of even size reaches further
            up and left.
        q: quantile level in [0, 1].
        mode: how the image continues beyond its edges, as in `scipy.ndimage`: "reflect" (d c b a | a b c d | d c b a),
            "mirror" (d c b | a b c d | c b a), "nearest", "wrap", "constant", or another name that scipy has for one of
            these.
        cval: the value beyond the edges in the mode "constant".
        **options: see `otsort.Options`. The axis is always None. Weights and where have the shape of a window, so where
            is the footprint of `scipy.ndimage`.

    Returns:
        The filtered image, in the shape of the image.

    Raises:
        ValueError: the image has one dimension, a size is below 1, q is out of range, or the mode is unknown.
        ValueError, TypeError, RuntimeError: see `otsort.solve`.

    Example:
        >>> image = jnp.array([[1.0, 2.0, 3.0], [4.0, 99.0, 6.0], [7.0, 8.0, 9.0]])
        >>> print(otsort.images.median_filter(image, 3))
        [[1.82 2.6  3.12]
         [4.53 5.75 6.55]
         [7.08 7.68 8.41]]
    """
    pixels, dtype = as_values(image, "image")
    sizes = size if isinstance(size, tuple | list) else (size, size)
    if len(sizes) != 2:
        raise ValueError(f"size must be one number or two, (rows, columns), got {size}")
    window = (as_size(sizes[0], "size"), as_size(sizes[1], "size"))
    if pixels.ndim < 2 or pixels.size == 0:
        raise ValueError(f"image must have pixels, shape (h, w) or (..., h, w, channels), got shape {pixels.shape}")
    if is_traced((q, options.get("where"))):
        raise TypeError(
            "q and where decide which pixel of a window is taken, and cannot be traced: pass a number and a NumPy array"
        )
    if not 0 <= q <= 1:
        raise ValueError(f"q must be a level in [0, 1], got {q}")
    if mode not in _MODES:
        raise ValueError(f"mode must be one of {sorted(_MODES)}, got {mode!r}")
    images = pixels.reshape(-1, *(pixels.shape[-3:] if pixels.ndim > 2 else (*pixels.shape, 1)))
    where = options.get("where")
    count = math.prod(window) if where is None else int(np.sum(as_array(where, "where")))
    if count == 0:
        raise ValueError("where must be true for a pixel of the window, got an empty footprint")
    place = min(math.floor(q * count + 1e-9), count - 1)
    level = place / max(count - 1, 1)
    padded = _padded(images, window, mode, cval)
    of_window: dict[str, Any] = {**options}

    @jax.checkpoint
    def of_pixel(index: Array) -> Float[Array, ""]:
        b, i, j, c = jnp.unravel_index(index, images.shape)
        around = jax.lax.dynamic_slice(padded, (b, i, j, c), (1, *window, 1))
        return quantile(around[0, :, :, 0], level, axis=None, **of_window)

    block = max(1, _MAX_PIXELS // math.prod(window))
    filtered = jax.lax.map(of_pixel, jnp.arange(images.size), batch_size=block)
    return filtered.reshape(pixels.shape).astype(dtype)


def _padded(images: Float[Array, "b h w c"], window: tuple[int, int], mode: str, cval: float) -> Array:
    """Returns images with a margin beyond their edges."""
    width = [(0, 0), *((size // 2, (size - 1) // 2) for size in window), (0, 0)]
    constant: dict[str, Any] = {"constant_values": cval} if _MODES[mode] == "constant" else {}
    return jnp.pad(images, width, _MODES[mode], **constant)
