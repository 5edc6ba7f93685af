# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads the last QR code drawn in half blocks in what was seen on a terminal (standard input), and prints its text: zbarimg(1) reads
it as a telephone's camera would."""

import re
import subprocess
import sys
import tempfile

LIGHT = {"\u2588": (1, 1), "\u2580": (1, 0), "\u2584": (0, 1), " ": (0, 0)}  # above, below
SCALE = 4


def drawing(text):
    """The lines of the last block of at least 15 that hold nothing but half blocks."""
    blocks, block = [], []
    for line in [*text.replace("\r", "").split("\n"), ""]:
        if re.fullmatch("[\u2588\u2580\u2584 ]{25,}", line):
            block.append(line)
        else:
            blocks, block = [*blocks, block] if len(block) >= 15 else blocks, []
    return blocks[-1] if blocks else sys.exit("no QR code was drawn")


def picture(lines):
    """A portable graymap."""
    rows = [[LIGHT[c][half] for c in line] for line in lines for half in (0, 1)]
    wide = [bytes(255 * light for light in row for _ in range(SCALE)) for row in rows]
    return f"P5 {len(wide[0])} {len(wide) * SCALE} 255\n".encode() + b"".join(line * SCALE for line in wide)


with tempfile.NamedTemporaryFile(suffix=".pgm") as file:
    file.write(picture(drawing(sys.stdin.read())))
    file.flush()
    sys.stdout.write(subprocess.run(["zbarimg", "--quiet", "--raw", file.name], check=True, capture_output=True, text=True).stdout)
