"""Losses made of the operators, in the conventions of `optax.losses`.

There is one value for each example (a list along the axis), without reduction; logits come with integer labels; and all
options of the operators are accepted. The default squash standardises its inputs, so a loss of logits depends only on
their order and their relative distances, not on their scale. With two classes, the two logits have no gradient then.
"""

from .classification import top_k_cross_entropy as top_k_cross_entropy
from .classification import top_k_error as top_k_error
from .correlation import spearman_correlation as spearman_correlation
from .correlation import spearman_distance as spearman_distance
from .distance import wasserstein as wasserstein
from .errors import expected_shortfall as expected_shortfall
from .errors import quantile_error as quantile_error
from .errors import trimmed_mean as trimmed_mean
from .permutation import permutation_cross_entropy as permutation_cross_entropy
