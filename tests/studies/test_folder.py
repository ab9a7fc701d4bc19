"""The folder of a run is that of one configuration."""

import json

import pytest

from otsort_studies.common.errors import InputError
from otsort_studies.common.folder import claim, read_config

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
        ({**CONFIGURATION, "study": "other"}, "(see study)"),
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
    claim(tmp_path, CONFIGURATION)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_refuses_what_is_not_its_own(tmp_path):
    (tmp_path / "mine").write_text("mine\n")
    with pytest.raises(InputError, match="other files"):
        claim(tmp_path, CONFIGURATION)
    with pytest.raises(InputError, match="cannot write"):
        claim(tmp_path / "mine", CONFIGURATION)
    assert (tmp_path / "mine").read_text() == "mine\n"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize("content", ["", "{", "3", "[1]"])
def test_refuses_a_damaged_configuration(content, tmp_path):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(InputError, match="is damaged"):
        claim(tmp_path, CONFIGURATION)
