"""Ranks, levels and quantiles of values that are never in memory together.

Two passes read the values. The first computes their mean and deviation (`Summary`). The second computes sums of powers
in small cells (`Moments`). The size of both does not grow with the number of values, and both can be merged over chunks
and processes. A `Stream` then gives ranks, levels (ranks / n) and quantiles, as `otsort.rank`, `otsort.cdf` and
`otsort.quantile` do with `otsort.Quadrature`, uniform weights and the logistic squash. It is not differentiable.
"""

from .chunks import Chunks as Chunks
from .moments import Moments as Moments
from .passes import fit as fit
from .stream import Stream as Stream
from .summary import Summary as Summary
