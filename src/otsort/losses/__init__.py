"""Losses made of the operators, in the conventions of `optax.losses`.

A loss returns one value for each example (a list along the axis), without reduction. Logits come with integer labels.
All options of the operators are accepted. The default squash standardises its inputs. A loss of logits therefore
depends only on their order and their relative distances, not on their scale. For two classes, this leaves the two
logits without a gradient.
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
