"""Ranks, levels and quantiles of values that never sit in memory together.

Two passes read the values: the first keeps their mean and deviation (`Summary`), the second sums of powers in small
cells (`Moments`). What they keep does not grow with the number of values, and merges over chunks and processes.
`Stream` then answers for any values, as `otsort.rank`, `otsort.cdf` and `otsort.quantile` do with `otsort.Quadrature`,
uniform weights and the logistic squash. It is not differentiable.
"""

from .chunks import Chunks as Chunks
from .moments import Moments as Moments
from .passes import fit as fit
from .stream import Stream as Stream
from .summary import Summary as Summary
