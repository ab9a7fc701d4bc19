"""Differentiable sorting, ranking, CDFs, quantiles and top-k by optimal transport."""

from . import squash as squash
from ._cost import AbstractCost as AbstractCost
from ._cost import PowerCost as PowerCost
from ._cost import SquaredCost as SquaredCost
from ._differentiation import AbstractDifferentiation as AbstractDifferentiation
from ._differentiation import Checkpointed as Checkpointed
from ._differentiation import Implicit as Implicit
from ._differentiation import OneStep as OneStep
from ._differentiation import Unrolled as Unrolled
from ._epsilon import EpsilonSchedule as EpsilonSchedule
from ._operators import Options as Options
from ._operators import cdf as cdf
from ._operators import median as median
from ._operators import permutation as permutation
from ._operators import quantile as quantile
from ._operators import quantile_normalize as quantile_normalize
from ._operators import quantile_transform as quantile_transform
from ._operators import quantize as quantize
from ._operators import rank as rank
from ._operators import sort as sort
from ._operators import sort_by as sort_by
from ._operators import top_k as top_k
from ._operators import top_k_mask as top_k_mask
from ._plan import AbstractPlan as AbstractPlan
from ._plan import EntropicPlan as EntropicPlan
from ._plan import MonotonePlan as MonotonePlan
from ._problem import Problem as Problem
from ._semidual import SemiDual as SemiDual
from ._solution import RESULTS as RESULTS
from ._solution import Solution as Solution
from ._solve import solve as solve
from ._solver import AbstractEntropicSolver as AbstractEntropicSolver
from ._solver import AbstractSolver as AbstractSolver
from ._solver import AndersonSinkhorn as AndersonSinkhorn
from ._solver import LogSinkhorn as LogSinkhorn
from ._solver import Newton as Newton
from ._solver import NorthWestCorner as NorthWestCorner
from ._solver import Sinkhorn as Sinkhorn
from ._start import WarmStart as WarmStart
from ._start import exact_start as exact_start
from ._start import zero_start as zero_start
from ._target import TargetMeasure as TargetMeasure

__version__ = "0.1.0"
