"""Defines what surrounds a training besides its configuration and data. None of it may affect a row."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workbench:
    """The checkpoint file of a training, and the function that receives its progress.

    Attributes:
        checkpoint: file for the state of the current training; None stores nothing.
        tell: function that is called with the completed share of the training and its current score in words.
    """

    checkpoint: Path | None = None
    tell: Callable[[float, str], None] = lambda share, score: None
