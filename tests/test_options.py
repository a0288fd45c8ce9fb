"""Options as values: made and checked where a user calls, and named in what is refused."""

from __future__ import annotations

import dataclasses
import io
import pickle

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import kmcodec
from kmcodec.batch import encode_files
from kmcodec.batch.file_request import FileOptions, FileRequest
from kmcodec.cli.app import kmc
from kmcodec.cli.encode import encode as encode_command
from kmcodec.quantization import Placing, QuantizeOptions, QuantizeRequest, Search, SearchOptions
from kmcodec.rate_distortion import Goal
from kmcodec.request import EncodeOptions, EncodeRequest
from kmcodec.writing.assembly import Assembly

PIXELS = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)

CALLS = {
    "quantize": lambda **options: kmcodec.quantize(PIXELS, 4, **options),
    "encode": lambda **options: kmcodec.encode(PIXELS, 4, **options),
    "encode_frames": lambda **options: kmcodec.encode_frames([PIXELS], 4, **options),
    "encode_rows": lambda **o: kmcodec.encode_rows(PIXELS, k=4, output=io.BytesIO(), **o),
    "shared_palette": lambda **options: kmcodec.shared_palette([PIXELS], 4, **options),
    "encode_files": lambda **options: encode_files([], 4, **options),
    "write": lambda **options: kmcodec.write("unwritten.kmc", PIXELS, 4, **options),
}


@pytest.mark.parametrize("name", [name for name in CALLS if name != "quantize"])
def test_an_unknown_option_is_refused_by_name_with_the_likely_one(name):
    with pytest.raises(kmcodec.KmcInputError, match="has no option serch: did you mean search"):
        CALLS[name](serch=3)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("option", "value"), [("search", 10), ("seed", -1), ("space", "cmyk"), ("restarts", 0.5)]
)
def test_a_wrong_value_is_refused_by_name_on_every_path(name, option, value):
    with pytest.raises(kmcodec.KmcInputError, match=option):
        CALLS[name](**{option: value})


def names(cls):
    return {field.name for field in dataclasses.fields(cls)}


def test_what_type_checkers_see_is_what_requests_take():
    assert set(SearchOptions.__annotations__) == names(Search)
    own = {"palette", "reorder"}
    assert set(QuantizeOptions.__annotations__) == names(Search) | names(Placing) | own
    assert names(QuantizeRequest) == {"k", "search", "placing"} | own
    whole = set(QuantizeOptions.__annotations__) | names(Assembly) | names(Goal)
    assert set(EncodeOptions.__annotations__) == whole
    assert set(FileOptions.__annotations__) == whole | (names(FileRequest) - {"encoding"})


def test_the_command_line_has_the_defaults_of_requests():
    defaults = {p.name: p.default for p in encode_command.params}
    for field in (f for cls in (Search, Placing, Assembly) for f in dataclasses.fields(cls)):
        if field.name != "strip_rows":  # not given, click has no default
            assert defaults[field.name] == field.default, field.name


def test_a_request_goes_whole_to_another_process():
    request = FileRequest.of(
        "test", seed=3, palette=[[1, 2, 3]], effort="fast", rdo=1, strict=True, strip=True
    )
    again = pickle.loads(pickle.dumps(request))
    assert again.encoding.assembly == request.encoding.assembly == Assembly(effort="fast")
    assert again.encoding.goal == Goal(rdo=1, strict=True)
    assert again.encoding.quantizing.search == Search(seed=3)
    assert again.encoding.quantizing.palette.tolist() == [[1, 2, 3]]
    assert again.strip


def test_a_request_cannot_change():
    request = EncodeRequest.of("test", 4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.assembly.effort = "max"
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.quantizing.search.seed = 1


def test_integers_of_numpy_are_taken_as_integers():
    search = Search(seed=np.int64(3), search=np.uint8(2))
    assert (type(search.seed), type(search.search)) == (int, int)


@pytest.mark.parametrize("zero", ["0", "16"])
def test_no_limit_of_pixels_is_a_zero_on_the_command_line(tmp_path, zero):
    path = tmp_path / "in.png"
    Image.fromarray(PIXELS).save(path)
    run = CliRunner().invoke(
        kmc, ["encode", str(path), "-o", str(tmp_path / "o.kmc"), "--max-pixels", zero]
    )
    assert run.exit_code == 0, run.output


@pytest.mark.parametrize("name", ["max_pixels", "max_metadata"])
@pytest.mark.parametrize("value", [-1, 0.5, "many"])
def test_a_wrong_limit_is_refused_by_name(name, value):
    data = kmcodec.encode(PIXELS, 4)
    for decode in (kmcodec.decode, kmcodec.decode_indexed, kmcodec.decode_frames):
        with pytest.raises(kmcodec.KmcInputError, match=name):
            decode(data, **{name: value})
