# SPDX-License-Identifier: Apache-2.0
"""The oracle's ledger: exact arithmetic, markets, accounts and pools.

Money is int quanta, sizes are int lots, prices are int ticks. Where the rules of
docs/policies.md are silent, the top of oracle.py lists the readings.
"""
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache


class Refused(Exception):
    """A command that applied nothing; its text is the code."""


def check(condition, code):
    if not condition:
        raise Refused(code)


def visible(account):
    """An isolated margin is the account "owner NUL market": the owner is what others see."""
    return account.id.partition("\0")[0]


def ceil_div(number, by):
    return -(-number // by)


def prefix_split(amount, weights, round_up=False):
    """Splitting an amount: h_i = floor(L*P_i/G) - floor(L*P_(i-1)/G), P the prefix sum."""
    total, prefix, given, shares = sum(weights), 0, 0, []
    for weight in weights:
        prefix += weight
        upto = ceil_div(amount * prefix, total) if round_up else amount * prefix // total
        shares.append(upto - given)
        given = upto
    return shares


def fixed_text(number, decimals):
    digits = str(abs(number)).rjust(decimals + 1, "0")
    whole, part = digits[:len(digits) - decimals], digits[len(digits) - decimals:].rstrip("0")
    return ("-" if number < 0 else "") + whole + ("." + part if part else "")


@lru_cache(1 << 16)
def decimal_text(number):
    """A Fraction with a finite decimal form, trimmed, no exponent."""
    decimals = 0
    while 10 ** decimals % number.denominator:
        decimals += 1
    return fixed_text(number.numerator * (10 ** decimals // number.denominator), decimals)


@lru_cache(1 << 16)
def price_text(number):
    """The price shown is value / size, 12 significant digits, half away from zero."""
    if number == 0:
        return "0"
    size, exponent = abs(number), 0
    while size * Fraction(10) ** exponent >= 10 ** 12:
        exponent -= 1
    while size * Fraction(10) ** exponent < 10 ** 11 and exponent < 36:
        exponent += 1
    digits = int(size * Fraction(10) ** exponent + Fraction(1, 2))
    return decimal_text((1 if number > 0 else -1) * digits / Fraction(10) ** exponent)


@dataclass
class Position:
    size: int
    entry: int
    priority: int | None = None
    taken: int = 0  # what earlier haircuts took from this position (basis unrealized_profit)


@dataclass
class Account:
    id: str
    collateral: int = 0
    baseline: int = 0
    last_action: int = 0
    positions: dict = field(default_factory=dict)
    handed_over: bool = False
    haircut_cap_ppm: int | None = None
    tallies: dict = field(default_factory=dict)  # oracle_limits
    hits: int = 0
    gains: list = field(default_factory=lambda: [0] * 7)  # oracle_claims
    claim: int = 0
    window_baseline: int = 0  # oracle_window
    window_taken: int = 0

    def __setattr__(self, name, value):
        if name == "baseline" and hasattr(self, "window_baseline"):
            object.__setattr__(self, "window_baseline",
                               self.window_baseline + value - self.baseline)
        object.__setattr__(self, name, value)

    def begin_period(self, equity):
        """The only move of the baseline that the window's does not follow."""
        object.__setattr__(self, "baseline", equity)


@dataclass
class Market:
    id: str
    pool: str
    tick: Fraction
    lot: Fraction
    multiplier: Fraction
    unit: int  # inverse: the face
    maintenance_ppm: int
    max_move_ppm: int
    max_move_span_ms: int = 500
    mark: int | None = None
    mark_time: int | None = None
    inverse: bool = False
    settled: bool = False
    fund_budget: int | None = None  # most the fund pays for it in one period
    budget_used: int = 0
    own_fund: bool = False
    own_fund_balance: int = 0  # of the fund, kept for it
    row: list = field(default_factory=list)  # refused out-of-band marks in a row: (price, time)

    def value(self, lots, ticks=None):
        """Value: value(q,p) = q * p * unit, or -sign(q) * floor(|q| * face / p)."""
        ticks = self.mark if ticks is None else ticks
        if self.inverse:
            return (1 if lots < 0 else -1) * (abs(lots) * self.unit // ticks)
        return lots * ticks * self.unit

    def entry_value(self, lots, ticks):
        """At a price of any fineness: on a tick its value, else rounded up."""
        if not self.inverse:
            return -(-(lots * ticks * self.unit) // 1)
        check(ticks > 0, "not_positive")
        return self.value(lots, ticks) if ticks.denominator == 1 else -(lots * self.unit / ticks // 1)

    def released(self, size, lots):
        """What a position's value at mark loses when `lots` of it are closed."""
        return self.value(size) - self.value(size - lots if size > 0 else size + lots)

    def shown(self, sign, quanta):
        """The value of a position as size * price, or size / price."""
        return -sign * quanta if self.inverse else sign * quanta

    def price(self, quanta, lots):
        """The price at which lots have this value (as shown); quantum/(lot*mult) = tick/unit."""
        if self.inverse:
            return price_text(Fraction(lots * self.unit, quanta) * self.tick) if quanta else "0"
        return price_text(Fraction(quanta, lots) * self.tick / self.unit)


@dataclass
class Pool:
    id: str
    asset: str
    decimals: int
    mark_max_age: int
    period: str
    waterfall: list
    pending: tuple | None = None
    period_end: int | None = None
    paused: bool = True
    trigger: str = "equity"
    closes: dict = field(default_factory=dict)  # action id -> Close, of both its actions
    excluded: set = field(default_factory=set)  # of the next run: (account, counterparty, market)
    period_loss: int = 0
    unallocated: int = 0
    over_budget: int = 0  # of the period loss: what budgets keep the fund from paying
    fund_seen: list = field(default_factory=list)  # oracle_fund: (part of the window, equity)
    fund_window: int | None = None
    fund_restricted: bool = False
    window: str | None = None  # the name of the open one
    settlements: int = 0
    last_action: int = 0
    providers: dict = field(default_factory=dict)  # oracle_assign: (account, market) ids
    markets: dict = field(default_factory=dict)
    accounts: dict = field(default_factory=dict)

    @property
    def backstop(self):
        return self.accounts["backstop:" + self.id]

    def common(self):
        """The fund's equity without what is kept for markets with a fund of their own."""
        return self.equity(self.backstop) - self.kept()

    def kept(self):
        return sum(market.own_fund_balance for market in self.markets.values())

    def layer(self, name):
        return next((layer for layer in self.waterfall if layer["layer"] == name), None)

    def quanta(self, text):
        return int(Fraction(text) * 10 ** self.decimals)

    def money(self, quanta):
        return fixed_text(quanta, self.decimals)

    def profit(self, account, market_id):
        """Equity: value at mark - entry_value; without a mark it is valued at its entry."""
        market, position = self.markets[market_id], account.positions[market_id]
        return 0 if market.mark is None else market.value(position.size) - position.entry

    def equity(self, account):
        """Equity: collateral + sum over positions of (value at mark - entry_value)."""
        return account.collateral + sum(self.profit(account, name) for name in account.positions)

    def gain(self, account):
        """Gain: equity - baseline."""
        return self.equity(account) - account.baseline

    def rest(self, account, market_id):
        """Haircut options: profit at mark less what earlier haircuts took from that position."""
        return self.profit(account, market_id) - account.positions[market_id].taken

    def open_period(self, now):
        """Aligned to the UTC epoch; the baseline is set to equity when a period opens."""
        if self.pending:
            self.waterfall, self.period = self.pending
            self.pending = None
        for account in self.accounts.values():
            account.begin_period(self.equity(account))
        if self.period == "tick":
            self.period_end = None
        else:
            seconds = {"m": 60, "h": 3600, "d": 86400}[self.period[-1]]
            length = int(self.period[:-1]) * seconds * 1000
            self.period_end = now // length * length + length

    def publish(self, kind, account=None, settlement=None, **fields):
        """Actions are numbered per pool without gaps."""
        self.last_action += 1
        action = {"id": self.last_action, "type": kind, "pool": self.id, "settlement": settlement}
        if account:
            owner, _, market = account.id.partition("\0")
            action["account"] = owner
            if market:
                action |= {"margin": "isolated", "market": market}
            self.accounts[owner].last_action = self.last_action
        return action | fields


def reduce(account, market, lots, received):
    """Value: closing a part takes the pro-rata share of entry_value (floor), the rest stays."""
    position = account.positions[market.id]
    before, sign = abs(position.size), 1 if position.size > 0 else -1
    released = position.entry * lots // before
    position.taken -= position.taken * lots // before  # released pro rata on a close
    position.entry -= released
    position.size -= sign * lots
    account.collateral += received - released
    if position.size == 0:
        del account.positions[market.id]
    return released


def trade(account, market, lots, value):
    """A fill for `value`: closes what is opposite, opens the rest with the rest of the value."""
    position = account.positions.get(market.id)
    if position and position.size * lots < 0:
        closed = min(abs(lots), abs(position.size))
        part = value * closed // abs(lots)
        reduce(account, market, closed, -part)
        lots += closed if lots < 0 else -closed
        value -= part
    if lots:
        position = account.positions.setdefault(market.id, Position(0, 0))
        position.size += lots
        position.entry += value
