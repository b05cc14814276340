"""One image file as a tensor: formats, modes, orientations, and what is no image."""

import io
import os
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from torchvision.io import ImageReadMode, decode_image

from cnnbook.data.decode import UnreadableImageError, decode, formats, suffixes

LOSSLESS = {
    ".bmp": {},
    ".gif": {},
    ".jp2": {},
    ".png": {},
    ".ppm": {},
    ".tif": {},
    ".tiff": {"compression": "tiff_deflate"},
    ".webp": {"lossless": True},
}
RANDOM = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def _pixels(path):
    return decode(str(path)).permute(1, 2, 0).numpy()


@pytest.mark.parametrize("suffix", LOSSLESS)
@pytest.mark.parametrize("upper", [False, True])
def test_every_format_gives_the_pixels_that_were_written(suffix, upper, tmp_path):
    image = Image.fromarray(RANDOM)
    if suffix == ".gif":
        image = image.quantize(256)
    path = tmp_path / f"image{suffix.upper() if upper else suffix}"
    image.save(path, **LOSSLESS[suffix])
    assert path.suffix.lower() in suffixes()
    assert (_pixels(path) == RANDOM).all()


@pytest.mark.parametrize("suffix", [".jpg", ".jfif", ".avif"])
def test_formats_that_lose_something_are_near(suffix, tmp_path):
    if suffix not in suffixes():
        pytest.skip("this Pillow was built without it")
    smooth = np.linspace(40, 200, 32 * 32).astype(np.uint8).reshape(32, 32)
    Image.fromarray(smooth).save(tmp_path / f"image{suffix}", quality=95)
    found = _pixels(tmp_path / f"image{suffix}")[:, :, 0].astype(int)
    assert abs(found - smooth).max() < 20


def test_a_jpeg_is_what_torchvision_reads(tmp_path):
    for mode in ("RGB", "L", "CMYK"):
        path = str(tmp_path / f"{mode}.jpg")
        Image.fromarray(RANDOM).convert(mode).save(path, quality=95)
        assert decode(path).equal(decode_image(path, ImageReadMode.RGB))


def test_a_name_may_lie_about_the_format(tmp_path):
    Image.fromarray(RANDOM).save(tmp_path / "image.jpg", "PNG")
    assert (_pixels(tmp_path / "image.jpg") == RANDOM).all()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_every_mode_becomes_colours(mode, tmp_path):
    image = Image.fromarray(RANDOM).convert(mode)
    wanted = np.asarray(image.convert("RGB"))
    if mode == "P":  # with some of its colours transparent
        image.info["transparency"] = bytes(range(256))
    image.save(tmp_path / "image.png")
    assert (_pixels(tmp_path / "image.png") == wanted).all()


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_sixteen_bits_become_the_upper_eight(suffix, tmp_path):
    values = np.linspace(0, 65_535, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(values).save(tmp_path / f"image.{suffix}")
    found = _pixels(tmp_path / f"image.{suffix}")
    assert (found == (values // 257)[:, :, None]).all()
    assert found.dtype == np.uint8


def test_colours_of_sixteen_bits_become_colours_of_eight(tmp_path):
    content = (RANDOM.astype(np.uint16) * 257).astype(">u2").tobytes()
    (tmp_path / "image.ppm").write_bytes(b"P6 9 6 65535\n" + content)
    assert (_pixels(tmp_path / "image.ppm") == RANDOM).all()


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_numbers_of_32_bits_are_refused_since_nobody_knows_their_range(kind, tmp_path):
    Image.fromarray(np.ones((4, 4), kind)).save(tmp_path / "image.tif")
    with pytest.raises(UnreadableImageError, match="32 bits: save it with 8 or 16"):
        decode(str(tmp_path / "image.tif"))


@pytest.mark.parametrize("suffix", ["gif", "png", "tif", "webp"])
def test_of_several_frames_the_first_is_read(suffix, tmp_path):
    frames = [
        Image.fromarray(np.full((4, 4, 3), shade, np.uint8)) for shade in (10, 200)
    ]
    path = tmp_path / f"image.{suffix}"
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    assert (_pixels(path) == 10).all()


# What brings an image upright that was stored with an orientation from 1 to 8.
UPRIGHT = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("orientation", [*UPRIGHT, 0, 9])
def test_a_photograph_is_turned_once_as_its_camera_was_held(
    suffix, orientation, tmp_path
):
    """The corners differ, so that no two of the eight look alike."""
    stored = Image.new("RGB", (32, 16))
    stored.paste((250, 0, 0), (0, 0, 16, 8))
    stored.paste((0, 250, 0), (16, 0, 32, 8))
    stored.paste((0, 0, 250), (0, 8, 16, 16))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored.save(tmp_path / f"image.{suffix}", exif=exif, quality=100)
    turn = UPRIGHT.get(orientation)
    wanted = np.asarray(stored if turn is None else stored.transpose(turn)).astype(int)
    found = _pixels(tmp_path / f"image.{suffix}").astype(int)
    assert found.shape == wanted.shape
    assert np.median(abs(found - wanted)) < 8


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no image of a known format"),
        (b"<html>404</html>", "no image of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "no image of a known format"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "no image of a known format"),
    ],
)
def test_what_is_no_image_says_so(content, reason, tmp_path):
    (tmp_path / "image.jpg").write_bytes(content)
    with pytest.raises(UnreadableImageError, match=reason):
        decode(str(tmp_path / "image.jpg"))


def test_what_the_system_refuses_is_told_as_what_it_is(tmp_path, monkeypatch):
    with pytest.raises(UnreadableImageError, match="No such file"):
        decode(str(tmp_path / "nowhere.png"))
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UnreadableImageError, match="Is a directory"):
        decode(str(tmp_path / "folder.png"))

    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableImageError, match="pipe"):
        decode(str(tmp_path / "pipe.png"))

    def refuse(*_, **__):
        raise PermissionError(13, os.strerror(13))

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(UnreadableImageError, match="Permission denied"):
        decode("image.png")


def test_a_machine_without_memory_is_not_a_damaged_image(monkeypatch):
    def refuse(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Image, "open", refuse)
    with pytest.raises(MemoryError):
        decode("image.png")


@settings(max_examples=40)
@given(data=st.data())
def test_an_image_cut_short_is_read_whole_or_named(data, tmp_path_factory):
    """Never half of it: what is missing would be grey, in silence."""
    kind = data.draw(st.sampled_from([k for k in formats() if k != "JPEG2000"]))
    content = io.BytesIO()
    Image.fromarray(RANDOM).save(content, kind)
    whole = content.getvalue()
    path = tmp_path_factory.getbasetemp() / "cut"
    path.write_bytes(whole)
    wanted = decode(str(path))
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with suppress(UnreadableImageError):
        assert decode(str(path)).equal(wanted)
