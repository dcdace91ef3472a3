#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goal: this build replays every log that an older one wrote to the same state, and no format
changes unnoticed. Method: each golden log is unpacked, read by the log verbs, which load its snapshots
too, and compared with what it gave when it was made; some are started. With --formats only the formats of the tree are compared with the newest
set's."""
import concurrent.futures
import os
import pathlib
import shutil
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "http")]

import golden
import harness


def check_formats(failures):
    wanted, newest = golden.formats(), golden.sets()[-1]
    held = golden.read_json(newest / "formats.json")
    failures += [f"{name} is {wanted[name]}, in {newest.name} it is {held.get(name)}: make new"
                 " golden logs with tests/golden/make.py"
                 for name in wanted if held.get(name) != wanted[name]]


def check_start(data, expected, failures, name):
    """A start answers a repeat as the first time, from the snapshot if there is one."""
    repeat, loads = expected["repeat"], expected.get("loads")
    with harness.Server(data) as server:
        said = server.output().decode()
        if loads is not None and f"loaded a snapshot seq={loads} " not in said:
            failures.append(f"{name}: the start did not load the snapshot of {loads}: {said[-600:]}")
        answer = server.post("/v1/transfers", repeat["body"], headers={"Idempotency-Key": '"golden"'})
    if [answer.status, answer.json] != [repeat["status"], repeat["answer"]]:
        failures.append(f"{name}: a repeat is answered {answer.status} {answer.json}")


def check_log(path, failures):
    name = f"{path.parent.name}/{path.name.removesuffix('.tar.xz')}"
    expected = golden.read_json(path.parent / f"{path.name.removesuffix('.tar.xz')}.json")
    with tempfile.TemporaryDirectory() as data:
        with tarfile.open(path) as packed:
            for member in packed:
                with open(os.path.join(data, os.path.basename(member.name)), "wb") as file:
                    shutil.copyfileobj(packed.extractfile(member), file)
        try:
            found = golden.given(harness.binary(), data, [int(seq) for seq in expected["digests"]])
        except RuntimeError as error:
            failures.append(f"{name}: {error}")
            return
        failures += [f"{name}: {what} is {found[what]}, not {expected[what]}"
                     for what in found if not golden.holds(found[what], expected[what])]
        if "repeat" in expected:
            check_start(data, expected, failures, name)


def main():
    failures = []
    only_formats = sys.argv[1:] == ["--formats"]
    logs = [] if only_formats else [path for folder in golden.sets()
                                    for path in sorted(folder.glob("*.tar.xz"))]
    if only_formats:
        check_formats(failures)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(check_log, path, failures) for path in logs]:
            done.result()
    if not only_formats and not logs:
        failures.append("there are no golden logs")
    print("\n".join(failures + [f"{len(logs) or 1} compared, {len(failures)} failed"]))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
