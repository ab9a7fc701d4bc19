"""The column of numbers that is compared: read from a file, or told why not."""

import numpy as np
import pytest

from otsort_studies.common.column import example, load

from .test_cli import rejected


@pytest.mark.parametrize(
    ("name", "text", "column", "says"),
    [
        ("absent.csv", None, None, "No such file"),
        ("values.txt", "1\n2\n", None, "neither"),
        ("empty.csv", "", None, "is empty"),
        ("two.csv", "a,b\n1,2\n3,4\n", None, "--column"),
        ("two.csv", "a,b\n1,2\n3,4\n", "c", "has no column 'c'"),
        ("twice.csv", "a,a\n1,2\n3,4\n", "a", "2 columns"),
        ("nameless.csv", "1.5\n2.5\n3.5\n", None, "must name"),
        ("word.csv", "a\n1\nlots\n", None, "line 3"),
        ("short.csv", "a,b\n1,2\n3\n", "b", "line 3"),
        ("short.csv", "a,b\n1,2\n3\n", "b", "has no value: leave out"),
        ("semicolons.csv", "a;b\n1;2\n", "b", "separated by commas"),
        ("nan.csv", "a\n1\nnan\n", None, "value 2"),
        ("inf.csv", "a\ninf\n1\n", None, "value 1"),
        ("large.csv", "a\n1e300\n1\n", None, "float32"),
        ("one.csv", "a\n1\n", None, "has 1 value:"),
        ("equal.csv", "a\n1\n1\n", None, "all equal"),
        ("binary.csv", "\x00\xff", None, "column"),
        ("array.npy", "no array", None, "not an .npy file"),
        ("empty.npy", "", None, "not an .npy file"),
        ("zipped.npy", "PK\x03\x04 and no more", None, "not an .npy file"),
        ("list.npy", np.arange(3.0), "0", "leave out --column"),
        ("matrix.npy", np.eye(3), None, "--column"),
        ("matrix.npy", np.eye(3), "3", "'3'"),
        ("matrix.npy", np.eye(3), "a", "'a'"),
        ("cube.npy", np.ones((2, 2, 2)), "0", "3 dimensions"),
        ("words.npy", np.asarray(["a", "b"]), None, "real numbers"),
        ("complex.npy", np.asarray([1j, 2j]), None, "real numbers"),
        ("nan.npy", np.asarray([1, np.nan]), None, "value 2"),
        ("long.npy", np.arange(5000.0), None, "5000 values"),
    ],
)
def test_bad_data(name, text, column, says, tmp_path):
    if isinstance(text, str):
        (tmp_path / name).write_text(text)
    elif text is not None:
        np.save(tmp_path / name, text)
    arguments = ["--data", tmp_path / name] + ([] if column is None else ["--column", column])
    assert says in rejected("compare", *arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--solvers", "Sinkhron"], "unknown solver 'Sinkhron'"),
        (["--epsilon", "0"], "positive"),
        (["--epsilon", "0.1", "--epsilon", "-1"], "positive"),
        (["--epsilon", "nan"], "positive"),
        (["--epsilon", "inf"], "positive"),
        (["--epsilon", "1e-60"], "positive"),
        (["--column", "a"], "--data"),
    ],
)
def test_bad_options(arguments, says, tmp_path):
    assert says in rejected("compare", *arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_example_has_few_ties():
    values = example().values
    assert values.size == 442
    assert np.unique(values).size == 302


def test_float32_holds_the_values(tmp_path):
    (tmp_path / "values.csv").write_text("a,b\n1,0.1\n2,1e-60\n\n3, 7 \n")
    column = load(tmp_path / "values.csv", "b")
    assert (column.source, column.name) == ("values.csv", "b")
    np.testing.assert_array_equal(column.values, np.asarray([0.1, 0, 7], np.float32).astype(float))
    np.save(tmp_path / "values.npy", np.arange(6).reshape(3, 2))
    np.testing.assert_array_equal(load(tmp_path / "values.npy", "1").values, [1.0, 3, 5])
