# SPDX-License-Identifier: Apache-2.0
"""The oracle's view of what the venue tells about its own liquidations."""
from dataclasses import dataclass
from fractions import Fraction

from oracle_ledger import Account, Market, Position, check, decimal_text, trade, visible
from oracle_pooled import PooledClose, PooledVenue


@dataclass
class Close:
    """One piece of a close, as long as it can be taken back. Pairs: closed side, counterparty."""
    accounts: tuple[Account, Account]
    market: Market
    lots: int
    sign: int  # of the closed position
    value: int
    mark_value: int
    taken: tuple
    priorities: tuple
    entries: tuple = (0, 0)
    first_action: int = 0
    reversed: int = 0
    assigned: bool = False  # the other side took it over
    set_anew: bool = False

    def replaced(self, account, market):
        sides = [side.id for side in self.accounts]
        if account.id in sides and market in (None, self.market.id):
            self.set_anew = True

    def part(self, amount, lots):
        return (amount * (self.reversed + lots) // self.lots
                - amount * self.reversed // self.lots)


class Memory:
    """The part of a Settlement that remembers its closes."""

    def before_close(self, leg, account, lots, amount):
        pair = leg.account, account
        held = [side.positions[leg.market.id] for side in pair]
        sign = 1 if held[0].size > 0 else -1
        return Close(pair, leg.market, lots, sign, amount, leg.market.released(held[0].size, lots),
                     tuple(p.taken * lots // abs(p.size) for p in held),
                     tuple(p.priority for p in held))

    def after_close(self, close, entries):
        close.entries, last = entries, self.pool.last_action
        close.first_action = last - 1
        self.pool.closes[last - 1] = self.pool.closes[last] = close


def put_back(account, market, lots, entry, taken, priority):
    """As if it had never been closed: opposite lots close against each other."""
    held = account.positions.get(market.id)
    if held is None:
        account.positions[market.id] = Position(lots, entry, priority, taken)
        return
    back = Position(lots, entry, None, taken)
    if held.size * lots < 0:
        both = min(abs(held.size), abs(lots))
        for leg in (held, back):
            gone = leg.entry * both // abs(leg.size)
            leg.taken -= leg.taken * both // abs(leg.size)
            leg.entry -= gone
            leg.size -= both if leg.size > 0 else -both
            account.collateral -= gone
    if held.size == 0:
        held.priority = None  # what comes back is another position than the one that was closed by it
    held.size, held.entry = held.size + back.size, held.entry + back.entry
    held.taken += back.taken
    if held.size == 0:
        del account.positions[market.id]


class Venue(PooledVenue):
    """The part of the Oracle that takes what only the venue knows."""

    def set_trigger(self, pool, command):
        pool.trigger = command.get("trigger", "equity")
        if pool.trigger == "equity":
            for account in pool.accounts.values():
                account.handed_over = False

    def on_handover(self, command, now):
        pool, account = self.account_of(command)
        check(account is not pool.backstop, "reserved_id")
        check(pool.trigger == "handover", "no_handovers")
        if "market" in command:
            account = self.isolated_of(command, pool, account)
        account.handed_over = True

    def set_anew(self, pool, account, market=None):
        """An absolute update of a side: what it holds no longer follows from the close."""
        for close in pool.closes.values():
            close.replaced(account, None if market is None else market.id)

    def on_unfilled(self, command, now):
        """The venue could not apply so much of a close: both sides get it back, same value."""
        pool = self.pool_of(command)
        action = command["action"]
        check(1 <= action <= pool.last_action, "unknown_action")
        check(action in pool.closes, "not_a_close")
        close = pool.closes[action]
        is_pooled = isinstance(close, PooledClose)
        check(not (close.own if is_pooled else close).set_anew, "set_anew")
        check(not pool.markets[close.market.id].settled, "market_settled")  # it may be defined again
        size = Fraction(command["size"]) / close.market.lot
        check(size.denominator == 1, "size_not_on_lot")
        check(size > 0, "invalid_value")
        check(size <= close.lots - close.reversed, "more_than_closed")
        if is_pooled:
            return self.unfilled_pooled(pool, close, size.numerator, put_back)
        actions = [self.take_back(pool, close, size.numerator, 0),
                   self.give_back(pool, close, size.numerator) if close.assigned
                   else self.take_back(pool, close, size.numerator, 1)]
        close.accounts[0].baseline -= (close.part(close.value, size.numerator)
                                       - close.part(close.mark_value, size.numerator))
        close.reversed += size.numerator
        pool.excluded.add((close.accounts[0].id, close.accounts[1].id, close.market.id))
        if pool.trigger == "handover" and close.accounts[0] is not pool.backstop:
            close.accounts[0].handed_over = True
        return actions

    def give_back(self, pool, close, lots):
        """A provider's side: a trade the other way, at the same value."""
        account, market, sign = close.accounts[1], close.market, close.sign
        value, at_mark = close.part(close.value, lots), close.part(close.mark_value, lots)
        before = sign * account.positions[market.id].size if market.id in account.positions else 0
        cash = account.collateral
        trade(account, market, -sign * lots, -value)
        account.baseline += value - at_mark
        return pool.publish(
            "reversal", account, market=market.id, counterparty=visible(close.accounts[0]),
            reverses=close.first_action + 1, side="long" if sign > 0 else "short",
            size_taken=decimal_text(-lots * market.lot),
            size_before=decimal_text(before * market.lot),
            size_after=decimal_text((before - lots) * market.lot),
            price=market.price(market.shown(sign, value), lots),
            value=pool.money(-market.shown(sign, value)),
            realized_pnl=pool.money(account.collateral - cash),
            cost_to_mark=pool.money(at_mark - value))

    def take_back(self, pool, close, lots, side):
        account, market = close.accounts[side], close.market
        sign = close.sign if side == 0 else -close.sign
        received = close.part(close.value, lots) * (1 if side == 0 else -1)
        at_mark = close.part(close.mark_value, lots) * (1 if side == 0 else -1)
        entry = close.part(close.entries[side], lots)
        held = account.positions.get(market.id)
        before = sign * held.size if held else 0
        account.collateral -= received - entry
        put_back(account, market, sign * lots, entry, close.part(close.taken[side], lots),
                 close.priorities[side])
        return pool.publish(
            "reversal", account, market=market.id, counterparty=visible(close.accounts[1 - side]),
            reverses=close.first_action + side, side="long" if sign > 0 else "short",
            size_closed=decimal_text(-lots * market.lot),
            size_before=decimal_text(before * market.lot),
            size_after=decimal_text((before + lots) * market.lot),
            price=market.price(market.shown(sign, received), lots),
            value=pool.money(-market.shown(sign, received)),
            realized_pnl=pool.money(entry - received),
            cost_to_mark=pool.money(received - at_mark))
