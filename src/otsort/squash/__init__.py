"""Increasing maps of the values into [0, 1], where the points of the target lie.

A squash is any callable `(values, weights) -> positions` on arrays of shape `(n,)` that is increasing in the values.
The weights are nonnegative and sum to 1. Soft operators depend on the squash, exact ones do not.

Values of weight zero do not change the positions of others, and may be any finite numbers. Among them are the other
values that an operator is given as `at`. A squash that cannot place infinite values returns NaN for them, and an
operator then returns NaN for the whole list. Of the squashes here, only `robust` places infinite values.
"""

from .deviations import Sigmoid as Sigmoid
from .deviations import logistic as logistic
from .quartiles import robust as robust
from .ranges import identity as identity
from .ranges import min_max as min_max
