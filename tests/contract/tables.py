#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The contract against the daemon's own tables, as tests/tools/contract_tables.c prints them. Goal:
every route, parameter, field, word and code is in api/openapi.yaml, and nothing else is. What is
missing is printed as the lines to add.

    /usr/bin/python3 tests/contract/tables.py build/gcc/tests/tools/contract_tables
"""
import json
import re
import subprocess
import sys

from contract import ROOT, SCHEMAS, Contract

sys.path.insert(0, str(ROOT / "tests/lint"))
from tree import Report  # noqa: E402: found by the path above

FILE = "api/openapi.yaml"
LISTS = {"200", "207", "422"}

ROUTE = """\
  {path}:
    parameters: [...]                 # one for each name in the path: see components/parameters
    {method}:
      operationId: {id}
      tags: [...]                     # one of those at the top
      security: [...]                 # who may ask: run the test again, it says so
      summary: ...
      x-codes: [...]                  # what it refuses with, besides x-codes-everywhere
      parameters:                     # {parameters}; writes also have IdempotencyKey
        - {{$ref: '#/components/parameters/...'}}
{body}      responses:
        '200':
          description: ...
          content:
            application/json:
              schema: {{$ref: '#/components/schemas/...'}}
              examples:
                some_name: {{x-world: book, value: null}}
        '404': {{$ref: '#/components/responses/Problem'}}    # one for each status of x-codes
        default: {{$ref: '#/components/responses/Problem'}}
then: tests/contract/examples.py --update writes the value, api/reference.py the page"""
BODY = """\
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/...'}
            examples:
              some_name: {value: {...}}
"""
CODE = """\
        - const: {code}
          x-status: {status}
          description: '{sentence}'
          x-provoked-by: {{world: book, request: GET /v1/..., body: {{...}}}}   # or x-unprovoked: why"""


def shape(path):
    """A path without the names of its parameters."""
    return re.sub(r"\{\w*\}|#", "{}", path)


def compare(report, what, actual, told, hint=lambda name: ""):
    """Both are sets; what is only in one of them is reported."""
    report.check(True, what)
    for name in sorted(actual - told):
        report.check(False, f"{what}: {name} is not in {FILE}{hint(name)}")
    for name in sorted(told - actual):
        report.check(False, f"{what}: {name} is in {FILE}, but the daemon does not know it")


def check_routes(report, contract, tables):
    routes = {f"{row['method']} {shape(row['pattern'])}": row for row in tables["routes"]}
    told = {f"{operation.method} {shape(operation.path)}": operation
            for operation in contract.operations}

    def block(name):
        row = routes[name]
        names = iter(("{name}", "{n}", "{id}"))
        path = re.sub(r"\{\}|#", lambda _: next(names), row["pattern"])
        parameters = ", ".join(parameter["name"] for parameter in row["parameters"]) or "none"
        return ". Add below `paths:`\n" + ROUTE.format(
            path=path, method=row["method"].lower(), id="some_verb", parameters=parameters,
            body=BODY if row["takes_body"] else "")

    compare(report, "routes", set(routes), set(told), block)
    for name in routes.keys() & told.keys():
        check_route(report, name, routes[name], told[name])


def check_headings(report, tables):
    """Each route is a heading of docs/api.md, and the other way round."""
    headings = re.findall(r"^### (\w+ /.*)$", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    told = sorted(shape(heading) for heading in headings)
    routes = sorted(f"{row['method']} {shape(row['pattern'])}" for row in tables["routes"])
    report.check(told == routes, "docs/api.md has other headings than the daemon has routes: "
                                 f"{sorted(set(told) ^ set(routes))}")


def check_route(report, name, row, operation):
    check_roles(report, name, row, operation)
    query = {parameter["name"]: parameter for parameter in operation.parameters
             if parameter["in"] == "query"}
    compare(report, f"parameters of {name}",
            {parameter["name"] for parameter in row["parameters"]}, set(query),
            lambda missing: f": add {{$ref: '#/components/parameters/...'}} of `{missing}` to it")
    for parameter in row["parameters"]:
        told = query.get(parameter["name"], {})
        report.check(told.get("required", False) == parameter["required"],
                     f"{name}: whether `{parameter['name']}` is required differs")
    if "limit" in query:
        report.check(query["limit"]["schema"].get("maximum") == row["limit_max"],
                     f"{name}: `limit` goes up to {row['limit_max']}")
    report.check(bool(operation.bodies) == row["takes_body"], f"{name}: whether it takes a body differs")
    headers = {parameter["name"] for parameter in operation.parameters if parameter["in"] == "header"}
    report.check(("Idempotency-Key" in headers) == row["takes_key"], f"{name}: every write and nothing else has "
                 "{$ref: '#/components/parameters/IdempotencyKey'} among its parameters")
    if row["takes_body"] and row["is_write"]:
        required = operation.spec["requestBody"].get("required", False)
        report.check(required != row["body_optional"], f"{name}: whether a body is required differs")


def check_roles(report, name, row, operation):
    """Any one of the roles lets in; and nobody is asked where the server has no keys."""
    roles = row["roles"]
    wanted = [{"key": [role]} for role in roles] + [{}] if roles else []
    told = operation.spec.get("security")
    shown = ", ".join("{}" if not one else "{key: [" + one["key"][0] + "]}" for one in wanted)
    report.check(told == wanted, f"{name}: its roles differ, it should say: security: [{shown}]")


def check_codes(report, contract, tables):
    actual = {row["code"]: row for row in tables["codes"]}

    def block(code):
        sentence = actual[code]["sentence"].replace("'", "''")
        return (". Add below `components: schemas: Code: oneOf:`\n"
                + CODE.format(code=code, status=actual[code]["status"], sentence=sentence)
                + f"\nand `{code}` to the x-codes of the operations that answer it")

    compare(report, "codes", set(actual), set(contract.codes), block)
    for code in actual.keys() & contract.codes.keys():
        told = contract.codes[code]
        report.check(told["x-status"] == actual[code]["status"], f"{code}: x-status differs")
        report.check(told["description"] == actual[code]["sentence"], f"{code}: description differs")
    used = set().union(*(operation.codes for operation in contract.operations))
    compare(report, "codes that operations answer", used, set(contract.codes))
    for code in contract.codes.keys() - used:
        report.check(False, f"{code} is in the x-codes of no operation")


def check_statuses(report, contract):
    """Each code of an operation has its status there; lists answer 200, 207 and 422."""
    for operation in contract.operations:
        told = set(operation.spec["responses"])
        own = set(operation.spec.get("x-codes", []))
        is_list = "207" in told
        needed = LISTS if is_list else {str(contract.codes[code]["x-status"])
                                        for code in own & contract.codes.keys()}
        for status in sorted(needed - told):
            report.check(False, f"{operation.id} has no response '{status}', which its x-codes need: "
                                f"add '{status}': {{$ref: '#/components/responses/Problem'}}")
        report.check("default" in told, f"{operation.id} has no default response")


def fields_of(schema):
    return schema.get("properties", {}), set(schema.get("required", []))


def words_of(contract, schema):
    """The enumeration of a property, wherever it is."""
    while "enum" not in schema and "const" not in schema and "$ref" in schema:
        schema = contract.resolve({"$ref": schema["$ref"]})
    return set(schema.get("enum", [schema["const"]] if "const" in schema else []))


def check_object(report, contract, name, rows, schema, in_path):
    """`in_path`: fields that a path may say instead, which are then not required."""
    told, required = fields_of(schema)
    known = {field for field, row in rows.items() if row["kind"] != "unsupported"}
    compare(report, f"fields of {name}", known, set(told),
            lambda field: f": add `{field}` to its schema, with a description and its unit")
    for field in known & told.keys():
        row = rows[field]
        # `type` and `layer` choose the table: by then they have been read.
        report.check(field in in_path or row["kind"] == "word"
                     or row["required"] == (field in required),
                     f"{name}.{field}: whether it is required differs")
        if "words" in row:
            compare(report, f"words of {name}.{field}", set(row["words"]),
                    words_of(contract, told[field]))
        if "max" in row:
            report.check(told[field].get("maximum") == row["max"],
                         f"{name}.{field}: the maximum is {row['max']}")


def check_objects(report, contract, tables):
    kinds = {"x-command": tables["commands"], "x-layer": tables["layers"],
             "x-object": tables["objects"]}
    for word, actual in kinds.items():
        told = {schema[word]: (name, schema) for name, schema in contract.schemas.items()
                if word in schema}
        compare(report, f"schemas with {word}", set(actual), set(told))
        for kind in actual.keys() & told.keys():
            name, schema = told[kind]
            in_path = {"pool", "market", "account", "source", "action"} - fields_of(schema)[1]
            check_object(report, contract, name, actual[kind], schema, in_path)
    check_object(report, contract, "AccountPosition", tables["position"],
                 contract.schemas["AccountPosition"], set())


def check_words(report, contract, tables):
    for name, actual in (("ActionType", "action_types"), ("Preset", "presets")):
        compare(report, f"words of {name}", set(tables[actual]),
                set(contract.schemas[name]["enum"]))
    compare(report, "words of EventType", set(tables["event_types"]),
            set(contract.schemas["EventType"]["enum"]))
    compare(report, "words of FundChange.cause", set(tables["fund_causes"]),
            set(contract.schemas["FundChange"]["properties"]["cause"]["enum"]))


def check_records(report, tables):
    """The numbers of types in docs/records.md are those of the records."""
    text = (ROOT / "docs/records.md").read_text(encoding="utf-8")
    commands = text.split("## Command records")[1].split("## Action records")[0]
    actions = text.split("## Action records")[1].split("\n\n")[1]
    told = {"command": re.findall(r"^\| (\d+ \| \w+) \| (?:name|text|`u32`)", commands, re.MULTILINE),
            "action": re.findall(r"\b(\d+ \w+)", actions)}
    for kind, rows in told.items():
        actual = {f"{number} {name}" for name, number in tables[f"{kind}_numbers"].items()}
        compare(report, f"{kind} types of docs/records.md", actual, {row.replace(" |", "") for row in rows})


def properties(schema, name):
    """(where, schema) of each property below a schema."""
    for key, inner in schema.get("properties", {}).items():
        yield f"{name}.{key}", inner
        yield from properties(inner, f"{name}.{key}")
    for word in ("oneOf", "allOf"):
        for inner in schema.get(word, []):
            yield from properties(inner, name)
    if isinstance(schema.get("items"), dict):
        yield from properties(schema["items"], name)


KEYWORDS = {"$ref", "type", "enum", "const", "oneOf", "allOf", "properties", "additionalProperties", "required",
            "dependentRequired", "items", "minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum",
            "minProperties", "maxProperties", "pattern", "format", "default", "description", "title",
            "x-command", "x-layer", "x-object", "x-varies", "x-elsewhere", "x-status", "x-provoked-by", "x-unprovoked"}


def check_keywords(report, schema, where):
    """A comma in a description without quotes makes a keyword of what follows it."""
    if isinstance(schema, dict):
        unknown = schema.keys() - KEYWORDS
        report.check(not unknown, f"{where}: {sorted(map(str, unknown))} are no keywords: quote the text")
        for name, inner in schema.get("properties", {}).items():
            check_keywords(report, inner, f"{where}.{name}")
        for word in ("items", "additionalProperties"):
            check_keywords(report, schema.get(word), where)
        for word in ("oneOf", "allOf"):
            for inner in schema.get(word, []):
                check_keywords(report, inner, where)


def check_schemas(report, contract):
    """Closed objects, a description (of the unit, too) at each field, no schema that nobody uses."""
    text = json.dumps(contract.document)
    for name, schema in contract.schemas.items():
        check_keywords(report, schema, name)
        report.check(f'"{SCHEMAS}{name}"' in text, f"schema {name} is used nowhere")
        if schema.get("type") == "object" and "oneOf" not in schema:
            report.check("additionalProperties" in schema, f"schema {name} is open: additionalProperties")
        for where, inner in properties(schema, name):
            found = inner.get("description") or contract.resolve(inner).get("description")
            report.check(bool(found), f"{where} has no description")
    ids = [operation.id for operation in contract.operations]
    report.check(len(ids) == len(set(ids)), "an operationId is there twice")
    tags = {tag["name"] for tag in contract.document["tags"]}
    for operation in contract.operations:
        report.check(set(operation.spec["tags"]) <= tags, f"{operation.id} has an unknown tag")
    for kind in ("parameters", "headers", "responses"):
        for name in contract.document["components"].get(kind, {}):
            report.check(f'"#/components/{kind}/{name}"' in text, f"{kind}/{name} is used nowhere")


def main(tool):
    tables = json.loads(subprocess.run([tool], capture_output=True, check=True).stdout)
    contract, report = Contract(), Report()
    check_routes(report, contract, tables)
    check_headings(report, tables)
    check_codes(report, contract, tables)
    check_statuses(report, contract)
    check_objects(report, contract, tables)
    check_words(report, contract, tables)
    check_records(report, tables)
    check_schemas(report, contract)
    report.end()


if __name__ == "__main__":
    main(sys.argv[1])
