"""Increasing maps of the inputs into [0, 1], where the targets lie.

A squash is any callable `(values, weights) -> positions` on arrays of shape `(n,)`, increasing in the values. The
weights are nonnegative and sum to 1.

Values of weight zero do not change the positions of others. They may be any finite numbers; the other values of an
operator (`at`) are such values. A squash that cannot place infinite values returns NaN for them, and an operator then
returns NaN for the whole list. Of the squashes here, only `robust` places infinite values. Smooth operators depend on
the squash, exact ones do not.
"""

from .deviations import Sigmoid as Sigmoid
from .deviations import logistic as logistic
from .quartiles import robust as robust
from .ranges import identity as identity
from .ranges import min_max as min_max
