"""The studies: one file each."""

from .base import AbstractStudy as AbstractStudy
from .figure2 import Figure2 as Figure2
from .figure3 import Figure3 as Figure3
from .gradients import Gradients as Gradients
from .scaling import Scaling as Scaling
from .schedules import Schedules as Schedules
from .signal import GradientSignal as GradientSignal

STUDIES: dict[str, type[AbstractStudy]] = {
    "gradients": Gradients,
    "schedules": Schedules,
    "signal": GradientSignal,
    "figure2": Figure2,
    "figure3": Figure3,
    "scaling": Scaling,
}
