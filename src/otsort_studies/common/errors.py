"""What the user can correct."""


class InputError(Exception):
    """Bad input of the command line, told in one line: exit status 2, nothing written."""
