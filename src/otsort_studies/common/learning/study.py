"""The interface of a study that trains networks, beyond that of every study."""

import abc
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ..study import AbstractStudy


def of_training(curves: Iterable[str]) -> dict[str, Any]:
    """Names what the row of a training holds.

    Args:
        curves: names of what has an entry for each checkpoint.

    Returns:
        These, `seconds` of the training, and `source` of the data.
    """
    return {**dict.fromkeys(curves, list[float]), "seconds": float, "source": str}


@dataclass(frozen=True, kw_only=True)
class AbstractLearning(AbstractStudy):
    """A study whose cases take minutes, on data that a folder of the user may hold.

    Its module `measure` has two functions in place of the one:

        measure.load(study, folder): the data. What cannot be had is an `InputError`, before anything is measured.
        measure.measure(study, cases, data, bench): the rows, as in `AbstractStudy`. Checkpoints and progress of a
            training go through the `Workbench`.

    Attributes:
        hidden: width of the dense layers.
        batch: examples a step.
        checkpoints: of a training.
        stride: steps before each of them.
        rate: of Adam.
        seeds: trainings of each kind.
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
        """Steps of a training."""
        return self.checkpoints * self.stride

    @classmethod
    @abc.abstractmethod
    def paper(cls) -> Self:
        """Returns a configuration of the same study at the paper's own size, which takes a GPU."""


@dataclass(frozen=True, kw_only=True)
class AbstractPictures(AbstractLearning):
    """A study of convolutional networks that see pictures.

    Attributes:
        data: name of the pictures.
        widths: channels of the convolutions.
    """

    data: str
    widths: tuple[int, ...]

    @property
    def sizes(self) -> str:
        """The network in words."""
        return f"{', '.join(map(str, self.widths))}; {self.hidden}"
