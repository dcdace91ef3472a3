# SPDX-License-Identifier: Apache-2.0
"""A settlement that closes one trader against so many counterparties: so many adl notices at once."""


def make_book(server, count, pool="usdc", market="BTC-PERP"):
    """A long of `count` contracts from 100 that is 20 short of nothing left at 98, and as many
    shorts of 1. Marked, but not settled."""
    server.put(f"/v1/pools/{pool}", {
        "asset": "USDC", "decimals": 6, "mark_max_age_ms": 0,
        "waterfall": [{"layer": "adl", "ranking": "profit_leverage", "price": "bankruptcy"},
                      {"layer": "haircut", "rule": "pro_rata"}]})
    server.put(f"/v1/markets/{market}", {
        "pool": pool, "contract": "linear", "tick_size": "0.01", "lot_size": "1",
        "multiplier": "1", "maintenance_margin_ppm": 5000})
    server.post("/v1/marks", {"market": market, "price": "100"})
    accounts = [{"account": f"{pool}-loser", "pool": pool, "collateral": str(count), "positions": [
        {"market": market, "size": str(count), "entry_price": "100"}]}]
    accounts += [{"account": f"{pool}-c{i:05}", "pool": pool, "collateral": "50", "positions": [
        {"market": market, "size": "-1", "entry_price": "100"}]} for i in range(count)]
    answer = server.post("/v1/accounts", accounts)
    assert answer.status == 200, answer.body[:500]
    server.post("/v1/marks", {"market": market, "price": "98"})
