"""The task of Figure 5, its losses, a tiny training, and the text of the report."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from otsort_studies.common import outcome
from otsort_studies.common.learning.images import images
from otsort_studies.common.learning.networks import Unchanged
from otsort_studies.common.learning.training import Network
from otsort_studies.common.run import measured
from otsort_studies.figure5.measure import LOSSES, Sorting, _plan, neural_sort, suggested
from otsort_studies.figure5.report import report
from otsort_studies.figure5.study import (
    CURVES,
    NEURAL_SORT,
    PAPER_EPSILON,
    RANKS,
    SORT,
    STRAIGHT_THROUGH,
    Figure5,
    Training,
)

from .frames import frames

TINY = Figure5(
    data="digits",
    size=8,
    length=3,
    digits=2,
    epsilons=(PAPER_EPSILON,),
    sparse_epsilons=(PAPER_EPSILON,),
    temperatures=(1.0,),
    widths=(2, 2),
    hidden=4,
    batch=4,
    checkpoints=2,
    stride=3,
    tests=20,
    seeds=2,
)


@pytest.mark.parametrize("scores", [*itertools.permutations([-1.0, 0.5, 2.0])])
def test_neural_sort_tends_to_the_permutation(scores):
    """Rows from the least score to the largest."""
    found = neural_sort(jnp.asarray(scores), jnp.asarray(0.01))
    np.testing.assert_allclose(found, np.eye(3)[np.argsort(scores)], atol=1e-6)


def test_neural_sort_of_its_paper():
    """Rows of equation (5), which go from the largest score, as softmax((n + 1 - 2 i) s - A 1), here by hand."""
    s = np.array([9.0, 1.0, 5.0])
    distances = np.array([12.0, 12.0, 8.0])
    rows = [np.exp(factor * s - distances) for factor in (2, 0, -2)]
    expected = np.array([row / row.sum() for row in rows])[::-1]
    np.testing.assert_allclose(neural_sort(jnp.asarray(s), jnp.asarray(1.0)), expected, rtol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_the_right_order_has_the_least_loss(name):
    scores, ranks = jnp.asarray([0.0, 3.0, -2.0, 1.0]), np.array([1, 3, 0, 2])
    setting = jnp.asarray(0.01 if name != NEURAL_SORT else 0.1)
    losses = {
        order: float(LOSSES[name](scores, jnp.asarray(order), setting)) for order in itertools.permutations(range(4))
    }
    assert min(losses, key=losses.__getitem__) == tuple(ranks)
    assert losses[tuple(ranks)] == pytest.approx(0, abs=0.05)


@pytest.mark.ci
def test_exact_ranks_with_the_derivative_of_soft_ones():
    scores, ranks = jnp.asarray([0.0, 0.3, -0.2]), jnp.asarray([2, 0, 1])
    setting = jnp.asarray(0.1)
    assert float(LOSSES[STRAIGHT_THROUGH](scores, ranks, setting)) == pytest.approx((1 + 4 + 1) / 3)
    assert float(LOSSES[RANKS](scores, ranks, setting)) != pytest.approx((1 + 4 + 1) / 3)
    assert np.any(jax.grad(LOSSES[STRAIGHT_THROUGH])(scores, ranks, setting) != 0)


def test_lists_are_read_digit_by_digit():
    """A network that sees the brightness of the first column of digits reads numbers by their first digit."""
    pictures = jnp.asarray(np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 4, 4), np.uint8))
    labels = jnp.arange(10, dtype=jnp.int32)
    seen = []

    def model(x, state):
        seen.append(x.shape)
        return jnp.mean(x[:, :, :4])[None] + jnp.mean(x[:, :, 4:])[None] / 10, state

    network = Network(model, None)
    task = Sorting({"test": (pictures, labels)}, LOSSES[SORT], jnp.asarray(0.05), Unchanged.of)
    places = np.array([[[1, 2], [2, 1], [0, 9]], [[4, 4], [3, 9], [4, 4]]])
    scores = task.scores(network, (pictures[places], labels[places]))
    assert seen == [(1, 4, 8)]
    assert scores["all"] == scores["each"] == 1  # of equal numbers either may be first
    backwards = Network(lambda x, state: (-model(x, state)[0], state), None)
    scores = task.scores(backwards, (pictures[places], labels[places]))
    assert scores["all"] == 0
    assert scores["each"] == pytest.approx(2 / 6)  # the middle of each list


def test_lists_of_a_seed():
    """Lists differ from step to step, and only the seed and the step decide them."""
    how = _plan(TINY, images("digits"))
    assert how.batches(0, 3).shape == (4, 3, 2)
    np.testing.assert_array_equal(how.batches(0, 3), _plan(TINY, images("digits")).batches(0, 3))
    assert not np.array_equal(how.batches(0, 3), how.batches(0, 4))
    assert not np.array_equal(how.batches(0, 3), how.batches(1, 3))
    assert sum(len(places) for places in how.scored["test"]) == 20


def test_the_suggested_epsilon_is_that_of_normal_scores():
    few, many = (suggested(Figure5(neighbours=neighbours)) for neighbours in (1, 3))
    assert 0.005 < few < suggested(Figure5()) < many < 0.2


@pytest.fixture(scope="module")
def rows():
    return list(measured(TINY, TINY.cases()))


@pytest.mark.slow
def test_rows_of_a_tiny_study(rows):
    assert [row["outcome"] for row in rows] == [outcome.TRAINED] * 12
    assert all(len(row[curve]) == 2 for row in rows for curve in CURVES)
    assert all(0 <= row["test_all"][-1] <= row["test_each"][-1] <= 1 for row in rows)
    epsilons = {(row["method"], row["setting"]): row["epsilon"] for row in rows}
    assert epsilons[SORT, PAPER_EPSILON] == pytest.approx(PAPER_EPSILON)
    assert epsilons[SORT, 0.0] == pytest.approx(suggested(TINY))
    assert epsilons[NEURAL_SORT, 1.0] == 1


@pytest.mark.slow
def test_report_of_a_tiny_study(rows):
    found = report(TINY, frames(TINY, rows))
    assert set(found.figures) == {"figure5"}
    assert f"{rows[2]['epsilon']:.3g}, suggested" in found.text
    assert "nan" not in found.text


def known_rows(study, shares):
    """Shares of sorted lists at the end are known."""
    rows = []
    for case in study.cases():
        end = shares.get((case.method, case.setting), 0.3) + 0.001 * case.seed
        curves = dict.fromkeys(CURVES, [0.0] * (study.checkpoints - 1) + [end])
        rows.append(case.row(outcome.TRAINED, **curves, epsilon=case.setting or 0.033, seconds=2.0, source="made"))
    return rows


@pytest.mark.parametrize(
    ("shares", "word", "said"),
    [
        (
            {(SORT, 0.05): 0.45},
            "Reproduced with the paper's epsilon.",
            "is between 30.2 % (epsilon = 0.01) and 45.2 % (epsilon = 0.05). Its standard deviation",
        ),
        (
            {(SORT, 0.05): 0.4, (SORT, 0.0): 0.5},
            "Not reproduced with the paper's epsilon; reproduced with the best one.",
            "With its best epsilon, the value from `suggest_epsilon`, S-sort is behind by -2.0 points [-2.0, -2.0].",
        ),
        (
            {(SORT, 0.05): 0.2, (SORT, 1.0): 0.4},
            "Not reproduced with the paper's epsilon and with the best one.",
            "With its best epsilon, 1, S-sort is behind by 8.0 points [8.0, 8.0].",
        ),
    ],
)
def test_the_verdict(shares, word, said):
    study = Figure5()
    text = report(study, frames(study, known_rows(study, {**shares, (NEURAL_SORT, 5.0): 0.48}))).text
    assert text.startswith(f"**{word}** The paper")
    assert "is behind NeuralSort at its better temperature, 5, the largest that was tried, by" in text
    assert said in text
    best = max(0.3, *(share for (name, _), share in shares.items() if name == SORT))
    behind = f"{100 * best - 30:.1f}"
    assert "Sparse sort sorts 30.2 ± 0.2 % of the lists with epsilon = 0.05 and" in text
    assert f"is behind S-sort with its best epsilon by {behind} points [{behind}, {behind}]." in text
    gain = 100 * best + 0.1 * np.mean(range(study.seeds))  # from 0 at the checkpoint before
    assert f"the largest over the settings of a method: {gain:.1f} with S-sort, 30.2 with sparse sort, 48.2" in text


def test_a_training_that_ended_by_a_miss_is_counted():
    study = Figure5()
    rows = known_rows(study, {})
    missed = study.cases().index(Training(SORT, 0.2, 1))
    rows[missed] = study.cases()[missed].row(outcome.NOT_CONVERGED)
    text = report(study, frames(study, rows)).text
    counts = [line.split("|")[-2].strip() for line in text.splitlines() if line.startswith("| S-sort")]
    assert counts == ["0", "0", "1", "0", "0"]
    assert f"1 of {len(rows)} trainings failed (not converged)." in text
