#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed.py INPUT OUTPUT: a file as the rows of a C array, and the digest of its bytes, which is the
strong validator that HTTP asks for."""
import hashlib
import sys

WIDTH = 20


def main(source, target):
    with open(source, "rb") as file:
        content = file.read()
    rows = [", ".join(map(str, content[at:at + WIDTH])) for at in range(0, len(content), WIDTH)]
    with open(target, "w", encoding="ascii") as file:
        file.write("/* SPDX-License-Identifier: Apache-2.0 */\n")
        file.write(f'#define EMBEDDED_DIGEST "{hashlib.sha256(content).hexdigest()[:32]}"\n')
        file.write("#define EMBEDDED_BYTES \\\n    " + ", \\\n    ".join(rows) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
