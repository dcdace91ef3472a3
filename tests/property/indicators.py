# SPDX-License-Identifier: Apache-2.0
"""Indicators against a naive count: at the end of a world every position of every account is asked
for its place. Expected is what the definition says, from the oracle's own ranking: all candidates
of the side sorted, those before it added up.

Readings where docs/policies.md, Indicators, is silent: (1) the candidates are the solvent accounts'
positions on the side of a market with a mark, the fund's left out; (2) percentile_ppm is the quantity strictly ahead over
the quantity of all, rounded down; lights count the position's own quantity in; (3) without an adl
layer the queue is that of profit_leverage; (4) the worst close costs the profit when the principal
is protected (0 for one at a loss), else the equity, and never more than the equity; at mark 0.
"""
import copy

from oracle import Oracle
from oracle_ledger import ceil_div, decimal_text
from oracle_settlement import Settlement


def candidates(pool, settlement, ranking, market, long):
    """[(key, account, lots)] in the order in which they would be closed."""
    rows = []
    for name, account in pool.accounts.items():
        position, equity = account.positions.get(market), pool.equity(account)
        if account is pool.backstop or equity < 0 or position is None:
            continue
        if (position.size > 0) == long:
            rows.append((settlement.rank_key(ranking, account, market, equity), account,
                         abs(position.size)))
    return sorted(rows, key=lambda row: row[0])


def worst_close(pool, account, market, layer):
    """(cost, bound) of a close of all of the position."""
    profit, equity = pool.profit(account, market), pool.equity(account)
    if layer.get("price", "bankruptcy") == "mark":
        return 0, "mark"
    if not layer.get("protect_principal", True):
        return equity, "equity"
    if profit < 0:
        return 0, "mark"
    return (profit, "entry") if profit <= equity else (equity, "equity")


def holders(pool, account):
    """The account, then its isolated margins by market."""
    start = account.id + "\0"
    return [account] + [pool.accounts[name] for name in sorted(pool.accounts)
                        if name.startswith(start)]


def expected_row(pool, account, name, settlement):
    """The members that api_rank shows, as text, but for the score."""
    market, position = pool.markets[name], account.positions[name]
    layer = pool.layer("adl")
    ranking = (layer or {}).get("ranking", "profit_leverage")
    row = {"market": name, "side": "long" if position.size > 0 else "short",
           "margin": "isolated" if "\0" in account.id else "cross", "size": decimal_text(abs(position.size) * market.lot), "ranking": ranking, "rank": None,
           "of": 0, "percentile_ppm": None, "lights": None, "quantity_ahead": None,
           "if_chosen_now": None}
    if market.mark is None or pool.equity(account) < 0 or account is pool.backstop:
        return row
    queue = candidates(pool, settlement, ranking, name, position.size > 0)
    place = [other for _, other, _ in queue].index(account)
    ahead, total = sum(row[2] for row in queue[:place]), sum(row[2] for row in queue)
    lots = abs(position.size)
    row |= {"rank": place + 1, "of": len(queue), "percentile_ppm": ahead * 10 ** 6 // total,
            "lights": 6 - ceil_div(5 * (ahead + lots), total),
            "quantity_ahead": decimal_text(ahead * market.lot)}
    if layer:
        cost, bound = worst_close(pool, account, name, layer)
        received = market.value(position.size) - cost
        sign = 1 if position.size > 0 else -1
        price = market.price(market.shown(sign, received), lots)
        row["if_chosen_now"] = {
            "best": {"price": decimal_text(market.mark * market.tick), "cost_to_mark": "0"},
            "worst": {"price": price, "cost_to_mark": pool.money(cost), "bound": bound}}
    return row


def difference(engine, commands):
    """The first place that the engine and the naive count do not agree on, or None."""
    oracle, now, items, expected = Oracle(), 0, [{"type": "reset"}], []
    for command in commands:
        items.append(command)
        if command["type"] == "clock":
            now = command["ms"]
        else:
            oracle.step(copy.deepcopy(command), now)
    asked = len(items)
    for name, pool in sorted(oracle.homes.items()):
        if "\0" in name:
            continue
        settlement = Settlement(pool, now)
        items.append({"type": "ranks", "account": name})
        account = pool.accounts[name]
        expected.append((name, [expected_row(pool, holder, market, settlement)
                                for holder in holders(pool, account)
                                for market in sorted(holder.positions)]))
    for (name, rows), answer in zip(expected, engine.ask(items)[asked:]):
        got = [{key: row.get(key) for key in rows[0]} for row in answer["rows"]] if rows else \
            answer["rows"]
        if rows != got:
            return f"ranks of {name}:\n  expected {rows}\n  got      {got}"
    return None
