"""Losses made of the operators, in the conventions of `optax.losses`.

One value an example (a list along the axis), no reduction; logits with integer labels; all options of the operators. As
inputs are standardised before they are squashed, a loss of logits depends on their order and relative distances alone,
not on their scale: the two logits of two classes carry no gradient with the default squash.
"""

from .classification import top_k_cross_entropy as top_k_cross_entropy
from .classification import top_k_error as top_k_error
from .correlation import spearman_correlation as spearman_correlation
from .correlation import spearman_distance as spearman_distance
from .errors import expected_shortfall as expected_shortfall
from .errors import quantile_error as quantile_error
from .errors import trimmed_mean as trimmed_mean
