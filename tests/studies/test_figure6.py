"""The norms of Figure 6, a tiny training, and the text of the report."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from otsort_studies.common import outcome
from otsort_studies.common.learning.images import images
from otsort_studies.common.run import measured
from otsort_studies.figure6.measure import layer_norm, load, norms, quantile_norm
from otsort_studies.figure6.report import report
from otsort_studies.figure6.study import BATCH, CURVES, LAYER, NONE, NORMS, QUANTILE, Figure6

from .frames import frames

TINY = Figure6(
    data="digits",
    pictures=60,
    size=8,
    targets=4,
    widths=(2, 2),
    hidden=4,
    batch=20,
    checkpoints=2,
    stride=3,
    scored=40,
    seeds=1,
)


@pytest.fixture(scope="module")
def x():
    return jnp.asarray(np.random.default_rng(0).normal(size=(3, 8, 8)) * [[[1]], [[10]], [[2]]], jnp.float32)


def test_layer_norm_is_of_all_values(x):
    found, _ = layer_norm(x.shape)(x, None)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, (x - x.mean()) / x.std(), rtol=1e-3)


def test_quantile_norm_is_of_each_channel(x):
    """Whatever the scale of a channel, its values become those of the reference, in their order."""
    layer = quantile_norm(4, x.shape)
    found, _ = layer(x, None)
    assert found.dtype == jnp.float32
    for values, before in zip(found, x, strict=True):
        assert np.all(np.diff(values.ravel()[np.argsort(before.ravel())]) > -1e-6)
        assert 0.2 < values.min() < 0.3 < 0.95 < values.max() <= 1  # from about 1/4 to 1
    dense, _ = quantile_norm(4, (64,))(x[0].ravel(), None)
    np.testing.assert_allclose(dense, found[0].ravel(), rtol=1e-4)


def test_the_distribution_is_learnt(x):
    layer = quantile_norm(4, x.shape)

    @eqx.filter_grad
    def gradient(layer):
        return jnp.sum(layer(x, None)[0] * x)

    leaves = jax.tree.leaves(eqx.filter(gradient(layer), eqx.is_inexact_array))
    assert [leaf.shape for leaf in leaves] == [(3,)]
    assert np.all(leaves[0] != 0)


def test_norms_are_the_same_functions_every_time():
    assert list(norms(16)) == list(NORMS)
    assert norms(16)[QUANTILE] is norms(16)[QUANTILE]


def test_always_the_same_pictures_are_learnt():
    data, every = load(TINY, None), images("digits")
    assert [len(part) for part in data.parts["train"]] == [60, 60]
    np.testing.assert_array_equal(data.parts["train"][0], load(TINY, None).parts["train"][0])
    np.testing.assert_array_equal(data.parts["test"][0], every.parts["test"][0])


@pytest.fixture(scope="module")
def rows():
    return list(measured(TINY, TINY.cases()))


@pytest.mark.slow
def test_rows_of_a_tiny_study(rows):
    assert [row["norm"] for row in rows] == list(NORMS)
    assert {row["outcome"] for row in rows} == {outcome.TRAINED}
    assert all(len(row[curve]) == TINY.checkpoints for row in rows for curve in CURVES)
    assert len({row["test_cross_entropy"][-1] for row in rows}) == 4


@pytest.mark.slow
def test_report_of_a_tiny_study(rows):
    found = report(TINY, frames(TINY, rows))
    assert set(found.figures) == {"figure6"}
    assert "nan" not in found.text


def known_rows(study, ends):
    """Cross-entropies of training and test set at the end; in between, that of the test set is 0.1 less."""
    rows = []
    for case in study.cases():
        train, test = ends[case.norm]
        curves = {
            "train_cross_entropy": [2.0] * (study.checkpoints - 1) + [train],
            "test_cross_entropy": [2.0] * (study.checkpoints - 2) + [test - 0.1, test],
            **dict.fromkeys(("train_accuracy", "test_accuracy"), [0.5] * study.checkpoints),
        }
        rows.append(case.row(outcome.TRAINED, **curves, seconds=3.0, source="made"))
    return rows


@pytest.mark.parametrize(
    ("quantile", "word"),
    [
        ((0.8, 1.0), "Reproduced for equal numbers of steps."),
        ((1.4, 1.5), "Reproduced in part."),
        ((0.2, 1.5), "Not reproduced."),
    ],
)
def test_the_verdict(quantile, word):
    study = Figure6()
    ends = {NONE: (0.5, 1.3), BATCH: (0.1, 1.2), LAYER: (0.4, 1.1), QUANTILE: quantile}
    text = report(study, frames(study, known_rows(study, ends))).text
    assert text.startswith(f"**{word}** The paper")
    assert "normalisation takes 1.0 times as long as" in text
    assert f"(batch norm minus quantile normalisation) is [{1.2 - quantile[1]:.3f}, {1.2 - quantile[1]:.3f}]" in text
    assert f"is {quantile[1]:.3f} with quantile normalisation and 1.200 with batch norm" in text
    assert f"at its end ({quantile[0]:.3f}), the one on the test set is" in text
    assert f"{quantile[1]:.3f} with {QUANTILE} ({study.steps} steps)" in text
    assert ("It never becomes as small with no norm, layer norm." in text) == (quantile[0] == 0.2)
    order = "layer norm, batch norm, no norm"
    order = f"{QUANTILE}, {order}" if word.startswith("Reproduced for") else f"{order}, {QUANTILE}"
    assert f"at the end of the training: {order};" in text
    assert f"at the best checkpoint of each training, chosen on the test set: {order}." in text
