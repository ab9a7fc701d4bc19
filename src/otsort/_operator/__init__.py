"""The operators: functions along any axis of an array, which read their answers from a transport plan.

The n values along the axis are called x and have the weights a. The target has m points y with the weights b. A plan
averages in two directions: `push` averages values of the inputs at each point of the target, and `pull` averages values
of the target at each input. With `epsilon=0` an operator is exact: a K-operator of Cuturi, Teboul and Vert (2019). With
a positive epsilon it is smooth: one of their S-operators.
"""

from .normalization import quantile_normalize as quantile_normalize
from .normalization import quantile_transform as quantile_transform
from .normalization import quantize as quantize
from .quantiles import median as median
from .quantiles import quantile as quantile
from .ranks import cdf as cdf
from .ranks import rank as rank
from .sorting import permutation as permutation
from .sorting import sort as sort
from .sorting import sort_by as sort_by
from .top_k import selection as selection
from .top_k import top_k as top_k
from .top_k import top_k_mask as top_k_mask
