"""Soft versions of metrics for binary labels, for graded relevance and for orders.

Predictions come first, as in `optax.losses` and rax. A metric returns one value for each list along the axis, and
larger is better. The options of the operators are accepted, but `weights` only by `roc_auc` and `average_precision`.
With `epsilon=0` each metric equals the reference implementation that its docstring names, which also says how ties
count. It then has no gradient. A positive epsilon makes it smooth: each score is spread over neighbouring places of the
order, and the metric is computed from these places. Evaluate with `epsilon=0`, because values at different epsilon are
not comparable.

A metric may be undefined for a list, for example if all labels are of one class. It is then a constant that its
docstring names. The constant has no gradient, so such lists do not disturb training. If a score of a list is NaN, its
metric is NaN.
"""

from .classification import average_precision as average_precision
from .classification import precision_at_k as precision_at_k
from .classification import recall_at_k as recall_at_k
from .classification import roc_auc as roc_auc
from .order import concordance_index as concordance_index
from .order import kendall_tau as kendall_tau
from .relevance import ndcg as ndcg
