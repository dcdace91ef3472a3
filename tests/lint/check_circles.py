#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No circle of more than two files, neither of headers that include each other nor of C files that
call each other. A call goes to the file that defines the function, unless the caller defines its own."""
import collections
import re

from tree import ROOT, Report, code, files, name

FOLDERS = ("lib", "api", "daemon", "cli")
LARGEST = 2  # files in a circle: a pair may share a task
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# A definition, as clang-format leaves it: from the first column, and its brace in the first column too.
DEFINED = re.compile(r"^(?P<static>static )?[a-zA-Z_][\w \*]*?\b(?P<name>\w+)\((?:[^;{}]|\n)*?\)\n\{", re.MULTILINE)
CALL = re.compile(r"\b([a-z_]\w*)\(")


def includes():
    """header -> {included header: None}"""
    return {name(path): dict.fromkeys(INCLUDE.findall(path.read_text(encoding="utf-8")))
            for folder in FOLDERS for path in files(".h", under=folder)}


def calls():
    """file -> {called file: the function}"""
    texts = {name(path): code(path.read_text(encoding="utf-8"))
             for folder in FOLDERS for path in files(".c", ".cpp", under=folder)}
    home, own = {}, collections.defaultdict(set)
    for path, text in texts.items():
        for found in DEFINED.finditer(text):
            own[path].add(found["name"])
            if not found["static"]:
                home[found["name"]] = path
    graph = {}
    for path, text in texts.items():
        outside = sorted(set(CALL.findall(text)) - own[path])
        graph[path] = {home[called]: called for called in outside if called in home}
    return graph, len(home)


def reached(graph, start):
    """file -> the file before it on a shortest way from start; start itself only by a circle."""
    before, queue = {}, collections.deque([start])
    while queue:
        at = queue.popleft()
        for target in graph.get(at, ()):
            if target not in before:
                before[target] = at
                queue.append(target)
    return before


def circles(graph):
    """Lists of files each of which reaches all others."""
    ways = {path: reached(graph, path) for path in graph}
    done, found = set(), []
    for path in sorted(graph):
        if path not in done and path in ways[path]:
            circle = [other for other in sorted(ways[path]) if path in ways.get(other, ())]
            done.update(circle)
            found.append(circle)
    return found


def way_around(graph, start):
    """A shortest circle through a file, as text: a.c > function > b.c > ..."""
    before = reached(graph, start)
    at, steps = start, []
    while not steps or at != start:
        at, target = before[at], at
        label = graph[at][target]
        steps.append(f"{at} > {label} > " if label else f"{at} > ")
    return "".join(reversed(steps)) + start


def judge(report, what, graph):
    for circle in circles(graph):
        if len(circle) <= LARGEST:
            report.check(True, "")
            continue
        for path in circle:
            report.check(False, f"{path} is in a circle of {len(circle)} files by {what}: {way_around(graph, path)}",
                         f"{path} in a circle by {what}")


def main():
    report = Report()
    headers = includes()
    graph, functions = calls()
    report.check(len(headers) > 100 and functions > 500, f"{len(headers)} headers, {functions} functions found")
    judge(report, "includes", headers)
    judge(report, "calls", graph)
    report.end()


if __name__ == "__main__":
    main()
