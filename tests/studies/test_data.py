"""Named lists of values."""

import numpy as np
import pytest

from otsort_studies.common.data import FAMILIES, REAL, rank_weights, values


@pytest.mark.parametrize("name", [*FAMILIES, *REAL])
def test_values_are_seeded_and_both_precisions_hold_them(name):
    x = values(name, 40, 1)
    assert (x.shape, x.dtype) == ((40,), np.float64)
    np.testing.assert_array_equal(x, x.astype(np.float32))
    np.testing.assert_array_equal(x, values(name, 40, 1))
    assert np.any(x != values(name, 40, 2))
    assert np.unique(x).size > 10


def test_real_data_are_chosen_without_repetition():
    every = values("diabetes s2", None, 0)
    assert every.size == 442
    np.testing.assert_array_equal(np.sort(every), np.sort(values("diabetes s2", 442, 3)))
    assert [values(name, None, 0).size for name in REAL] == [442, 442, 569, 569, 178, 1797]


def test_refuses_what_there_is_not():
    with pytest.raises(ValueError, match="fewer than 443"):
        values("diabetes s2", 443, 0)
    with pytest.raises(ValueError, match="give n"):
        values("normal", None, 0)
    with pytest.raises(KeyError):
        values("other", 3, 0)


def test_weights_of_ranks_do_not_depend_on_values():
    weights = rank_weights(50)
    np.testing.assert_array_equal(weights, weights.astype(np.float32))
    assert abs(np.corrcoef(weights, values("normal", 50, 0))[0, 1]) < 0.5
