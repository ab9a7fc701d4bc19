"""The operators, each of which reads its answer from a transport plan, along any axis.

Write x for the n values along the axis, a for their weights, y for the points of the target and b for its weights. A
plan averages in two directions: `push` carries values of the inputs to the targets, and `pull` carries values of the
targets to the inputs. The solver decides whether an operator is exact or smooth: `epsilon=0` gives the K-operators of
Cuturi, Teboul and Vert (2019), a positive epsilon their S-operators.
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
