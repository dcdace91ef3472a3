# SPDX-License-Identifier: Apache-2.0
"""The oracle's isolated margins: accounts of their own, under the name of their owner."""
from fractions import Fraction

from oracle_ledger import Account, check


class Isolated:
    """The part of the Oracle that handles isolated positions."""

    def find_isolated(self, pool, account, market_id):
        return pool.accounts.get(f"{account.id}\0{market_id}")

    def open_isolated(self, pool, account, market_id):
        isolated = Account(f"{account.id}\0{market_id}")
        isolated.haircut_cap_ppm = account.haircut_cap_ppm  # the cap holds for the whole account
        pool.accounts[isolated.id], self.homes[isolated.id] = isolated, pool
        return isolated

    def isolated_of(self, command, pool, account, opens=False):
        """The isolated margin that a fill, a transfer or a handover names."""
        check(account is not pool.backstop, "reserved_id")
        market = self.market_of(command, pool)
        isolated = self.find_isolated(pool, account, market.id)
        check(isolated or opens, "unknown_isolated")
        if not isolated:  # nothing has counted there, but what is forgotten may have
            self.check_age(self.transfers, command, "transfer_id")
        return isolated or self.open_isolated(pool, account, market.id)

    def put_isolated(self, pool, account, market, item):
        check(account is not pool.backstop, "reserved_id")
        isolated = self.find_isolated(pool, account, market.id)
        if not isolated and "collateral" not in item:
            check(Fraction(item["size"]) == 0, "collateral_required")
            return
        position = self.absolute(pool, market, item, isolated and isolated.positions.get(market.id))
        collateral = self.quanta(pool, item["collateral"]) if "collateral" in item else None
        isolated = isolated or self.open_isolated(pool, account, market.id)
        equity = pool.equity(isolated)
        self.set_anew(pool, isolated, market)
        isolated.collateral = isolated.collateral if collateral is None else collateral
        isolated.positions = {market.id: position} if position else {}
        isolated.baseline += pool.equity(isolated) - equity

    def isolated_items(self, command):
        items = [item for item in command["positions"] if item.get("margin") == "isolated"]
        return {item["market"]: item for item in items}

    def all_isolated(self, pool, account):
        start = account.id + "\0"
        return {name[len(start):]: isolated for name, isolated in sorted(pool.accounts.items())
                if name.startswith(start)}

    def check_isolated_named(self, pool, account, command):
        kinds = [(item["market"], item.get("margin", "cross")) for item in command["positions"]]
        check(len(kinds) == len(set(kinds)), "duplicate_market")
        listed = self.isolated_items(command)
        for market, isolated in self.all_isolated(pool, account).items():
            check(market in listed or isolated.collateral == 0, "isolated_left")

    def check_isolated_begun(self, pool, account, command):
        for market, item in self.isolated_items(command).items():
            check(self.find_isolated(pool, account, market) or "collateral" in item
                  or Fraction(item["size"]) == 0, "collateral_required")

    def replace_isolated(self, pool, account, command):
        listed = self.isolated_items(command)
        for market in self.all_isolated(pool, account).keys() | listed.keys():
            item = listed.get(market, {"size": "0"})
            self.put_isolated(pool, account, self.markets[market], item)

    def isolated_money(self, pool, market_id):
        end = "\0" + market_id
        return any(name.endswith(end) and not self.is_flat(account)
                   for name, account in pool.accounts.items())

    def drop_isolated(self, pool, market_id):
        for name in [name for name in pool.accounts if name.endswith("\0" + market_id)]:
            self.forget(pool, pool.accounts[name])
