"""Allows only one process at a time to use the folder of a run."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import FileIO
from pathlib import Path

from .errors import InputError, accessing
from .folder import LOCK

if sys.platform == "win32":
    import msvcrt

    def _lock(file: FileIO) -> None:
        # Other processes cannot read a locked byte, so lock one far behind the name of the process.
        os.lseek(file.fileno(), 1 << 20, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: FileIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(file.fileno()).st_nlink == 0:  # the holder removed the file after it was opened here
            raise BlockingIOError


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keeps other processes out of a folder.

    The operating system releases the lock when the process ends, so a lock file of a killed process blocks nobody.

    Args:
        folder: created if it does not exist.

    Raises:
        InputError: another process uses the folder, or the folder cannot be written to.
    """
    path = folder / LOCK
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: choose a folder with --out")
    remedy = "choose a folder that can be written to, on a disk that has space and knows locks"
    with ExitStack() as stack:
        with accessing(f"write to {folder}", remedy):
            folder.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context(path.open("a+b", buffering=0))
            _hold(file, folder)
        try:
            yield
        finally:
            # Remove the file before the lock ends: later it may belong to another process. Windows keeps an open file.
            with suppress(OSError):
                path.unlink()


def _hold(file: FileIO, folder: Path) -> None:
    """Locks the file and writes the id of this process into it."""
    try:
        _lock(file)
    except (BlockingIOError, PermissionError):  # another process holds it, on Unix and on Windows
        file.seek(0)
        holder = file.read().decode() or "another process"
        raise InputError(f"{folder} is in use by {holder}: wait until it ends, or choose another folder") from None
    file.truncate(0)
    file.write(f"process {os.getpid()} on {platform.node()}".encode())
