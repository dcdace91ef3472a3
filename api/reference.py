#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/reference.md from api/openapi.yaml: every operation, field and code as tables. With
--check it compares instead: a test keeps the committed page and the contract equal. Needs PyYAML.

    /usr/bin/python3 api/reference.py [--check]
"""
import json
import pathlib
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs/reference.md"
WIDTH = 110
METHODS = ("get", "put", "post", "delete")
HEAD = """\
<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by api/reference.py from api/openapi.yaml: do not edit. -->
# The HTTP API, field by field

Written from the contract, [api/openapi.yaml](../api/openapi.yaml), which the daemon serves at
`/openapi.yaml`. What the routes are for and how they work together is told in [api.md](api.md). Every
example here was sent to a daemon and answered as shown; times, hashes and the like differ.
"""


def load():
    # The C loader reads the same language ten times as fast; not every build of PyYAML has it.
    text = (ROOT / "api/openapi.yaml").read_text(encoding="utf-8")
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506: safe loaders


def resolve(document, node):
    """What a reference stands for; any other node is itself."""
    while "$ref" in node:
        found = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def flow(value, indent, width):
    """JSON, which is YAML too, broken where a line would be long."""
    line = json.dumps(value, ensure_ascii=False)
    if len(line) <= width - indent or not isinstance(value, (dict, list)):
        return line
    pad = " " * (indent + 1)
    if isinstance(value, dict):
        rows = [f"{json.dumps(key)}: {flow(inner, indent + 1, width)}" for key, inner in value.items()]
        opening, closing = "{}"
    else:
        rows = [flow(inner, indent + 1, width) for inner in value]
        opening, closing = "[]"
    lines = [rows[0]]
    for row in rows[1:]:
        room = "\n" not in lines[-1] and len(lines[-1]) + len(row) + 2 <= width - indent - 1
        if room and "\n" not in row:
            lines[-1] += ", " + row
        else:
            lines.append(row)
    return opening + f",\n{pad}".join(lines) + closing


class Page:
    def __init__(self, document):
        self.document = document
        self.lines = [HEAD]

    def add(self, *lines):
        self.lines += lines

    def resolve(self, node):
        return resolve(self.document, node)

    # ---- words ----

    def kind(self, schema):
        """What a value is, in a few words; a schema with members of its own is a link."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            target = self.resolve(schema)
            linked = "properties" in target or "oneOf" in target or "allOf" in target
            return f"[{name}](#{name.lower()})" if linked else self.kind(target)
        if "const" in schema:
            return f"`{json.dumps(schema['const'])}`"
        if "enum" in schema:
            return ", ".join(f"`{json.dumps(word)}`" for word in schema["enum"])
        for word in ("oneOf", "allOf"):
            if word in schema:
                return " or ".join(self.kind(inner) for inner in schema[word])
        if schema.get("type") == "array":
            return f"list of {self.kind(schema['items'])}"
        if isinstance(schema.get("additionalProperties"), dict):
            return f"object of {self.kind(schema['additionalProperties'])}"
        kinds = schema.get("type", "object")
        return " or ".join(kinds) if isinstance(kinds, list) else kinds

    @staticmethod
    def bounds(schema):
        low, high = schema.get("minimum"), schema.get("maximum")
        if high is not None:
            return f" {low if low is not None else ''} to {high}"
        return f" from {low}" if low else ""

    def describe(self, schema):
        text = schema.get("description") or self.resolve(schema).get("description", "")
        if "default" in schema:
            text += f" Default: `{json.dumps(schema['default'])}`."
        return text.replace("|", "\\|")

    def cell(self, schema):
        return self.kind(schema).replace("|", "\\|") + self.bounds(schema)

    # ---- parts ----

    def parameters(self, listed):
        if not listed:
            return
        self.add("| parameter | in | value | meaning |", "|---|---|---|---|")
        for parameter in map(self.resolve, listed):
            required = ", required" if parameter.get("required") else ""
            schema = parameter["schema"]
            meaning = parameter["description"]
            if "default" in schema:
                meaning += f" Default: `{schema['default']}`."
            self.add(f"| `{parameter['name']}` | {parameter['in']}{required} | {self.cell(schema)} | {meaning} |")
        self.add("")

    def example(self, what, value, summary=""):
        shown = value if isinstance(value, str) else flow(value, 0, WIDTH)
        self.add(f"<details><summary>{what}{': ' + summary if summary else ''}</summary>", "",
                 "```json", shown.rstrip("\n"), "```", "</details>", "")

    def operation(self, method, path, item):
        spec = item[method]
        self.add(f"### `{method.upper()} {path}`", "", f"{spec['summary']}."
                 + (f" {spec['description']}" if "description" in spec else ""), "")
        self.parameters(item.get("parameters", []) + spec.get("parameters", []))
        body = spec.get("requestBody")
        if body:
            medias = ", ".join(f"`{media}`: {self.kind(content['schema'])}"
                               for media, content in body["content"].items())
            self.add(f"Body{'' if body.get('required') else ' (may be left out)'}: {medias}.", "")
        self.add("| status | answer | |", "|---|---|---|")
        for status, response in spec["responses"].items():
            found = self.resolve(response)
            kinds = ", ".join(f"`{media}`: {self.kind(content['schema'])}"
                              for media, content in found.get("content", {}).items())
            self.add(f"| {status} | {kinds} | {found['description']} |")
        self.add("")
        codes = ", ".join(f"`{code}`" for code in spec.get("x-codes", []))
        self.add((f"Codes: {codes}, and " if codes else "Codes: ") + "those that [any request](#codes) may meet.", "")
        self.examples(spec)

    def examples(self, spec):
        bodies = {name: example for content in spec.get("requestBody", {}).get("content", {}).values()
                  for name, example in content.get("examples", {}).items()}
        for status, response in spec["responses"].items():
            for content in response.get("content", {}).values():
                for name, example in content.get("examples", {}).items():
                    body = bodies.get(name)
                    if body is not None:
                        self.example(f"request `{name}`", body.get("x-raw", body.get("value")),
                                     body.get("summary", ""))
                    values = ", ".join(f"{key}={value}" for key, value in example.get("x-parameters", {}).items())
                    self.example(f"answer {status} `{name}`", example["value"], values)

    def operations(self):
        for tag in self.document["tags"]:
            self.add(f"## {tag['name']}", "", tag["description"], "")
            for path, item in self.document["paths"].items():
                for method in METHODS:
                    if method in item and tag["name"] in item[method]["tags"]:
                        self.operation(method, path, item)

    def webhooks(self):
        if self.document.get("webhooks"):
            self.add("## Webhooks", "", "What the server sends.", "")
        for name, item in self.document.get("webhooks", {}).items():
            spec = item["post"]
            self.add(f"### `{name}`", "", f"{spec['summary']}.", "")
            self.parameters(spec.get("parameters", []))
            for content in spec["requestBody"]["content"].values():
                self.add(f"Body: {self.kind(content['schema'])}.", "")

    def schema(self, name, schema):
        self.add(f"### {name}", "")
        if "description" in schema:
            self.add(schema["description"], "")
        if "properties" not in schema:
            parts = schema.get("oneOf", schema.get("allOf", []))
            word = "One of" if "oneOf" in schema else "As"
            needs = f", with {', '.join(schema['required'])}" if "required" in schema and "allOf" in schema else ""
            self.add(f"{word} {', '.join(self.kind(part) for part in parts)}{needs}.", "")
            return
        self.add("| field | value | meaning |", "|---|---|---|")
        self.fields(schema, "")
        self.add("")

    def fields(self, schema, before):
        required = schema.get("required", [])
        for name, inner in schema["properties"].items():
            mark = "" if name in required else " (optional)"
            self.add(f"| `{before}{name}`{mark} | {self.cell(inner)} | {self.describe(inner)} |")
            for nested in [inner, inner.get("items", {}), *inner.get("oneOf", [])]:
                if "properties" in nested:
                    self.fields(nested, f"{before}{name}.")

    def schemas(self):
        self.add("## Schemas", "")
        for name, schema in sorted(self.document["components"]["schemas"].items()):
            if name != "Code" and ("properties" in schema or "oneOf" in schema or "allOf" in schema):
                self.schema(name, schema)

    def codes(self):
        self.add("## Codes", "", "Any request may meet: "
                 + ", ".join(f"`{code}`" for code in self.document["x-codes-everywhere"]) + ".", "",
                 "Any body of items may meet: "
                 + ", ".join(f"`{code}`" for code in self.document["x-codes-of-bodies"]) + ".", "",
                 "Any request that takes an `Idempotency-Key` may meet: "
                 + ", ".join(f"`{code}`" for code in self.document["x-codes-of-keys"]) + ".", "",
                 "### Code", "", "| code | status | meaning | met, for example, by |", "|---|---|---|---|")
        for row in self.document["components"]["schemas"]["Code"]["oneOf"]:
            how = row.get("x-provoked-by")
            shown = row.get("x-unprovoked", "")
            if how:
                body = json.dumps(how["body"]) if "body" in how else how.get("raw", "")
                body += " ..." if "repeat" in how else ""
                body += f" after {json.dumps(how['first'])}" if "first" in how else ""
                headers = " ".join(f"{name}: {value}" for name, value in how.get("headers", {}).items())
                shown = " ".join(f"`{part}`" for part in (how["request"], headers, body) if part)
            self.add(f"| `{row['const']}` | {row['x-status']} | {row['description']} | {shown.replace('|', chr(92) + '|')} |")
        self.add("")

    def text(self):
        self.operations()
        self.webhooks()
        self.codes()
        self.schemas()
        return "\n".join(self.lines).rstrip("\n") + "\n"


def main(arguments):
    text = Page(load()).text()
    if arguments != ["--check"]:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        sys.exit("docs/reference.md is not what api/openapi.yaml says: run /usr/bin/python3 api/reference.py")


if __name__ == "__main__":
    main(sys.argv[1:])
