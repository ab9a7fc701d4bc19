"""Finds properties of an operator by calling it."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.stats
from sklearn.isotonic import isotonic_regression

import otsort

from ..common.execution import failure
from ..common.precision import precision
from .library import LEVELS, K, Library
from .methods import HARD, SPARSE

LOWEST = 1e-4
_NOT_ASKED = {
    "all": ("rank", "sort", "sort_by", "quantile"),
    "order": ("sort_by",),
    "monotone": ("sort_by",),
}
_BY_VALUE = ("rank", "top_k_mask")  # one result for each value, not for each position
_TOLERANCE = 1e-4


def abilities(method: str, library: Library, operator: str, x: np.ndarray) -> dict[str, Any]:
    """Returns the properties of an operator as columns of a row.

    Args:
        method: name of the method.
        library: loaded method.
        operator: name of an operator that it offers.
        x: float32, shape `(lists, n)`; the values of a list are different.
    """
    answer = library.call(operator, x)
    pullback = functools.cache(lambda: library.pullback(operator, x))  # one program for all checks
    call = lambda *arguments, **options: library.call(operator, *arguments, **options)
    checks = {
        "axis": lambda: _axis(call(x.T, axis=0, **_turned(operator, x)), answer),
        "weights": lambda: _weights(call, x, answer),
        "masks": lambda: _masks(call, operator, x, answer),
        "float64": lambda: _float64(call, x),
        "order": lambda: _order(operator, x, answer),
        "monotone": lambda: _monotone(pullback(), operator, x, answer),
        "ties": lambda: _finite(pullback()(np.repeat(x[:, ::2], 2, axis=1), answer)),
        "single": lambda: _finite(call(x[:, :1])),
        "all": lambda: _finite(call(x, k=x.shape[1])),
    }
    for name, operators in _NOT_ASKED.items():
        if operator in operators:
            del checks[name]
    row = {name: _word(check) for name, check in checks.items()}
    return row | {
        "hard_error": _error(lambda: call(x, LOWEST), lambda: _hard(operator, x)),
        "definition_error": _error(lambda: answer, lambda: _defined(method, library, operator, x)),
    }


def _word(check: Callable[[], bool]) -> str:
    try:
        return "yes" if check() else "no"
    except Exception as error:  # the error is the result
        return failure(error)


def _error(answer: Callable[[], np.ndarray], expected: Callable[[], np.ndarray | None]) -> float:
    try:
        right = expected()
        return np.nan if right is None else float(np.max(np.abs(answer() - right))) / right.shape[-1]
    except Exception:  # without a result there is no error
        return np.nan


def _same(answer: np.ndarray, expected: np.ndarray) -> bool:
    return answer.shape == expected.shape and np.allclose(answer, expected, rtol=_TOLERANCE, atol=_TOLERANCE)


def _finite(answer: np.ndarray) -> bool:
    return bool(np.all(np.isfinite(answer)))


def _axis(answer: np.ndarray, expected: np.ndarray) -> bool:
    """Compares results along two axes. A new axis, such as that of quantile levels, may be anywhere."""
    return _same(answer, expected.T) or (answer.shape != expected.T.shape and _same(answer, expected))


def _turned(operator: str, x: np.ndarray) -> dict[str, Any]:
    return {"sort_by": {"values": 10 * x.T}, "top_k": {"k": K}, "top_k_mask": {"k": K}}.get(operator, {})


def _weights(call: Callable[..., np.ndarray], x: np.ndarray, answer: np.ndarray) -> bool:
    uneven = np.arange(1, x.size + 1, dtype=x.dtype).reshape(x.shape)
    return not _same(call(x, weights=uneven / uneven.sum(axis=1, keepdims=True)), answer)


def _masks(call: Callable[..., np.ndarray], operator: str, x: np.ndarray, answer: np.ndarray) -> bool:
    padded = np.concatenate([x, np.full_like(x[:, :4], 7.0)], axis=1)
    where = np.arange(padded.shape[1]) < x.shape[1]
    masked = call(padded, where=np.broadcast_to(where, padded.shape).copy())
    return _same(masked[:, : answer.shape[1]], answer)


def _float64(call: Callable[..., np.ndarray], x: np.ndarray) -> bool:
    with precision(np.float64):
        answer = call(x.astype(np.float64))
    return answer.dtype == np.float64 and _finite(answer)


def _order(operator: str, x: np.ndarray, answer: np.ndarray) -> bool:
    if operator in _BY_VALUE:
        answer = np.take_along_axis(answer, np.argsort(x, axis=1), axis=1)
    elif operator == "top_k":
        answer = answer[:, ::-1]
    return bool(np.all(np.diff(answer, axis=1) >= -_TOLERANCE * np.ptp(answer)))


def _monotone(pullback: Callable[..., np.ndarray], operator: str, x: np.ndarray, answer: np.ndarray) -> bool:
    """Checks the signs of the derivatives of the first list."""
    gradients = []
    for place in range(answer.shape[1]):
        given = np.zeros_like(answer)
        given[0, place] = 1
        gradients.append(pullback(x, given)[0])
    signed = np.diag(gradients) if operator in _BY_VALUE else np.asarray(gradients)
    return bool(np.all(signed >= -_TOLERANCE * np.max(np.abs(gradients))))


def _hard(operator: str, x: np.ndarray) -> np.ndarray:
    """Computes the exact operator with NumPy and SciPy."""
    ascending = np.sort(x, axis=1)
    ranks = scipy.stats.rankdata(x, axis=1)
    return {
        "rank": lambda: ranks,
        "sort": lambda: ascending,
        "sort_by": lambda: 10 * ascending,
        "quantile": lambda: np.quantile(x, LEVELS, axis=1).T,
        "top_k": lambda: ascending[:, ::-1][:, :K],
        "top_k_mask": lambda: (ranks > x.shape[1] - K).astype(float),
    }[operator]()


def _defined(method: str, library: Library, operator: str, x: np.ndarray) -> np.ndarray | None:
    """Computes ranks by the definition that a method implements, in float64; None if none is available."""
    exact = x.astype(np.float64)
    if operator != "rank":
        return None
    if method in HARD:
        return _hard("rank", exact)
    if library.package in ("otsort", "ott-jax"):
        kind = otsort.SparseNewton if method == SPARSE else otsort.Newton
        with precision(np.float64):
            return np.asarray(otsort.rank(exact, solver=kind(library.temperature, tol=1e-10)))
    if library.package in ("torchsort", "torchpsort", "fast-soft-sort") and method.endswith("l2"):
        return np.stack([_projected(values / library.temperature) for values in exact])
    return None


def _projected(z: np.ndarray) -> np.ndarray:
    """Returns the nearest point of the permutahedron of 1 to n, by isotonic regression (Blondel et al., 2020)."""
    order = np.argsort(-z)
    shift = np.empty_like(z)
    shift[order] = isotonic_regression(z[order] - np.arange(z.size, 0, -1), increasing=False)
    return z - shift
