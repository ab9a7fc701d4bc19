"""The operators: thin readings of a transport plan, along any axis.

Write x for the values along the axis, n for their number, (a, x) for their measure and (b, y) for the target's. A plan
averages: `push` carries values of the inputs to the targets, `pull` values of the targets to the inputs. Soft or exact
is the solver's affair: `epsilon=0` gives the K-operators of Cuturi, Teboul and Vert (2019), a positive one the
S-operators.
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
