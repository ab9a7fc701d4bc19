"""What a study that trains networks is, beside what every study is."""

import abc
from dataclasses import dataclass
from typing import Self

from ..study import AbstractStudy


@dataclass(frozen=True)
class AbstractLearning(AbstractStudy):
    """A study whose cases take minutes, on data that a folder of the user may hold.

    Its module `measure` has two functions in place of the one:

        measure.load(study, folder): the data. What cannot be had is an `InputError`, before anything is measured.
        measure.measure(study, cases, data, bench): the rows, as in `AbstractStudy`. Checkpoints and progress of a
            training go through the `Workbench`.
    """

    @classmethod
    @abc.abstractmethod
    def paper(cls) -> Self:
        """The same study at the paper's own size, which takes a GPU."""
