"""All options of encoding as one value, made and checked once in the public function."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from kmcodec.errors import KmcInputError
from kmcodec.model.checks import refuse_unknown
from kmcodec.quantization import QuantizeOptions, QuantizeRequest
from kmcodec.rate_distortion import Goal
from kmcodec.writing.assembly import Assembly

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["EncodeOptions", "EncodeRequest"]


class EncodeOptions(QuantizeOptions, total=False):
    """The keyword options of `EncodeRequest.of`, for type checkers."""

    coding: str
    effort: str
    strip_rows: int | None
    rdo: float | None
    psnr: float | None
    max_bytes: int | None
    quality: float | str | tuple[float, float] | None
    strict: bool


_ASSEMBLY = tuple(each.name for each in fields(Assembly))
_GOAL = tuple(each.name for each in fields(Goal))


@dataclass(frozen=True, eq=False, kw_only=True)
class EncodeRequest:
    """All options of encoding.

    Parameters
    ----------
    quantizing : QuantizeRequest
    assembly : Assembly
    goal : Goal, optional

    Raises
    ------
    KmcInputError
        If the goal and the coding exclude each other.
    """

    quantizing: QuantizeRequest = field(default_factory=QuantizeRequest)
    assembly: Assembly = field(default_factory=Assembly)
    goal: Goal | None = None

    def __post_init__(self) -> None:
        coding = self.assembly.coding
        if self.goal is not None and coding != "context":
            raise KmcInputError(f"{self.goal.names[0]} needs coding='context', not {coding!r}")

    @classmethod
    def of(
        cls, caller: str, k: int | None = None, **options: Unpack[EncodeOptions]
    ) -> EncodeRequest:
        """Build a request from keyword options.

        Parameters
        ----------
        caller : str
            The function that the user called, for messages.
        k, **options
            See `kmcodec.encode`.

        Raises
        ------
        KmcInputError
            If an option is unknown or wrong, or two exclude each other.
        """
        given: dict[str, Any] = {**options}
        refuse_unknown(caller, given, EncodeOptions.__annotations__)
        goal = Goal(**{name: given.pop(name) for name in _GOAL if name in given})
        assembly = Assembly(**{name: given.pop(name) for name in _ASSEMBLY if name in given})
        return cls(
            quantizing=QuantizeRequest.of(caller, k, **given),
            assembly=assembly,
            goal=goal if goal.names else None,
        )
