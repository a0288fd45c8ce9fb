"""Read the names of classes from the files that GDAL keeps beside images."""

from __future__ import annotations

from xml.etree import ElementTree

from kmcodec.model.label_classes import is_class_name

__all__ = ["category_names"]

_MOST = 65_536


def category_names(data: bytes) -> dict[int, str]:
    """Return the category names of the first band in an ``.aux.xml`` file, by value.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    dict of int to str
        Without empty names, and names that a `.kmc` file cannot hold.

    Raises
    ------
    ValueError
        If the file is no XML, or defines entities, which may expand to any size.
    """
    if b"<!" in data.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        raise ValueError("XML with a document type is not read")
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, LookupError, RecursionError) as error:
        raise ValueError(f"damaged XML ({error})") from None
    categories = root.find("PAMRasterBand/CategoryNames")
    if categories is None:
        return {}
    texts = [(each.text or "").strip() for each in categories.findall("Category")[:_MOST]]
    return {value: text for value, text in enumerate(texts) if is_class_name(text)}
