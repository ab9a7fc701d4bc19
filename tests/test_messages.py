"""Wrong calls, and words that their messages must have: the argument, the value, what is allowed, the remedy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import otsort

X = np.array([3.0, 1.0, 2.0, 5.0, 4.0])
SQUARE = np.ones((2, 3))


class Tensor:
    """Stands for a tensor of torch that is part of a graph."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")


CALLS = {
    "k is no integer": (lambda: otsort.top_k(X, 2.0), TypeError, ["k must be an integer from 1 to 5", "2.0"]),
    "k too large": (
        lambda: otsort.top_k(X, 6),
        ValueError,
        ["k must be an integer from 1 to 5", "number of values", "6"],
    ),
    "k of a selection": (lambda: otsort.selection(X, 0), ValueError, ["k must be", "1 to 5", "got 0"]),
    "k of a mask": (lambda: otsort.top_k_mask(X, 7), ValueError, ["k must be above 0 and at most 5", "got 7"]),
    "k of another shape": (lambda: otsort.top_k_mask(X, [1, 2]), ValueError, ["k must", "scalar", "(2,)"]),
    "traced k": (lambda: jax.jit(otsort.top_k)(X, 2), TypeError, ["k decides a shape", "static_argnames"]),
    "misspelt option": (lambda: otsort.rank(X, eps=0.1), TypeError, ["['eps']", "did you mean epsilon?"]),
    "a class as squash": (
        lambda: otsort.rank(X, squash=otsort.squash.Sigmoid),
        TypeError,
        ["squash must be a function", "the class Sigmoid", "instance"],
    ),
    "num_targets no integer": (
        lambda: otsort.rank(X, num_targets=3.0),
        TypeError,
        ["num_targets must be an integer", "3.0"],
    ),
    "num_targets zero": (lambda: otsort.rank(X, num_targets=0), ValueError, ["num_targets must be", "got 0"]),
    "num_targets traced": (
        lambda: jax.jit(lambda m: otsort.rank(X, num_targets=m))(3),
        TypeError,
        ["num_targets decides a shape", "static_argnames"],
    ),
    "levels": (lambda: otsort.quantize(X, 2.5), TypeError, ["levels must be an integer", "2.5"]),
    "axis out of range": (
        lambda: otsort.rank(SQUARE, axis=5),
        ValueError,
        ["axis must lie from -2 to 1 for an array of shape"],
    ),
    "axis twice": (lambda: otsort.rank(SQUARE, axis=(0, -2)), ValueError, ["axis must name different axes", "(0, -2)"]),
    "axis a word": (lambda: otsort.rank(SQUARE, axis="rows"), TypeError, ["axis must be an integer", "'rows'"]),
    "axis of a scalar": (lambda: otsort.rank(1.0), ValueError, ["at least one dimension"]),
    "epsilon infinite": (
        lambda: otsort.rank(X, epsilon=np.inf),
        ValueError,
        ["epsilon must be a finite number", "inf"],
    ),
    "epsilon NaN": (lambda: otsort.rank(X, epsilon=np.nan), ValueError, ["epsilon must be a finite number", "nan"]),
    "epsilon negative": (lambda: otsort.rank(X, epsilon=-1), ValueError, ["epsilon must be", "exact operators", "-1"]),
    "epsilon a word": (lambda: otsort.rank(X, epsilon="0.1"), TypeError, ["epsilon must be", "'0.1'"]),
    "epsilon of a solver": (lambda: otsort.Newton(np.inf), ValueError, ["epsilon must be", "inf"]),
    "epsilon of a solver, a word": (lambda: otsort.Newton("0.1"), TypeError, ["epsilon must be", "'0.1'"]),
    "target a number": (lambda: otsort.rank(X, target=5), TypeError, ["target must be a measure", "5", "num_targets"]),
    "target of solve": (lambda: otsort.solve(X, 5), TypeError, ["target must be a measure", "5"]),
    "both targets": (
        lambda: otsort.rank(X, num_targets=2, target=otsort.UniformTarget(2)),
        TypeError,
        ["either num_targets or target"],
    ),
    "solver": (lambda: otsort.rank(X, solver="newton"), TypeError, ["solver must be", "otsort.Newton", "'newton'"]),
    "cost": (lambda: otsort.rank(X, cost="a"), TypeError, ["cost must be a function", "SquaredCost", "'a'"]),
    "squash": (lambda: otsort.rank(X, squash="min_max"), TypeError, ["squash must be a function", "'min_max'"]),
    "quantile_function": (
        lambda: otsort.quantile_transform(X, "normal"),
        TypeError,
        ["quantile_function must be a function", "'normal'"],
    ),
    "penalty": (lambda: otsort.losses.top_k_error(X, 1, penalty=2), TypeError, ["penalty must be a function", "2"]),
    "unknown option": (lambda: otsort.rank(X, epsilom=1), TypeError, ["epsilom", "epsilon"]),
    "ragged": (lambda: otsort.rank([[1.0, 2.0], [3.0]]), ValueError, ["x holds lists of unequal length", "where="]),
    "ragged weights": (lambda: otsort.rank(SQUARE, weights=[[1.0], [1.0, 2.0]]), ValueError, ["weights", "unequal"]),
    "a tensor": (lambda: otsort.rank(Tensor()), TypeError, ["x is no array", "detach"]),
    "words": (lambda: otsort.rank(["a", "b"]), TypeError, ["x must be real numbers"]),
    "complex": (lambda: otsort.rank(X + 1j), TypeError, ["x must be real numbers", "complex"]),
    "objects": (lambda: otsort.rank([None, 1.0]), TypeError, ["x must be real numbers", "None"]),
    "where not boolean": (lambda: otsort.rank(X, where=X), TypeError, ["where must be boolean", "float64"]),
    "where of another shape": (lambda: otsort.rank(X, where=[True]), ValueError, ["where must have the shape", "(1,)"]),
    "weights of another shape": (lambda: otsort.rank(X, weights=[1.0]), ValueError, ["weights must have", "(1,)"]),
    "weights of zero": (lambda: otsort.rank(X, weights=0 * X), ValueError, ["weights must", "not all zero"]),
    "at of another shape": (lambda: otsort.rank(SQUARE, at=np.ones((3, 2))), ValueError, ["at must have", "(3, 2)"]),
    "q": (lambda: otsort.quantile(X, [0.5, 1.5]), ValueError, ["q must be levels in [0, 1]", "1.5"]),
    "width": (lambda: otsort.quantile(X, 0.5, width=[0.1]), ValueError, ["width", "scalar", "(1,)"]),
    "tau": (lambda: otsort.losses.quantile_error(X, 2), ValueError, ["tau must lie in [0, 1]", "got 2"]),
    "tau a word": (lambda: otsort.losses.quantile_error(X, "a"), TypeError, ["tau must be real numbers"]),
    "tau of another shape": (lambda: otsort.losses.quantile_error(SQUARE, [0.5]), ValueError, ["tau", "(2,)", "(1,)"]),
    "alpha": (lambda: otsort.losses.expected_shortfall(X, 0), ValueError, ["alpha must lie in (0, 1]", "got 0"]),
    "low and high": (lambda: otsort.losses.trimmed_mean(X, 0.5, 0.2), ValueError, ["high must lie above low", "0.2"]),
    "k of an error": (
        lambda: otsort.losses.top_k_error(X, 1, 11),
        ValueError,
        ["k must lie between 1 and 5", "number of classes", "got 11"],
    ),
    "k of a cross-entropy": (lambda: otsort.losses.top_k_cross_entropy(X, 1, 6), ValueError, ["k must", "5", "got 6"]),
    "labels": (lambda: otsort.losses.top_k_error(X, 1.0), ValueError, ["labels must be integers", "float"]),
    "a column": (
        lambda: otsort.losses.spearman_correlation(np.ones((5, 1)), np.ones((5, 1))),
        ValueError,
        ["predictions must hold more than one value", "(5, 1)", "axis=0"],
    ),
    "shapes of two": (
        lambda: otsort.losses.spearman_correlation(X, X[:3]),
        ValueError,
        ["predictions and targets", "(5,)", "(3,)"],
    ),
    "neighbours": (lambda: otsort.suggest_epsilon(X, 9), ValueError, ["neighbours", "n - 1 = 4", "got 9"]),
    "places": (lambda: otsort.suggest_sparse_epsilon(X, 9), ValueError, ["places", "n = 5", "got 9"]),
    "reference": (
        lambda: otsort.quantile_normalize(X, [2.0, 1.0]),
        ValueError,
        ["reference must not decrease, got", "sort it first"],
    ),
    "size of a target": (lambda: otsort.UniformTarget(0), ValueError, ["size must be an integer from 1", "got 0"]),
    "points": (lambda: otsort.TargetMeasure([0, 0], [1, 1]), ValueError, ["points", "increase", "sort"]),
    "power": (lambda: otsort.PowerCost(0.5), ValueError, ["p must be at least 1", "PowerCost", "0.5"]),
    "epsilon of several": (lambda: otsort.Newton(X), ValueError, ["epsilon must be a scalar", "(5,)", "jax.vmap"]),
    "epsilon of several, compressed": (lambda: otsort.Quadrature(X), ValueError, ["epsilon must be a scalar", "(5,)"]),
    "finest": (
        lambda: otsort.Quadrature(1e-3, finest=1e-2),
        ValueError,
        ["finest must be at most epsilon", "0.01", "lower finest"],
    ),
    "finest too small": (lambda: otsort.Quadrature(1e-3, finest=1e-7), ValueError, ["finest of Quadrature", "1e-07"]),
    "ridge": (lambda: otsort.AndersonSinkhorn(ridge=0), ValueError, ["ridge must be positive", "got 0"]),
    "start of a schedule": (lambda: otsort.EpsilonSchedule(0.1, 0), ValueError, ["start must be positive", "got 0"]),
    "targets of a sparse plan": (
        lambda: otsort.rank(X, num_targets=20_000, solver=otsort.SparseNewton()),
        ValueError,
        ["SparseNewton factorises", "20000", "num_targets"],
    ),
    "log_upper": (
        lambda: otsort.solve(X, otsort.UniformTarget(3)).plan.log_upper(),
        ValueError,
        ["two targets, got 3", "log_shares"],
    ),
    "log_upper of a long list": (
        lambda: otsort.solve(np.arange(2000.0), otsort.UniformTarget(2000)).plan.log_upper(),
        ValueError,
        ["two targets, got 2000", "otsort.Newton", "log_shares"],
    ),
    "scale": (lambda: otsort.squash.Sigmoid(0), ValueError, ["scale of a Sigmoid must be", "got 0: give a difference"]),
    "key": (lambda: otsort.sort_by(X, ["a"] * 5), TypeError, ["key must be real numbers"]),
    "logits": (lambda: otsort.losses.top_k_error([None], 1), TypeError, ["logits must be real numbers"]),
    "errors": (lambda: otsort.losses.trimmed_mean([], 0, 1), ValueError, ["errors must hold at least one value"]),
    "a masked k": (lambda: otsort.top_k_mask(X, np.ma.ones(())), ValueError, ["k is a masked array"]),
    "no k": (lambda: otsort.top_k_mask(X, None), TypeError, ["k must be real numbers", "None"]),
    "traced window": (
        lambda: jax.jit(lambda q: otsort.images.median_filter(SQUARE, 3, q=q))(0.5),
        TypeError,
        ["q and where decide which pixel", "cannot be traced"],
    ),
    "window": (lambda: otsort.images.median_filter(SQUARE, 2.5), TypeError, ["size must be an integer", "2.5"]),
    "footprint": (
        lambda: otsort.images.median_filter(SQUARE, 3, where=np.zeros((3, 3), bool)),
        ValueError,
        ["where must be true for a pixel", "footprint"],
    ),
    "mode": (
        lambda: otsort.images.median_filter(SQUARE, 3, mode="edge"),
        ValueError,
        ["mode must be one of", "'edge'"],
    ),
    "num_segments": (lambda: otsort.segments.pack(X, [0] * 5, 0, 5), ValueError, ["num_segments must be", "got 0"]),
    "length": (lambda: otsort.segments.pack(X, [0] * 5, 1, 4), ValueError, ["at most length=4", "got 5: raise length"]),
    "segment_ids": (lambda: otsort.segments.pack(X, X, 1, 5), TypeError, ["segment_ids must be integers", "float64"]),
    "m of a layer": (lambda: otsort.nn.QuantileNormalization(0), ValueError, ["m must be an integer from 1", "got 0"]),
    "k of a gate": (
        lambda: otsort.nn.TopKGate(3, 4, 5, key=jax.random.key(0)),
        ValueError,
        ["k must be an integer from 1 to 4", "experts", "got 5"],
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_wrong_call_is_told(name):
    call, kind, words = CALLS[name]
    with pytest.raises(kind) as told:
        call()
    assert type(told.value) is kind
    for word in words:
        assert word in str(told.value)


def test_traced_arguments_out_of_range_are_told_at_run_time():
    with pytest.raises(Exception, match="k must be above 0 and at most 5"):
        jax.jit(lambda k: otsort.top_k_mask(jnp.asarray(X), k))(9.0).block_until_ready()
