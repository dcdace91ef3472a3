# SPDX-License-Identifier: Apache-2.0
"""The text of docs/waves.md, from the figures of waves.py."""
from fractions import Fraction

MILLION = 10 ** 6
PUBLISHED = {
    "prod": "production, as it happened", "pr": "wealth pro-rata", "pnl_pr": "PnL pro-rata",
    "eq_pr": "equity pro-rata", "vector": "vector mirror descent",
    "contract_pr": "contract pro-rata (whole contracts)",
    "fixed_point_ilp_integer": "min-max ILP (whole contracts)"}

HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
<!-- Written by tests/cases/waves.py --report; the test `waves` fails when this page is not what it would write. -->
# Five waves of 10 October 2025

On that day Hyperliquid deleveraged in waves. For the first five of the sixteen, `data/oct10-closeouts.csv` says what was
closed of each contract, at what average price, and what the winners lost by it against mark. Here each of its {rows} rows
is an insolvency: one account, long the quantity that was closed, that owes the row's gap at mark, to the millionth of a
dollar; no fund. Every rule resolves the same books.

**What is real:** quantities, prices, gaps, and so what each wave needed. **What is made up, from a fixed seed:** the
counterparties, their sizes, entries and collateral ({holders}). So `taken` and `overshoot` can be
compared with the published figures below, shares of equity, Gini and accounts touched only within a table. That all
bankrupt accounts were long is an assumption as well: the file has no sides.

**Numeraire.** All amounts are US dollars of loss against mark: (close price - mark) * quantity of a close, and what a
haircut took. *Needed* is the sum of the gaps of a wave. Value of the positions closed, equity of winners or unrealized profit
are other numbers for the same day (between two versions of one paper the excess moved fourteenfold with the choice): they
must not be mixed.

## What the waves needed

| wave | contracts | of these with gap 0 | needed, USD |
|---|---|---|---|
"""

OURS = """
A row with gap 0 causes nothing: its account has an equity of exactly 0 and no action names it.

## What each rule takes

Sums over the five waves. `overshoot` is taken less needed. `worst share` is the largest part of its equity that anybody
lost: in the worst wave, and the mean over the waves. `Gini` is over those who lost something (0: all the same), least and
most of the waves. `touched` counts accounts that were closed or cut, wave by wave.

| rule | taken, USD | overshoot, USD | worst share, % of equity | mean, % | Gini | touched |
|---|---|---|---|---|---|---|
"""

READING = """
Whatever the rule, exactly what was needed is taken, to the quantum: a close has one value that leaves its account at 0,
and a loss is divided, not multiplied by a rate. What the rules differ in is who pays: a queue asks few accounts for
much, a split of lots asks all holders of a contract, a haircut all winners of the pool, also those who hold nothing of
the contract that failed.

Wave by wave, worst share in % and Gini:

"""

THEIRS = """
## What was published about the same waves

From `data/oct10-waves.csv`, the same five waves against the same needs; its `max_pct` is the worst share. It has no Gini and
no count of accounts. The counterparties are the real ones, as its authors rebuilt them. What production collected is not a
gap: it is by how much the winners' equity at the wave's end is below what it would have been without the closes, so it has
in it what prices did meanwhile. The six policies divide the needed budget itself.

| policy | collected, USD | overshoot, USD | sum of deviations either way, USD | waves below needed | worst share, % of equity | mean, % |
|---|---|---|---|---|---|---|
"""

CAVEATS = """
How to read them:

- Production took less than needed in {under} of these five waves, and in 6 of all 16. Over all 16 it took 60,108,335 for a
  need of 15,079,670: 45,028,666 too much, of which one wave (13, not among these) is 32.9 million. A total hides that.
- The three pro-rata policies divide real numbers: they meet the budget by construction, short of any contract or cent.
- The two policies in whole contracts miss it. Contract pro-rata drops contracts where a cap binds; the ILP ends a little
  above in four of these waves and far below in wave 7 (1,046 of 8,056). For all 16 waves the paper's text has other sums
  (-1.5 million and +50,000) than its files (-3,020,121 and +92,187): the files are what counts here.
- Vector mirror descent stays below in all five.
- Wave 7 has two contracts and a small need; there production took 12 % too much. Small waves make large ratios.
- The excess told of that day is also found as 653.6 million: that counts equity of the accounts closed, another numeraire.

Source of both files: the repository autodeleveraging-analysis of T. Chitra, V. Xu, N. Thogiti and M. Trujillo (MIT licence,
2025); papers arXiv 2512.01112 and 2602.15182.
"""


def dollars(quanta):
    """Quanta of a millionth, all digits, in groups of thousands."""
    sign, quanta = "-" if quanta < 0 else "", abs(quanta)
    return f"{sign}{quanta // MILLION:,}.{quanta % MILLION:06}"


def whole(number):
    """A Fraction of dollars, to the dollar."""
    return f"{round(number):+,}" if round(number) else "0"


def percent(ppm):
    return f"{ppm // 10000}.{ppm // 100 % 100:02}"


def ratio(ppm):
    return f"{ppm // MILLION}.{ppm // 1000 % 1000:03}"


def table_row(*cells):
    return "| " + " | ".join(map(str, cells)) + " |\n"


def needs(waves):
    lines = [table_row(wave, len(rows), sum(row.gap == 0 for row in rows),
                       dollars(sum(row.gap for row in rows))) for wave, rows in waves.items()]
    every = [row for rows in waves.values() for row in rows]
    return "".join(lines) + table_row("sum", len(every), sum(row.gap == 0 for row in every),
                                      dollars(sum(row.gap for row in every)))


def ours(waves, outcomes):
    needed = sum(row.gap for rows in waves.values() for row in rows)
    lines = []
    for rule in next(iter(outcomes.values())):
        found = [by_rule[rule] for by_rule in outcomes.values()]
        taken = sum(outcome.taken() for outcome in found)
        worst = [outcome.worst_ppm() for outcome in found]
        ginis = [outcome.gini_ppm() for outcome in found]
        lines.append(table_row(
            rule, dollars(taken), dollars(taken - needed), percent(max(worst)),
            percent(sum(worst) // len(worst)), f"{ratio(min(ginis))}-{ratio(max(ginis))}",
            sum(outcome.touched() for outcome in found)))
    return "".join(lines)


def by_wave(outcomes):
    names = list(outcomes)
    lines = [table_row("rule", *(f"wave {name}" for name in names)),
             "|---" * (len(names) + 1) + "|\n"]
    for rule in outcomes[names[0]]:
        cells = [outcomes[name][rule] for name in names]
        lines.append(table_row(rule, *(f"{percent(cell.worst_ppm())} / {ratio(cell.gini_ppm())}"
                                       for cell in cells)))
    return "".join(lines)


def published(rows):
    lines = []
    for key, name in PUBLISHED.items():
        over = [Fraction(row[f"overshoot_{key}"]) for row in rows]
        shares = [round(Fraction(row[f"max_pct_{key}"]) * MILLION) for row in rows]
        lines.append(table_row(
            name, f"{round(sum(Fraction(row[f'budget_{key}']) for row in rows)):,}",
            whole(sum(over)), f"{round(sum(map(abs, over))):,}",
            sum(amount < Fraction(-1, 100) for amount in over), percent(max(shares)),
            percent(sum(shares) // len(shares))))
    return "".join(lines)


def page(waves, outcomes, rows):
    holders = [len(next(iter(by_rule.values())).equity) - len(waves[wave]) - 2
               for wave, by_rule in outcomes.items()]
    head = HEAD.format(rows=sum(map(len, waves.values())),
                       holders=f"{min(holders)} to {max(holders)} a wave")
    under = sum(Fraction(row["overshoot_prod"]) < 0 for row in rows)
    return (head + needs(waves) + OURS + ours(waves, outcomes) + READING + by_wave(outcomes)
            + THEIRS + published(rows) + CAVEATS.format(under=under))
