"""Errors that the user can correct, and the conversion of errors of the operating system to these."""

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(Exception):
    """Bad input of the command line, or a file that cannot be read or written: told in one line, exit status 2."""


@contextmanager
def accessing(doing: str, remedy: str) -> Iterator[None]:
    """Turns an error of the operating system into an `InputError`.

    Args:
        doing: what is done to which file, such as "write to out/report.md".
        remedy: what the user should do if that fails.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"cannot {doing} ({error.strerror or error}): {remedy}") from None
