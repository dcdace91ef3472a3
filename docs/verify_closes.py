# SPDX-License-Identifier: Apache-2.0
"""The closes and debts of verify.py: sizes, prices and profits, the legs of a debt, the two sides
of a close, and who bore what. verify_sides.py has the sides whose debtors are closed together.

Each check takes the pool of verify.py and an action.
"""
from dataclasses import dataclass, field
from fractions import Fraction

import verify_sides as sides

PPM = 10**6


def ceil(exact):
    return -(-exact // 1)


@dataclass
class Debt:
    """What an account owed in a settlement, who bore it, and how its legs divided it."""
    owed: int
    paid: int | None = None  # by the fund, as the actions say; None: none has said it yet
    drawn: int = 0
    borne: int = 0
    amount: int = 0  # what was owed when the first leg was closed
    total: int = 0  # weight of all legs
    begun: int | None = None  # borne before the first leg; None: no leg was closed
    end: int = 0  # weights up to the last leg closed
    last: int = 0  # weight of that leg
    markets: set = field(default_factory=set)
    weights: int = 0  # of all legs seen
    basis: int | None = 0  # of the weights: maintenance, value or lots; None: not known


def debt_of(pool, action):
    """The debt that the action gives as its reason. An isolated position has its own."""
    who = action["settlement"], action["account"], action["market"] if "margin" in action else ""
    return pool.debts.setdefault(who, Debt(pool.quanta(action["reason"]["deficit"])))


# ---- closes ----


def in_known_market(check):
    """A check that needs the lot and the multiplier of the market."""
    def checked(pool, action):
        if action["market"] in pool.markets:
            check(pool, action)
    return checked


@in_known_market
def close(pool, action):
    """The checks that every close must pass."""
    size, value = Fraction(action["size_closed"]), pool.quanta(action["value"])
    before, after = Fraction(action["size_before"]), Fraction(action["size_after"])
    pool.check("size", size > 0 and after >= 0 and before - size == after)
    pool.check("price", Fraction(action["price"]) == pool.price(action, size, value))
    cost = pool.sign(action) * (pool.at_mark(action, size) - value)
    pool.check("cost to mark", pool.quanta(action["cost_to_mark"]) == cost)
    place, mark = (action["settlement"], action["market"]), Fraction(action["mark_price"])
    pool.check("one mark", pool.marks.setdefault(place, mark) == mark)
    profit(pool, action, size, value)
    if not pool.is_linear(action):
        pool.sums[action["settlement"]]["dust"] += 1  # rounded at each close


def profit(pool, action, size, value):
    """The profit is value less entry; the entry price shown has 12 digits of it."""
    notional, price = pool.notional(action, size), Fraction(action["entry_price"])
    if pool.is_linear(action):
        entry = notional * price
    else:
        entry = notional / price if price else 0
    told = value - pool.sign(action) * pool.quanta(action["realized_pnl"])
    pool.check("profit", abs(told - entry) <= abs(entry) / 10**11 + 2)


def final_close(pool, action):
    """An action without a size is what rounding left over."""
    if "size_closed" in action:
        close(pool, action)


@in_known_market
def liquidation(pool, action):
    """After P of its Q lots a leg of value V has received ceil(V P / Q), or less where the
    principal of a counterparty is protected. A close against a provider is its own leg."""
    is_priced = "leg_value" in action
    who = (*map(action.get, ("settlement", "account", "margin", "market")),
           None if is_priced else action["id"])
    total = pool.sign(action) * pool.quanta(action["leg_value" if is_priced else "value"])
    size = Fraction(action["size_closed"])
    if "share" in action:
        leg(pool, action, who not in pool.legs, total)
    else:
        weigh(pool, action)
    size_whole = Fraction(action["size_before"]) if is_priced else size
    size_whole, done, value = pool.legs.setdefault(who, (size_whole, 0, total))
    piece = ceil(total * (done + size) / size_whole) - ceil(total * done / size_whole)
    pool.closed = action
    pool.shortfall = piece - pool.sign(action) * pool.quanta(action["value"])
    pool.check("piece of a close",
               total == value and done + size <= size_whole and pool.shortfall >= 0)
    pool.legs[who] = size_whole, done + size, value
    if action["counterparty"] is None:
        sides.reach(pool, action, piece)


def leg(pool, action, begins, value):
    """With D the debt, W the weight of all legs and P that of the legs before, a leg closes for its
    value at mark + ceil(D (P + w) / W), less what the legs before it could place; one that pays to
    be closed brings no more than 0."""
    amount, total, before, weight = (
        pool.quanta(action["share"][name]) for name in ("amount", "total", "prefix", "weight"))
    debt, slack = debt_of(pool, action), pool.sums[action["settlement"]]["dust"]
    if debt.begun is None:
        debt.amount, debt.total, debt.begun = amount, total, debt.borne
        fits = amount == 0 or abs(debt.owed - debt.borne - amount) <= slack
        pool.check("debt of the legs", fits)
    fits = (amount, total) == (debt.amount, debt.total) and 0 <= weight <= total - before
    if begins:
        due = pool.sign(action) * pool.at_mark(action, action["size_before"])
        due += ceil(Fraction(amount * (before + weight), total))
        due -= debt.borne - debt.begun if amount > 0 else 0
        due = due if pool.sign(action) > 0 else min(0, due)
        fits = fits and before >= debt.end and abs(value - due) <= slack
    else:
        fits = fits and (before + weight, weight) == (debt.end, debt.last)
    pool.check("leg", fits)
    debt.end, debt.last = before + weight, weight
    weigh(pool, action, weight)


def weigh(pool, action, told=None):
    """A leg weighs its maintenance margin; where no leg has one, its value at mark; where all are
    worth 0, its lots. `told`: the weight that the action shows."""
    debt, market = debt_of(pool, action), pool.markets[action["market"]]
    if debt.begun is None or action["market"] in debt.markets:
        return
    at_mark = pool.at_mark(action, action["size_before"])
    ways = [ceil(at_mark * market["maintenance_margin_ppm"] / PPM), at_mark,
            Fraction(action["size_before"]) / Fraction(market["lot_size"])]
    if told not in (None, ways[0]):
        debt.basis = ways.index(told) if ways[0] == 0 and told in ways else None
        if debt.basis is None:
            pool.skip("weights that are not by today's maintenance margin")
    debt.markets.add(action["market"])
    debt.weights += ways[debt.basis] if debt.basis is not None else 0


@in_known_market
def takeover(pool, action):
    pool.check("by the fund", action["counterparty"] == pool.fund)
    pool.check("order of debtors", sides.may_be_left(pool, action))
    weigh(pool, action)


def pair(pool, action, other, is_taken=False):
    """Both sides are closed; or (`is_taken`) a provider takes the position over."""
    equal = ("market", "value", "price", "mark_price", "settlement", "reason")
    size = "size_taken" if is_taken else "size_closed"
    pool.check("other side of a close", (
        all(action.get(name) == other.get(name) for name in equal)
        and action["id"] == other["id"] + 1
        and action["account"] == other["counterparty"]
        and action["counterparty"] == other["account"]
        and (action["side"] == other["side"]) == is_taken
        and action[size] == other["size_closed"]
        and pool.quanta(action["cost_to_mark"]) == -pool.quanta(other["cost_to_mark"])))


@in_known_market
def netting(pool, action):
    """Two debtors: the long, then the short."""
    if pool.netted:
        pair(pool, action, pool.netted)
        pool.netted = None
    else:
        pool.netted = action


@in_known_market
def counterparty(pool, action):
    if action["counterparty"] is None:
        sides.bear(pool, action)
        return
    pair(pool, action, pool.closed)
    is_protected = pool.shortfall != 0
    pool.check("protected principal",
               not is_protected or pool.quanta(action["realized_pnl"]) == 0)


@in_known_market
def provider(pool, action):
    """Sizes count along the side that is taken over."""
    pair(pool, action, pool.closed, is_taken=True)
    before, taken = Fraction(action["size_before"]), Fraction(action["size_taken"])
    pool.check("size", before + taken == Fraction(action["size_after"]))


# ---- who bore what ----


def is_insured_later(pool, action):
    """Whether today's waterfall has the layer of the close, and the fund after it."""
    layers = [layer["layer"] for layer in pool.row["waterfall"]]
    own = "adl" if action["counterparty"] is None else "assign"
    return own in layers and "insurance" in layers[layers.index(own):]


def paid_fits(pool, action, debt, reason):
    """All reasons name the same; closes before the fund was asked name the deficit alone. It is
    asked by all debtors together, so that no such close comes after one that names more."""
    is_owed = pool.quanta(reason["deficit"]) == debt.owed
    if "fund_paid" not in reason:
        may_be_early = "leg_value" not in action or action["counterparty"] is None
        pool.skip("closes before the fund, by another waterfall than today's",
                  not is_insured_later(pool, action))
        return (action["type"] == "liquidation_close" and may_be_early
                and action["settlement"] not in pool.asked
                and action["account"] != pool.fund and list(reason) == ["deficit"] and is_owed)
    pool.asked.add(action["settlement"])
    paid, residual = pool.quanta(reason["fund_paid"]), pool.quanta(reason["residual"])
    debt.paid = paid if debt.paid is None else debt.paid
    return is_owed and (paid, residual) == (debt.paid, debt.owed - paid)


def bear(pool, action, drawn=0, borne=0):
    """The action is about the debt that it gives as its reason, if it gives one."""
    reason = action.get("reason")
    if not isinstance(reason, dict):
        return
    debt = debt_of(pool, action)
    pool.check("reason", paid_fits(pool, action, debt, reason))
    debt.drawn += drawn
    debt.borne += borne
    if "value" in action and action["market"] not in pool.markets:
        debt.basis = None


def bear_cost(pool, action):
    """A close takes off the debt what it gains against the mark."""
    bear(pool, action, borne=-pool.quanta(action["cost_to_mark"]))


def draw(pool, action):
    """Out of the insurance fund, or out of the own fund of a market."""
    bear(pool, action, drawn=pool.amount, borne=pool.amount)
    if action["account"] == pool.fund:
        move(pool, loss=-pool.amount)


def write_off(pool, action):
    bear(pool, action, borne=pool.amount)
    move(pool, loss=pool.amount)


def unallocated(pool, action):
    bear(pool, action)
    move(pool, loss=-pool.amount, unallocated=pool.amount)


def credit(pool, action):
    move(pool, unallocated=-pool.amount)


def cut(pool, action):
    move(pool, loss=-pool.amount)


def give_back(pool, action):
    """Others pay it in the same division of a window."""
    move(pool, loss=pool.amount)


def restitution(pool, action):
    if action["account"] == pool.fund:
        move(pool, loss=-pool.amount)


def move(pool, loss=0, unallocated=0):
    pool.ledger["loss"] += loss
    pool.ledger["unallocated"] += unallocated
    pool.check("open losses", pool.first > 1 or min(pool.ledger.values()) >= 0)
