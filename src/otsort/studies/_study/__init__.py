"""The studies: one file each."""

from .base import AbstractStudy as AbstractStudy
from .figure2 import Figure2 as Figure2
from .gradients import Gradients as Gradients

STUDIES: dict[str, type[AbstractStudy]] = {
    "figure2": Figure2,
    "gradients": Gradients,
}
