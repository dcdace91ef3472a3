# SPDX-License-Identifier: Apache-2.0
"""The oracle's view of what the venue tells about its own liquidations."""
from oracle_ledger import check


class Venue:
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
        account.handed_over = True
