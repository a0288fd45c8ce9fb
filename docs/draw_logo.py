"""Draw `logo.svg`: a K of pixels, in the palette of the example in the specification.

python docs/draw_logo.py
"""

from pathlib import Path

PALETTE = {".": "1D3557", "r": "E63946", "w": "F1FAEE", "l": "A8DADC", "b": "457B9D"}
# A border of one pixel of the ground lies around these.
INDICES = """
ww..rr
ww.rr.
wwrr..
wwbl..
ww.bl.
ww..bl
""".strip().splitlines()
UNIT, GAP, ROUND = 16, 2, 3


def draw() -> str:
    """Return the picture."""
    side = UNIT * (len(INDICES) + 2)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{side}" height="{side}"'
        f' viewBox="0 0 {side} {side}">',
        "<title>kmcodec</title>",
        f'<rect width="{side}" height="{side}" rx="{UNIT + ROUND}" fill="#{PALETTE["."]}"/>',
    ]
    for y, row in enumerate(INDICES, 1):
        for x, index in enumerate(row, 1):
            if index != ".":
                lines.append(
                    f'<rect x="{x * UNIT + GAP // 2}" y="{y * UNIT + GAP // 2}"'
                    f' width="{UNIT - GAP}" height="{UNIT - GAP}" rx="{ROUND}"'
                    f' fill="#{PALETTE[index]}"/>'
                )
    return "\n".join([*lines, "</svg>"]) + "\n"


def main() -> None:
    """Write the picture beside this script."""
    Path(__file__).with_name("logo.svg").write_text(draw(), "ascii")


if __name__ == "__main__":
    main()
