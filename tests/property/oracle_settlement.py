# SPDX-License-Identifier: Apache-2.0
"""The naive oracle, second half: exact arithmetic, the ledger and one settlement.

Money is int quanta, sizes are int lots, prices are int ticks. The readings of DESIGN that were
chosen where it is silent are listed at the top of oracle.py.
"""
from dataclasses import dataclass, field
from fractions import Fraction


def ceil_div(number, by):
    return -(-number // by)


def prefix_split(amount, weights, round_up=False):
    """DESIGN 2: h_i = floor(L*P_i/G) - floor(L*P_(i-1)/G), P the prefix sum."""
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


def decimal_text(number):
    """A Fraction with a finite decimal form, trimmed, no exponent."""
    decimals = 0
    while 10 ** decimals % number.denominator:
        decimals += 1
    return fixed_text(number.numerator * (10 ** decimals // number.denominator), decimals)


def price_text(number):
    """DESIGN 2: the price shown is value / size, 12 significant digits, half away from zero."""
    if number == 0:
        return "0"
    size, exponent = abs(number), 0
    while size * Fraction(10) ** exponent >= 10 ** 12:
        exponent -= 1
    while size * Fraction(10) ** exponent < 10 ** 11:
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


@dataclass
class Market:
    id: str
    pool: str
    tick: Fraction
    lot: Fraction
    multiplier: Fraction
    unit: int
    maintenance_ppm: int
    max_move_ppm: int
    mark: int | None = None
    mark_time: int | None = None
    row: list = field(default_factory=list)  # refused out-of-band marks in a row: (price, time)

    def value(self, lots, ticks=None):
        """DESIGN 2: value(q,p) = q * p * unit."""
        return lots * (self.mark if ticks is None else ticks) * self.unit

    def price(self, quanta, lots):
        """quanta / (lots * lot * multiplier), in units of price; quantum/(lot*mult) = tick/unit."""
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
    period_loss: int = 0
    unallocated: int = 0
    settlements: int = 0
    last_action: int = 0
    markets: dict = field(default_factory=dict)
    accounts: dict = field(default_factory=dict)

    @property
    def backstop(self):
        return self.accounts["backstop:" + self.id]

    def layer(self, name):
        return next((layer for layer in self.waterfall if layer["layer"] == name), None)

    def quanta(self, text):
        return int(Fraction(text) * 10 ** self.decimals)

    def money(self, quanta):
        return fixed_text(quanta, self.decimals)

    def profit(self, account, market_id):
        """DESIGN 1: value at mark - entry_value; without a mark it is valued at its entry."""
        market, position = self.markets[market_id], account.positions[market_id]
        return 0 if market.mark is None else market.value(position.size) - position.entry

    def equity(self, account):
        """DESIGN 1: collateral + sum over positions of (value at mark - entry_value)."""
        return account.collateral + sum(self.profit(account, name) for name in account.positions)

    def gain(self, account):
        """DESIGN 1: equity - baseline."""
        return self.equity(account) - account.baseline

    def rest(self, account, market_id):
        """DESIGN 3.4: profit at mark less what earlier haircuts took from that position."""
        return self.profit(account, market_id) - account.positions[market_id].taken

    def open_period(self, now):
        """DESIGN 1: aligned to the UTC epoch; the baseline is set to equity when a period opens."""
        if self.pending:
            self.waterfall, self.period = self.pending
            self.pending = None
        for account in self.accounts.values():
            account.baseline = self.equity(account)
        if self.period == "tick":
            self.period_end = None
        else:
            seconds = {"m": 60, "h": 3600, "d": 86400}[self.period[-1]]
            length = int(self.period[:-1]) * seconds * 1000
            self.period_end = now // length * length + length

    def publish(self, kind, account=None, settlement=None, **fields):
        """DESIGN 1: actions are numbered per pool without gaps."""
        self.last_action += 1
        action = {"id": self.last_action, "type": kind, "pool": self.id, "settlement": settlement}
        if account:
            action["account"] = account.id
            account.last_action = self.last_action
        return action | fields


def reduce(account, market, lots, received):
    """DESIGN 2: closing a part takes the pro-rata share of entry_value (floor), the rest stays."""
    position = account.positions[market.id]
    before, sign = abs(position.size), 1 if position.size > 0 else -1
    released = position.entry * lots // before
    position.taken -= position.taken * lots // before  # DESIGN 3.4: released pro rata on a close
    position.entry -= released
    position.size -= sign * lots
    account.collateral += received - released
    if position.size == 0:
        del account.positions[market.id]
    return released


def trade(account, market, lots, ticks):
    """A fill: closes what is opposite, opens the rest at the price."""
    position, priority = account.positions.get(market.id), None
    if position and position.size * lots < 0:
        closing = min(abs(lots), abs(position.size)) * (1 if position.size > 0 else -1)
        priority = position.priority
        reduce(account, market, abs(closing), market.value(closing, ticks))
        lots += closing
    if lots:
        position = account.positions.setdefault(market.id, Position(0, 0, priority))
        position.size += lots
        position.entry += market.value(lots, ticks)


@dataclass
class Leg:
    """One position being closed piece by piece: lots, exact value V, and how far it got."""
    account: Account
    market: Market
    lots: int
    value: int
    protect: bool
    placed: int = 0

    def piece(self, counterparty, lots):
        """What the closing account receives for its next lots, against this counterparty."""
        # DESIGN 2: after P of Q lots the closing account has received ceil(V*P/Q)
        amount = (ceil_div(self.value * (self.placed + lots), self.lots)
                  - ceil_div(self.value * self.placed, self.lots))
        if self.protect:
            # DESIGN 3.4: worse than its entry is closed at its entry, its realised profit is 0
            position = counterparty.positions[self.market.id]
            amount = min(amount, -(position.entry * lots // abs(position.size)))
        return amount


class Settlement:
    """One run of the loop of DESIGN 3 over one pool."""

    def __init__(self, pool, now):
        self.pool, self.now = pool, now
        self.actions, self.drawn = [], 0
        self.debts = {}  # scope market: market id (or None for the pool's) -> owed
        self.rankings = {}

    def run(self, closing):
        if not self.ready():
            return []
        pool = self.pool
        insolvent = self.detect()
        held = {account.id: self.legs_of(account) for account in insolvent}
        haircut = pool.layer("haircut")
        if haircut:
            self.net(insolvent)
        self.rank_all()
        for account in insolvent:
            self.waterfall(account, held[account.id])
        self.fund_inventory()
        # DESIGN 3.4: divide at_once = at the end of this settlement
        if haircut and haircut.get("divide", "at_once") == "at_once":
            self.divide_loss(haircut)
        if closing or pool.period == "tick" or self.now >= pool.period_end:
            self.close_period(haircut)
        pool.settlements += 1 if self.actions else 0  # one run that did something; numbered
        return self.actions

    def publish(self, kind, account, **fields):
        self.actions.append(
            self.pool.publish(kind, account, settlement=self.pool.settlements + 1, **fields))

    # 1. Ready?
    def ready(self):
        """A held market with no mark, or one older than mark_max_age_ms: the run waits."""
        for account in self.pool.accounts.values():
            for name in account.positions:
                market = self.pool.markets[name]
                if market.mark is None:
                    return False
                age = self.now - market.mark_time
                if self.pool.mark_max_age > 0 and age > self.pool.mark_max_age:
                    return False
        return True

    # 2. Detect
    def detect(self):
        """Every account with equity < 0, smallest deficit first, then account id."""
        found = [account for account in self.traders() if self.pool.equity(account) < 0]
        return sorted(found, key=lambda account: (-self.pool.equity(account), account.id))

    def traders(self):
        return [account for name, account in sorted(self.pool.accounts.items())
                if account is not self.pool.backstop]

    def legs_of(self, account):
        return {name: account.positions[name].size for name in sorted(account.positions)}

    # 3. Net, then rank each market side once
    def net(self, insolvent):
        """Markets by id, both sides in the order of detection, at mark; long first, then short."""
        for name in sorted(self.pool.markets):
            market = self.pool.markets[name]
            longs = [a for a in insolvent if name in a.positions and a.positions[name].size > 0]
            shorts = [a for a in insolvent if name in a.positions and a.positions[name].size < 0]
            while longs and shorts:
                long, short = longs[0], shorts[0]
                lots = min(long.positions[name].size, -short.positions[name].size)
                self.close("netting", long, market, lots, market.value(lots), short)
                self.close("netting", short, market, lots, market.value(-lots), long)
                longs = longs if name in long.positions else longs[1:]
                shorts = shorts if name in short.positions else shorts[1:]

    def rank_all(self):
        """DESIGN 3.3: each market side is ranked once for this settlement, after netting."""
        adl = self.pool.layer("adl")
        if not adl:
            return
        for account in self.traders():
            equity = self.pool.equity(account)
            if equity < 0:  # candidates are solvent and not the backstop account
                continue
            for name, position in account.positions.items():
                key = self.rank_key(adl.get("ranking", "profit_leverage"), account, name, equity)
                side = self.rankings.setdefault((name, position.size > 0), [])
                side.append((key, account))
        for side in self.rankings.values():
            side.sort(key=lambda row: row[0])

    def rank_key(self, ranking, account, name, equity):
        """Positions with profit > 0 strictly first; then score desc; then account id."""
        position, market = account.positions[name], self.pool.markets[name]
        profit = self.pool.profit(account, name)
        group = 0 if profit > 0 else 1
        if ranking == "pro_rata":  # no order
            return (group, 0, account.id)
        if ranking == "priority":  # low first; absent adl_priority comes last
            absent = position.priority is None
            return (group, (absent, 0 if absent else position.priority), account.id)
        # profit_leverage: profit (p/|e|)*(n/q), loss (p/|e|)/(n/q); denominators at least one
        entry, equity = max(1, abs(position.entry)), max(1, equity)
        notional = abs(market.value(position.size))
        if profit > 0:
            score = Fraction(profit * notional, entry * equity)
        else:
            score = Fraction(profit * equity, entry * max(1, notional))
        return (group, -score, account.id)

    # 4. Waterfall
    def waterfall(self, account, held):
        pool = self.pool
        for layer in pool.waterfall:
            if layer["layer"] == "insurance":
                paid = self.draw(account, -pool.equity(account))
                account.collateral += paid
                account.baseline += paid  # what brings it back to 0 shifts the baseline
                if pool.equity(account) >= 0:  # F covers all: the positions move at mark
                    break
            elif layer["layer"] == "adl":
                self.deleverage(account, layer, layer.get("price", "bankruptcy"))
        self.write_off(account, held)
        for name in sorted(account.positions):
            self.take_over(account, pool.markets[name])

    def draw(self, account, owed):
        """F = min(deficit, available); available = fund equity - floor, and max_per_settlement."""
        layer, backstop = self.pool.layer("insurance"), self.pool.backstop
        available = self.pool.equity(backstop) - self.pool.quanta(layer.get("floor", "0"))
        if "max_per_settlement" in layer:
            limit = self.pool.quanta(layer["max_per_settlement"])
            available = min(available, limit - self.drawn)
        paid = max(0, min(owed, available))
        if paid:
            backstop.collateral -= paid
            self.drawn += paid
            self.publish("insurance_draw", account, amount=self.pool.money(paid))
        return paid

    def take_over(self, account, market):
        """The position moves to the backstop account at mark."""
        lots, backstop = account.positions[market.id].size, self.pool.backstop
        self.close("takeover", account, market, abs(lots), market.value(lots), backstop)
        trade(backstop, market, lots, market.mark)

    def write_off(self, account, held):
        """The debt leaves the account for the haircut layer, or for the unallocated deficit."""
        owed, pool = -self.pool.equity(account), self.pool
        if owed <= 0:
            return
        account.collateral += owed
        account.baseline += owed
        self.publish("write_off", account, amount=pool.money(owed))
        haircut = pool.layer("haircut")
        if not haircut:
            pool.unallocated += owed
            self.publish("unallocated_deficit", account, amount=pool.money(owed))
            return
        pool.period_loss += owed
        if haircut.get("scope", "pool") == "market" and held:
            # a debt goes to markets by maintenance of the legs held at detection
            shares = prefix_split(owed, self.weights(held))
        else:
            held, shares = {None: 0}, [owed]  # no legs: the pool's
        for name, share in zip(held, shares):
            self.debts[name] = self.debts.get(name, 0) + share

    def weights(self, legs):
        """Maintenance; all-zero weights fall back to value at mark, then lots."""
        values = [abs(self.pool.markets[name].value(lots)) for name, lots in legs.items()]
        ppm = [self.pool.markets[name].maintenance_ppm for name in legs]
        weights = [ceil_div(value * rate, 10 ** 6) for value, rate in zip(values, ppm)]
        if any(weights):
            return weights
        return values if any(values) else [abs(lots) for lots in legs.values()]

    def close(self, kind, account, market, lots, received, counterparty, **extra):
        """Books one close and publishes it."""
        pool, position = self.pool, account.positions[market.id]
        sign, before = (1 if position.size > 0 else -1), abs(position.size)
        entry_price = market.price(position.entry, position.size)
        cost = market.value(sign * lots) - received
        released = reduce(account, market, lots, received)
        self.publish(
            kind, account, market=market.id, counterparty=counterparty.id,
            side="long" if sign > 0 else "short",
            size_closed=decimal_text(lots * market.lot),
            size_before=decimal_text(before * market.lot),
            size_after=decimal_text((before - lots) * market.lot),
            price=market.price(sign * received, lots), value=pool.money(sign * received),
            mark_price=decimal_text(market.mark * market.tick), entry_price=entry_price,
            realized_pnl=pool.money(received - released), cost_to_mark=pool.money(cost), **extra)

    # The adl layer
    def deleverage(self, account, layer, price):
        """Closes every leg; each carries its share of the deficit by maintenance requirement."""
        pool = self.pool
        # legs close in order of their own profit, highest first, then market id
        order = sorted(account.positions, key=lambda name: (-pool.profit(account, name), name))
        legs = {name: account.positions[name].size for name in order}
        if not legs:
            return
        owed = -pool.equity(account) if price == "bankruptcy" else 0
        # shares are prefix differences of the deficit, rounded up, in closing order
        shares = prefix_split(owed, self.weights(legs), round_up=True)
        protect = layer.get("protect_principal", True) and price == "bankruptcy"
        carried = 0
        for (name, size), share in zip(legs.items(), shares):
            market = pool.markets[name]
            share += carried  # a share that could not be placed is added to the next leg
            leg = Leg(account, market, abs(size), market.value(size) + share, protect)
            equity = pool.equity(account)
            self.place_leg(leg, layer.get("ranking", "profit_leverage"), size < 0)
            carried = share - (pool.equity(account) - equity)

    def place_leg(self, leg, ranking, side):
        rows = self.rankings.get((leg.market.id, side), [])
        if ranking == "pro_rata":
            # lots split by size over positions in profit, then over the rest
            for group in (0, 1):
                self.split_lots(leg, [account for key, account in rows if key[0] == group])
            return
        for rank, (_, account) in enumerate(rows, 1):
            if leg.placed < leg.lots and self.is_candidate(leg, account):
                want = min(leg.lots - leg.placed, abs(account.positions[leg.market.id].size))
                self.place(leg, account, self.clamp(leg, account, want),
                           ranking=ranking, rank=rank)

    def split_lots(self, leg, accounts):
        """Prefix differences by size; what a clamp refuses is split again by remaining size."""
        accounts = [account for account in accounts if self.is_candidate(leg, account)]
        while accounts and leg.placed < leg.lots:
            sizes = [abs(account.positions[leg.market.id].size) for account in accounts]
            wants = prefix_split(min(leg.lots - leg.placed, sum(sizes)), sizes)
            staying = []
            for account, want in zip(accounts, wants):
                lots = self.clamp(leg, account, want)
                self.place(leg, account, lots, ranking="pro_rata")
                if lots == want and leg.market.id in account.positions:
                    staying.append(account)  # the clamped drop out of the following rounds
            accounts = staying

    def is_candidate(self, leg, account):
        """Solvent, still on the side, checked again at the moment of closing."""
        if leg.market.id not in account.positions or self.pool.equity(account) < 0:
            return False
        # with protect_principal one already at a loss at mark is not touched
        return not leg.protect or self.pool.profit(account, leg.market.id) >= 0

    def clamp(self, leg, account, want):
        """The most lots that leave the counterparty's equity >= 0 at the value it really gets."""
        equity = self.pool.equity(account)
        sign = 1 if account.positions[leg.market.id].size > 0 else -1

        def bears(lots):
            return equity - leg.market.value(sign * lots) - leg.piece(account, lots) >= 0

        low, high = 0, want  # the cost never falls with more lots, so the middle can be tried
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if bears(middle) else (low, middle - 1)
        return low

    def place(self, leg, account, lots, **extra):
        """Each piece of a close is one liquidation_close, then one adl."""
        if not lots:
            return
        amount = leg.piece(account, lots)
        equity = self.pool.equity(leg.account)
        self.close("liquidation_close", leg.account, leg.market, lots, amount, account)
        leg.account.baseline += self.pool.equity(leg.account) - equity
        self.close("adl", account, leg.market, lots, -amount, leg.account, **extra)
        leg.placed += lots

    # 5. The fund's own inventory
    def fund_inventory(self):
        """Fund equity < floor: deleveraged at mark while equity >= 0, else at bankruptcy."""
        pool, backstop = self.pool, self.pool.backstop
        insurance, adl = pool.layer("insurance") or {}, pool.layer("adl")
        equity = pool.equity(backstop)
        if equity >= pool.quanta(insurance.get("floor", "0")):
            return
        held = self.legs_of(backstop)
        if adl:
            self.deleverage(backstop, adl, "mark" if equity >= 0 else "bankruptcy")
        self.write_off(backstop, held)  # still below 0: set to 0, to the layers after adl

    # The haircut layer's division
    def divide_loss(self, haircut):
        pool, market_rest = self.pool, 0
        basis, loss = haircut.get("basis", "period_gain"), pool.period_loss
        if haircut.get("scope", "pool") == "market":
            for name in sorted(name for name in self.debts if name is not None):
                market_rest += self.divide(self.debts[name], basis, name)
            # what a market's payers cannot bear passes to the pool's
            loss = self.debts.get(None, 0) + market_rest
        rest = self.divide(loss, basis, None)
        pool.period_loss = 0
        self.debts = {}
        if rest:
            pool.unallocated += rest  # what payers could not bear names the backstop account
            self.publish("unallocated_deficit", pool.backstop, amount=pool.money(rest))

    def payers(self, basis, market_id):
        """Solvent, gain > 0, not the backstop account; (account, weight = gain, cap)."""
        pool, rows = self.pool, []
        for account in self.traders():
            if market_id is not None:
                gain = pool.rest(account, market_id) if market_id in account.positions else 0
            elif basis == "unrealized_profit":
                gain = sum(pool.rest(account, name) for name in account.positions)
            else:
                gain = pool.gain(account)
            equity = pool.equity(account)
            if equity >= 0 and gain > 0:
                rows.append((account, gain, min(gain, equity)))  # the cap is min(gain, equity)
        return rows

    def divide(self, loss, basis, market_id):
        """Whoever reaches the cap pays it and the rest is divided again; returns what is left."""
        payers = self.payers(basis, market_id) if loss else []
        while payers and loss:
            total = sum(gain for _, gain, _ in payers)
            full = [row for row in payers if loss * row[1] >= row[2] * total]
            if not full:
                shares = prefix_split(loss, [gain for _, gain, _ in payers])
                prefix = 0
                for (account, gain, _), share in zip(payers, shares):
                    self.haircut(account, share, basis, market_id, gain, loss, total, prefix)
                    prefix += gain
                return 0
            for account, gain, cap in full:
                self.haircut(account, cap, basis, market_id, gain, loss, total, None)
            loss -= sum(cap for _, _, cap in full)
            payers = [row for row in payers if row not in full]
        return loss

    def haircut(self, account, amount, basis, market_id, gain, loss, total, prefix):
        pool = self.pool
        if not amount:
            return
        account.collateral -= amount
        if market_id is not None:
            account.positions[market_id].taken += amount
        elif basis == "unrealized_profit":
            # booked to its positions with a positive rest by prefix differences, market-id order
            names = [name for name in sorted(account.positions) if pool.rest(account, name) > 0]
            shares = prefix_split(amount, [pool.rest(account, name) for name in names])
            for name, share in zip(names, shares):
                account.positions[name].taken += share
        fields = {"amount": pool.money(amount), "gain": pool.money(gain), "basis": basis,
                  "loss": pool.money(loss), "gains_total": pool.money(total)}
        if prefix is not None:
            fields["prefix"] = pool.money(prefix)
        if market_id is not None:
            fields["market"] = market_id
        self.publish("haircut", account, **fields)

    def close_period(self, haircut):
        """With period_end the fund is asked again first; then the loss is divided."""
        pool = self.pool
        if pool.period_loss > 0:
            if pool.layer("insurance"):
                pool.period_loss -= self.draw(pool.backstop, pool.period_loss)
            self.divide_loss(haircut)
        pool.open_period(self.now)
