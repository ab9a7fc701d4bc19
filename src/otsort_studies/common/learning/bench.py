"""What a training uses beside its configuration and data, none of which may enter its row."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workbench:
    """Where a training is kept while it goes on, and whom it tells.

    Attributes:
        checkpoint: a file for the state of the training that goes on; None keeps nothing.
        tell: called with the share of the training that is done and its present score in words.
    """

    checkpoint: Path | None = None
    tell: Callable[[float, str], None] = lambda share, score: None
