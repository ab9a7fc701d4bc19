"""The surroundings of a training, beside its configuration and data; none of it may enter its row."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workbench:
    """The file that keeps a training while it goes on, and the function that it reports to.

    Attributes:
        checkpoint: a file for the state of the training that goes on; None keeps nothing.
        tell: called with the share of the training that is done and its present score in words.
    """

    checkpoint: Path | None = None
    tell: Callable[[float, str], None] = lambda share, score: None
