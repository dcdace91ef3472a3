# SPDX-License-Identifier: Apache-2.0
"""api/openapi.yaml as something to hold answers against. The header of that file says what its
x-words mean. Needs PyYAML and jsonschema, as Debian has them (packages/test.txt)."""
import json
import pathlib
import re
import sys
import urllib.parse

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "api"))
from reference import load, resolve

PATH = ROOT / "api/openapi.yaml"
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
SCHEMAS = "#/components/schemas/"


class Operation:
    def __init__(self, contract, method, path, item):
        self.method = method.upper()
        self.path = path
        self.spec = item[method]
        self.id = self.spec["operationId"]
        listed = item.get("parameters", []) + self.spec.get("parameters", [])
        self.parameters = [contract.resolve(parameter) for parameter in listed]
        self.pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "$")
        self.bodies = self.spec.get("requestBody", {}).get("content", {})
        self.codes = set(self.spec.get("x-codes", [])) | set(contract.document["x-codes-everywhere"])
        if self.bodies:
            self.codes |= set(contract.document["x-codes-of-bodies"])
        if any(parameter["name"] == "Idempotency-Key" for parameter in self.parameters):
            self.codes |= set(contract.document["x-codes-of-keys"])

    def response(self, contract, status):
        responses = self.spec["responses"]
        return contract.resolve(responses.get(str(status), responses["default"]))

    def url(self, values):
        """The path and query with these values; what is in the path has an example at least."""
        path, query = self.path, []
        for parameter in self.parameters:
            name = parameter["name"]
            if parameter["in"] == "path":
                value = values.get(name, parameter["example"])
                path = path.replace("{" + name + "}", urllib.parse.quote(str(value), safe=""))
            elif name in values and parameter["in"] == "query":
                value = urllib.parse.quote(str(values[name]), safe="")
                query.append(f"{name}={value}" if value else name)
        return path + ("?" + "&".join(query) if query else "")

    def request_example(self, name):
        """(media type, example) of a body, or (None, None)."""
        for media, content in self.bodies.items():
            if name in content.get("examples", {}):
                return media, content["examples"][name]
        return None, None

    def response_examples(self):
        for status, response in self.spec["responses"].items():
            for media, content in response.get("content", {}).items():
                for name, example in content.get("examples", {}).items():
                    yield status, media, name, example


class Contract:
    def __init__(self):
        self.document = load()
        self.schemas = self.document["components"]["schemas"]
        self.operations = [Operation(self, method, path, item)
                           for path, item in self.document["paths"].items()
                           for method in METHODS if method in item]
        self.by_id = {operation.id: operation for operation in self.operations}
        self.codes = {row["const"]: row for row in self.schemas["Code"]["oneOf"]}
        self.plain = {}
        self.seen = {}  # (schema, property) of answers: how often

    def resolve(self, node):
        return resolve(self.document, node)

    # ---- schemas ----

    def expand(self, schema):
        """A schema without references, for the validator; a recursive one becomes a cycle."""
        if not isinstance(schema, dict):
            return [self.expand(inner) for inner in schema] if isinstance(schema, list) else schema
        if id(schema) in self.plain:
            return self.plain[id(schema)]
        expanded = self.plain[id(schema)] = {}
        for name, inner in schema.items():
            if name == "$ref":
                expanded.setdefault("allOf", []).append(self.expand(self.resolve(schema)))
            elif name in ("enum", "const", "required", "description", "default", "dependentRequired"):
                expanded[name] = inner
            elif name == "properties":
                expanded[name] = {key: self.expand(value) for key, value in inner.items()}
            elif name == "allOf":
                expanded.setdefault("allOf", []).extend(self.expand(inner))
            else:
                expanded[name] = self.expand(inner)
        return expanded

    def validator(self, schema):
        return jsonschema.Draft202012Validator(self.expand(schema))

    def errors(self, schema, value):
        found = jsonschema.exceptions.best_match(self.validator(schema).iter_errors(value))
        if found is None:
            return []
        where = "/".join(str(step) for step in found.absolute_path) or "the document"
        return [f"{where}: {found.message[:300]}"]

    def is_valid(self, schema, value):
        return self.validator(schema).is_valid(value)

    def walk(self, schema, value, visit, name=""):
        """Visits each value below with its schema: visit(schema, name, value) -> the value to keep."""
        if "$ref" in schema:
            target = schema["$ref"].removeprefix(SCHEMAS)
            value = self.walk(self.resolve(schema), value, visit, target)
        for branch in schema.get("allOf", []):
            value = self.walk(branch, value, visit, name)
        for branch in schema.get("oneOf", []):
            if self.is_valid(branch, value):
                value = self.walk(branch, value, visit, name)
        if isinstance(value, dict):
            value = {key: self.walk(self.member(schema, key), inner, visit, f"{name}.{key}")
                     for key, inner in value.items()}
        elif isinstance(value, list) and "items" in schema:
            value = [self.walk(schema["items"], inner, visit, name) for inner in value]
        return visit(schema, name, value)

    @staticmethod
    def member(schema, key):
        known = schema.get("properties", {})
        more = schema.get("additionalProperties")
        return known[key] if key in known else more if isinstance(more, dict) else {}

    def comparable(self, schema, value):
        """The value without what varies from run to run."""
        def stable(found, _, inner):
            varies = found.get("x-varies")
            if not varies or inner is None:
                return inner
            return inner.partition("_")[2] if varies == "log" else "varies"
        return self.walk(schema, value, stable)

    def cover(self, schema, value):
        """Counts which properties of which schemas an answer has."""
        def visit(found, name, inner):
            if isinstance(inner, dict):
                for key in inner.keys() & found.get("properties", {}).keys():
                    self.seen[name, key] = self.seen.get((name, key), 0) + 1
            return inner
        self.walk(schema, value, visit)

    # ---- answers ----

    def find(self, method, path):
        wanted = "GET" if method == "HEAD" else method
        exact = [operation for operation in self.operations
                 if operation.method == wanted and operation.pattern.match(path)]
        exact.sort(key=lambda operation: operation.path.count("{"))
        return exact[0] if exact else None

    def check(self, method, url, response):
        """What of an answer is not in the contract."""
        operation = self.find(method, url.partition("?")[0])
        if operation is None:
            known = ("not_found", "method_not_allowed", "invalid_path", "invalid_name")
            return [] if response.code in known else [f"no operation for {method} {url}"]
        spec = operation.response(self, response.status)
        wrong = self.check_headers(response)
        if response.body == b"":
            return wrong if "content" not in spec or method == "HEAD" else [*wrong, "no body"]
        media = response.headers.get("content-type", "")
        content = spec.get("content", {}).get(media)
        if content is None:
            return [*wrong, f"{response.status} with {media!r} is not in the contract"]
        value = response.json if media.endswith("json") else response.body.decode()
        errors = self.errors(content["schema"], value)
        if errors:
            return wrong + errors
        self.cover(content["schema"], value)
        return wrong + self.check_codes(operation, response, value)

    @staticmethod
    def check_headers(response):
        wrong = []
        for status, header in ((503, "retry-after"), (429, "retry-after"), (405, "allow"),
                               (401, "www-authenticate")):
            if response.status == status and header not in response.headers:
                wrong.append(f"{status} without {header}")
        return wrong

    def check_codes(self, operation, response, value):
        if not isinstance(value, dict):
            return []
        codes = {row["code"] for row in value.get("rejected", []) or []}
        wrong = []
        if response.status >= 400:
            codes.add(value["code"])
            code = self.codes[value["code"]]
            of_list = response.status == 422 and "rejected" in value
            if code["x-status"] != response.status and not of_list:
                wrong.append(f"{code['const']} with status {response.status}")
        return wrong + [f"x-codes of {operation.id} have no {code}"
                        for code in sorted(codes - operation.codes)]


def body_of(example, media):
    """The bytes of an example of a body."""
    if "x-raw" in example:
        return example["x-raw"]
    value = example["value"]
    return value if media.endswith("ndjson") else json.dumps(value)
