"""Tests of comparisons with a baseline."""

import numpy as np
import pytest

from otsort_studies.common.learning.comparison import NOT_REPRODUCED, OPEN, REPRODUCED, end_of_range, in_points, verdict


@pytest.mark.parametrize(("margin", "expected"), [(4.5, REPRODUCED), (4.4, OPEN), (-0.4, OPEN), (-0.5, NOT_REPRODUCED)])
def test_the_whole_interval_decides(margin, expected):
    """The half width of the interval of 1, 2 and 3 is 4.30265 / sqrt(3) = 2.484."""
    assert verdict(np.asarray([1.0, 2.0, 3.0]), margin) == expected


def test_the_interval_is_shown():
    assert in_points(np.asarray([1.0, 2.0, 3.0])) == "2.0 points [-0.5, 4.5]"


def test_a_single_seed_decides_nothing():
    assert verdict(np.asarray([0.0]), 5.0) == OPEN


def test_the_ends_of_a_range_are_marked():
    said = [end_of_range(number, [0.1, 1.0, 10.0]) for number in (0.1, 1.0, 10.0)]
    assert said == [", the smallest that was tried", "", ", the largest that was tried"]
    assert end_of_range(1.0, [1.0]) == ", the only one that was tried"
