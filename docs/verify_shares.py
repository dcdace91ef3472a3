# SPDX-License-Identifier: Apache-2.0
"""The shares of verify.py: the part that each account had to bear, and why it was its turn. Places
in a queue, lots that were split, haircuts, and what was taken back of a close.

Each check takes the pool of verify.py and an action.
"""
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from fractions import Fraction

PRIORITY_NONE = 2**32 - 1  # of an account without a priority: it comes last
TERM_MAX = 2**63  # equity and maintenance count up to it in a score


@dataclass
class Round:
    """A loss that is divided: its shares come in the order of accounts."""
    key: list
    left: int
    prefix: int = 0
    account: bytes = b""
    is_shared: bool = False  # each share is an action, so that they must add up


@dataclass
class State:
    """What is remembered of the actions of a pool."""
    round: Round | None = None
    closed: dict | None = None  # the last close of a debtor
    split: tuple | None = None  # amount, total and end of the last share of lots
    queues: dict = field(default_factory=lambda: defaultdict(dict))  # rank -> place, queue
    closes: dict = field(default_factory=dict)  # id -> the debtor's side, the other side
    undone: Counter = field(default_factory=Counter)  # id -> size taken back
    backs: list = field(default_factory=list)  # of a side taken back: size and value of each


def ceil(exact):
    return -(-exact // 1)


def liquidation(pool, action):
    state = pool.shares
    leg = ("settlement", "account", "margin", "market")
    if not state.closed or any(state.closed.get(name) != action.get(name) for name in leg):
        state.split = None
    state.closed = action
    state.closes[action["id"]] = action, None
    if action["counterparty"] is not None:
        state.closes[action["id"] + 1] = action, None


def assignment(pool, action):
    pool.shares.closes[action["id"]] = pool.shares.closed, action


# ---- the queue ----


def queue(pool, action):
    is_pooled = action["counterparty"] is None
    pool.shares.closes[action["id"]] = (action if is_pooled else pool.shares.closed), action
    in_profit = pool.quanta(action["queue"]["profit"]) > 0
    pool.check("tier", action["queue"]["tier"] % 2 == (0 if in_profit else 1))
    pool.check("order or share", ("rank" in action) != ("share" in action))
    if action["market"] not in pool.markets:
        return
    if "rank" in action:
        place(pool, action)
    else:
        lots(pool, action)


def profit_leverage(it):
    if it["profit"] > 0:
        return Fraction(it["profit"] * it["notional"], it["entry"] * it["equity"])
    return Fraction(it["profit"] * it["equity"], it["entry"] * max(1, it["notional"]))


def profit_equity(it):
    return Fraction(it["profit"], it["equity"])


def margin_profit(it):
    if it["profit"] <= 0 or not it["is_solvent"]:
        return Fraction(0)
    return Fraction(it["profit"] * it["maintenance"], it["wallet"] * it["equity"])


def price_leverage(it):
    if it["profit"] <= 0:
        return Fraction(0)
    grown = (Fraction(it["notional"], it["entry"]) if it["grows"] else
             Fraction(it["entry"], max(1, it["notional"])))
    return grown * Fraction(it["notional"], it["equity"])


# The rankings whose score follows from its inputs.
SCORES = {
    "profit_leverage": profit_leverage,
    "profit_equity": profit_equity,
    "margin_profit": margin_profit,
    "price_leverage": price_leverage,
}


def inputs(pool, action):
    """What a score is made of, in quanta, bounded as the server bounds it."""
    told = {name: pool.quanta(action["queue"].get(name, "0"))
            for name in ("profit", "entry_value", "notional", "equity", "wallet", "maintenance")}
    return {
        "profit": told["profit"],
        "notional": told["notional"],
        "entry": max(1, abs(told["entry_value"])),
        "equity": max(1, min(told["equity"], TERM_MAX)),
        "is_solvent": told["equity"] > 0,
        "wallet": max(1, min(told["wallet"], TERM_MAX)),
        "maintenance": min(told["maintenance"], TERM_MAX),
        "grows": pool.sign(action) > 0,  # whether the value grows with the price
    }


@dataclass
class Order:
    """Higher scores come first; of priorities the lower ones."""
    turn: int  # -1 for priorities

    def of(self, row, member="score"):
        return self.turn * Fraction(row.get(member, PRIORITY_NONE))


def place(pool, action):
    """The score follows from its inputs, and the place in the list from tier, score and id."""
    is_priority = action["ranking"] == "priority"
    order = Order(-1 if is_priority else 1)
    shown = order.of(action)
    score = SCORES.get(action["ranking"])
    exact = score(inputs(pool, action)) if score else shown
    pool.check("score", shown == (exact if is_priority else pool.shown(exact)))
    own = (action["queue"]["tier"], -exact, action["account"].encode(), action.get("margin", ""))
    listed = pool.shares.queues[action["settlement"], action["market"], action["side"]]
    rank, told = action["rank"], (own, action["queue"])
    pool.check("rank",
               listed.setdefault(rank, told) == told and 1 <= rank <= action["queue"]["of"])
    neighbour(pool, action, order, listed.get(rank - 1), own, "ahead", "behind")
    neighbour(pool, action, order, listed.get(rank + 1), own, "behind", "ahead")


def neighbour(pool, action, order, listed, own, side, other_side):
    """The account ahead or behind; `listed`: its own place and queue, if it was closed too."""
    told, rank, is_ahead = action["queue"], action["rank"], side == "ahead"
    has_one = rank > 1 if is_ahead else rank < told["of"]
    pool.check("neighbour", (side in told) == has_one)
    if side in told:
        score = told[side + "_tier"], -order.of(told, side + "_score")
        mine = told["tier"], -order.of(action)
        pool.check("order by score", score == mine or (score < mine) == is_ahead)
    if listed:
        theirs, their_queue = listed
        pool.check("order of ranks", (
            (theirs < own) == is_ahead
            and their_queue[other_side].encode() == own[2]
            and told[side].encode() == theirs[2]
            and (their_queue["digest"], their_queue["of"]) == (told["digest"], told["of"])))


# ---- lots ----


def lots(pool, action):
    """X lots by size: floor(X (P + q) / T) - floor(X P / T). Or down to one leverage: S lots stay,
    of the q of each ceil(S (P + e) / E) - ceil(S P / E)."""
    state, share = pool.shares, action["share"]
    by_size = action["ranking"] == "pro_rata"
    lot = Fraction(pool.markets[action["market"]]["lot_size"])
    amount, total, before, weight = (
        Fraction(share[name]) for name in ("amount", "total", "prefix", "weight"))
    held, closed = (Fraction(action[name]) / lot for name in ("size_before", "size_closed"))
    past, start = amount / lot * (before + weight) / total, amount / lot * before / total
    due = past // 1 - start // 1 if by_size else held - (ceil(past) - ceil(start))
    is_pooled = action["counterparty"] is None  # the share is of the first round
    fits = (is_pooled or closed <= due) and 0 < weight <= total - before
    if by_size:
        fits = fits and weight == held * lot
        if not is_pooled and not continues_split(state.split, share):
            fits = fits and amount == min(Fraction(state.closed["size_before"]), total)
    if is_pooled:
        key = action["queue"]["tier"], amount / lot, total
        fits = fits and before >= pool.side.rounds.get(key, 0)
        pool.side.rounds[key] = before + weight
        pool.side.by_size = pool.side.by_size and by_size and closed == due
    state.split = share["amount"], share["total"], before + weight
    pool.check("lots split", fits)
    pool.skip("what bounded closes of a split below their share", closed < due)
    pool.skip("lots that others could not bear, in later rounds of a split", closed > due)


def continues_split(split, share):
    return (split is not None and split[:2] == (share["amount"], share["total"])
            and Fraction(share["prefix"]) >= split[2])


# ---- haircuts ----


def haircut(pool, action):
    """Of a loss L the share of a gain g is floor(L (P + g) / G) - floor(L P / G). When some reach
    their cap they pay it, without a prefix, and the others share the rest. A window settles
    differences: what it has taken before is a part of the share."""
    loss, total, gain, amount = (
        pool.quanta(action[name]) for name in ("loss", "gains_total", "gain", "amount"))
    weight = pool.quanta(action.get("weight", action["gain"]))
    before, taken = (pool.quanta(action.get(name, "0")) for name in ("prefix", "taken"))
    now = pool.shares.round = pool.shares.round or Round(round_key(action), loss)
    is_refund, has_prefix = action["type"] == "refund", "prefix" in action
    borne = amount if is_refund else amount + taken
    if has_prefix:
        share = loss * (before + weight) // total - loss * before // total
        fits = borne == share and now.prefix <= before and before + weight <= total
    else:
        fits = loss * weight >= borne * total and not now.is_shared
    most = min(taken if is_refund else gain, loss)
    pool.check("haircut", fits and 0 < amount and borne <= most and 0 < weight <= total)
    now.prefix, now.left, now.account = before + weight, now.left - amount, account_of(action)
    now.is_shared = has_prefix and (is_refund or "taken" not in action)


def account_of(action):
    return action["account"].encode()


def round_key(action):
    return [action.get(name)
            for name in ("settlement", "type", "side", "age", "loss", "gains_total")]


def follow_round(pool, action):
    """Ends the round unless the action continues it."""
    now = pool.shares.round
    if now and (now.key != round_key(action) or now.left == 0
                or account_of(action) < now.account):
        end_round(pool)


def end_round(pool):
    now, pool.shares.round = pool.shares.round, None
    if now:
        pool.check("sum of a round", not now.is_shared or now.left == 0)


# ---- reversals ----


def reversal(pool, action):
    """Of each number x of the close the next r of Q lots, after R, bring floor(x (R + r) / Q) -
    floor(x R / Q)."""
    close, other = pool.shares.closes.get(action["reverses"], (None, None))
    if not close or action["market"] not in pool.markets:
        pool.skip("what was taken back of closes before this dump, or in markets that are gone")
        return
    own, is_given = other or close, "size_taken" in action
    if close["counterparty"] is None:
        back_of_side(pool, action, close, other is not None)
        return
    turn = 1 if own is close or is_given else -1  # -1: the side of a counterparty
    size = -Fraction(action["size_taken" if is_given else "size_closed"])
    received, at_mark, entry = parts(pool, action, close, own, turn, size)
    members = ("account", "market", "margin", "counterparty", "side")
    value = -pool.quanta(action["value"])
    pool.check("what is taken back", (
        turn * pool.sign(close) * value == turn * received
        and all(action.get(name) == own.get(name) for name in members)))
    after = Fraction(action["size_before"]) + (-size if is_given else size)
    pool.check("price and size taken back", (
        Fraction(action["price"]) == pool.price(action, size, value)
        and after == Fraction(action["size_after"])))
    if not is_given:
        cost, slack = pool.quanta(action["cost_to_mark"]), 0 if pool.is_linear(action) else 1
        pool.check("profit taken back", (
            pool.quanta(action["realized_pnl"]) == entry - turn * received
            and abs(turn * (received - at_mark) - cost) <= slack))
    pool.shares.undone[action["reverses"]] += size


def back_of_side(pool, action, own, is_counterparty):
    """The lots of a side's counterparty go back to some of its debtors, the value by these lots."""
    size, value = -Fraction(action["size_closed"]), -pool.quanta(action["value"])
    whole, back = Fraction(own["size_closed"]), pool.shares.undone[action["reverses"]]
    sign = pool.sign(own)
    pool.check("size taken back", 0 < size <= whole - back)

    def part(amount):
        return amount * (back + size) / whole // 1 - amount * back / whole // 1
    if is_counterparty:
        backs, pool.shares.backs = pool.shares.backs, []
        given, before = part(-sign * pool.quanta(own["value"])), 0
        fits = sum(row[0] for row in backs) == size
        for lots, received in backs:
            fits = fits and received == given * (before + lots) // size - given * before // size
            before += lots
        pool.check("what a side gets back", fits and sign * value == -given)
    else:
        pool.shares.backs.append((size, sign * value))
    entry = part(sign * pool.quanta(own["value"]) - pool.quanta(own["realized_pnl"]))
    at_mark, slack = part(sign * pool.at_mark(own, whole)), 0 if pool.is_linear(action) else 1
    members = ("account", "market", "margin", "counterparty", "side")
    pool.check("what is taken back", all(action.get(name) == own.get(name) for name in members))
    pool.check("price and size taken back", (
        Fraction(action["price"]) == pool.price(action, size, value)
        and Fraction(action["size_before"]) + size == Fraction(action["size_after"])))
    pool.check("profit taken back", (
        pool.quanta(action["realized_pnl"]) == entry - sign * value
        and abs(sign * value - at_mark - pool.quanta(action["cost_to_mark"])) <= slack))
    pool.shares.undone[action["reverses"]] += size


def parts(pool, action, close, own, turn, size):
    """The parts of what the debtor received, of its value at mark, and of the entry of `own`."""
    whole, back = Fraction(close["size_closed"]), pool.shares.undone[action["reverses"]]
    pool.check("size taken back", 0 < size <= whole - back)
    received = pool.sign(close) * pool.quanta(close["value"])
    at_mark = pool.sign(close) * pool.at_mark(close, whole)
    entry = turn * received - pool.quanta(own["realized_pnl"])
    return [x * (back + size) / whole // 1 - x * back / whole // 1
            for x in (received, at_mark, entry)]
