# SPDX-License-Identifier: Apache-2.0
"""The sides of verify.py: the debtors of a market side who are closed together, under a ranking
that splits lots, and the counterparties who bear it.

Each check takes the pool of verify.py and an action.
"""
from dataclasses import dataclass, field
from fractions import Fraction


def ceil(exact):
    return -(-exact // 1)


@dataclass
class Side:
    """A market side whose debtors were closed together: what they are due, what is borne of it."""
    key: tuple
    debtors: list = field(default_factory=list)  # lots, due, received, above the value at mark
    placed: int = 0  # of the debtors
    due: int = 0
    price: tuple | None = None  # N and D
    given: int = 0  # of the counterparties
    borne: int = 0
    rounds: dict = field(default_factory=dict)  # (tier, amount, total) -> weights up to the last
    last: tuple | None = None  # the turn of the debtor reached last
    is_closed: bool = False  # whether all that it held was closed
    by_size: bool = True  # every share is of lots by size, and was closed in full


def side_of(pool, action, side):
    key = action["settlement"], action["market"], side
    return pool.side if pool.side and pool.side.key == key else None


def lots_of(pool, action, member):
    return int(Fraction(action[member]) / Fraction(pool.markets[action["market"]]["lot_size"]))


def turn_of(pool, action):
    """Debtors are reached in this order."""
    isolated = action["market"] if "margin" in action else ""
    return pool.quanta(action["reason"]["deficit"]), action["account"].encode(), isolated.encode()


def may_be_left(pool, action):
    """A position that nobody took: of no debtor before one that was reached in the same side."""
    reached = pool.reached.get((action["settlement"], action["market"], action["side"]))
    return reached is None or turn_of(pool, action) >= reached


def reach(pool, action, due):
    """A debtor of a side; the first one begins it. Smaller deficits come first, and only the last
    debtor of a side may be closed in part."""
    side = side_of(pool, action, action["side"])
    if side is None or side.given > 0:
        end(pool)
        side = pool.side = Side((action["settlement"], action["market"], action["side"]))
    turn = turn_of(pool, action)
    pool.check("order of debtors", side.last is None or (side.last < turn and side.is_closed))
    side.last, side.is_closed = turn, Fraction(action["size_after"]) == 0
    if action["account"] != pool.fund:
        pool.reached[side.key] = turn
    received = pool.sign(action) * pool.quanta(action["value"])
    at_mark = pool.sign(action) * pool.at_mark(action, action["size_closed"])
    lots = lots_of(pool, action, "size_closed")
    side.debtors.append((lots, due, received, max(0, due - at_mark)))
    side.placed += lots
    side.due += due


def bear(pool, action):
    """With N/D the price, at most W/X, a counterparty gives ceil(N (P + q) / D) - ceil(N P / D);
    where its principal is protected at most what leaves it a profit of 0."""
    side = side_of(pool, action, "short" if action["side"] == "long" else "long")
    lots, sign = lots_of(pool, action, "size_closed"), -pool.sign(action)
    value, of = sign * pool.quanta(action["leg_value"]), lots_of(pool, action, "leg_size")
    pool.check("side of a close", side is not None and side.price in (None, (value, of)) and (
        (value, of) == (side.due, side.placed)
        or (of > side.placed and value * side.placed <= side.due * of)))
    side.price = value, of
    amount = sign * pool.quanta(action["value"])
    piece = ceil(Fraction(value * (side.given + lots), of)) - ceil(Fraction(value * side.given, of))
    is_protected = amount < piece and pool.quanta(action["realized_pnl"]) == 0
    pool.check("piece of a side", amount == piece or is_protected)
    side.given += lots
    side.borne += amount
    pool.check("lots of a side", side.given <= side.placed)


def end(pool):
    """What is not borne the debtors go without, by what is above value at mark, or by lots."""
    side, pool.side = pool.side, None
    if side is None:
        return
    missing, before = side.due - side.borne, 0
    weights = [share for _, _, _, share in side.debtors]
    if not any(weights):
        weights = [lots for lots, _, _, _ in side.debtors]
    total, fits = sum(weights), side.given == side.placed and missing >= 0
    fits = fits and (not side.by_size or sum(amount for _, amount, _ in side.rounds) == side.placed)
    exact = pool.markets[side.key[1]]["contract"] == "linear"  # else what a value loses is rounded
    for (_, due, received, _), weight in zip(side.debtors, weights):
        without = missing * (before + weight) // total - missing * before // total
        fits = fits and (not exact or received == due - without)
        before += weight
    gone = sum(received for _, _, received, _ in side.debtors)
    pool.check("sum of a side", fits and gone == side.borne)
