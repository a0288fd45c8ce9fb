"""Scenes, frames with a palette of their own: written where that is smaller, read one by one."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import kmcodec
from kmcodec.container.frame_table import FrameTable, Scene
from kmcodec.container.header import Header
from kmcodec.container.layout import build

RED, GREEN = np.array([[255, 0, 0]], np.uint8), np.array([[0, 255, 0]], np.uint8)


def noise(entries, seed, size=(15, 24), channels=3):
    """A palette image in which each pixel and each entry is random."""
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (entries, channels), dtype=np.uint8)
    return kmcodec.IndexedImage(palette, rng.integers(0, entries, size))


def in_scenes(**options):
    """Four frames of noise, the second and third with the same palette; and their file."""
    second = noise(9, 1)
    third = kmcodec.IndexedImage(second.palette, second.indices[::-1])
    frames = [noise(5, 0), second, third, noise(300, 2)]
    return frames, kmcodec.encode_frames(frames, palettes="frame", **options)


def pixels_of(frames):
    return np.stack([frame.to_array() for frame in frames])


@st.composite
def animations(draw):
    size = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    channels = draw(st.integers(1, 4))
    palettes = draw(st.lists(st.tuples(st.integers(1, 7), st.integers(0, 3)), max_size=4))
    return [noise(entries, seed, size, channels) for entries, seed in [(3, 0), *palettes]]


@given(
    animations(),
    st.sampled_from(["packed", "deflate", "context"]),
    st.sampled_from([None, 2]),
    st.sampled_from(["shared", "frame"]),
)
def test_frames_with_palettes_of_their_own_are_read_back(frames, coding, strip_rows, palettes):
    options = {"coding": coding, "effort": "fast", "strip_rows": strip_rows}
    data = kmcodec.encode_frames(frames, palettes=palettes, **options)
    found = kmcodec.decode_frames(data)
    np.testing.assert_array_equal(found.to_array(), pixels_of(frames))
    np.testing.assert_array_equal(kmcodec.decode(data), frames[0].to_array())


def test_each_scene_keeps_its_palette_and_frames_of_the_same_are_one():
    frames, data = in_scenes()
    found, info = kmcodec.decode_frames(data), kmcodec.inspect(data)
    assert [scene.frames for scene in info.scenes] == [1, 2, 1]
    assert [scene.entries for scene in info.scenes] == [5, 9, 300]
    assert len(found.palettes) == 4
    for number, frame in enumerate(frames):
        np.testing.assert_array_equal(found[number].palette, frame.palette)
        np.testing.assert_array_equal(found[number].indices, frame.indices)
    np.testing.assert_array_equal(found.palette, frames[0].palette)
    assert kmcodec.encode_frames(found, palettes="frame") == data


def test_the_smaller_of_one_palette_and_of_several_is_written():
    # The same picture, its palette in another order; and pictures that have nothing in common.
    picture = noise(40, 0, (30, 40))
    again = kmcodec.IndexedImage(picture.palette[::-1], 39 - picture.indices)
    same, other = [picture, again], [picture, noise(40, 1, (30, 40))]
    for frames, scenes in ((same, 1), (other, 2)):
        data = kmcodec.encode_frames(frames)
        assert len(kmcodec.inspect(data).scenes) == scenes
        united = kmcodec.encode_frames(pixels_of(frames), 256)
        assert len(data) == min(len(united), len(kmcodec.encode_frames(frames, palettes="frame")))
        np.testing.assert_array_equal(kmcodec.decode_frames(data).to_array(), pixels_of(frames))


def test_each_scene_is_laid_out_as_is_smaller():
    rng = np.random.default_rng(4)
    grain = [rng.integers(0, 4, (30, 40))]
    while len(grain) < 6:
        grain.append(np.where(rng.random((30, 40)) < 0.8, grain[-1], rng.integers(0, 4, (30, 40))))
    flat = [np.repeat(np.arange(40) // (n + 2), 30).reshape(40, 30).T % 3 for n in range(6)]
    first, second = noise(4, 0).palette, noise(4, 1).palette
    frames = [kmcodec.IndexedImage(first, indices) for indices in flat]
    frames += [kmcodec.IndexedImage(second, indices) for indices in grain]
    data = kmcodec.encode_frames(frames, palettes="frame")
    assert [scene.interleaved for scene in kmcodec.inspect(data).scenes] == [False, True]
    np.testing.assert_array_equal(kmcodec.decode_frames(data).to_array(), pixels_of(frames))


def test_more_colours_than_a_palette_holds_are_kept_in_all_frames_together():
    frames = []
    for blue in (0, 1):
        codes = np.arange(200 * 200)
        palette = np.stack([codes % 256, codes // 256, np.full_like(codes, blue)], axis=1)
        frames.append(kmcodec.IndexedImage(palette, codes.reshape(200, 200)))
    data = kmcodec.encode_frames(frames, coding="packed")
    np.testing.assert_array_equal(kmcodec.decode_frames(data).to_array(), pixels_of(frames))


def test_entries_that_a_later_scene_has_no_pixels_for_are_left_out():
    frames = [kmcodec.IndexedImage(RED, [[0]]), noise(7, 0, (1, 1))]
    data = kmcodec.encode_frames(frames, palettes="frame")
    assert [scene.entries for scene in kmcodec.inspect(data).scenes] == [1, 1]
    np.testing.assert_array_equal(kmcodec.decode_frames(data).to_array(), pixels_of(frames))


def test_a_palette_for_each_frame_is_that_of_the_frame():
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(3)]
    found = kmcodec.decode_frames(kmcodec.encode_frames(frames, 8, palettes="frame"))
    for number, frame in enumerate(frames):
        alone = kmcodec.quantize(frame, 8)
        np.testing.assert_array_equal(found[number].palette, alone.palette)
        np.testing.assert_array_equal(found[number].indices, alone.indices)


def test_frames_of_other_channels_are_brought_together():
    frames = [noise(3, 0, channels=1), noise(3, 1, channels=4)]
    found = kmcodec.decode_frames(kmcodec.encode_frames(frames, palettes="frame")).to_array()
    np.testing.assert_array_equal(found[0, ..., 0], frames[0].to_array())
    np.testing.assert_array_equal(found[1], frames[1].to_array())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"palettes": "own"}, "palettes is 'own', must be one of shared, frame"),
        ({"palettes": "frame", "palette": RED}, "palette exclude each other"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(options, message):
    with pytest.raises(kmcodec.KmcInputError, match=message):
        kmcodec.encode_frames([noise(3, 0)], **options)


def test_frames_of_other_sizes_are_refused_in_scenes_too():
    with pytest.raises(kmcodec.KmcInputError, match="frame 1 is 3 x 2"):
        kmcodec.encode_frames([noise(3, 0), noise(3, 1, (2, 3))], palettes="frame")


# Files that an encoder does not write.


def forged(payloads, palette=b"\1\2", coded=False):
    """A grey file of two scenes, 2 x 1 pixels and two entries each, with packed strips."""
    table = FrameTable(2, further=(Scene(1, 2, palette_coded=coded),))
    return build(Header(2 * coded, 1, 2, 1, 2), b"\3\4", payloads, (), table, [palette])


def test_the_first_frame_is_had_without_decoding_the_others():
    bad_bits = forged([b"\x40", b"\x41"])
    assert kmcodec.decode(bad_bits).tolist() == [[3, 4]]
    with pytest.raises(kmcodec.KmcFormatError, match=r"strip 1 .*of scene 1.*pad"):
        kmcodec.decode_frames(bad_bits)
    with Image.open(io.BytesIO(bad_bits)) as image:
        assert np.asarray(image).tolist() == [[3, 4]]
        image.seek(1)
        with pytest.raises(OSError, match="of scene 1"):
            image.load()
        image.seek(0)
        assert np.asarray(image).tolist() == [[3, 4]]


def test_a_palette_is_decoded_with_its_scene_only():
    frame = kmcodec.IndexedImage([[3], [4]], [[0, 1]])
    alone = kmcodec.encode(frame, effort="fast")
    (strip,) = kmcodec.inspect(alone).strips
    payload = alone[strip.offset : strip.end]
    bad_palette = forged([payload, payload], b"", coded=True)
    assert kmcodec.decode_indexed(bad_palette) == frame
    with pytest.raises(kmcodec.KmcFormatError, match="palette of scene 1"):
        kmcodec.decode_frames(bad_palette)


@dataclass(frozen=True)
class Forged(FrameTable):
    """A table of any bytes."""

    data: bytes = b""

    def build(self):
        return self.data


def scene_table(*fields, frames=2):
    """Of so many frames: scenes, frames of the first, then three fields for each further."""
    further = b"".join(struct.pack("<IBH", *fields[i : i + 3]) for i in range(2, len(fields), 3))
    return struct.pack("<IBII", frames, 4, 0, 40) + struct.pack("<II", *fields[:2]) + further


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (scene_table(0, 2), "0 scenes of 2 frames"),
        (scene_table(3, 1, 1, 0, 1, 1, 0, 1), "3 scenes of 2 frames"),
        (scene_table(2, 0, 2, 0, 1), "scene 0 has 0 frames"),
        (scene_table(2, 2, 0, 0, 1), "scene 1 has 0 frames"),
        (scene_table(2, 1, 2, 0, 1), "the scenes have 3 frames together, not 2"),
        (scene_table(1, 1), "the scenes have 1 frames together, not 2"),
        (scene_table(2, 2**32 - 1, 3, 0, 1), "frames together, not 2"),
        (scene_table(2, 1, 1, 4, 1), "flags 0x04 of scene 1 are not supported"),
        (scene_table(2, 1, 1, 2, 1), "scene 1 has a coded palette with coding method 0"),
        (scene_table(2, 1, 1, 0, 2), "scene 1 has 3 entries for 2 pixels"),
        (scene_table(2**32 - 1, 1), "frame table: the file ends"),
        (scene_table(1 << 20, 1, *[1, 0, 0] * 6, frames=1 << 20), "frame table: the file ends"),
        (scene_table(64, 1, *[1, 0, 0] * 63, frames=64), "too few for 64 scenes"),
    ],
)
def test_scene_tables_that_lie_are_refused(table, message):
    data = build(Header(0, 1, 2, 1, 2), b"\3\4", [b"\x40"], (), Forged(data=table))
    data += b"\0" * 40
    for read in (kmcodec.decode, kmcodec.decode_frames, kmcodec.inspect):
        with pytest.raises(kmcodec.KmcFormatError, match=message):
            read(data)


def test_one_scene_in_a_scene_table_is_accepted():
    table = Forged(2, data=scene_table(1, 2))
    data = build(Header(0, 1, 2, 1, 2), b"\3\4", [b"\x40"], (), table)
    assert kmcodec.decode_frames(data).to_array().tolist() == [[[3, 4]], [[3, 3]]]


def test_scenes_of_the_same_palette_are_accepted():
    data = forged([b"\x40", b"\x80"], b"\3\4")
    assert kmcodec.decode_frames(data).to_array().tolist() == [[[3, 4]], [[4, 3]]]


def test_strips_of_scenes_at_a_wrong_place_are_noticed():
    data = forged([b"\x40", b"\x80"])
    first, second = data[-18:-9], data[-9:]
    with pytest.raises(kmcodec.KmcFormatError, match="strip 0"):
        kmcodec.decode(data[:-18] + second + first)


def test_the_limit_is_on_the_pixels_of_all_scenes():
    _, data = in_scenes()
    assert len(kmcodec.decode_frames(data, max_pixels=4 * 360)) == 4
    for decode in (kmcodec.decode_frames, kmcodec.decode):
        with pytest.raises(kmcodec.KmcLimitError, match="4 x 24 x 15 pixels"):
            decode(data, max_pixels=4 * 360 - 1)


# Damage.


@pytest.mark.parametrize("scene", [0, 1, 2])
def test_salvage_tells_what_is_lost_in_which_scene(scene):
    frames, data = in_scenes(strip_rows=5)
    info, damaged = kmcodec.inspect(data), bytearray(data)
    strip = next(s for s in info.strips if s.scene == scene and s.rows == (5, 10))
    damaged[strip.offset] ^= 1
    for read in (kmcodec.decode, kmcodec.decode_frames):
        with pytest.raises(kmcodec.KmcFormatError, match="rows 5 to 9"):
            read(bytes(damaged))
    of_scene = f" of scene {scene}" if scene else ""
    with pytest.warns(kmcodec.KmcWarning, match=rf"strip {strip.number} \(rows 5 to 9{of_scene}\)"):
        left = kmcodec.decode(bytes(damaged), salvage=True)
    kept = [row for row in range(15) if scene or not 5 <= row < 10]
    np.testing.assert_array_equal(left[kept], frames[0].to_array()[kept])


def test_a_damaged_length_at_the_end_of_a_scene_is_mended_by_the_next():
    frames, data = in_scenes(strip_rows=5)
    damaged = bytearray(data)
    last = [s for s in kmcodec.inspect(data).strips if s.scene == 0][-1]
    damaged[last.offset - 8] ^= 1
    with pytest.warns(kmcodec.KmcWarning, match="its length is damaged, its rows are not"):
        left = kmcodec.decode(bytes(damaged), salvage=True)
    np.testing.assert_array_equal(left, frames[0].to_array())


def test_a_damaged_palette_costs_its_own_scene_only():
    frames, data = in_scenes(coding="packed")
    damaged = bytearray(data)
    damaged[data.index(frames[1].palette.tobytes())] ^= 1
    for read in (kmcodec.decode, kmcodec.decode_frames, kmcodec.inspect):
        with pytest.raises(kmcodec.KmcFormatError, match="palette of scene 1: CRC"):
            read(bytes(damaged))
    with pytest.warns(kmcodec.KmcWarning, match="palette of scene 1"):
        left = kmcodec.decode(bytes(damaged), salvage=True)
    np.testing.assert_array_equal(left, frames[0].to_array())


# Pillow.


def test_pillow_finds_frames_of_any_palette_in_any_order():
    frames, data = in_scenes(durations=[10, 20, 30, 40])
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == 4
        for number in (0, 3, 1, 2, 0, 2, 3, 3, 0):
            image.seek(number)
            assert image.mode == ("RGB" if number == 3 else "P")
            assert image.info["duration"] == 10 * (number + 1)
            if number != 3:
                shown = np.array(image.getpalette()).reshape(-1, 3)
                assert shown[: len(frames[number].palette)].tolist() == (
                    frames[number].palette.tolist()
                )
            np.testing.assert_array_equal(image.convert("RGB"), frames[number].to_array())


def test_transparency_goes_with_the_palette():
    opaque, clear = noise(4, 0, channels=4), noise(4, 1, channels=4)
    rgb = opaque.palette[:, :3], clear.palette[:, :3]
    opaque = kmcodec.IndexedImage(np.column_stack([rgb[0], [255] * 4]), opaque.indices)
    clear = kmcodec.IndexedImage(np.column_stack([rgb[1], [0, 255, 255, 255]]), clear.indices)
    data = kmcodec.encode_frames([opaque, clear, opaque], palettes="frame")
    with Image.open(io.BytesIO(data)) as image:
        for number, frame in ((1, clear), (0, opaque), (1, clear), (2, opaque)):
            image.seek(number)
            np.testing.assert_array_equal(image.convert("RGBA"), frame.to_array())


def test_a_scene_is_decoded_once_for_its_frames(monkeypatch):
    from kmcodec.reading.strip_reader import StripReader

    decoded = []
    decode = StripReader.decode
    monkeypatch.setattr(
        StripReader,
        "decode",
        lambda self, strip, *a: decoded.append(strip.scene) or decode(self, strip, *a),
    )
    _, data = in_scenes()
    with Image.open(io.BytesIO(data)) as image:
        for number in (0, 1, 2, 1, 3):
            image.seek(number)
            image.load()
    assert decoded == [0, 1, 2]


def test_pillow_saves_a_palette_for_each_frame():
    rng = np.random.default_rng(5)
    arrays = rng.integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    first, second = map(Image.fromarray, arrays)
    stream = io.BytesIO()
    first.save(stream, "KMC", save_all=True, append_images=[second], colors=8, palettes="frame")
    found = kmcodec.decode_frames(stream.getvalue())
    for number, array in enumerate(arrays):
        np.testing.assert_array_equal(found[number].palette, kmcodec.quantize(array, 8).palette)


def test_metadata_stand_once():
    metadata = kmcodec.Metadata(text={"Title": "x"})
    frames, data = in_scenes(metadata=metadata)
    found = kmcodec.decode_frames(data)
    assert found.metadata == metadata
    assert kmcodec.inspect(data).metadata == metadata
    assert kmcodec.encode_frames(replace(found, metadata=kmcodec.Metadata())) != data
    assert len(frames) == len(found)
