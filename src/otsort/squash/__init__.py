"""Increasing maps of the inputs into [0, 1], where the targets lie.

A squash is any callable `(values, weights) -> positions` on arrays of shape `(n,)`, increasing in the values. The
weights are nonnegative and sum to 1. Values of weight zero do not count: they are placed by what the squash knows of
the others, and may be any finite numbers, as where an operator is asked for other values (`at`). A squash that has no
place for infinite values returns NaN for them, and an operator then for the whole list; of those here, only `robust`
places them. Smooth operators depend on the squash, exact ones do not.
"""

from .deviations import Sigmoid as Sigmoid
from .deviations import logistic as logistic
from .quartiles import robust as robust
from .ranges import identity as identity
from .ranges import min_max as min_max
