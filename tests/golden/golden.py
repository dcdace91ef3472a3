# SPDX-License-Identifier: Apache-2.0
"""Golden logs: what make.py and run.py share. A set is a folder of logs (NAME.tar.xz), of what each
must give (NAME.json), and the formats they were written in (formats.json)."""
import json
import pathlib
import re
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# What a log or a snapshot is written in: file, pattern, and whether the last match counts.
CONSTANTS = {
    "record_major": ("lib/record/header.h", r"#define BS_RECORD_MAJOR\s+(\d+)"),
    "record_minor": ("lib/record/header.h", r"#define BS_RECORD_MINOR\s+(\d+)"),
    "command_types": ("lib/record/commands.def", r"^X\(\w+, (\d+),"),
    "action_types": ("lib/record/actions.def", r"^X\(\w+, (\d+),"),
    "log_file": ("daemon/log/log_file.c", r"#define FORMAT_VERSION\s+(\d+)"),
    "feature_level": ("lib/book/feature.h", r"#define BS_FEATURE_LEVEL_NEWEST\s+(\d+)"),
    "snapshot_rows": ("lib/snapshot/snapshot.h", r"#define BS_SNAPSHOT_VERSION\s+(\d+)"),
    "snapshot_file": ("daemon/snapshot/snapshot_format.h", r"#define SNAPSHOT_VERSION\s+(\d+)"),
}


def formats():
    """The formats of this tree."""
    found = {}
    for name, (path, pattern) in CONSTANTS.items():
        numbers = re.findall(pattern, (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
        if not numbers:
            raise SystemExit(f"{path} no longer has what {name} is read from: {pattern}")
        found[name] = int(numbers[-1])
    return found


def sets():
    return sorted(folder for folder in HERE.iterdir() if (folder / "formats.json").is_file())


def read_json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def call(backstopd, *arguments):
    done = subprocess.run([backstopd, "log", *arguments], capture_output=True, text=True,
                          timeout=60, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"log {' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
    return done.stdout.splitlines()


def digest_at(backstopd, data, seq):
    lines = call(backstopd, "replay", "--data", data, "--until", str(seq))
    return next(line.split()[1] for line in lines if line.startswith("digest"))


LINES = 12  # of each output, from its beginning


def holds(found, wanted):
    """Whether all that is wanted was found. Members and lines of text that are new do not count."""
    if isinstance(wanted, dict):
        return all(name in found and holds(found[name], value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return len(found) >= len(wanted) and all(map(holds, found, wanted))
    if not isinstance(wanted, str) or "{" not in wanted or "{" not in found:
        return found == wanted
    heads = [line[:line.index("{")] for line in (found, wanted)]
    return heads[0] == heads[1] and holds(*(json.loads(line[line.index("{"):])
                                            for line in (found, wanted)))


def given(backstopd, data, seqs=None):
    """What a log gives: its end, digests at some sequences, the first lines of each output."""
    verify = dict(line.split() for line in call(backstopd, "verify", "--data", data))
    last = int(verify["seq"])
    seqs = seqs or sorted({1, last, *(last * i // 4 for i in range(1, 4) if last * i // 4 > 0)})
    return {
        "digests": {str(seq): digest_at(backstopd, data, seq) for seq in seqs},
        "verify": verify,
        "dump": call(backstopd, "dump", "--data", data)[:LINES],
        "state": call(backstopd, "replay", "--data", data, "--state")[:LINES],
    }
