"""The losses of Figure 4, a tiny training, also one that is killed, and the text of the report."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from otsort_studies.common import outcome
from otsort_studies.common.learning.images import Images, images
from otsort_studies.common.run import measured
from otsort_studies.figure4.measure import TopK, load
from otsort_studies.figure4.report import report
from otsort_studies.figure4.study import CURVES, PAPER, PAPER_EPSILON, TOP_K, Figure4

from .frames import frames

TINY = Figure4(
    data="digits",
    pictures=200,
    held_out=40,
    size=4,
    losses=(PAPER,),
    epsilons=(PAPER_EPSILON,),
    widths=(2, 2),
    hidden=4,
    batch=16,
    checkpoints=2,
    stride=4,
    scored=100,
    seeds=2,
)

ALONE = replace(TINY, losses=())

# The arguments: a folder, and after how many checkpoints the process kills itself.
CHILD = f"""
import os, signal, sys
from pathlib import Path
from otsort_studies.common.learning import training
from otsort_studies.common.run import run
from otsort_studies.figure4.study import Figure4

save, left = training.save, iter(range(int(sys.argv[2]) - 1))

def dying(*arguments):
    save(*arguments)
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)

training.save = dying
run({ALONE}, Path(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def rows():
    return list(measured(TINY, TINY.cases()))


@pytest.mark.ci
def test_rows_of_a_tiny_study(rows):
    assert [row["outcome"] for row in rows] == [outcome.TRAINED] * 4
    for row in rows:
        assert all(len(row[curve]) == TINY.checkpoints for curve in CURVES)
        assert row["source"] == "scikit-learn"
        assert 0 <= row["test_accuracy"][-1] <= row["test_top_5"][-1] <= 1
    assert rows[0]["test_cross_entropy"] != rows[1]["test_cross_entropy"]


@pytest.mark.ci
def test_a_row_depends_on_its_case_alone(rows):
    (again,) = measured(TINY, TINY.cases()[3:])
    assert {**again, "seconds": 0} == {**rows[3], "seconds": 0}


@pytest.mark.slow
def test_a_killed_run_resumes(rows, tmp_path):
    cache = {
        "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    folder = tmp_path / "run"

    def child(checkpoints):
        command = [sys.executable, "-c", CHILD, str(folder), str(checkpoints)]
        return subprocess.call(command, env={**os.environ, **cache})

    assert child(3) == -signal.SIGKILL
    assert {path.name for path in folder.iterdir()} == {"config.json", "results.jsonl", "checkpoint", "otsort.lock"}
    assert (folder / "results.jsonl").read_bytes().count(b"\n") == 1
    kept = json.loads((folder / "checkpoint").read_bytes().split(b"\n")[0])
    assert kept["name"] == repr(ALONE.cases()[1])

    assert child(2) == 0  # a single checkpoint was left
    assert {path.name for path in folder.iterdir()} == {"config.json", "results.jsonl", "report.md", "figure4.png"}
    found = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    for row, whole in zip(found, rows[:2], strict=True):
        for curve in CURVES:
            np.testing.assert_allclose(row[curve], whole[curve], rtol=1e-5)


@pytest.mark.parametrize("k", [0, 1])
def test_the_paper_allows_one_place_more_than_k(k):
    """With well separated logits the place p of the label costs max(p - 1 - k, 0) / L."""
    logits = jnp.asarray(np.tile(np.linspace(-30, 30, 10), (10, 1)))
    found = TopK(jnp.asarray(float(k)), jnp.asarray(PAPER_EPSILON))(logits, jnp.arange(10))
    np.testing.assert_allclose(found, np.maximum(np.arange(9, -1, -1) - k, 0) / 10, atol=0.05)
    assert (found[8] == 0) == (k == 1)


def test_pictures_that_are_held_out_are_not_learnt():
    data = load(TINY, None)
    counts = {name: pictures.shape for name, (pictures, _) in data.parts.items()}
    assert counts == {"train": (200, 1, 4, 4), "held_out": (40, 1, 4, 4), "test": (359, 1, 4, 4)}
    whole, parts = images("digits").parts["train"], images("digits").divided(1000, 438).parts
    rows = lambda pictures: sorted(picture.tobytes() for picture in pictures)
    assert rows(whole[0]) == rows([*parts["train"][0], *parts["held_out"][0]])


def test_pictures_are_shrunk_to_means_of_blocks():
    pictures = np.asarray([[[[0, 2, 9, 9], [4, 2, 9, 9], [1, 1, 7, 7], [1, 1, 7, 8]]]], np.uint8)
    part = pictures, np.zeros(1, np.int32)
    found = Images({"train": part, "test": part}, "made").shrunk(2)
    np.testing.assert_array_equal(found.parts["test"][0], [[[[2, 9], [1, 7]]]])


def known_rows(study, behind):
    """A loss is best at the second checkpoint; there and at the end, it is so much behind cross-entropy."""
    rows = []
    for case in study.cases():
        best, end = behind.get((case.loss, case.epsilon), (0.0, 0.0))
        curve = [0.1, 0.6 - best, *[0.3] * (study.checkpoints - 3), 0.5 - end]
        accuracies = [entry + 0.01 * case.seed for entry in curve]
        row = case.row(outcome.TRAINED, **dict.fromkeys(CURVES, accuracies), seconds=2.0, source="made")
        rows.append(row)
    return rows


OTHER = "S-top-k, k = 0"


@pytest.mark.parametrize(
    ("behind", "word", "verdict"),
    [
        (
            {(PAPER, 0.01): (0.01, 0.3), (PAPER, 0.001): (0.005, 0), (PAPER, 0.1): (0.3, 0)},
            "Reproduced",
            "Reproduced",
        ),
        (
            {(PAPER, 0.01): (0.03, -0.05), (PAPER, 0.001): (0.04, 0), (PAPER, 0.1): (0.3, 0)},
            "Not reproduced",
            "Reproduced",
        ),
        (
            {(loss, epsilon): (0.05, 0) for loss in TOP_K for epsilon in (0.001, 0.01, 0.1)},
            "Not reproduced",
            "Not reproduced",
        ),
    ],
)
def test_the_verdict(behind, word, verdict):
    """The word is the answer with the loss of the paper, and the verdict that with the best epsilon of k = 0."""
    study = Figure4()
    text = report(study, frames(study, known_rows(study, behind))).text
    other = f"; reproduced with the best epsilon of *{OTHER}*" if word != verdict else ""
    assert text.startswith(f"**{word} with the loss of the paper{other}.** The paper")
    points = 100 * behind[PAPER, 0.01][0]
    number = f"{points:.1f} points [{points:.1f}, {points:.1f}]"
    assert f"- *{PAPER}*, epsilon = 0.01 (the loss of the paper): {number}, {word.lower()};" in text
    if word == "Reproduced":
        assert f"- *{PAPER}*, epsilon = 0.001 (the best epsilon, the smallest that was tried): 0.5 points" in text
        (line,) = (line for line in text.splitlines() if line.startswith(f"| {PAPER} |") and "points" in line)
        cells = [cell.strip() for cell in line.split("|")[2:-1]]
        assert cells == [f"{number} points [{number}, {number}]" for number in ("0.0", "1.0", "30.0")]
    (line,) = (line for line in text.splitlines() if line.startswith(f"- *{OTHER}*, epsilon = "))
    assert line.rstrip(";.").endswith(f", {verdict.lower()}")
    assert "cifar10 (made)" in text
    assert f"0 of {len(study.cases())} trainings failed." in text


@pytest.mark.ci
def test_report_of_a_tiny_study(rows):
    found = report(TINY, frames(TINY, rows))
    assert set(found.figures) == {"figure4"}
    assert "nan" not in found.text


@pytest.mark.ci
def test_report_of_a_study_in_which_a_loss_fails(rows):
    failed = [case.row(outcome.NOT_FINITE) for case in TINY.cases()[2:]]
    text = report(TINY, frames(TINY, rows[:2] + failed)).text
    assert text.startswith("**Open.**")
    assert "2 of 4 trainings failed (not finite)" in text
    assert "nan" not in text


def test_a_training_that_is_not_finite_is_a_row():
    study = replace(ALONE, rate=1e30, seeds=1)
    (row,) = measured(study, study.cases())
    assert row["outcome"] == outcome.NOT_FINITE
    text = report(study, frames(study, [row])).text
    assert "1 of 1 trainings failed" in text
