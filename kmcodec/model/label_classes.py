"""What the ids of labels mean, and where on the ground they lie (spec/classes.md)."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kmcodec.errors import KmcInputError
from kmcodec.model.frozen import FrozenDict

__all__ = ["MOST_CLASSES", "LabelClasses", "TiffTag", "is_class_name"]

MOST_CLASSES = 65_536
"""The most ids with a name or a colour."""

_LEAST, _MOST = -(2**63), 2**64 - 1
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def is_class_name(name: str) -> bool:
    """Return True for a valid name: 1 to 255 bytes of UTF-8 without control characters."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return False
    return 1 <= size <= 255 and not _CONTROL.search(name)


@dataclass(frozen=True)
class LabelClasses:
    """Names and colours of the ids of labels, and the id that stands for no data.

    Parameters
    ----------
    names : mapping of int to str
        Names by id: 1 to 255 bytes of UTF-8 without control characters.
    colors : mapping of int to sequence of int
        Colours by id: red, green, blue, and alpha if not opaque, each from 0 to 255.
    nodata : int, optional
        The id of pixels without data.

    Raises
    ------
    KmcInputError
        If an id does not fit 64 bits, a name or colour is malformed, or more than 65,536 ids have
        one.

    Examples
    --------
    >>> import kmcodec
    >>> classes = kmcodec.LabelClasses({1: "water", 2: "forest"}, {1: (0, 0, 255)}, nodata=0)
    >>> data = kmcodec.encode_labels([[0, 1], [2, 2]], classes=classes)
    >>> kmcodec.inspect(data).metadata.classes.names
    {1: 'water', 2: 'forest'}
    """

    names: Mapping[int, str] = field(default_factory=dict)
    colors: Mapping[int, Sequence[int]] = field(default_factory=dict)
    nodata: int | None = None

    def __post_init__(self) -> None:
        names = {_checked_id(key): _checked_name(name) for key, name in self.names.items()}
        colors = {_checked_id(key): _checked_color(color) for key, color in self.colors.items()}
        if len(names.keys() | colors.keys()) > MOST_CLASSES:
            raise KmcInputError(f"more than {MOST_CLASSES:,} ids have a name or a colour")
        object.__setattr__(self, "names", FrozenDict(sorted(names.items())))
        object.__setattr__(self, "colors", FrozenDict(sorted(colors.items())))
        if self.nodata is not None:
            object.__setattr__(self, "nodata", _checked_id(self.nodata))

    def __bool__(self) -> bool:
        return bool(self.names or self.colors or self.nodata is not None)


@dataclass(frozen=True)
class TiffTag:
    """A tag of a TIFF file, kept unchanged and never interpreted.

    Parameters
    ----------
    number : int
        See the table in spec/classes.md.
    type : int
        2 for bytes of text, 3 for 16-bit integers, 12 for doubles.
    data : bytes
        The values, little-endian.
    """

    number: int
    type: int
    data: bytes


def _checked_id(value: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise KmcInputError(f"the id of a class is {value!r}, must be an integer") from None
    if not _LEAST <= number <= _MOST:
        raise KmcInputError(f"the id of a class is {number}, must fit 64 bits")
    return number


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not is_class_name(name):
        raise KmcInputError(
            f"{name!r} is not a class name: must be 1 to 255 bytes of UTF-8 without control "
            "characters"
        )
    return name


def _checked_color(color: Sequence[int]) -> tuple[int, ...]:
    try:
        samples = tuple(map(operator.index, color))
    except TypeError:
        samples = ()
    if len(samples) not in (3, 4) or not all(0 <= sample <= 255 for sample in samples):
        raise KmcInputError(
            f"the colour of a class is {color!r}, must be red, green, blue and perhaps alpha, each "
            "from 0 to 255"
        )
    return samples
