"""Ranks, levels and quantiles of values that never sit in memory together.

Two passes over the values: their mean and deviation (`Summary`), then sums of their powers in small cells (`Moments`).
What the passes keep does not grow with the number of values, and what several processes have kept merges. Then
`Stream` answers for any values, as `otsort.rank`, `otsort.cdf` and `otsort.quantile` do with `otsort.Quadrature`,
uniform weights and the logistic squash. It is not differentiable.
"""

from .chunks import Chunks as Chunks
from .moments import Moments as Moments
from .passes import fit as fit
from .stream import Stream as Stream
from .summary import Summary as Summary
