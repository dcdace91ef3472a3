#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fuzzes: `run.py BUILD [--seconds N] [--jobs N] [--log FILE] [NAME...]` runs the targets of a build
made with -Dfuzz=true for N seconds each, N jobs at a time. It begins with the corpus of the tree and
with what earlier runs found, which stays in the build directory.

An input that breaks something is written into BUILD/found; put it into tests/fuzz/corpus/NAME under
a name that says what it broke, and it is tested in every build from then on. FILE gets one line in
the form of meson's testlog.json, for count.py."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parent
SIZE_MAX = {"engine": 640, "decimal": 256, "write": 400}  # bytes of an input; the others: 4096
# The threads of a server free what others allocated; at the end all is checked.
OPTIONS = {"http": ["-detect_leaks=0"], "write": ["-detect_leaks=0", "-len_control=0"]}
STATUS = re.compile(rb"^#(\d+)\s.* cov: (\d+) ft: (\d+) corp: (\d+)", re.MULTILINE)
RUNS = re.compile(rb"^stat::number_of_executed_units: (\d+)", re.MULTILINE)
WORD = re.compile(rb"[A-Za-z][A-Za-z0-9_-]{2,30}")
NAME = re.compile(rb"^ +([a-z_]+):", re.MULTILINE)
CONTRACT = FOLDER.parents[1] / "api" / "openapi.yaml"
GRACE_S = 120  # to begin, to end, and on a busy machine


def names():
    return sorted(path.stem.removeprefix("fuzz_") for path in FOLDER.glob("fuzz_*.c"))


def dictionary(build, name):
    """Words worth trying: those of the corpus and the names in the contract."""
    texts = [path.read_bytes() for path in sorted((FOLDER / "corpus" / name).iterdir())]
    texts.append(b" ".join(NAME.findall(CONTRACT.read_bytes())))
    words = sorted({word for text in texts for word in WORD.findall(text)})
    path = build / "grown" / f"{name}.dict"
    path.write_bytes(b"".join(b'"%s"\n' % word for word in words))
    return path


def fuzz(build, name, seconds):
    """(whether it succeeded, one line about the run, its output)"""
    grown, found = build / "grown" / name, build / "found"
    grown.mkdir(parents=True, exist_ok=True)
    found.mkdir(exist_ok=True)
    command = [build / "tests" / "fuzz" / f"fuzz_{name}", f"-max_total_time={seconds}", "-timeout=60",
               f"-max_len={SIZE_MAX.get(name, 4096)}", "-rss_limit_mb=2048", "-print_final_stats=1",
               f"-artifact_prefix={found}/{name}-", f"-dict={dictionary(build, name)}",
               *OPTIONS.get(name, []),
               grown, FOLDER / "corpus" / name]
    begun = time.monotonic()
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env=os.environ | {"UBSAN_OPTIONS": "print_stacktrace=1"},
                              timeout=seconds + GRACE_S)
        good, output = done.returncode == 0, done.stdout
    except subprocess.TimeoutExpired as expired:
        good, output = False, (expired.stdout or b"") + b"\nit did not end\n"
    runs, last = RUNS.findall(output), STATUS.findall(output)
    runs = int(runs[-1] if runs else last[-1][0] if last else 0)
    coverage, features, inputs = last[-1][1:] if last else (b"0", b"0", b"0")
    line = (f"{name:8} {'ok  ' if good else 'FAIL'} {runs:9} runs, "
            f"{runs / (time.monotonic() - begun):7.0f} a second, {coverage.decode()} edges, "
            f"{features.decode()} features, {inputs.decode()} inputs kept")
    return good and runs > 0, line, output


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--seconds", type=int, default=600, help="of each")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--log", type=pathlib.Path)
    arguments = parser.parse_intermixed_args()
    if unknown := set(arguments.names) - set(names()):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(names())}")
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        runs = [pool.submit(fuzz, arguments.build.resolve(), name, arguments.seconds)
                for name in arguments.names or names()]
        for run in concurrent.futures.as_completed(runs):
            good, line, output = run.result()
            passed, failed = passed + good, failed + (not good)
            print(line if good else f"{output[-6000:].decode(errors='replace')}\n{line}", flush=True)
    line = f"{passed} passed, {failed} failed"
    print(line)
    result = "FAIL" if failed else "OK"
    if arguments.log:
        arguments.log.write_text(json.dumps({"name": "fuzz", "result": result, "stdout": line + "\n"})
                                 + "\n", encoding="utf-8")
    return 0 if result == "OK" else 1


if __name__ == "__main__":
    sys.exit(main())
