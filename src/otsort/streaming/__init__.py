"""Ranks, levels and quantiles of values that are never in memory together.

Two passes read the values. The first keeps their mean and deviation (`Summary`), and the second keeps sums of powers in
small cells (`Moments`). The size of both does not grow with the number of values, and both merge over chunks and
processes. `Stream` then answers for any values, as `otsort.rank`, `otsort.cdf` and `otsort.quantile` do with
`otsort.Quadrature`, uniform weights and the logistic squash. It is not differentiable.
"""

from .chunks import Chunks as Chunks
from .moments import Moments as Moments
from .passes import fit as fit
from .stream import Stream as Stream
from .summary import Summary as Summary
