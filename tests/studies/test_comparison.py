"""Tests of comparisons with a baseline."""

import numpy as np
import pytest

from otsort_studies.common.learning.comparison import BEHIND, COMPARABLE, OPEN, compared, end_of_range, in_points


@pytest.mark.parametrize(("margin", "verdict"), [(4.5, COMPARABLE), (4.4, OPEN), (-0.4, OPEN), (-0.5, BEHIND)])
def test_the_whole_interval_decides(margin, verdict):
    """The half width of the interval of 1, 2 and 3 is 4.30265 / sqrt(3) = 2.484."""
    assert compared(np.asarray([1.0, 2.0, 3.0]), margin) == verdict


def test_the_interval_is_shown():
    assert in_points(np.asarray([1.0, 2.0, 3.0])) == "2.0 points [-0.5, 4.5]"


def test_a_single_seed_decides_nothing():
    assert compared(np.asarray([0.0]), 5.0) == OPEN


def test_the_ends_of_a_range_are_marked():
    said = [end_of_range(number, [0.1, 1.0, 10.0]) for number in (0.1, 1.0, 10.0)]
    assert said == [", the smallest that was tried", "", ", the largest that was tried"]
