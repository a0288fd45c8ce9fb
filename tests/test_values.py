"""Values never change: not by what their makers do later, and not by who holds them."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import pickle

import numpy as np
import pytest

import kmcodec
from kmcodec.coding.colortree import tree_of
from kmcodec.coding.context.tables import tables
from kmcodec.model.frozen import frozen
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.quantization import QuantizeRequest

PALETTE = np.array([[0, 0, 0], [9, 8, 7], [255, 255, 255]], np.uint8)
INDICES = np.array([[0, 1], [2, 1]], np.uint8)


def arrays_of(value):
    if isinstance(value, IndexedImage):
        return [value.palette, value.indices]
    return [*value.palettes, value.indices]


def made_by(how):
    image = IndexedImage(PALETTE.copy(), INDICES.copy(), Metadata(text={"Title": "a"}))
    animation = kmcodec.Animation((PALETTE.copy(),), np.stack([INDICES] * 3), (1, 2, 3))
    data = kmcodec.encode(image)
    frames = kmcodec.encode_frames(animation)
    return {
        "image": lambda: image,
        "animation": lambda: animation,
        "frame": lambda: animation[1],
        "slice": lambda: animation[1:],
        "decoded": lambda: kmcodec.decode_indexed(data),
        "decoded frames": lambda: kmcodec.decode_frames(frames),
        "quantized": lambda: kmcodec.quantize(image.to_array(), 2),
        "with palette": lambda: kmcodec.quantize(image.to_array(), palette=PALETTE),
        "pickled": lambda: pickle.loads(pickle.dumps(image)),
        "deep copy": lambda: copy.deepcopy(image),
        "copy": lambda: copy.copy(image),
        "pickled animation": lambda: pickle.loads(pickle.dumps(animation)),
        "deep copy of an animation": lambda: copy.deepcopy(animation),
        "replaced": lambda: dataclasses.replace(animation, loop=3),
    }[how]()


WAYS = [
    "image",
    "animation",
    "frame",
    "slice",
    "decoded",
    "decoded frames",
    "quantized",
    "with palette",
    "pickled",
    "deep copy",
    "copy",
    "pickled animation",
    "deep copy of an animation",
    "replaced",
]


@pytest.mark.parametrize("how", WAYS)
def test_no_array_of_a_value_can_be_written(how):
    for array in arrays_of(made_by(how)):
        with pytest.raises(ValueError, match="read-only"):
            array.flat[0] = 200


def test_frames_built_in_one_buffer_stay_distinct():
    buffer = np.zeros((4, 4), np.uint8)
    frames = []
    for number in range(3):
        buffer[:] = number
        frames.append(IndexedImage(PALETTE, buffer))
    assert [int(frame.indices[0, 0]) for frame in frames] == [0, 1, 2]
    assert [int(i[0, 0]) for i in kmcodec.decode_frames(kmcodec.encode_frames(frames)).indices] == [
        0,
        1,
        2,
    ]


@pytest.mark.parametrize(
    "lent",
    [
        lambda memory: np.frombuffer(memory, np.uint8).reshape(2, 2),
        lambda memory: np.frombuffer(memoryview(memory).toreadonly(), np.uint8).reshape(2, 2),
        lambda memory: np.frombuffer(memory, np.uint8)[:].reshape(2, 2)[:, :],
        lambda memory: memoryview(memory).cast("B", (2, 2)),
    ],
)
def test_memory_of_the_caller_is_not_kept_however_it_is_lent(lent):
    memory = bytearray(4)
    image = IndexedImage(PALETTE, lent(memory))
    memory[0] = 2
    assert image.indices[0, 0] == 0


def test_a_read_only_view_of_an_array_that_can_be_written_is_copied():
    given = INDICES.copy()
    view = given[:]
    view.setflags(write=False)
    image = IndexedImage(PALETTE, view)
    given[0, 0] = 2
    assert image.indices[0, 0] == 0


def test_callers_keep_arrays_that_they_can_write():
    palette, indices = PALETTE.copy(), INDICES.copy()
    IndexedImage(palette, indices)
    kmcodec.Animation((palette,), indices[np.newaxis], (1,))
    kmcodec.encode(indices, palette=palette)
    assert palette.flags.writeable
    assert indices.flags.writeable


def test_a_palette_of_bytes_is_copied():
    given = bytearray([0, 50, 100])
    image = IndexedImage(given, INDICES)
    given[1] = 99
    assert image.palette.ravel().tolist() == [0, 50, 100]


def test_what_is_read_only_down_to_its_memory_is_not_copied():
    given = np.frombuffer(bytes(4), np.uint8).reshape(2, 2)
    assert IndexedImage(PALETTE, given).indices is given
    first = IndexedImage(PALETTE, INDICES)
    second = IndexedImage(first.palette, first.indices)
    assert second.palette is first.palette
    assert second.indices is first.indices
    animation = kmcodec.Animation((PALETTE,), np.stack([INDICES] * 2), (1, 2))
    assert np.shares_memory(animation[1].indices, animation.indices)


def test_an_image_that_was_decoded_or_quantized_is_not_copied_once_more():
    image = kmcodec.decode_indexed(kmcodec.encode(INDICES))
    assert frozen(image.indices) is image.indices
    image = kmcodec.quantize(INDICES, 2)
    assert frozen(image.indices) is image.indices


def test_one_palette_for_several_frames_stays_one():
    indices = np.stack([INDICES] * 3)
    palette = PALETTE.copy()
    animation = kmcodec.Animation((palette, palette, PALETTE.copy()), indices, (1, 2, 3))
    for value in (animation, pickle.loads(pickle.dumps(animation))):
        assert value.palettes[0] is value.palettes[1]
        assert value.palettes[0] is not value.palettes[2]


def test_palettes_of_an_animation_may_be_one_array():
    palettes = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    animation = kmcodec.Animation(palettes, np.stack([INDICES] * 2), (1, 2))
    assert np.array_equal(np.array(animation.palettes), palettes)


def test_metadata_are_copied_and_read_only():
    text, icc = {"Title": "a"}, bytearray(b"icc")
    metadata = Metadata(icc=icc, text=text)
    text["Title"], icc[0] = "b", 0
    assert metadata.text == {"Title": "a"}
    assert metadata.icc == b"icc"
    for change in (
        lambda kept: kept.update(Title="b"),
        lambda kept: kept.__setitem__("Title", "b"),
        lambda kept: kept.pop("Title"),
        lambda kept: kept.clear(),
        lambda kept: kept.setdefault("Author", "b"),
        lambda kept: kept.__ior__({"Author": "b"}),
    ):
        with pytest.raises(TypeError, match="cannot be changed"):
            change(metadata.text)
    assert dict(metadata.text) == {"Title": "a"}


@pytest.mark.parametrize("again", [lambda m: pickle.loads(pickle.dumps(m)), copy.deepcopy])
def test_metadata_stay_read_only_in_pickles_and_copies(again):
    metadata = again(Metadata(exif=b"x", text={"Title": "a"}))
    assert metadata == Metadata(exif=b"x", text={"Title": "a"})
    with pytest.raises(TypeError):
        metadata.text["Title"] = "b"


def test_metadata_can_be_told_as_plain_values():
    metadata = Metadata(text={"Title": "a"})
    assert dataclasses.asdict(metadata)["text"] == {"Title": "a"}
    assert json.loads(json.dumps(metadata.text)) == {"Title": "a"}


def test_a_request_keeps_the_palette_that_was_checked():
    palette = PALETTE.copy()
    request = QuantizeRequest(palette=palette)
    palette[:] = 7
    assert request.palette.tolist() == PALETTE.tolist()
    with pytest.raises(ValueError, match="read-only"):
        request.palette[0] = 7


def test_the_palette_of_an_inspected_file_is_read_only():
    for image in (IndexedImage(PALETTE, INDICES), np.arange(256, dtype=np.uint8).reshape(16, 16)):
        with pytest.raises(ValueError, match="read-only"):
            kmcodec.inspect(kmcodec.encode(image)).palette[0] = 1


def test_what_all_strips_share_is_read_only():
    for shared in (tables(), tree_of(PALETTE)):
        for array in vars(shared).values():
            assert not isinstance(array, np.ndarray) or not array.flags.writeable


def test_rows_that_are_decoded_belong_to_the_caller(tmp_path):
    path = tmp_path / "a.kmc"
    kmcodec.write(path, IndexedImage(PALETTE, INDICES))
    (block,) = kmcodec.decode_rows(path)
    block[:] = 1
    assert kmcodec.read(path, rows=(0, 1)).indices.tolist() == [[0, 1]]
    kmcodec.decode(io.BytesIO(path.read_bytes()).getvalue())[:] = 1
