from .anderson import AndersonSinkhorn as AndersonSinkhorn
from .base import AbstractEntropicSolver as AbstractEntropicSolver
from .base import AbstractSolver as AbstractSolver
from .log_sinkhorn import LogSinkhorn as LogSinkhorn
from .newton import Newton as Newton
from .north_west_corner import NorthWestCorner as NorthWestCorner
from .sinkhorn import Sinkhorn as Sinkhorn
