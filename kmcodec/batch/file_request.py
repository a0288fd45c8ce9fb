"""All options of encoding a file, as one value that workers receive."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from kmcodec.animation.frame_palettes import check_palettes
from kmcodec.errors import KmcInputError
from kmcodec.model.checks import refuse_unknown
from kmcodec.model.limits import DEFAULT_MAX_PIXELS
from kmcodec.quantization import Placing, QuantizeRequest, Search
from kmcodec.request import EncodeOptions, EncodeRequest
from kmcodec.sources.rows import LARGE

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["FileOptions", "FileRequest"]


class FileOptions(EncodeOptions, total=False):
    """The keyword options of `FileRequest.of`, for type checkers."""

    palettes: str
    labels: bool
    variable: str | None
    strip: bool
    skip_if_larger: bool
    max_pixels: int | None
    large: int


_ELSEWHERE = dict.fromkeys(("metadata", "durations", "loop"), "a file has its own")


@dataclass(frozen=True, eq=False, kw_only=True)
class FileRequest:
    """All options of encoding a file.

    Parameters
    ----------
    encoding : EncodeRequest
    palettes : {'shared', 'frame'}
        For an animation; see `encode_frames`.
    labels : bool
        Whether to keep the image as labels, whatever its samples look like; see `read_labels`.
    variable : str, optional
        The variable to read from a `.mat` or `.npz` file.
    strip : bool
        Whether to leave out all metadata.
    skip_if_larger : bool
        Write only files that are smaller than their source.
    max_pixels : int, optional
        See `read_source`; also limits files read row by row.
    large : int
        Files of more pixels are coded row by row if their format allows it, no goal is set and
        `skip_if_larger` is not set.

    Raises
    ------
    KmcInputError
        If an option is wrong, or two exclude each other.
    """

    encoding: EncodeRequest = field(default_factory=EncodeRequest)
    palettes: str = "shared"
    labels: bool = False
    variable: str | None = None
    strip: bool = False
    skip_if_larger: bool = False
    max_pixels: int | None = DEFAULT_MAX_PIXELS
    large: int = LARGE

    def __post_init__(self) -> None:
        check_palettes(self.palettes, self.encoding)
        if self.labels:
            self._refuse_changes_of_labels()

    @classmethod
    def of(cls, caller: str, k: int | None = None, **options: Unpack[FileOptions]) -> FileRequest:
        """Build a request from keyword options.

        Parameters
        ----------
        caller : str
            The function that the user called, for messages.
        k, **options
            See `kmcodec.batch.encode_files`.

        Raises
        ------
        KmcInputError
            If an option is unknown or wrong, or two exclude each other.
        """
        given: dict[str, Any] = {**options}
        refuse_unknown(caller, given, FileOptions.__annotations__, _ELSEWHERE)
        own = {name: given.pop(name) for name in _OWN if name in given}
        return cls(encoding=EncodeRequest.of(caller, k, **given), **own)

    def _refuse_changes_of_labels(self) -> None:
        """Refuse options that would change labels, or do nothing to them."""
        quantizing, goal = self.encoding.quantizing, self.encoding.goal
        names = list(goal.names) if goal is not None else []
        names += ["palettes"] if self.palettes != "shared" else []
        for part, plain in (
            (quantizing, QuantizeRequest()),
            (quantizing.search, Search()),
            (quantizing.placing, Placing()),
        ):
            for each in fields(part):
                if each.name in ("search", "placing") and part is quantizing:
                    continue
                if not np.array_equal(getattr(part, each.name), getattr(plain, each.name)):
                    names.append(each.name)
        if names:
            raise KmcInputError(f"labels and {names[0]} exclude each other: every label is kept")

    @property
    def rows_will_do(self) -> bool:
        """Whether a large file may be coded row by row."""
        return self.encoding.goal is None and self.variable is None and not self.skip_if_larger


_OWN = tuple(each.name for each in fields(FileRequest) if each.name != "encoding")
