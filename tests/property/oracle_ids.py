# SPDX-License-Identifier: Apache-2.0
"""The oracle's account of ids that count once, and of those that are too old to be known
(docs/api.md, Ids and their age).

Readings: (1) "forgotten" are the ids before the last `window` that were taken, those of accounts that
are gone included; a refused one and a repeat are not taken. (2) An id that came without a time could
be sent again with one up to 5 s after it came: that is how old it counts when it is forgotten. (3) A
deleted account that ever had an action takes a place among the transfers.
"""
from datetime import datetime, timezone

from oracle_ledger import check

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
AHEAD_MAX_MS = 5000


def milliseconds(text):
    """RFC 3339 UTC with ms."""
    passed = datetime.fromisoformat(text) - EPOCH
    return passed.days * 86400000 + passed.seconds * 1000 + passed.microseconds // 1000


class Remembered:
    """All ids of one sort that were ever taken, in order: (key, content, latest time)."""

    def __init__(self, window):
        self.window, self.taken = window, []

    def known(self):
        return self.taken[-self.window:]

    def content(self, key):
        """Of the newest one; None: not known."""
        return next((row[1] for row in reversed(self.known()) if row[0] == key), None)

    def forgotten(self):
        return self.taken[:-self.window]

    def take(self, key, content, latest):
        self.taken.append((key, content, latest))

    def drop(self, is_gone):
        """Nobody has these ids any more; they keep their places."""
        self.taken = [(None, *row[1:]) if row[0] and is_gone(row[0]) else row for row in self.taken]


class Ids:
    """The part of the Oracle that tells a repeat from a new one. Keys end with the account."""

    def init_ids(self, trades, transfers):
        self.trades, self.transfers = Remembered(trades), Remembered(transfers)

    def check_age(self, ids, command, name):
        """Of an id that is not known."""
        time = milliseconds(command["time"]) if "time" in command else None
        check(time is None or time - self.now <= AHEAD_MAX_MS, "time_in_future")
        if time is not None and name in command:
            check(all(time > latest for _, _, latest in ids.forgotten()), "id_too_old")

    def seen(self, ids, command, name, place, content):
        """A repeat is accepted without effect, other content under the same id is refused."""
        key = (command.get(name), *place)
        before = ids.content(key) if name in command else None
        if before is None:
            self.check_age(ids, command, name)
            return False
        check("time" not in command or milliseconds(command["time"]) - self.now <= AHEAD_MAX_MS,
              "time_in_future")
        check(before == content, "id_reused")
        return True

    def take(self, ids, command, name, place, content):
        """Once it is accepted."""
        if name in command:
            time = milliseconds(command["time"]) if "time" in command else self.now + AHEAD_MAX_MS
            ids.take((command[name], *place), content, time)

    def forget_ids(self, account):
        for ids in (self.trades, self.transfers):
            ids.drop(lambda key: key[-1] == account.id and key[0] is not DELETED)

    def deleted_last_action(self, pool, name):
        """Of the last account of that name, as long as it is known."""
        return self.transfers.content((DELETED, pool.id, name)) or 0

    def delete_remembered(self, pool, account):
        if account.last_action:
            self.transfers.take((DELETED, pool.id, account.id), account.last_action, 0)


DELETED = object()  # no id
