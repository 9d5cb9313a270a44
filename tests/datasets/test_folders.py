import re

import numpy as np
import pytest
from PIL import Image

from tfp_ebm import datasets

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, [12, 5, 3], dtype=np.uint8)


def fill(folder, images, suffix=".png"):
    """Writes images under numbers, the tenth of which must not come before the second."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
        picture.save(folder / f"{number}{suffix}")
    return folder


def everything(data):
    return np.concatenate([data.train, data.validation, data.test])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize(
    ("images", "num_levels", "dtype"),
    [
        (GREY, 256, np.uint8),
        (np.stack([GREY, GREY // 2, GREY // 3], axis=-1), 256, np.uint8),
        (GREY.astype(np.uint16) * 257, 65536, np.uint16),
        ([Image.fromarray(image > 99) for image in GREY], 2, np.uint8),
    ],
    ids=["grey", "colours", "words", "bits"],
)
def test_images_come_as_they_were_written(tmp_path, images, num_levels, dtype, suffix):
    data = datasets.load(fill(tmp_path / "images", images, suffix), shuffle=False)
    expected = GREY > 99 if isinstance(images, list) else images
    assert data.num_levels == num_levels and data.train.dtype == dtype
    assert [len(part) for part in (data.train, data.validation, data.test)] == [10, 1, 1]
    order = sorted(range(12), key=lambda number: f"{number}{suffix}")
    np.testing.assert_array_equal(everything(data), expected[order].reshape(12, 5, 3, -1))
    assert data.train_labels is None and data.label_names is None


def test_photographs_come_nearly_so_and_upright(tmp_path):
    smooth = np.broadcast_to(np.arange(0, 256, 16, dtype=np.uint8), [3, 24, 16]).copy()
    folder = fill(tmp_path / "images", smooth, ".jpeg")
    data = datasets.load(folder, shuffle=False)
    assert np.abs(data.train[0, ..., 0].astype(int) - smooth[0]).max() < 8
    exif = Image.Exif()
    exif[274] = 6  # Turned a quarter by the camera.
    for path in folder.iterdir():
        Image.fromarray(smooth[0]).save(path, exif=exif)
    assert datasets.load(folder).image_shape == (16, 24, 1)


def test_folders_are_classes(tmp_path):
    for name, images in (("10", GREY[:4]), ("9", GREY[4:])):
        fill(tmp_path / "images" / name, images)
    (tmp_path / "images" / "9" / ".hidden").write_text("left alone")
    data = datasets.load(tmp_path / "images", split_seed=1)
    assert data.label_names == ("9", "10") and data.num_classes == 2
    labels = np.concatenate([data.train_labels, data.validation_labels, data.test_labels])
    for image, label in zip(everything(data)[..., 0], labels, strict=True):
        assert any(np.array_equal(image, one) for one in (GREY[4:], GREY[:4])[label])
    assert len(np.unique(everything(data), axis=0)) == 12
    with pytest.raises(ValueError, match="sorted by class"):
        datasets.load(tmp_path / "images", shuffle=False, test=5)


def test_folders_are_parts_of_classes(tmp_path):
    for part, start in (("train", 0), ("val", 8), ("test", 10)):
        for label in (0, 1):
            chosen = GREY[start + label : start + label + (1 if start else 4)]
            fill(tmp_path / part / f"class {label}", chosen)
    data = datasets.load(tmp_path)
    assert [len(part) for part in (data.train, data.validation, data.test)] == [8, 2, 2]
    assert data.validation_labels.tolist() == [0, 1] and data.num_classes == 2
    np.testing.assert_array_equal(data.test[..., 0], GREY[10:12])
    # Whole, yet mixed, so that its first images are not of one class.
    assert data.train_labels.tolist() not in ([0] * 4 + [1] * 4, [1] * 4 + [0] * 4)
    assert datasets.load(tmp_path, shuffle=False).train_labels.tolist() == [0] * 4 + [1] * 4
    with pytest.raises(ValueError, match="`test` must be left out"):
        datasets.load(tmp_path, test=0.1)


COLOURS = np.stack(3 * [GREY[0]], axis=-1)
ODD = {
    "size": (Image.fromarray(GREY[0, 1:]), r"it is 4x3, grey, uint8, but .*0\.png is 5x3"),
    "colours": (Image.fromarray(COLOURS), "it is 5x3, RGB, uint8, but"),
    "bits": (Image.fromarray(GREY[0] > 99), "it is 5x3, grey, bool, but"),
    "alpha": (Image.fromarray(np.stack(4 * [GREY[0]], axis=-1)), "has an alpha channel"),
    "grey alpha": (Image.fromarray(COLOURS[..., :2]), "has an alpha channel"),
    "palette": (Image.fromarray(GREY[0]).convert("P"), "has a palette"),
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_images_are_named(tmp_path, kind):
    image, message = ODD[kind]
    fill(tmp_path, GREY[:4])
    image.save(tmp_path / "odd.png")
    with pytest.raises(ValueError, match=rf"odd\.png .*{message}"):
        datasets.load(tmp_path)


def test_colours_of_16_bits_are_not_cut_to_8(tmp_path):
    fill(tmp_path, COLOURS[np.newaxis])
    content = bytearray((tmp_path / "0.png").read_bytes())
    content[24] = 16  # Bits of a sample, in the header, whose sum follows.
    import zlib

    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, "big")
    (tmp_path / "0.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"0\.png has colours of 16 bits, of which 8"):
        datasets.load(tmp_path)


def test_a_transparent_colour_is_no_grey(tmp_path):
    Image.fromarray(GREY[0]).save(tmp_path / "0.png", transparency=3)
    with pytest.raises(
        ValueError, match=r"0\.png must be grey or RGB, but it has an alpha channel"
    ):
        datasets.load(tmp_path)


def test_several_images_in_one_file_are_refused(tmp_path):
    frames = [Image.fromarray(image) for image in GREY[:3]]
    frames[0].save(tmp_path / "frames.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="must hold one image, got 3"):
        datasets.load(tmp_path)


def test_damaged_images_are_named(tmp_path):
    fill(tmp_path, GREY[:4])
    cut = (tmp_path / "2.png").read_bytes()[:50]
    for content in (cut, b"no image"):
        (tmp_path / "2.png").write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(f"{tmp_path / '2.png'} could not be read")):
            datasets.load(tmp_path)


def test_folders_that_are_no_data(tmp_path):
    def refused(message):
        with pytest.raises(ValueError, match=message):
            datasets.load(tmp_path)

    refused("is empty; it must hold PNG, JPEG or TIFF")
    fill(tmp_path, GREY[:1])
    refused("at least 3 events")
    (tmp_path / "labels.txt").write_text("0")
    refused(r"labels\.txt must be a PNG, JPEG or TIFF image")
    (tmp_path / "labels.txt").unlink()
    (tmp_path / "class").mkdir()
    refused(r"for each class, got both: 0\.png and class")
    (tmp_path / "0.png").unlink()
    refused("class holds no images")
    fill(tmp_path / "class" / "deeper", GREY)
    refused("must hold the images of a class alone, got deeper")


def test_parts_that_do_not_fit(tmp_path):
    def refused(message):
        with pytest.raises(ValueError, match=message):
            datasets.load(tmp_path)

    fill(tmp_path / "train" / "a", GREY[:4])
    fill(tmp_path / "test" / "b", GREY[:4])
    refused("all classes in train, but only test has b")
    fill(tmp_path / "test", GREY[:1])
    refused("got both")
    for path in (tmp_path / "test" / "b").iterdir():
        path.unlink()
    (tmp_path / "test" / "b").rmdir()
    refused("classes in every part, or in none; see test")
    fill(tmp_path / "more", GREY[:1])
    refused("train, validation and test alone, got also more")
    with pytest.raises(FileNotFoundError, match="There is no file or folder"):
        datasets.load(str(tmp_path / "nowhere"))


def test_levels_of_a_folder_may_be_given(tmp_path):
    data = datasets.load(fill(tmp_path, GREY // 16), num_levels=16)
    assert data.num_levels == 16
    with pytest.raises(ValueError, match="levels from 0 to 7"):
        datasets.load(tmp_path, num_levels=8)
