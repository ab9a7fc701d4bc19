"""Defines the interface of a study that trains networks."""

import abc
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ..study import AbstractStudy


def of_training(curves: Iterable[str]) -> dict[str, Any]:
    """Returns the columns of the row of a training, with their types.

    Args:
        curves: names of columns with an entry for each checkpoint.

    Returns:
        These columns, the `seconds` of the training, and the `source` of the data.
    """
    return {**dict.fromkeys(curves, list[float]), "seconds": float, "source": str}


@dataclass(frozen=True, kw_only=True)
class AbstractLearning(AbstractStudy):
    """A study whose cases are trainings of minutes, on data that may be in a folder of the user.

    Its module `measure` has two functions instead of one:

        measure.load(study, folder): loads the data. Raises an `InputError` before anything is measured if data are not
            available.
        measure.measure(study, cases, data, bench): yields the rows, as in `AbstractStudy`. Checkpoints and progress of
            a training go through the `Workbench`.

    Attributes:
        hidden: width of the dense layers.
        batch: number of examples in a training step.
        checkpoints: number of checkpoints of a training.
        stride: number of training steps before each checkpoint.
        rate: learning rate of Adam.
        seeds: number of trainings of each kind.
    """

    dtype: ClassVar[str] = "float32"

    hidden: int
    batch: int
    checkpoints: int
    stride: int
    rate: float = 1e-3
    seeds: int = 3

    @property
    def steps(self) -> int:
        """Returns the number of steps of a training."""
        return self.checkpoints * self.stride

    @classmethod
    @abc.abstractmethod
    def paper(cls) -> Self:
        """Returns the configuration of the study at the size of the paper, which needs a GPU."""


@dataclass(frozen=True, kw_only=True)
class AbstractPictures(AbstractLearning):
    """A study that trains convolutional networks on pictures.

    Attributes:
        data: name of the data set.
        widths: numbers of channels of the convolutions.
    """

    data: str
    widths: tuple[int, ...]

    @property
    def sizes(self) -> str:
        """Describes the sizes of the network in words."""
        return f"{', '.join(map(str, self.widths))} channels, {self.hidden} dense units"
