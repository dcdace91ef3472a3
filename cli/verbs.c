/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/verbs.h"

const struct option_row option_rows[OPTIONS_COUNT] = {
    {"url", "URL", "the server; default $BACKSTOP_URL, then " DEFAULT_URL, OPTION_URL, 'u'},
    {"output", "FORMAT", "table (default) or json: one object a line", OPTION_OUTPUT, 'o'},
    {"key", "KEY", "access key; default $BACKSTOP_KEY. Others see it in a list of processes",
     OPTION_KEY, 0},
    {"key-file", "FILE", "the access key stands in this file; default $BACKSTOP_KEY_FILE",
     OPTION_KEY_FILE, 0},
    {"cacert", "FILE", "authority of the server, PEM; default $BACKSTOP_CACERT, the system's",
     OPTION_CACERT, 0},
    {"cert", "FILE", "our certificate, PEM; default $BACKSTOP_CERT", OPTION_CERT, 0},
    {"cert-key", "FILE", "its private key, PEM; default $BACKSTOP_CERT_KEY", OPTION_CERT_KEY, 0},
    {"help", NULL, "this text, or that of a verb", OPTION_HELP, 'h'},
    {"version", NULL, "the version of backstopctl and its libraries", OPTION_VERSION, 'V'},
    {"account", "ID", "only actions of this account; simulate: what it would keep", OPTION_ACCOUNT,
     0},
    {"after", "CURSOR", "only what comes after this cursor", OPTION_AFTER, 0},
    {"batch", "N", "lines of one request; default 1000", OPTION_BATCH, 'n'},
    {"batch-max", "N", "notices of one request, up to 1000; default 1", OPTION_BATCH_MAX, 0},
    {"follow", NULL, "keep waiting for new actions", OPTION_FOLLOW, 'f'},
    {"file", "FILE", "the keys file of the server", OPTION_FILE, 0},
    {"fund", "AMOUNT", "cash of the insurance fund instead of what it has", OPTION_FUND, 0},
    {"items", "N", "most items a second", OPTION_ITEMS, 0},
    {"order", "ORDER", "of notices: in_order (default) or parallel", OPTION_ORDER, 0},
    {"pool", "POOL", "only actions of this pool", OPTION_POOL, 0},
    {"quiet", NULL, "post: no progress bar; health, verify: print nothing", OPTION_QUIET, 'q'},
    {"requests", "N", "most requests a second", OPTION_REQUESTS, 0},
    {"roles", "ROLES", "feed, ops, read, or several: feed,read", OPTION_ROLES, 0},
    {"settlement", "N", "what would have been done at this settlement", OPTION_SETTLEMENT, 0},
    {"shock", "MARKET=TO", "a price, or a move such as -13%; as often as wanted", OPTION_SHOCK, 0},
    {"side", "SIDE", "long or short", OPTION_SIDE, 0},
    {"subject", "NAME", "a client certificate with this name instead of a key", OPTION_SUBJECT, 0},
    {"type", "TYPE", "only actions of this type: adl, haircut, ...", OPTION_TYPE, 0},
    {"waterfall", "NAME=OF", "a preset, a FILE.json of layers, or current", OPTION_WATERFALL, 'w'},
};

static const struct verb verbs[] = {
    {"post", "FILE", "send a file of commands, one JSON object a line (- = standard input)",
     "Streams the file to /v1/commands in requests of --batch lines, in order. A rejected line is\n"
     "reported as FILE:LINE: code: detail and the others go on; exit status 65 if there was any.\n"
     "A request whose answer is lost is sent again and counts once.\n"
     "No settlement falls between the lines of one request. For a book of more lines than that, "
     "keep\n"
     "the pool paused (as it is created) and end the file with its resume.\n"
     "\n"
     "  $ cat day.ndjson\n"
     "  "
     "{\"type\":\"position\",\"account\":\"a1\",\"market\":\"BTC-PERP\",\"size\":\"-1.5\",\"entry_"
     "price\":\"64012.5\"}\n"
     "  {\"type\":\"mark\",\"market\":\"BTC-PERP\",\"price\":\"63990.1\"}\n"
     "  $ backstopctl post day.ndjson\n"
     "  2 lines: 2 accepted, 0 rejected, last seq 213\n",
     verb_post, OPTION_BATCH | OPTION_QUIET},
    {"actions", NULL, "what was decided about whom, in order",
     "Prints the published actions, oldest first. --follow waits for new ones, also while the\n"
     "server restarts. --after takes a cursor of the first column and goes on behind it.\n"
     "\n"
     "  $ backstopctl actions --follow --account T0351\n"
     "  $ backstopctl actions --type adl -o json | jq -r '[.account, .size_closed, .price] | "
     "@csv'\n",
     verb_actions, OPTION_ACCOUNT | OPTION_AFTER | OPTION_FOLLOW | OPTION_POOL | OPTION_TYPE},
    {"explain", "ACTION", "why an action came about, in sentences, its figures recomputed",
     "ACTION is POOL/ID, or a cursor as in the first column of actions. Says what the action was\n"
     "for, whose turn it was and why, and how its amount follows; then recomputes its settlement\n"
     "up to it. --account makes the sentences speak to that account: \"you\".\n"
     "\n"
     "  $ backstopctl explain usdc/3\n",
     verb_explain, OPTION_ACCOUNT},
    {"watch", "POOL", "a live view: the fund, who is at risk, the last actions",
     "Redrawn in place whenever something was decided, and every second; Ctrl-C ends it. When the\n"
     "output is no terminal, each new action and each change of the totals is a line. --after "
     "begins\n"
     "with what came after a cursor; else with what comes from now on.\n"
     "\n"
     "  $ backstopctl watch usdc\n",
     verb_watch, OPTION_AFTER},
    {"verify", NULL, "recompute what was published, from the answers alone",
     "Follows the hash chain of every pool, and recomputes each piece of a close, each score and\n"
     "place in a queue, each haircut, who bore each deficit, and the sums of each settlement. "
     "Prints\n"
     "how much of what it checked; exit status 1, naming the first action that does not fit. With\n"
     "--after it begins behind a cursor: of the settlement it begins in only the chain is "
     "followed.\n"
     "docs/verify.py does the same from a dump, with nothing of this program in it.\n"
     "\n"
     "  $ backstopctl verify\n"
     "  $ backstopctl verify --pool usdc --after 120000\n",
     verb_verify, OPTION_AFTER | OPTION_POOL | OPTION_QUIET},
    {"pools", NULL, "all pools: state, fund, open losses",
     "One line a pool. SETTLED is the number of its last settlement. WAITING says why it does not\n"
     "settle now, such as stale_mark: a market in which somebody holds a position has no fresh "
     "mark.\n"
     "\n"
     "  $ backstopctl pools\n",
     verb_pools, 0},
    {"presets", NULL, "waterfalls that have a name",
     "A pool takes one in place of a list of layers: \"waterfall\":\"classic_queue\". --output "
     "json\n"
     "shows the layers. PERIOD is what the pool gets unless it names its own.\n"
     "\n"
     "  $ backstopctl presets\n"
     "  $ backstopctl presets -o json | jq '.waterfall'\n",
     verb_presets, 0},
    {"fund", "POOL", "a pool's insurance fund",
     "The fund is an account, backstop:POOL. Its equity counts the positions that it took over;\n"
     "available is what it could pay now.\n"
     "\n"
     "  $ backstopctl fund usdc\n",
     verb_fund, 0},
    {"solvency", "POOL", "a pool's totals: who could owe what to whom",
     "Sums over all accounts at the current marks: collateral, equity, deficits, gains.\n"
     "\n"
     "  $ backstopctl solvency usdc\n",
     verb_solvency, 0},
    {"account", "ID", "one account with its positions",
     "Equity is collateral plus the profit of the positions at mark; below 0 the account is\n"
     "insolvent. Gain is what it made in this settlement period.\n"
     "\n"
     "  $ backstopctl account T0351\n"
     "  $ backstopctl account backstop:usdc\n",
     verb_account, 0},
    {"market", "MARKET", "one market: contract, mark, open interest",
     "Open interest is counted in contracts and is equal on both sides.\n"
     "\n"
     "  $ backstopctl market BTC-PERP\n",
     verb_market, 0},
    {"queue", "MARKET", "who would be deleveraged first in a market",
     "Ranks one side of the market as the pool's adl layer would now: --side long (default) or\n"
     "short. AHEAD is the quantity before an account, PPM its share of all, LIGHTS 5 the front.\n"
     "\n"
     "  $ backstopctl queue BTC-PERP --side short\n",
     verb_queue, OPTION_SIDE},
    {"rank", "ID", "where an account's positions stand in their queues",
     "RANK 1 of OF is closed first; AHEAD is the quantity before it, LIGHTS 5 the front. WORST "
     "and\n"
     "COST: the price that a close of all of it could come to now, and what it costs to mark.\n"
     "\n"
     "  $ backstopctl rank T0351\n",
     verb_rank, 0},
    {"sources", NULL, "producers that number what they send, and where they go on",
     "NEXT is the number that the next item must have; from OLDEST on repeats are known.\n"
     "\n"
     "  $ backstopctl sources\n",
     verb_sources, 0},
    {"providers", "POOL",
     "who takes over positions before anybody is deleveraged, and how much now",
     "TAKES LONG and TAKES SHORT are contracts that the provider would take over now, by its "
     "limits\n"
     "and at the current marks; they are asked where the pool's waterfall has an assign layer.\n"
     "\n"
     "  $ backstopctl providers usdc\n",
     verb_providers, 0},
    {"settlements", "POOL", "the settlements of a pool and what each of them did",
     "One line a settlement: who failed, what the fund paid, what the winners bore.\n"
     "\n"
     "  $ backstopctl settlements usdc\n",
     verb_settlements, 0},
    {"simulate", "POOL", "what a move of prices would do, by waterfall",
     "Runs on the server beside its traffic: nothing is applied. Each --shock moves a market to a\n"
     "price or by percent; each --waterfall is one to compare: a preset (backstopctl presets), a\n"
     "file with a list of layers, or current; without any, current. With --settlement the marks "
     "and\n"
     "the fund are those of that moment, and what was really done stands beside.\n"
     "\n"
     "  $ backstopctl simulate usdc --shock BTC-PERP=-13% -w current -w mine=mine.json\n"
     "  $ backstopctl simulate usdc --settlement 88 -w classic_queue -w session_clawback\n",
     verb_simulate,
     OPTION_ACCOUNT | OPTION_FUND | OPTION_SETTLEMENT | OPTION_SHOCK | OPTION_WATERFALL},
    {"key", "add|rm|list [NAME]", "access keys: the server's keys file, edited where it lies",
     "Works on the file alone; the server reads it again on SIGHUP. add makes a key, prints it "
     "this\n"
     "one time and keeps its hash; with --subject it lets in a client certificate of that name. "
     "rm\n"
     "takes a key away. Comments and the order of the lines stay.\n"
     "\n"
     "  $ backstopctl key add feed1 --roles feed,read --items 500000 --file /etc/backstop/keys\n"
     "  $ backstopctl key add desk --roles ops --subject desk.venue.example --file keys\n"
     "  $ backstopctl key rm feed1 --file keys && systemctl reload backstopd\n"
     "  $ backstopctl key list --file keys\n",
     verb_key, OPTION_FILE | OPTION_ROLES | OPTION_SUBJECT | OPTION_REQUESTS | OPTION_ITEMS},
    {"webhook", "COMMAND [ID|URL] [FROM] [TO]", "where notices are delivered to, and how that goes",
     "  add URL               an endpoint; --pool, --account, --type filter, each as often as\n"
     "                        wanted. Prints its secret, once\n"
     "  list                  all endpoints\n"
     "  deliveries ID         the attempts made\n"
     "  test ID               sends one now; exit status 69 when the receiver does not take it\n"
     "  rotate ID             a new secret; the one before stays valid for a day\n"
     "  redeliver ID FROM TO  sends again what lies between two cursors of actions\n"
     "  enable ID             goes on after it was disabled\n"
     "  rm ID                 forgets it\n"
     "\n"
     "  $ backstopctl webhook add https://example.org/hook --pool usdc --type adl\n",
     verb_webhook, OPTION_ACCOUNT | OPTION_POOL | OPTION_TYPE | OPTION_ORDER | OPTION_BATCH_MAX},
    {"health", NULL, "is the server up: exit status 0 when it is, 69 when not",
     "\n"
     "  $ backstopctl health --quiet && echo up\n",
     verb_health, OPTION_QUIET},
};

const struct verb *verb_at(size_t i)
{
    return i < sizeof(verbs) / sizeof(verbs[0]) ? &verbs[i] : NULL;
}
