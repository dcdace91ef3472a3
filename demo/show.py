# SPDX-License-Identifier: Apache-2.0
"""Plain text for a terminal of 100 columns; colors only where there is one and nobody minds."""

import os
import sys
import textwrap

COLOR = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
WIDTH = 100


def paint(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOR else text


def heading(text):
    print(f"\n{paint('1;36', text)}")


def words(text):
    print(textwrap.fill(" ".join(text.split()), WIDTH - 2, initial_indent="  ", subsequent_indent="  "))


def number(value):
    """All digits that count, grouped; never an exponent."""
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def table(titles, rows, total=None):
    """Titles that begin with '>' are columns of numbers, aligned to the right. The total row comes last."""
    right = [title.startswith(">") for title in titles]
    names = [title.lstrip(">") for title in titles]
    shown = [[str(cell) for cell in row] for row in rows]
    if total:
        shown.append([str(cell) for cell in total])
    widths = [max([len(name)] + [len(row[i]) for row in shown if len(row) == len(names)])
              for i, name in enumerate(names)]

    def line(cells):
        if len(cells) != len(names):
            return "  " + " ".join(cells)
        return ("  " + "  ".join(cell.rjust(width) if is_right else cell.ljust(width)
                                 for cell, width, is_right in zip(cells, widths, right))).rstrip()

    print(paint("1", line(names)))
    for row in shown[:-1] if total else shown:
        print(line(row))
    if total:
        print(paint("1", line(shown[-1])))


class Proof:
    """Lines that hold or do not; one that does not fails the demo."""

    def __init__(self):
        self.failed = 0

    def line(self, holds, text):
        self.failed += not holds
        mark = paint("32", "ok  ") if holds else paint("1;31", "FAIL")
        wrapped = textwrap.wrap(" ".join(text.split()), WIDTH - 8)
        print(f"  {mark}  " + "\n        ".join(wrapped))
