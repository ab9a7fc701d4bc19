"""Defines the study that compares how well models train through different relaxations."""

import math
from dataclasses import dataclass
from typing import ClassVar

from ..common.outcome import TOO_SLOW
from ..common.study import AbstractCase, AbstractStudy
from ..common.terms import defined
from ..peers.methods import OURS, PEER_METHODS, SPARSE
from ..peers.study import Installed

#: Training with the usual loss of a task, without sorting.
USUAL = "usual loss"
#: Name of a task -> operators through which a model can be trained for it.
OPERATORS_BY_TASK = {
    "spearman": ("rank",),
    "concrete": ("rank",),
    "digits": ("rank", "top_k_mask"),
    "key": ("sort_by",),
    "ndcg": ("rank",),
    "trimmed": ("sort",),
}
# Outcomes of trainings that are not started.
NEVER_RETURNS = "may never return"
#: Method and task -> outcome of trainings that are not started, and the factor of the temperature below which it holds.
#: LapSum's sort runs without end if two values are nearly equal. One training of softjax took over ten minutes.
NOT_STARTED = {
    ("LapSum", "trimmed"): (NEVER_RETURNS, math.inf),
    ("softjax smooth_sort", "digits"): (TOO_SLOW, 3.0),
}
#: All smooth methods but those of fast-soft-sort, whose formulas torchsort and torchpsort repeat in PyTorch.
RELAXATIONS = tuple(
    name for name, method in PEER_METHODS.items() if method.temperature and method.package != "fast-soft-sort"
)


@dataclass(frozen=True)
class Training(AbstractCase):
    """A row: the scores of a linear model that was trained through an operator.

    Attributes:
        method: name of the method, or `USUAL`.
        task: name of the task.
        operator: operator in the loss; "none" for the usual loss.
        factor: factor of the temperature of the method.
        seed: seed of the split, of the initial weights and of the batches.
        validation, test: scores; larger is better.
    """

    part: ClassVar[str] = "training"
    measured: ClassVar[dict] = {"validation": float, "test": float}

    method: str
    task: str
    operator: str
    factor: float
    seed: int


@dataclass(frozen=True)
class Relaxations(AbstractStudy):
    """Models that are trained through the operators of many packages.

    Attributes:
        methods: names of the methods.
        tasks: names of the tasks.
        factors: factors of the temperature.
        seeds: number of trainings for each temperature.
        steps: number of steps of Adam in a training.
    """

    name: ClassVar[str] = "relaxations"
    title: ClassVar[str] = "Which relaxation trains best?"
    full_time: ClassVar[str] = "3 h"
    question: ClassVar[str] = (
        "A loss on ranks, sorted values or a top-k selection needs a soft operator in place of the exact one. "
        "Several packages offer such operators, called *relaxations*. Does it matter which of them a model is "
        "trained through?\n\n"
        f"{defined('list')}\n"
        "- *method*: a package, or one of several algorithms of a package.\n"
        "- *temperature*: the number that controls the smoothing of a method, such as epsilon, softness, the "
        "strength of the regularisation, or one over the steepness.\n"
        "- *factor*: the temperature divided by the usual temperature of the method. That is epsilon 0.01 for otsort "
        "and ott, 1 for torchsort and torchpsort, and 0.1 for the others.\n"
        "- *otsort sparse*: otsort with quadratic regularisation (`SparseNewton`). Other words after a package are "
        "its own names of its algorithms.\n"
        "- *usual loss*: the loss that one would take without a relaxation: the squared error, or the cross-entropy "
        "for digits. Nothing is tuned for it.\n"
        "- *operator*: `rank` gives the soft ranks of a list, `sort` its sorted values, `sort_by` other values in the "
        "order of the list, and `top_k_mask` a mask of its k largest values.\n"
        "- *setting*: an operator and a temperature.\n\n"
        "Method: Adam, with a learning rate of 0.05, trains a linear model without an offset through an operator. "
        "Half of the data is used for training, a fifth for validation, and the rest for testing. For each method "
        "and task, the operator and the temperature with the best mean validation score are used. All methods share "
        "the splits, the initial weights and the batches of a seed, so differences are taken seed by seed. Packages "
        "are called with their default options, in float32. A temperature can be chosen only if the trainings of all "
        "seeds end without an error and with finite weights. An operator of otsort raises an error if a solve misses "
        "its tolerance. In float32, the default gradient of ott raises an error unless epsilon is large; its option "
        "`implicit_diff=None` was not tried. The package fast-soft-sort is left out, because torchsort and "
        "torchpsort repeat its formulas in PyTorch. There are six tasks:\n\n"
        "- *spearman*: A model predicts the progress of diabetes. The loss is one minus the rank correlation in "
        "batches of 64 patients. The score is the rank correlation.\n"
        "- *concrete*: The same task with the strength of concrete.\n"
        "- *digits*: A model classifies digits, and the correct class should have one of the two largest outputs. "
        "The loss uses the rank of the output of the correct class, or a mask of the two largest, in batches of 128. "
        "The score is the share of digits whose class has one of the two largest outputs.\n"
        "- *key*: A model predicts a number, the key, for each patient. The progress of 8 lists of 16 patients is "
        "softly sorted by the key. The loss is the mean squared difference from the exactly sorted progress. The "
        "score is the rank correlation between key and progress.\n"
        "- *ndcg*: A model ranks 8 lists of 16 samples of concrete. The strength is divided into five groups of "
        "equal size, and the relevance is the number of the group, 0 to 4. The gain is 2^relevance - 1. The score is "
        "the normalised discounted cumulative gain (NDCG), and the loss is one minus the NDCG.\n"
        "- *trimmed*: A model predicts the progress of diabetes from data in which a fifth of the targets was "
        "replaced by outliers, for training and validation but not for testing. The loss is the mean of the 48 "
        "smallest of 64 squared residuals, and needs sorted values. The score is one minus the median absolute "
        "error, in units of the median absolute deviation of the target."
    )
    dtype: ClassVar[str] = "float32"
    parts: ClassVar[tuple] = (Installed, Training)

    methods: tuple[str, ...] = (USUAL, *RELAXATIONS)
    tasks: tuple[str, ...] = tuple(OPERATORS_BY_TASK)
    factors: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
    seeds: int = 20
    steps: int = 100

    @classmethod
    def quick(cls) -> "Relaxations":
        return cls(methods=(USUAL, OURS, SPARSE), tasks=("digits", "ndcg"), factors=(1.0, 10.0), seeds=4, steps=20)

    def cases(self) -> list[AbstractCase]:
        """Returns the cases method by method. Seeds that are trained side by side follow each other."""
        return [case for method in self.methods for case in self._of(method)]

    def _of(self, method: str) -> list[AbstractCase]:
        usual = method == USUAL
        return [
            *([] if usual else [Installed(method)]),
            *(
                Training(method, task, operator, factor, seed)
                for task in self.tasks
                for operator in (("none",) if usual else OPERATORS_BY_TASK[task])
                for factor in ((1.0,) if usual else self.factors)
                for seed in range(self.seeds)
            ),
        ]
