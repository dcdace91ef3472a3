# SPDX-License-Identifier: Apache-2.0
"""The scenario language: lines of a .scn file to JSON commands, checks and back. See README.md."""
import datetime
import json
import re
from decimal import Decimal, InvalidOperation

START = "2025-10-10T21:16:04.831Z"
ALIASES = {
    "tick": "tick_size", "lot": "lot_size", "maintenance": "maintenance_margin_ppm",
    "max_move": "max_move_ppm", "age": "mark_max_age_ms", "priority": "adl_priority",
    "seen": "seen_action", "trade": "trade_id",
}
INTEGERS = {"decimals", "seniority", "mark_max_age_ms", "adl_priority", "seen_action", "max_move_span_ms"}
SWITCHES = {"confirm", "protect_principal", "restitution", "own_fund"}
MARGINS = {"isolated": {"margin": "isolated"}}
ACTION_ALIASES = {"vs": "counterparty", "pnl": "realized_pnl", "cost": "cost_to_mark",
                  "total": "gains_total", "deficit": "reason.deficit",
                  "fund_paid": "reason.fund_paid", "residual": "reason.residual"}
CLOSES = {"adl", "liquidation_close", "netting", "takeover", "reversal", "final_settlement",
          "assignment"}
SHOWN = {  # what --update writes for an action that has no line yet
    "adl": ("vs", "rank", "hits", "pnl", "cost"),
    "liquidation_close": ("vs", "cost"),
    "assignment": ("vs", "rank", "pnl", "cost"),
    "netting": ("vs",),
    "reversal": ("vs", "reverses", "pnl", "cost"),
    "final_settlement": ("pnl",),
    "haircut": ("age", "taken", "gain", "weight", "loss", "total", "prefix"),
    "refund": ("taken", "gain", "weight", "loss", "total", "prefix"),
    "window_opened": ("window",),
    "window_closed": ("window",),
}


class ScenarioError(Exception):
    def __init__(self, line, text):
        super().__init__(f"line {line}: {text}")


def parse_time(text):
    moment = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    span = moment.replace(tzinfo=datetime.timezone.utc) - datetime.datetime(
        1970, 1, 1, tzinfo=datetime.timezone.utc)
    return span // datetime.timedelta(milliseconds=1)


def value_of(key, text):
    if (key in INTEGERS or "_ppm" in key) and re.fullmatch(r"-?\d+", text):
        return int(text)
    if key in SWITCHES and text in ("on", "off"):
        return text == "on"
    return text.removeprefix("+")


def options(words):
    """key=value words and bare switches."""
    fields = {}
    for word in words:
        key, sign, text = word.partition("=")
        key = ALIASES.get(key, key)
        if word in MARGINS:
            fields |= MARGINS[word]
            continue
        fields[key] = value_of(key, text) if sign else True
    return fields


def placed(words, *names):
    """The first words under these names, the rest as options."""
    return dict(zip(names, (word.removeprefix("+") for word in words))), words[len(names):]


def leg(words):
    """MARKET SIZE [@PRICE] [key=value...]"""
    fields, rest = placed(words, "market", "size")
    if rest and rest[0].startswith("@"):
        fields["entry_price"] = rest.pop(0)[1:]
    return fields | options(rest)


def read_pool(words):
    head, *layers = " ".join(words).split("|")
    fields, rest = placed(head.split(), "pool", "asset", "decimals")
    fields["decimals"] = value_of("decimals", fields["decimals"])
    waterfall = []
    for layer in layers:
        kind, *more = layer.split()
        names = {"adl": ("ranking", "price"), "haircut": ("rule",)}.get(kind, ())
        bare = [word for word in more if "=" not in word]
        named = [word for word in more if "=" in word]
        waterfall.append({"layer": kind} | dict(zip(names, bare)) | options(named))
    defaults = {"mark_max_age_ms": 0, "period": "366d", "waterfall": waterfall}
    if any(word.startswith("waterfall=") for word in rest):
        del defaults["period"]  # a preset brings its own
    return {"type": "pool"} | fields | defaults | options(rest)


def read_market(words):
    fields, rest = placed(words, "market", "pool")
    defaults = {"contract": "linear", "tick_size": "0.01", "lot_size": "1", "multiplier": "1",
                "maintenance_margin_ppm": 50000}
    return {"type": "market"} | fields | defaults | options(rest)


def read_account(words):
    fields, rest = placed(words, "account", "pool", "collateral")
    if "holds" in rest:
        at = rest.index("holds")
        parts = [part.split() for part in " ".join(rest[at + 1:]).split(",")]
        fields["positions"] = [] if parts == [["nothing"]] else [leg(part) for part in parts]
        rest = rest[:at]
    return {"type": "account"} | fields | options(rest)


def read_position(words):
    return {"type": "position", "account": words[0]} | leg(words[1:])


def read_fill(words):
    fields = leg(words[1:])
    if "entry_price" in fields:
        fields["price"] = fields.pop("entry_price")
    return {"type": "fill", "account": words[0]} | fields


def read_transfer(words):
    fields, rest = placed(words, "account", "amount")
    if rest and "=" not in rest[0]:
        fields["kind"] = rest.pop(0)
    more = {"transfer_id" if key == "id" else key: v for key, v in options(rest).items()}
    return {"type": "transfer"} | fields | more


def read_mark(words):
    fields, rest = placed(words, "market", "price")
    return {"type": "mark"} | fields | options(rest)


def read_fund(words):
    fields, rest = placed(words, "pool", "amount")
    more = {"transfer_id" if key == "id" else key: v for key, v in options(rest).items()}
    return {"type": "insurance_fund"} | fields | more


def read_own_fund(words):
    fields, rest = placed(words, "market", "amount")
    more = {"transfer_id" if key == "id" else key: v for key, v in options(rest).items()}
    return {"type": "own_fund"} | fields | more


def read_named(kind):
    def read(words):
        reason = {"reason": " ".join(words[1:])} if words[1:] else {}
        return {"type": kind, "pool": words[0]} | reason
    return read


def read_provider(words):
    fields, rest = placed(words, "account", "market", "max_position")
    names = {"size": "max_size", "leverage": "max_leverage_ppm", "share": "quota_ppm"}
    more = (word.partition("=") for word in rest)
    return {"type": "provider"} | fields | {
        names.get(key, key): int(text) if key in ("leverage", "share", "priority") else text
        for key, _, text in more}


READERS = {
    "pool": read_pool, "market": read_market, "account": read_account, "position": read_position,
    "fill": read_fill, "transfer": read_transfer, "mark": read_mark, "fund": read_fund, "own_fund": read_own_fund,
    "settle": read_named("settle"), "close": read_named("close_period"),
    "resume": read_named("resume"), "pause": read_named("pause"),
    "unfilled": lambda words: {"type": "unfilled", "pool": words[0], "action": int(words[1]),
                               "size": words[2]},
    "final": lambda words: {"type": "final_settlement", "market": words[0], "price": words[1]},
    "open_window": lambda words: {"type": "open_window", "pool": words[0], "name": words[1]},
    "close_window": lambda words: {"type": "close_window", "pool": words[0], "name": words[1]},
    "provider": read_provider,
    "handover": lambda words: {"type": "handover", "account": words[0]} | options(words[1:]),
}


def command_of(text, line):
    """The JSON text of one command line."""
    word, *words = text.split()
    if word == "raw":
        return text.split(None, 1)[1]
    if word not in READERS:
        raise ScenarioError(line, f"no command is called {word}")
    try:
        return json.dumps(READERS[word](words), ensure_ascii=False)
    except (IndexError, KeyError, ValueError) as error:
        raise ScenarioError(line, f"cannot read: {text}") from error


class Step:
    """One event of a scenario. kind: "command" (one or, with each, many), "clock" or "check"."""

    def __init__(self, line, kind, text):
        self.line, self.kind, self.text = line, kind, text
        self.commands, self.expected, self.actions = [], "ok", []
        self.ms = None


class Scenario:
    def __init__(self, path):
        self.load(path, path.read_text(encoding="utf-8").splitlines())

    def load(self, path, lines):
        self.path, self.lines = path, lines
        self.now = parse_time(START)
        self.has_clock = False
        self.steps = []
        if not self.lines or not self.lines[0].startswith("# "):
            raise ScenarioError(1, "the first line is a comment that says the goal")
        for number, line in enumerate(self.lines, 1):
            if line.strip() and not line.lstrip().startswith("#"):
                self.read(number, line)

    def read(self, number, line):
        if line[0].isspace():
            if not self.steps or self.steps[-1].kind != "command":
                raise ScenarioError(number, "an action without its command")
            self.steps[-1].actions.append((number, line.strip()))
            return
        word = line.split()[0]
        if word == "clock":
            self.steps.append(self.read_clock(number, line))
        elif word == "check":
            self.steps.append(Step(number, "check", line))
        else:
            self.steps.append(self.read_command(number, line))

    def read_clock(self, number, line):
        step = Step(number, "clock", line)
        text = line.split()[1]
        self.has_clock = True
        span = re.fullmatch(r"\+(\d+)(ms|s|m|h|d)", text)
        units = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}
        self.now = self.now + int(span[1]) * units[span[2]] if span else parse_time(text)
        step.ms = self.now
        return step

    def read_command(self, number, line):
        text, arrow, outcome = line.rpartition("->")
        step = Step(number, "command", text.strip() if arrow else line)
        step.expected = outcome.strip() if arrow else "ok"
        many = re.fullmatch(r"each (\d+)\.\.(\d+) (.*)", step.text)
        if many:
            step.commands = [command_of(many[3].format(n=n), number)
                             for n in range(int(many[1]), int(many[2]) + 1)]
        else:
            step.commands = [command_of(step.text, number)]
        return step


def same(expected, actual):
    """Equal as numbers where both are numbers, else as text."""
    if actual is None:
        return False
    try:
        return Decimal(expected) == Decimal(str(actual))
    except InvalidOperation:
        return expected == str(actual)


def member(action, key):
    for name in ACTION_ALIASES.get(key, key).split("."):
        action = action.get(name) if isinstance(action, dict) else None
    return action


def action_words(text):
    """[(key, expected text)] of an action line."""
    kind, account, *words = text.split()
    rows = [("type", kind)] + ([] if account == "-" else [("account", account)])
    for word in words:
        key, sign, value = word.partition("=")
        if sign:
            rows.append((key, value))
        elif word.startswith("@"):
            rows.append(("price", word[1:]))
        elif re.fullmatch(r"[-+]?[\d.]+", word):
            size = "size_taken" if kind == "assignment" else "size_closed"
            rows.append((size if kind in CLOSES and " @" in text else "amount", word))
        else:
            rows.append(("market", word))
    return rows


def action_matches(text, action):
    return all(same(value, member(action, key)) for key, value in action_words(text))


def show(value):
    """A wire decimal as people write it in scenarios."""
    return "none" if value is None else str(value)


def action_text(action, like=None):
    """The line of an action, with the keys of the line `like` when that is of the same type."""
    kind = action["type"]
    words = [kind, action.get("account", "-")]
    if action.get("market"):
        words.append(action["market"])
    size = action.get("size_taken", action.get("size_closed"))
    if kind in CLOSES and size is not None:
        words += [size, "@" + action["price"]]
    elif "amount" in action:
        words.append(action["amount"])
    keys = SHOWN.get(kind, ())
    if like is not None and like.split()[0] == kind:
        placed_keys = ("type", "account", "market", "price", "size_closed", "size_taken", "amount")
        keys = [key for key, _ in action_words(like) if key not in placed_keys]
    words += [f"{key}={show(member(action, key))}" for key in keys
              if member(action, key) is not None]
    return " ".join(words)


class Ledger:
    """What checks look at: the state that the replay tool prints."""

    def __init__(self, state):
        self.pools = {row["pool"]: row for row in state["pools"]}
        self.providers = {f"{row['account']}@{row['market']}": row for row in state["providers"]}
        self.accounts = {row["account"] + ("@" + row["isolated"] if "isolated" in row else ""): row
                         for row in state["accounts"]}

    def total(self, pool):
        row = self.pools[pool]
        cash = -Decimal(row["period_loss"]) - Decimal(row["unallocated_deficit"])
        for account in self.accounts.values():
            if account["pool"] == pool:
                cash += Decimal(account["collateral"])
                cash -= sum(Decimal(held["entry_value"]) for held in account["positions"])
        return cash

    def open(self, market):
        return sum(Decimal(held["size"]) for account in self.accounts.values()
                   for held in account["positions"] if held["market"] == market)

    def of_pool(self, pool, key):
        if key == "fund":
            return self.accounts["backstop:" + pool]["collateral"]
        if key == "fund_equity":
            return self.accounts["backstop:" + pool]["equity"]
        names = {"loss": "period_loss", "unallocated": "unallocated_deficit"}
        return self.pools[pool].get(names.get(key, key))

    def of_provider(self, provider, key):
        names = {"long": "room_long", "short": "room_short", "used": "quota_used"}
        return self.providers.get(provider, {}).get(names.get(key, key))

    def of_account(self, account, key):
        row = self.accounts.get(account)
        if row is None:
            return None
        if key in row:
            return row[key]
        name, field = (key[6:], "entry_value") if key.startswith("entry.") else (key, "size")
        held = [position[field] for position in row["positions"] if position["market"] == name]
        return held[0] if held else "0"

    def fields(self, text):
        """[(key, expected, actual)] of a check line."""
        _, name, *words = text.split()
        if name in ("sum", "open"):
            actual = self.total(words[0]) if name == "sum" else self.open(words[0])
            return [(words[0], words[1], actual)]
        if name == "pool":
            name, words, look = words[0], words[1:], self.of_pool
        elif name == "provider":
            name, words, look = words[0], words[1:], self.of_provider
        else:
            look = self.of_account
        pairs = (word.partition("=") for word in words)
        return [(key, value, look(name, key)) for key, _, value in pairs]

    def text(self, text):
        """The check line with the actual values."""
        word, name, *rest = text.split()
        rows = self.fields(text)
        if name in ("sum", "open"):
            return f"{word} {name} {rest[0]} {rows[0][2]}"
        head = [word, name] + (rest[:1] if name in ("pool", "provider") else [])
        return " ".join(head + [f"{key}={show(actual)}" for key, _, actual in rows])
