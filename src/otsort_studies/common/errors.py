"""Defines the errors that a user can correct, and converts errors of the operating system to them."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(Exception):
    """Bad input, or a file that cannot be read or written. It is printed in one line, with exit status 2."""


@contextmanager
def accessing(doing: str, remedy: str) -> Iterator[None]:
    """Converts an error of the operating system to an `InputError`.

    Args:
        doing: the action and its file, such as "write to out/report.md".
        remedy: what the user should do if that fails.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot {doing} ({error.strerror or error}): {remedy}") from None
