# SPDX-License-Identifier: Apache-2.0
"""The naive oracle of Backstop: plain, slow, written from the rules of docs/policies.md only.

Scope: linear contracts, cross margin; layers insurance (floor, max_per_settlement), adl
(profit_leverage, priority, pro_rata), haircut (pro_rata), unallocated deficit.

Readings (what the oracle does where the rules are silent or can be read in two ways):

 1. A pool's backstop account exists from the pool's creation. Its baseline means nothing (it is
    never a payer), so the driver does not compare it, nor a flat backstop account with no cash.
 2. settle and close_period of a pool that must wait are "ok" and do nothing at all: the period is
    not closed either. Both run a paused pool and leave it paused.
 3. A run at or past the period's end settles first, under the old period, and closes it after.
    One run has one settlement number, also when only the period's end published something; a run
    that published nothing has none. After a long gap one period is closed, not several.
 4. A pool repost changes mark_max_age_ms at once, waterfall and period when the next period opens
    (for "tick": at the end of the next run that did not wait), also if nothing was ever settled.
 5. pause of a paused pool and resume of a running one are "ok" and publish nothing.
 6. "Older" and "beyond" are strict: a mark of equal time is taken, a mark aged exactly
    mark_max_age_ms is fresh, one exactly 5,000 ms ahead is taken, a move of exactly max_move_ppm
    is inside the band. stale_mark is looked at before the band; confirm lifts both.
 7. The third out-of-band mark of a row, or the first one after it that is max_move_span_ms after the
    first, is the one accepted. A mark that is not later than, or not
    within the band of, the one before starts a new row; an accepted mark ends any row.
 8. An absolute update is a full replace of the position, so an absent adl_priority means "last". A
    fill keeps it; a position closed to 0, also on its way to the other side, forgets it.
 9. A repeat is looked for before anything else about a fill or a transfer is judged; a refused one
    is not remembered. Content is compared by value: size, price and fee; amount and kind.
    insurance_fund ids live with the backstop account.
10. last_action (for seen_action) counts the actions whose `account` is the account.
11. Sizes must be whole lots, amounts whole quanta, marks and fill prices whole ticks and > 0.
12. The part of "what earlier haircuts took" released with a close is rounded down, as is the part
    of entry_value; an absolute update to a smaller size on the same side releases in the same way.
13. Every market side is ranked at step 3, after netting and before the first waterfall, with the
    accounts solvent then; step 5 uses the same rankings. For pro_rata this fixes who is "in
    profit"; sizes, solvency and the loss-at-mark rule are read at the moment of closing.
    `rank` is the place in that list, published for the ordered rankings only.
14. n of a score is the notional of the position, q the equity of the account; a term q or |e|
    below one quantum counts as one, also where q ends up above the line (the loss branch).
15. With protect_principal a piece costs the counterparty min(price of the leg, its entry), on the
    rounded amounts: what the exact comparison of prices calls worse may be the better one by a
    quantum after rounding, and then nothing is gained by taking a quantum more than is owed.
    One with profit exactly 0 at mark is a candidate (closed at its entry), one below 0 is not.
16. A protected or clamped piece does not change the P/Q run of the leg: later counterparties pay
    ceil(V*P/Q) differences with P counting all lots placed.
17. In pro_rata the accounts that must not be touched are not part of the split.
18. max_per_settlement bounds the sum of all draws of one settlement, the period-end draw included.
    The period-end draw needs an insurance layer; available may exceed the fund's cash (it is
    equity), so its collateral may go below 0.
19. Without an insurance layer the floor is 0. Step 5 runs in every run that did not wait; without
    an adl layer only its last sentence applies. It ignores the adl layer's `price`. The fund's
    debt gets a write_off that names the backstop account, then (no haircut layer)
    unallocated_deficit that names it too. What it still holds stays with it.
20. Scope market: the fund's legs "at detection" are those it held when step 5 began. A market's
    payer is a solvent account whose rest in that market is > 0, with weight that rest and cap
    min(rest, equity); its rest elsewhere does not matter. Markets are divided in id order, each on
    the state the one before left, the pool's part last.
21. An account with gain > 0 and equity 0 is a payer with cap 0: it is in gains_total of the first
    round, pays nothing and emits nothing.
22. `prefix` of a haircut is P_(i-1), the sum before the payer, of the round it was divided in.
    `gain` is the payer's weight.
23. entry_price of a close is that of the whole position before the close; price is
    value / (size x multiplier), so it is a price of the market also with a multiplier.
24. Withdrawals: oracle_withheld.py.
25. A transfer of 0 is taken and moves nothing (a funding payment may round to 0); without a kind it
    is a deposit.
26. Account items for a pool's backstop account are refused; its fills and transfers are not.
27. A handover is spent by the next run that does not wait, whether the account was found insolvent
    (and resolved) or solvent. The trigger of a repost applies at once; "equity" forgets handovers.
28. A score's p, e, n and m are the position's, its q and w (= collateral) the account's. price_leverage
    knows no score but 0 for what is not in profit; it comes after, by id.
29. leverage_water_fill levels lots over equity (the mark is the same for all), tier by tier as
    pro_rata, but at mark, where nothing is taken, those in profit and not together; equity counts as at least one quantum; the exact reductions are rounded down in
    running sums. A clamp's refusal is levelled again over sizes and equities as they are then.
30. What is taken back of a close comes on top of whatever was traded since; opposite lots close
    against each other, each at its own entry. The baseline shift of the close is taken back in the
    same part, at the mark of the close. An absolute update of a side (its account, or its position
    in that market) ends this. The two are kept apart, in that market, in the next run that does not
    wait, whether or not the account is insolvent then. With trigger handover it counts as one.
31. An isolated margin lives from its first collateral until its account or market goes, also flat and
    at 0. It stands right after its owner in the order of ids. An account item with positions leaves
    the collateral of the isolated ones it lists as it is, unless it says it; those it does not list
    must have none, and are closed. seen_action is the owner's.
32. haircut_cap_ppm stays until an account item brings another; only capped_pro_rata looks at it.
33. Under another weight than the gain, gains_total and prefix are sums of weights and `weight` is
    printed when it is not the gain. A payer whose weight is 0 pays after all others, its cap the weight.
    A weight of risk_aware above 2^94 quanta counts as 2^94.
34. Scope side: the payers of a leg's part are the positions of that market on the other side; within
    a market the longs' loss is divided first.
35. Inverse: what a position loses of its value by a close is the difference of two rounded values;
    baselines and clamps go by that. More lots may cost less by a rounding; a clamp still is the most
    that fit. An account that the roundings of netting leave at 0 or above is
    solvent and keeps the rest. An account above 0 when its last position is taken over leaves that dust to the fund.
    A part of a fill that closes is worth floor(value of the fill * part / size), signed.
"""
import json
import sys
from fractions import Fraction

from oracle_ledger import Account, Market, Pool, Position, Refused, check, decimal_text, trade
from oracle_assign import Providers
from oracle_final import Final
from oracle_fund import observe
from oracle_ids import EPOCH, Ids, milliseconds
from oracle_isolated import Isolated
from oracle_settlement import Settlement
from oracle_withheld import Withheld
from oracle_venue import Venue
from oracle_sources import Sources
from oracle_window import close_window, open_window, window_gain

TRANSFER_KINDS = ("deposit", "withdrawal", "funding", "fee", "rebate")


def whole(number, code):
    check(number.denominator == 1, code)
    return number.numerator


def check_waterfall(layers):
    """haircut must be last; unrealized_profit only with at_once; market only with that basis."""
    names = [layer["layer"] for layer in layers]
    check("haircut" not in names[:-1], "invalid_waterfall")
    if "assign" in names and "adl" in names:  # before anybody is deleveraged
        check(names.index("assign") < names.index("adl"), "invalid_waterfall")
    for layer in layers:
        basis = layer.get("basis", "period_gain")
        check(layer.get("seniority", 1) > 0, "invalid_waterfall")
        check("seniority" not in layer or basis == "period_gain", "invalid_waterfall")
        if basis == "unrealized_profit":
            check(layer.get("divide", "at_once") == "at_once", "invalid_waterfall")
        if layer.get("scope", "pool") != "pool":
            check(basis == "unrealized_profit", "invalid_waterfall")


def check_seen(pool, account, command):
    """An absolute update has seen the account's newest action, and none that does not exist yet."""
    seen = command.get("seen_action", 0)
    check(seen <= pool.last_action, "unknown_action")
    check(account.last_action <= seen, "stale_update")


class Oracle(Venue, Isolated, Final, Providers, Sources, Withheld, Ids):
    def __init__(self, trades=4096, transfers=4096):
        self.pools, self.markets, self.homes = {}, {}, {}  # homes: account id -> its pool
        self.sources = {}
        self.init_ids(trades, transfers)
        self.now = 0

    def step(self, command, now_ms):
        """Applies one item of POST /v1/commands; returns (outcome, actions)."""
        if "source" in command:
            return self.numbered(command, lambda: self.execute(command, now_ms))
        return self.execute(command, now_ms)

    def execute(self, command, now_ms):
        handler = getattr(self, "on_" + command["type"], None)
        self.now = now_ms
        try:
            check(handler, "unknown_type")
            return "ok", handler(command, now_ms) or []
        except Refused as refusal:
            return str(refusal), []

    def state(self):
        """The ledger, sorted by id, decimals as strings."""
        pools, accounts = [], []
        for name, pool in sorted(self.pools.items()):
            taken = sum(account.window_taken for account in pool.accounts.values())
            pools.append({"pool": name, "window": pool.window, "window_loss": pool.money(taken),
                          "own_funds": pool.money(pool.kept()), "period_loss": pool.money(pool.period_loss),
                          "unallocated_deficit": pool.money(pool.unallocated)})
        for name, pool in sorted(self.homes.items()):
            account = pool.accounts[name]
            owner, _, market = name.partition("\0")
            accounts.append(({"isolated": market} if market else {}) | {
                "account": owner, "pool": pool.id, "collateral": pool.money(account.collateral),
                "baseline": pool.money(account.baseline),
                "handed_over": account.handed_over,
                "claim": pool.money(account.claim),
                "window_gain": None if pool.window is None else pool.money(
                    window_gain(pool, account)),
                "window_taken": pool.money(account.window_taken),
                "older_gains": [pool.money(gain) for gain in account.gains],
                "positions": [self.position_state(pool, market, position)
                              for market, position in sorted(account.positions.items())]})
        return {"pools": pools, "accounts": accounts, "providers": self.provider_states(self.now)}

    def position_state(self, pool, name, position):
        size = decimal_text(position.size * self.markets[name].lot)
        return {"market": name, "size": size, "entry_value": pool.money(position.entry)}

    # Look-ups
    def pool_of(self, command):
        check(command["pool"] in self.pools, "unknown_pool")
        return self.pools[command["pool"]]

    def account_of(self, command):
        check(command["account"] in self.homes, "unknown_account")
        pool = self.homes[command["account"]]
        return pool, pool.accounts[command["account"]]

    def market_of(self, command, pool=None):
        check(command["market"] in self.markets, "unknown_market")
        market = self.markets[command["market"]]
        check(pool is None or market.pool == pool.id, "unknown_market")
        return market

    def quanta(self, pool, text):
        return whole(Fraction(text) * 10 ** pool.decimals, "not_in_quanta")

    def ticks(self, market, text):
        ticks = whole(Fraction(text) / market.tick, "not_on_tick")
        check(ticks > 0, "not_positive")
        return ticks

    # Set-up
    def on_pool(self, command, now):
        layers = command["waterfall"]
        check_waterfall(layers)
        pool, period = self.pools.get(command["pool"]), command.get("period", "8h")
        age = command.get("mark_max_age_ms", 10000)
        if pool is None:
            pool = Pool(command["pool"], command["asset"], command["decimals"], age, period, layers)
            backstop = Account("backstop:" + pool.id)
            self.set_trigger(pool, command)
            self.pools[pool.id] = self.homes[backstop.id] = pool
            pool.accounts[backstop.id] = backstop
            pool.open_period(now)
            return
        in_use = pool.markets or len(pool.accounts) > 1
        same = (pool.asset, pool.decimals) == (command["asset"], command["decimals"])
        check(same or not in_use, "in_use")
        pool.asset, pool.decimals, pool.mark_max_age = command["asset"], command["decimals"], age
        self.set_trigger(pool, command)
        pool.pending = (layers, period)  # waterfall and period apply from the next period

    def on_market(self, command, now):
        pool, name = self.pool_of(command), command["market"]
        terms = [Fraction(command["tick_size"]), Fraction(command["lot_size"]),
                 Fraction(command.get("multiplier", "1"))]
        # unit = tick*lot*multiplier/quantum, or face = lot*multiplier/(tick*quantum): whole, >= 1
        inverse = command.get("contract", "linear") == "inverse"
        tick = 1 / terms[0] if inverse else terms[0]
        unit = tick * terms[1] * terms[2] * 10 ** pool.decimals
        check(unit.denominator == 1 and unit >= 1, "invalid_market")
        check(unit <= 2 ** 62, "out_of_range")
        limits = [command.get("maintenance_margin_ppm", 0), command.get("max_move_ppm", 0),
                  command.get("max_move_span_ms", 500)]
        held = self.markets.get(name)
        if held:
            check(not held.settled, "market_settled")
            check(command.get("own_fund") or not held.own_fund_balance, "in_use")
            used = any(name in account.positions for account in pool.accounts.values())
            used = used or self.isolated_money(pool, name)
            used = used or any(market == name for _, market in pool.providers)
            same = (terms == [held.tick, held.lot, held.multiplier] and held.pool == pool.id
                    and held.inverse == inverse)
            check(same or not (used or held.own_fund_balance), "in_use")
            if not same:
                self.drop_isolated(pool, name)
        market = Market(name, pool.id, *terms, unit.numerator, *limits, inverse=inverse)
        if held:
            market.mark, market.mark_time, market.row = held.mark, held.mark_time, held.row
            market.budget_used = held.budget_used
        market.own_fund = command.get("own_fund", False)
        if held:
            market.own_fund_balance = held.own_fund_balance if same else 0
        if "fund_budget" in command:
            market.fund_budget = self.quanta(pool, command["fund_budget"])
        self.markets[name] = pool.markets[name] = market

    def on_resume(self, command, now):
        pool = self.pool_of(command)
        was, pool.paused = pool.paused, False
        return [pool.publish("pool_resumed")] if was else []

    def on_pause(self, command, now):
        pool = self.pool_of(command)
        was, pool.paused = pool.paused, True
        return [] if was else [pool.publish("pool_paused")]

    def on_open_window(self, command, now):
        pool, name = self.pool_of(command), command["name"]
        if pool.window == name:
            return []
        check(pool.window is None, "window_open")
        check((pool.layer("haircut") or {}).get("basis") == "window_gain", "no_window_basis")
        open_window(pool, name)
        return [pool.publish("window_opened", window=name)]

    def on_close_window(self, command, now):
        pool = self.pool_of(command)
        check(pool.window == command["name"], "unknown_window")
        check(not pool.period_loss, "loss_open")
        return [pool.publish("window_closed", window=close_window(pool))]

    # State in
    def absolute(self, pool, market, item, old):
        """The position an absolute update asks for, or None for size 0."""
        size = whole(Fraction(item["size"]) / market.lot, "not_in_lots")
        if size == 0:
            return None
        # an entry_price finer than a tick is accepted; its entry_value is rounded up
        entry = market.entry_value(size, Fraction(item["entry_price"]) / market.tick)
        taken = 0
        if old and old.size * size > 0:  # the same side keeps it, a smaller size releases its part
            gone = max(0, abs(old.size) - abs(size))
            taken = old.taken - old.taken * gone // abs(old.size)
        return Position(size, entry, item.get("adl_priority"), taken)

    def on_account(self, command, now):
        name = command["account"]
        pool = self.pool_of(command)
        check(not name.startswith("backstop:"), "reserved_id")
        check(self.homes.get(name, pool) is pool, "other_pool")
        account = pool.accounts.get(name) or Account(name, last_action=self.deleted_last_action(pool, name))
        for item in command.get("positions", []):
            self.check_open(pool, item)
        if "positions" in command:
            self.check_isolated_named(pool, account, command)
        # an absolute update that has not seen a newer action is refused
        check_seen(pool, account, command)
        if "positions" in command:
            self.check_isolated_begun(pool, account, command)
        collateral = self.quanta(pool, command["collateral"])
        positions = account.positions
        if "positions" in command:  # everything the account holds
            positions = {}
            for item in command["positions"]:
                market = self.market_of(item, pool)
                if item.get("margin") == "isolated":
                    continue
                old = account.positions.get(market.id)
                position = self.absolute(pool, market, item, old)
                if position:
                    positions[market.id] = position
        equity = pool.equity(account)
        self.set_anew(pool, account)
        account.collateral, account.positions = collateral, positions
        account.haircut_cap_ppm = command.get("haircut_cap_ppm", account.haircut_cap_ppm)
        for isolated in self.all_isolated(pool, account).values():
            isolated.haircut_cap_ppm = account.haircut_cap_ppm
        account.baseline += pool.equity(account) - equity
        self.homes[name], pool.accounts[name] = pool, account
        if "positions" in command:
            self.replace_isolated(pool, account, command)

    def on_delete_account(self, command, now):
        pool, account = self.account_of(command)
        check(account is not pool.backstop, "reserved_id")
        check(not account.claim, "open_claim")
        check(not account.window_taken, "in_window")
        isolated = self.all_isolated(pool, account).values()
        check(all(self.is_flat(row) for row in (account, *isolated)), "not_flat")
        pool.providers = {key: row for key, row in pool.providers.items() if key[0] != account.id}
        for row in (account, *isolated):
            self.forget(pool, row)
        self.delete_remembered(pool, account)

    def is_flat(self, account):
        """It holds nothing, also no gain or loss of the period; nobody owes it anything."""
        money = account.collateral, account.baseline, account.claim, account.window_taken
        return not account.positions and not any(money)

    def forget(self, pool, account):
        """An account of the same name is another one: ids may come again, its closes stay closed."""
        self.set_anew(pool, account)
        pool.excluded = {pair for pair in pool.excluded if account.id not in pair[:2]}
        self.forget_ids(account)
        del pool.accounts[account.id], self.homes[account.id]

    def on_position(self, command, now):
        pool, account = self.account_of(command)
        market = self.market_of(command, pool)
        self.check_open(pool, command)
        check_seen(pool, account, command)
        if command.get("margin") == "isolated":
            return self.put_isolated(pool, account, market, command)
        position = self.absolute(pool, market, command, account.positions.get(market.id))
        equity = pool.equity(account)
        self.set_anew(pool, account, market)
        account.positions.pop(market.id, None)
        if position:
            account.positions[market.id] = position
        account.baseline += pool.equity(account) - equity

    def on_fill(self, command, now):
        pool, account = self.account_of(command)
        market = self.market_of(command, pool)
        check(not market.settled, "market_settled")
        lots = whole(Fraction(command["size"]) / market.lot, "not_in_lots")
        check(lots, "zero_size")
        price = self.ticks(market, command["price"])
        if command.get("margin") == "isolated":
            account = self.isolated_of(command, pool, account)
        fee = self.quanta(pool, command.get("fee", "0"))
        counts = (self.trades, command, "trade_id", (market.id, lots > 0, account.id), (lots, price, fee))
        if self.seen(*counts):
            return
        trade(account, market, lots, market.value(lots, price))
        account.collateral -= fee
        self.take(*counts)

    def on_transfer(self, command, now):
        pool, account = self.account_of(command)
        amount = self.quanta(pool, command["amount"])
        kind = command.get("kind", "deposit" if amount >= 0 else "withdrawal")
        check(kind in TRANSFER_KINDS, "invalid_transfer")
        # deposits are positive, withdrawals negative
        check(kind != "deposit" or amount >= 0, "invalid_transfer")
        check(kind != "withdrawal" or amount <= 0, "invalid_transfer")
        if "market" in command:
            account = self.isolated_of(command, pool, account, opens=kind == "deposit")
        counts = (self.transfers, command, "transfer_id", (account.id,), (amount, kind))
        if self.seen(*counts):
            return
        self.check_leaving(pool, account, amount, kind)
        self.take(*counts)
        account.collateral += amount
        if kind in ("deposit", "withdrawal"):  # only these shift the baseline
            account.baseline += amount

    def on_mark(self, command, now):
        market = self.market_of(command)
        pool = self.pools[market.pool]
        check(not market.settled, "market_settled")
        price = self.ticks(market, command["price"])
        time = milliseconds(command["time"]) if "time" in command else now
        check(time - now <= 5000, "mark_in_future")
        if market.mark is not None and not command.get("confirm"):
            check(time >= market.mark_time, "stale_mark")
            if not self.in_band(market, market.mark, price):
                self.out_of_band(market, price, time)
        market.mark, market.mark_time, market.row = price, time, []

    def in_band(self, market, before, price):
        limit = market.max_move_ppm
        return limit == 0 or abs(price - before) * 10 ** 6 <= before * limit

    def out_of_band(self, market, price, time):
        """Refused until 3 in a row over a time that is long enough, each later than the last and in its band."""
        if market.row:
            last_price, last_time = market.row[-1]
            if time <= last_time or not self.in_band(market, last_price, price):
                market.row = []
        market.row.append((price, time))
        long_enough = time - market.row[0][1] >= market.max_move_span_ms
        check(len(market.row) >= 3 and long_enough, "mark_out_of_band")

    def on_insurance_fund(self, command, now):
        pool = self.pool_of(command)
        amount, backstop = self.quanta(pool, command["amount"]), pool.backstop
        counts = (self.transfers, command, "transfer_id", (backstop.id,), (amount, "insurance_fund"))
        if self.seen(*counts):
            return []
        self.check_leaving(pool, backstop, amount, "insurance_fund")
        self.take(*counts)
        credit = max(0, min(amount, pool.unallocated))  # paid down first by later fund top-ups
        pool.unallocated -= credit
        backstop.collateral += amount - credit
        observe(pool, now)
        if not credit:
            return []
        return [pool.publish("insurance_credit", backstop, amount=pool.money(credit))]

    def on_own_fund(self, command, now):
        market = self.market_of(command)
        pool = self.pools[market.pool]
        amount, backstop = self.quanta(pool, command["amount"]), pool.backstop
        counts = (self.transfers, command, "transfer_id", (backstop.id,), (amount, "own_fund", market.id))
        if self.seen(*counts):
            return
        floor = pool.quanta((pool.layer("insurance") or {}).get("floor", "0"))
        has = min(backstop.collateral - pool.kept(), pool.common()) - floor
        check(market.own_fund, "no_own_fund")
        check(amount <= max(0, has), "insufficient_equity")
        check(-amount <= market.own_fund_balance, "insufficient_equity")
        check(not amount or not self.fund_is_needed(pool), "fund_needed")
        self.take(*counts)
        market.own_fund_balance += amount
        observe(pool, now)

    def on_settle(self, command, now):
        return Settlement(self.pool_of(command), now).run(closing=False)

    def on_close_period(self, command, now):
        return Settlement(self.pool_of(command), now).run(closing=True)


def serve(lines, out):
    """Speaks the protocol of the C tool (see run.py), so that the driver can be tried on it."""
    oracle, now = Oracle(), 0
    for line in lines:
        command, actions, outcome = json.loads(line), [], "ok"
        if command["type"] == "reset":
            oracle, now = Oracle(), 0
        elif command["type"] == "clock":
            now = command["ms"]
        elif command["type"] == "state":
            print(json.dumps(oracle.state()), file=out, flush=True)
            continue
        else:
            outcome, actions = oracle.step(command, now)
        print(json.dumps({"outcome": outcome, "actions": actions}), file=out, flush=True)


if __name__ == "__main__":
    serve(sys.stdin, sys.stdout)
