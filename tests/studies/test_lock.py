"""One process at a time in a folder, and none that is dead."""

import os
import subprocess
import sys

import pytest

from otsort_studies.common import lock
from otsort_studies.common.errors import InputError
from otsort_studies.common.lock import locked

from .disk import full

# Holds the folder that is its argument until its input ends.
HOLDER = """
import sys
from pathlib import Path
from otsort_studies.common.lock import locked

with locked(Path(sys.argv[1])):
    print("holds", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "run")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "holds\n"
        yield process


def enter(folder):
    with locked(folder):
        pass


def test_leaves_nothing(tmp_path):
    with locked(tmp_path / "new" / "run"):
        assert [path.name for path in (tmp_path / "new" / "run").iterdir()] == ["otsort.lock"]
    assert not list((tmp_path / "new" / "run").iterdir())
    with pytest.raises(ZeroDivisionError), locked(tmp_path):
        raise ZeroDivisionError
    enter(tmp_path)


def test_names_the_other_process(holder, tmp_path):
    folder = tmp_path / "run"
    for _ in range(2):  # who is refused takes nothing away
        with pytest.raises(InputError, match=rf"run is in use by process {holder.pid} on .*: wait until it ends, or"):
            enter(folder)
    holder.communicate()
    enter(folder)


def test_a_dead_process_is_no_obstacle(holder, tmp_path):
    holder.kill()
    holder.wait()
    assert (tmp_path / "run" / "otsort.lock").read_text().startswith(f"process {holder.pid} ")
    with locked(tmp_path / "run"):
        assert (tmp_path / "run" / "otsort.lock").read_text().startswith(f"process {os.getpid()} ")
    assert not list((tmp_path / "run").iterdir())


def test_a_lock_file_that_its_process_just_removed_locks_nobody_out(monkeypatch, tmp_path):
    """Or two processes would each lock a file of this name, one of which is no longer in the folder."""
    really = lock.fcntl.flock

    def late(file, how):
        (tmp_path / "otsort.lock").unlink()
        really(file, how)

    with monkeypatch.context() as patch:
        patch.setattr(lock.fcntl, "flock", late)
        with pytest.raises(InputError, match="in use by another process"):
            enter(tmp_path)
    enter(tmp_path)


def test_tells_where_it_cannot_lock(tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    with pytest.raises(InputError, match="mine is a file: choose a folder"):
        enter(tmp_path / "mine")
    with pytest.raises(InputError, match=r"cannot write to .*run \(File too large\): choose a folder"), full(0):
        enter(tmp_path / "run")
    with pytest.raises(OSError, match="of another file"), locked(tmp_path):
        raise OSError("of another file")
