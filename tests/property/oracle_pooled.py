# SPDX-License-Identifier: Apache-2.0
"""The oracle's pooled sides: under a split ranking the debtors of a market side are closed together
(docs/policies.md, Pooled sides).

Readings: (1) an insurance layer that covers what an account owes, also when that is 0, takes its positions over
at once; what is left after the last layer is written off and taken over account by account. (2) No debtor's own
price is below 0: V_d is bounded by itself. (3) A value at mark of lots is what the position loses of its value by
them. (4) Where V/Q and W/X are equal, N/D is V/Q. (5) The share of an adl is that of the first round that gave it
lots. (6) A counterparty that is apart from one of the debtors of a side is out of that side. One whose pooled close
was not applied is neither a counterparty of that side nor netted in that market in the next run; as a debtor, or
a provider, it is like any other. (7) The adl of a pooled side has no reason: it is for no one debt. (8) The value
of a pooled adl is what the debtors received, with that sign; parts go to the debtors in the order in which
they get lots, rounded in that order. (9) Closing order is by market id in the assign layer, too.
"""
from dataclasses import dataclass, field

from oracle_adl import SPLITS, Leg
from oracle_ledger import Account, Market, ceil_div, check, decimal_text, prefix_split


@dataclass
class Back:
    """Closed lots of one account that may be taken back: of a debtor, or of one counterparty."""
    account: Account
    market: Market
    lots: int
    sign: int  # of the closed position
    value: int  # what the debtors received
    mark_value: int
    entry: int
    taken: int
    priority: int | None
    action: int
    reversed: int = 0
    set_anew: bool = False

    def part(self, amount, lots):
        return amount * (self.reversed + lots) // self.lots - amount * self.reversed // self.lots


@dataclass
class PooledClose:
    """The adl of a pooled side, with the debtors that its lots go back to."""
    own: Back
    debtors: list = field(default_factory=list)  # in the order of detection; of all adls of the side
    assigned = False

    @property
    def lots(self):
        return self.own.lots

    @property
    def reversed(self):
        return self.own.reversed

    @property
    def accounts(self):
        return [self.debtors[0].account, self.own.account] + [back.account for back in self.debtors[1:]]

    @property
    def market(self):
        return self.own.market

    def replaced(self, account, market):
        for back in [self.own] + self.debtors:
            if back.account.id == account.id and market in (None, back.market.id):
                back.set_anew = True

    def goes_to(self, lots):
        """[(debtor, lots)]: the last one that was reached first."""
        found = []
        for debtor in reversed(self.debtors):
            some = min(lots, debtor.lots - debtor.reversed)
            if some:
                found.append((debtor, some))
                lots -= some
        return found


class Pooled:
    """The part of a Settlement that closes the debtors of a side together."""

    def is_pooled(self):
        return (self.pool.layer("adl") or {}).get("ranking") in SPLITS

    def waterfall_pooled(self, cases, held):
        """Every layer runs over all cases, in order, before the next."""
        for layer in self.pool.waterfall:
            if layer["layer"] == "adl":
                self.deleverage_pooled(cases, layer, layer.get("price", "bankruptcy"))
            for account in cases:
                if layer["layer"] == "insurance" and (account.positions or self.pool.equity(account) < 0):
                    if self.fund_covers(account, held[account.id]):
                        self.take_over_all(account)
                elif layer["layer"] == "assign":
                    self.assign(account)
        for account in cases:
            self.finish(account, held[account.id])

    def deleverage_pooled(self, cases, layer, price):
        """Markets by id, in each the debtors' long side first."""
        owed = {case.id: -self.pool.equity(case) if price == "bankruptcy" else 0 for case in cases}
        shares = {case.id: self.leg_shares(case, owed[case.id]) for case in cases}
        carried = dict.fromkeys(owed, 0)
        for name in sorted(self.pool.markets):
            for is_long in (True, False):
                debtors = [case for case in cases if name in shares[case.id]
                           and (shares[case.id][name]["size"] > 0) == is_long]
                if debtors:
                    self.close_side(self.pool.markets[name], is_long, layer, price, [
                        (debtor, shares[debtor.id][name]) for debtor in debtors], carried)

    def leg_shares(self, account, owed):
        """market id -> size, share of the debt and how it is published; by market id."""
        legs = self.legs_of(account)
        weights, before, rows = self.weights(legs), 0, {}
        for (name, size), share, weight in zip(
                legs.items(), prefix_split(owed, weights, round_up=True) if legs else [], weights):
            told = self.share_shown(self.pool.money, owed, (sum(weights), before, weight))
            rows[name] = {"size": size, "share": share, "told": told}
            before += weight
        return rows

    def close_side(self, market, is_long, layer, price, rows, carried):
        """One side of one market. rows: (debtor, what its leg carries)."""
        at_mark, pays = price == "mark", is_long == market.inverse
        due, values = [], []
        for debtor, row in rows:
            due.append(row["share"] + carried[debtor.id])
            value = market.value(row["size"]) + due[-1]
            values.append(min(0, value) if pays else value)
        sizes = [abs(row["size"]) for _, row in rows]
        protect = layer.get("protect_principal", True) and not at_mark
        side = Leg(None, market, sum(sizes), sum(values), protect, not is_long, at_mark, {})
        placed = self.place_side(side, layer["ranking"], [debtor for debtor, _ in rows])
        before = [self.pool.equity(debtor) for debtor, _ in rows]
        if placed:
            self.book_side(side, layer["ranking"], placed, [
                (debtor, size, value, row["told"])
                for (debtor, row), size, value in zip(rows, sizes, values)])
        for (debtor, _), share, equity in zip(rows, due, before):
            # what its share did not get here is carried to its next leg
            carried[debtor.id] = 0 if at_mark else share - (self.pool.equity(debtor) - equity)

    # Who is closed, and for how many lots
    def place_side(self, side, ranking, debtors):
        """Counterparties in the order of ids: (account, lots, share as published)."""
        ranked = self.rankings.get((side.market.id, side.counter_long), [])
        tiers = ((0, 1), (2, 3)) if ranking == "leverage_water_fill" and side.at_mark else (
            (0,), (1,), (2,), (3,))
        placed = {}
        for tier in tiers:
            found = [account for key, account, _ in ranked
                     if key[0] in tier and self.may_be_closed(side, account, debtors)]
            self.split_side(side, ranking, sorted(found, key=lambda account: account.id), placed)
        return [placed[name] for name in sorted(placed)]

    def may_be_closed(self, side, account, debtors):
        name = side.market.id
        if name not in account.positions or self.pool.equity(account) < 0 or (
                (account.positions[name].size > 0) != side.counter_long):
            return False
        if self.is_left_out(account, name) or any(
                self.are_excluded(debtor, account, name) for debtor in debtors):
            return False
        return not side.protect or self.pool.profit(account, name) >= 0

    def split_side(self, side, ranking, accounts, placed):
        """By the rule; what a clamp refuses again, by what is left of their sizes."""
        while accounts:
            wanted = side.lots - sum(lots for _, lots, _ in placed.values())
            if not wanted:
                return
            left = [abs(account.positions[side.market.id].size)
                    - (placed[account.id][1] if account.id in placed else 0) for account in accounts]
            staying = []
            shares = self.shares_of(ranking, wanted, accounts, left, side.market)
            for (account, more, told), size in zip(shares, left):
                had = placed[account.id][1] if account.id in placed else 0
                lots = self.clamp(side, account, had + more) if more else had
                if lots:
                    placed.setdefault(account.id, (account, 0, told))
                    placed[account.id] = (account, lots, placed[account.id][2])
                if lots == had + more and more < size:
                    staying.append(account)
            accounts = staying

    # What each gives and gets
    def book_side(self, side, ranking, placed, debtors):
        """debtors: (account, lots Q_d, value V_d, share as published)."""
        market, left = side.market, sum(lots for _, lots, _ in placed)
        reached = []
        for account, size, value, told in debtors:
            lots = min(left, size)
            left -= lots
            if lots:
                reached.append((account, lots, value, ceil_div(value * lots, size), told))
        price = self.price_of(side, sum(lots for _, lots, _ in placed), sum(row[3] for row in reached))
        pieces = self.pieces(side, placed, price)
        missing = sum(row[3] for row in reached) - sum(pieces)
        wins = [max(0, due - market.released(account.positions[market.id].size, lots))
                for account, lots, _, due, _ in reached]
        losses = prefix_split(missing, wins if any(wins) else [row[1] for row in reached])
        sign = -1 if side.counter_long else 1
        backs = []
        for (account, lots, value, due, told), loss in zip(reached, losses):
            backs.append(self.close_pooled(
                "liquidation_close", account, market, lots, due - loss, due - loss,
                share=told, leg_value=self.pool.money(market.shown(sign, value))))
        for (account, lots, told), piece in zip(placed, pieces):
            self.close_counterparty(side, ranking, (account, lots, told), piece, price, backs)

    @staticmethod
    def price_of(side, lots, due):
        """N/D: the lower of V/Q and W/X."""
        lower = due * side.lots < side.value * lots
        return (due, lots) if lower else (side.value, side.lots)

    def pieces(self, side, placed, price):
        """ceil(N P_i / D) - ceil(N P_(i-1) / D); with protection what leaves a profit of 0, if that is less."""
        value, of, before, pieces = *price, 0, []
        for account, lots, _ in placed:
            piece = ceil_div(value * (before + lots), of) - ceil_div(value * before, of)
            before += lots
            if side.protect:
                position = account.positions[side.market.id]
                piece = min(piece, -(position.entry * lots // abs(position.size)))
            pieces.append(piece)
        return pieces

    def close_counterparty(self, side, ranking, row, piece, price, backs):
        (account, lots, told), market = row, side.market
        ranked = self.rankings[market.id, side.counter_long]
        place = next(i for i, other in enumerate(ranked) if other[1] is account)
        sign = -1 if side.counter_long else 1
        before = self.before_adl(account)
        extra = {"share": told, "ranking": ranking, "queue": self.queue_shown(ranking, ranked, place, False),
                 "leg_value": self.pool.money(market.shown(sign, price[0])),
                 "leg_size": decimal_text(price[1] * market.lot), "reason": None}
        if self.limits():
            extra["hits"] = self.hits(account)
        own = self.close_pooled("adl", account, market, lots, -piece, piece, **extra)
        if self.limits():
            self.count_adl(account, before)
        self.pool.closes[own.action] = PooledClose(own, backs)

    def close_pooled(self, kind, account, market, lots, received, value, **extra):
        """One account's part. What lifts a debtor is no gain of its period."""
        position, equity = account.positions[market.id], self.pool.equity(account)
        at_mark = market.released(position.size, lots)
        taken = position.taken * lots // abs(position.size)
        sign, priority = (1 if position.size > 0 else -1), position.priority
        entry = self.close(kind, account, market, lots, received, None, **extra)
        if kind == "liquidation_close":
            account.baseline += self.pool.equity(account) - equity
        return Back(account, market, lots, sign, value, at_mark, entry, taken, priority, self.pool.last_action)


class PooledVenue:
    """The part of the Oracle that takes pooled closes back."""

    def unfilled_pooled(self, pool, close, lots, put_back):
        found, own = close.goes_to(lots), close.own
        check(not any(debtor.set_anew for debtor, _ in found), "set_anew")
        value = own.part(own.value, lots)
        actions = []
        for (debtor, some), part in zip(found, prefix_split(value, [some for _, some in found])):
            at_mark = debtor.part(debtor.mark_value, some)
            actions.append(self.back_pooled(pool, debtor, some, part, at_mark, put_back))
            debtor.account.baseline -= part - at_mark
            debtor.reversed += some
            if pool.trigger == "handover" and debtor.account is not pool.backstop:
                debtor.account.handed_over = True
        at_mark = own.part(own.mark_value, lots)
        actions.append(self.back_pooled(pool, own, lots, -value, at_mark, put_back))
        own.reversed += lots
        pool.excluded.add(("side", own.account.id, own.market.id, own.sign))
        return actions

    def back_pooled(self, pool, back, lots, received, at_mark, put_back):
        account, market, sign = back.account, back.market, back.sign
        entry, held = back.part(back.entry, lots), account.positions.get(market.id)
        before = sign * held.size if held else 0
        account.collateral -= received - entry
        put_back(account, market, sign * lots, entry, back.part(back.taken, lots), back.priority)
        shown = market.shown(sign, received)
        return pool.publish(
            "reversal", account, market=market.id, counterparty=None, reverses=back.action,
            side="long" if sign > 0 else "short", size_closed=decimal_text(-lots * market.lot),
            size_before=decimal_text(before * market.lot), size_after=decimal_text((before + lots) * market.lot),
            price=market.price(shown, lots), value=pool.money(-shown), realized_pnl=pool.money(entry - received),
            cost_to_mark=pool.money(received - at_mark))
