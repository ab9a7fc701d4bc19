"""The tutorial's numbers, photo and training, and the text of the report."""

import jax.numpy as jnp
import numpy as np
import pytest

from otsort_studies.common import outcome
from otsort_studies.common.run import measured
from otsort_studies.tutorial.measure import _photo, _salt_and_pepper, soft_error
from otsort_studies.tutorial.report import report
from otsort_studies.tutorial.study import (
    CROSS_ENTROPY,
    CURVES,
    MEDIAN,
    NOISY,
    PRINTED,
    SOFT,
    SOFT_MEDIAN,
    Denoising,
    Example,
    Training,
    Tutorial,
)

from .frames import frames

TINY = Tutorial(
    noises=1,
    epsilons=(0.01,),
    data="digits",
    widths=(2, 2),
    hidden=4,
    batch=20,
    checkpoints=2,
    stride=3,
    scored=40,
    seeds=2,
)


@pytest.fixture(scope="module")
def rows():
    return list(measured(TINY, TINY.cases()))


@pytest.mark.slow
def test_numbers_of_the_tutorial(rows):
    """Within what its early stop leaves."""
    found = {row["name"]: row for row in rows if row["part"] == "examples"}
    assert found.keys() == PRINTED.keys()
    for name, printed in PRINTED.items():
        range_ = 11 if len(printed) == 1 else np.ptp(printed)
        np.testing.assert_allclose(found[name]["ours"], printed, atol=0.01 * range_)
        assert len(found[name]["exact"]) == len(printed)
    assert found["ranks from 0"]["exact"] == [0, 2, 1, 3, 4]


@pytest.mark.slow
def test_a_median_removes_salt_and_pepper(rows):
    psnr = {row["filter"]: row["psnr"] for row in rows if row["part"] == "denoising"}
    assert psnr[NOISY] < 16 < 20 < psnr[MEDIAN]
    assert psnr[SOFT_MEDIAN] == pytest.approx(psnr[MEDIAN], abs=0.5)
    for row in rows:
        if row["part"] == "denoising":
            assert len(row["picture"]) % row["width"] == 0
            assert 0 <= min(row["picture"]) < max(row["picture"]) <= 255


def test_noise_is_that_of_its_seed():
    photo = _photo()
    noisy = _salt_and_pepper(photo, 0.1, 0)
    changed = noisy != photo
    assert 0.08 < changed.mean() <= 0.1  # points are drawn with repetition
    assert set(noisy[changed].tolist()) == {0.0, 1.0}
    np.testing.assert_array_equal(noisy, _salt_and_pepper(photo, 0.1, 0))
    assert not np.array_equal(noisy, _salt_and_pepper(photo, 0.1, 1))


def test_the_soft_loss_counts_places():
    logits = jnp.asarray(np.tile(np.linspace(-30, 30, 10), (10, 1)))
    np.testing.assert_allclose(soft_error(logits, jnp.arange(10)), np.arange(9, -1, -1), atol=0.5)


@pytest.mark.slow
def test_rows_of_the_training(rows):
    trained = [row for row in rows if row["part"] == "training"]
    assert [Training.of(row) for row in trained] == [
        Training(loss, seed) for loss in (SOFT, CROSS_ENTROPY) for seed in (0, 1)
    ]
    assert {row["outcome"] for row in trained} == {outcome.TRAINED}
    for row in trained:
        assert all(len(row[curve]) == TINY.checkpoints for curve in CURVES)
    assert trained[2]["test_loss"] == trained[2]["test_cross_entropy"]
    assert trained[0]["test_loss"] != trained[0]["test_cross_entropy"]


@pytest.mark.slow
def test_report_of_a_tiny_study(rows):
    found = report(TINY, frames(TINY, rows))
    assert set(found.figures) == {"tutorial-training", "tutorial-photo"}
    assert "**Printed numbers: reproduced.** 6 of 6 results agree with otsort" in found.text
    assert "nan" not in found.text


def known_rows(study, behind):
    rows = []
    for case in study.cases():
        if isinstance(case, Example):
            ours = [number + (0.5 if case.name == "sort" else 0) for number in PRINTED[case.name]]
            rows.append(case.row(outcome.CONVERGED, ours=ours, exact=PRINTED[case.name]))
        elif isinstance(case, Denoising):
            psnr = {NOISY: 10.0, MEDIAN: 20.0, SOFT_MEDIAN: 20.0 + case.epsilon}[case.filter]
            rows.append(case.row(outcome.CONVERGED, psnr=psnr, seconds=0.1, picture=[0, 255, 1, 2], width=2))
        else:
            accuracy = 0.9 - (behind if case.loss == SOFT else 0)
            curves = {curve: [accuracy] * study.checkpoints for curve in CURVES}
            rows.append(case.row(outcome.TRAINED, **curves, seconds=3.0, source="made"))
    return rows


@pytest.mark.parametrize(("behind", "word"), [(0.01, "reproduced"), (0.03, "not reproduced"), (-0.1, "reproduced")])
def test_the_verdicts(behind, word):
    study = Tutorial()
    text = report(study, frames(study, known_rows(study, behind))).text
    assert text.startswith(f"- **Soft 0/1 loss: {word}.**")
    assert "**Printed numbers: reproduced in part.** 5 of 6 results agree with otsort" in text
    assert "The soft median gives 20.0 dB (epsilon = 0.01) and 21.0 dB (epsilon = 1)." in text
    assert "The best is the soft median with epsilon = 1." in text
