# SPDX-License-Identifier: Apache-2.0
"""A scenario over HTTP: the same commands posted to a backstopd of its own. What it answers, what
it publishes and what it shows must be what the engine said directly; and the digest it stores when
it stops must be the one that its log replays to."""
import time
from decimal import Decimal

import harness

BODY_ERRORS = {"invalid_json", "duplicate_key", "not_an_object", "empty_body"}
PATIENCE_S = 20
SETTINGS = {"capacity_dedupe_window": 4096, "capacity_transfer_window": 4096}  # as of the tool


class Differs(Exception):
    pass


def bodies(commands, outcomes):
    """Runs of commands for one NDJSON body each; what spoils a whole body travels alone."""
    run = []
    for command, outcome in zip(commands, outcomes):
        if outcome in BODY_ERRORS:
            if run:
                yield run
            yield [command]
            run = []
        else:
            run.append(command)
    if run:
        yield run


def post(server, commands):
    """The outcome of each command."""
    answer = server.post("/v1/commands", "\n".join(commands) + "\n",
                         content_type=harness.NDJSON)
    shown = answer.json
    if "rejected" not in shown:
        return [shown["code"]] * len(commands)
    outcomes = ["ok"] * len(commands)
    for row in shown["rejected"]:
        outcomes[row["index"]] = row["code"]
    if outcomes.count("ok") != shown["accepted"]:
        raise Differs(f"accepted {shown['accepted']} of {len(commands)}: {shown['rejected']}")
    return outcomes


def decided(action):
    """An action without what depends on the time of the run."""
    return {key: value for key, value in action.items() if key not in ("time", "cursor", "hash")}


def published(server, count):
    """All actions, once as many as expected are durable and so visible."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        actions = server.actions()
        if len(actions) >= count or time.monotonic() > deadline:
            return actions
        time.sleep(0.02)


def books(accounts):
    """Rows of accounts, as the tool or the API prints them, in a comparable form."""
    table = {}
    for row in accounts:
        inner = row.get("isolated", "")  # the tool: whose market; the API: a list of them
        if isinstance(inner, list):
            table |= books([part | {"isolated": part["market"]} for part in inner])
            inner = ""
        table[row["account"], inner] = (
            row["pool"],
            *(Decimal(row[key]) for key in ("collateral", "baseline", "equity", "gain")),
            [(held["market"], Decimal(held["size"]), Decimal(held["entry_value"]))
             for held in row["positions"]])
    return table


def compare(what, expected, actual):
    if expected != actual:
        pairs = [(a, b) for a, b in zip(expected, actual) if a != b] or [(expected, actual)]
        raise Differs(f"{what} differ, first:\n      directly  {pairs[0][0]}\n"
                      f"      over HTTP {pairs[0][1]}")


def run(scenario, tools, result):
    commands = [command for step in scenario.steps for command in step.commands]
    with harness.Server(settings=SETTINGS) as server:
        outcomes = []
        for body in bodies(commands, result.outcomes):
            outcomes += post(server, body)
        compare("outcomes", list(zip(commands, result.outcomes)), list(zip(commands, outcomes)))
        actions = published(server, len(result.actions))
        compare("numbers of actions", [len(result.actions)], [len(actions)])
        # A log begins with its identity and its capacities, which a bare engine has not.
        told = [{**action, "seq": action["seq"] - 2} for action in actions]
        compare("actions", list(map(decided, result.actions)), list(map(decided, told)))
        errors = harness.chain_errors(actions)
        if errors:
            raise Differs("; ".join(errors))
        compare("books", sorted(books(result.state["accounts"]).items()),
                sorted(books(server.pages("/v1/accounts")).items()))
        compare("providers", result.state["providers"], server.pages("/v1/providers"))
        server.stop()
        replayed = tools.read_log(server.data)
        compare("digests", [replayed["stored_digest"]], [replayed["digest"]])
        compare("replayed books", sorted(books(result.state["accounts"]).items()),
                sorted(books(replayed["accounts"]).items()))


def use(backstopd):
    """Tells the harness which daemon to start."""
    harness.binary = lambda: backstopd

