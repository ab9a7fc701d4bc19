"""The rows of Figure 3 say what the operators say."""

import itertools

import numpy as np
import pytest

import otsort
from otsort.studies._study.figure3 import CENTRED, PAPER, Figure3

STUDY = Figure3(data=("normal",), n=10, taus=(0.23,), ts=(0.1, 0.3), epsilons=(0.0, 1e-2))


@pytest.fixture(scope="module")
def rows():
    return {
        key: list(group)
        for key, group in itertools.groupby(
            STUDY.measure(STUDY.cases()), key=lambda row: (row.atom, row.t, row.epsilon)
        )
    }


def test_a_quantile_is_the_average_of_its_rows(rows):
    for group in rows.values():
        assert sum(row.share for row in group) == pytest.approx(1)
        assert sum(row.share * row.value for row in group) == pytest.approx(group[0].quantile)


@pytest.mark.parametrize(("t", "epsilon"), [(0.1, 0.0), (0.1, 1e-2), (0.3, 1e-2)])
def test_the_centred_atom_is_that_of_the_operator(rows, t, epsilon):
    first, *_ = group = rows[CENTRED, t, epsilon]
    options = {"epsilon": 0} if epsilon == 0 else {"solver": otsort.Newton(epsilon, tol=1e-10)}
    expected = otsort.quantile(np.asarray([row.value for row in group]), first.tau, width=t, **options)
    assert first.quantile == pytest.approx(float(expected), abs=1e-9)


def test_equation_4_is_numpy_s_quantile_at_t_of_1_over_n(rows):
    first = rows[PAPER, 0.1, 0.0][0]
    assert first.quantile == pytest.approx(first.exact, abs=1e-12)
    assert abs(rows[PAPER, 0.3, 0.0][0].quantile - first.exact) > 1e-3
