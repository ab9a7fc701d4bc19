"""The folder of a run is that of one configuration."""

import json

import pytest

from otsort_studies.common.errors import InputError
from otsort_studies.common.folder import claim, read_config, write_text

from .disk import full

CONFIGURATION = {"study": "toy", "configuration": {"n": (1, 2), "kind": "a"}, "device": {"kind": "cpu"}}


def test_claims_a_folder_once(tmp_path):
    folder = tmp_path / "new" / "folder"
    claim(folder, CONFIGURATION)
    found = read_config(folder)
    assert found.pop("date").endswith("+00:00")
    assert found == json.loads(json.dumps(CONFIGURATION))
    before = (folder / "config.json").read_bytes()
    claim(folder, CONFIGURATION)
    assert (folder / "config.json").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["config.json"]


@pytest.mark.parametrize(
    ("different", "says"),
    [
        ({**CONFIGURATION, "study": "other"}, "holds a run of the study toy"),
        ({**CONFIGURATION, "configuration": {"n": (1, 3), "kind": "a"}}, "(see configuration n)"),
        ({**CONFIGURATION, "configuration": {"n": (1, 2), "kind": "cpu"}}, "(see configuration kind)"),
        ({**CONFIGURATION, "device": {}}, "(see device kind)"),
        ({**CONFIGURATION, "more": None}, "(see more)"),
    ],
)
def test_refuses_another_configuration(different, says, tmp_path):
    claim(tmp_path, CONFIGURATION)
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(InputError) as refused:
        claim(tmp_path, different)
    assert says in str(refused.value)
    assert (tmp_path / "config.json").read_bytes() == before


def test_a_draft_of_a_killed_run_is_no_obstacle(tmp_path):
    (tmp_path / "config.tmp").write_text('{"stu')
    (tmp_path / "otsort.lock").write_text("process 1 on here")
    claim(tmp_path, CONFIGURATION)
    assert {path.name for path in tmp_path.iterdir()} == {"config.json", "otsort.lock"}


def test_a_full_disk_leaves_whole_files(tmp_path):
    with pytest.raises(InputError, match=r"cannot write to .* \(File too large\): free space"), full(10):
        claim(tmp_path, CONFIGURATION)
    assert not list(tmp_path.iterdir())
    write_text(tmp_path / "report.md", "before")
    with pytest.raises(OSError, match="File too large"), full(10):
        write_text(tmp_path / "report.md", "after that there is more")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_refuses_what_is_not_its_own(tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    with pytest.raises(InputError, match="other files"):
        claim(tmp_path, CONFIGURATION)
    with pytest.raises(InputError, match="cannot write"):
        claim(tmp_path / "mine", CONFIGURATION)
    assert (tmp_path / "mine").read_text() == "mine\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("content", [b"", b"{", b"3", b"[1]", b"\xff\xfe{}"])
def test_refuses_a_damaged_configuration(content, tmp_path):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(InputError, match="is damaged"):
        claim(tmp_path, CONFIGURATION)


def test_tells_what_is_no_run(tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    for folder, lack in (
        (tmp_path / "absent", "does not exist"),
        (tmp_path / "mine", "is no folder"),
        (tmp_path, "has no"),
    ):
        with pytest.raises(InputError, match=f"FOLDER must be the folder of a run, got {folder}, which {lack}.*: give"):
            read_config(folder)
    (tmp_path / "config.json").mkdir()
    with pytest.raises(InputError, match=r"cannot read .*config\.json \(Is a directory\)"):
        read_config(tmp_path)
