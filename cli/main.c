/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backstopctl: a client of backstopd over HTTP. One table of verbs, one of options; each verb names
 * the options that it takes.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DEFAULT_URL "http://127.0.0.1:8480"
#define DEFAULT_BATCH 1000
#define BATCH_MAX 1000000L /* items of one request that a server takes */

enum option_bit {
    OPTION_URL = 1 << 0,
    OPTION_OUTPUT = 1 << 1,
    OPTION_HELP = 1 << 2,
    OPTION_VERSION = 1 << 3,
    OPTION_ACCOUNT = 1 << 4,
    OPTION_AFTER = 1 << 5,
    OPTION_BATCH = 1 << 6,
    OPTION_FOLLOW = 1 << 7,
    OPTION_POOL = 1 << 8,
    OPTION_QUIET = 1 << 9,
    OPTION_SIDE = 1 << 10,
    OPTION_TYPE = 1 << 11,
    OPTION_FUND = 1 << 12,
    OPTION_SETTLEMENT = 1 << 13,
    OPTION_SHOCK = 1 << 14,
    OPTION_WATERFALL = 1 << 15,
    OPTION_KEY = 1 << 16,
    OPTION_KEY_FILE = 1 << 17,
    OPTION_CACERT = 1 << 18,
    OPTION_CERT = 1 << 19,
    OPTION_CERT_KEY = 1 << 20,
    OPTION_FILE = 1 << 21,
    OPTION_ROLES = 1 << 22,
    OPTION_SUBJECT = 1 << 23,
    OPTION_REQUESTS = 1 << 24,
    OPTION_ITEMS = 1 << 25,
    OPTION_ORDER = 1 << 26,
    OPTION_BATCH_MAX = 1 << 27,
};

#define OPTIONS_OF_ACCESS                                                                          \
    (OPTION_KEY | OPTION_KEY_FILE | OPTION_CACERT | OPTION_CERT | OPTION_CERT_KEY)
#define OPTIONS_OF_ALL                                                                             \
    (OPTION_URL | OPTION_OUTPUT | OPTION_HELP | OPTION_VERSION | OPTIONS_OF_ACCESS)

static const struct option_row {
    const char *name;
    const char *argument; /* NULL = none */
    const char *help;
    int bit;
    char letter; /* 0 = none */
} option_rows[] = {
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

static const struct verb {
    const char *name;
    const char *operand; /* NULL = none */
    const char *summary;
    const char *help;
    int (*run)(struct cli *cli);
    int options;
} verbs[] = {
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
     "ACTION is POOL/ID, or a cursor as in the first column of actions. Says what it was for, "
     "whose\n"
     "turn it was and why, and how its amount follows; and recomputes all of its settlement up to "
     "it.\n"
     "\n"
     "  $ backstopctl explain usdc/3\n",
     verb_explain, 0},
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

static void print_options(int bits)
{
    for (size_t i = 0; i < COUNT(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        char name[32];
        if ((row->bit & bits) == 0) {
            continue;
        }
        snprintf(name, sizeof(name), "--%s%s%s", row->name, row->argument == NULL ? "" : " ",
                 row->argument == NULL ? "" : row->argument);
        printf("  %c%c%c %-17s %s\n", row->letter == 0 ? ' ' : '-',
               row->letter == 0 ? ' ' : row->letter, row->letter == 0 ? ' ' : ',', name, row->help);
    }
}

static int print_help(const struct verb *verb)
{
    if (verb != NULL) {
        printf("usage: backstopctl %s%s%s [OPTION...]\n\n%s.\n", verb->name,
               verb->operand == NULL ? "" : " ", verb->operand == NULL ? "" : verb->operand,
               verb->summary);
        printf("%s%s\n", verb->help[0] == '\n' ? "" : "\n", verb->help);
        print_options(verb->options | OPTIONS_OF_ALL);
        return cli_flush();
    }
    puts("usage: backstopctl VERB [OPERAND] [OPTION...]\n\nTalks to a backstopd server.\n");
    for (size_t i = 0; i < COUNT(verbs); i++) {
        printf("  %-12s%-7s %s\n", verbs[i].name, verbs[i].operand == NULL ? "" : verbs[i].operand,
               verbs[i].summary);
    }
    puts("\nOptions of every verb:");
    print_options(OPTIONS_OF_ALL);
    puts("\n`backstopctl VERB --help` explains a verb with examples; backstopctl(1) explains it "
         "all.");
    return cli_flush();
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < COUNT(verbs); i++) {
        if (strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static bool set_batch(struct options *options, const char *text)
{
    char *end = NULL;
    errno = 0;
    options->batch = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || options->batch < 1 ||
        options->batch > BATCH_MAX) {
        cli_error("--batch takes a number from 1 to %ld, not '%s'", BATCH_MAX, text);
        return false;
    }
    return true;
}

static bool set_output(struct options *options, const char *text)
{
    options->json = strcmp(text, "json") == 0;
    if (!options->json && strcmp(text, "table") != 0) {
        cli_error("--output takes table or json, not '%s'", text);
        return false;
    }
    return true;
}

static bool add_to_list(const char **list, size_t *count, size_t count_max, const char *argument)
{
    if (*count == count_max) {
        cli_error("'%s' is one too many: at most %zu", argument, count_max);
        return false;
    }
    list[(*count)++] = argument;
    return true;
}

/* The options that are kept as they are written. */
static const char **text_of(struct options *options, int bit)
{
    switch (bit) {
    case OPTION_URL:
        return &options->url;
    case OPTION_ACCOUNT:
        return &options->account;
    case OPTION_AFTER:
        return &options->after;
    case OPTION_POOL:
        return &options->pool;
    case OPTION_SIDE:
        return &options->side;
    case OPTION_TYPE:
        return &options->type;
    case OPTION_FUND:
        return &options->fund;
    case OPTION_SETTLEMENT:
        return &options->settlement;
    case OPTION_KEY:
        return &options->key;
    case OPTION_KEY_FILE:
        return &options->key_file;
    case OPTION_CACERT:
        return &options->cacert;
    case OPTION_CERT:
        return &options->cert;
    case OPTION_CERT_KEY:
        return &options->cert_key;
    case OPTION_FILE:
        return &options->file;
    case OPTION_ROLES:
        return &options->roles;
    case OPTION_SUBJECT:
        return &options->subject;
    case OPTION_REQUESTS:
        return &options->requests;
    case OPTION_ITEMS:
        return &options->items;
    case OPTION_ORDER:
        return &options->order;
    case OPTION_BATCH_MAX:
        return &options->batch_max;
    default:
        return NULL;
    }
}

/* The options of a filter: a webhook takes each of them as often as wanted. */
static struct cli_names *names_of(struct options *options, int bit)
{
    return bit == OPTION_ACCOUNT ? &options->accounts
           : bit == OPTION_POOL  ? &options->pools
           : bit == OPTION_TYPE  ? &options->types
                                 : NULL;
}

static bool set_option(struct options *options, int bit, const char *argument)
{
    const char **text = text_of(options, bit);
    if (text != NULL) {
        struct cli_names *names = names_of(options, bit);
        *text = argument;
        return names == NULL || add_to_list(names->names, &names->count, CLI_NAMES_MAX, argument);
    }
    switch (bit) {
    case OPTION_OUTPUT:
        return set_output(options, argument);
    case OPTION_BATCH:
        return set_batch(options, argument);
    case OPTION_FOLLOW:
        options->follow = true;
        return true;
    case OPTION_QUIET:
        options->quiet = true;
        return true;
    case OPTION_SHOCK:
        return add_to_list(options->shocks, &options->shocks_count, CLI_SHOCKS_MAX, argument);
    case OPTION_WATERFALL:
        return add_to_list(options->waterfalls, &options->waterfalls_count, CLI_WATERFALLS_MAX,
                           argument);
    default:
        return true; /* help and version are answered once all is read */
    }
}

/* Reads all options, wherever they stand; *ret_seen has a bit for each that was given. */
static bool read_options(int argc, char **argv, struct options *options, int *ret_seen)
{
    struct option long_options[COUNT(option_rows) + 1] = {0};
    char letters[2 * COUNT(option_rows) + 1] = "";
    size_t letters_count = 0;
    for (size_t i = 0; i < COUNT(option_rows); i++) {
        const struct option_row *row = &option_rows[i];
        long_options[i].name = row->name;
        long_options[i].has_arg = row->argument == NULL ? no_argument : required_argument;
        long_options[i].val = (int)i + 256;
        if (row->letter != 0) {
            letters[letters_count++] = row->letter;
            if (row->argument != NULL) {
                letters[letters_count++] = ':';
            }
        }
    }
    int found = 0;
    while ((found = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
        size_t row = 0;
        while (row < COUNT(option_rows) && found != (int)row + 256 &&
               found != option_rows[row].letter) {
            row++;
        }
        if (row == COUNT(option_rows) || !set_option(options, option_rows[row].bit, optarg)) {
            return false;
        }
        *ret_seen |= option_rows[row].bit;
    }
    return true;
}

static bool options_fit(const struct verb *verb, struct options *options, int seen)
{
    for (size_t i = 0; i < COUNT(option_rows); i++) {
        const struct cli_names *names = names_of(options, option_rows[i].bit);
        if (names != NULL && names->count > 1 && verb->run != verb_webhook) {
            cli_error("%s takes one --%s", verb->name, option_rows[i].name);
            return false;
        }
        if ((seen & option_rows[i].bit & ~(verb->options | OPTIONS_OF_ALL)) != 0) {
            cli_error("%s takes no --%s", verb->name, option_rows[i].name);
            return false;
        }
    }
    return true;
}

/* Words of what a verb takes; those in brackets may be left out. */
static int operands_of(const char *operand, bool with_optional)
{
    int count = 0;
    for (const char *word = operand; word != NULL; word = strchr(word, ' ')) {
        word += *word == ' ' ? 1 : 0;
        count += *word != '[' || with_optional ? 1 : 0;
    }
    return count;
}

static bool operands_fit(const struct verb *verb, char *const *operands, int count)
{
    int wanted = operands_of(verb->operand, false);
    int most = operands_of(verb->operand, true);
    if (count < wanted || (wanted == 1 && operands[0][0] == '\0')) {
        cli_error("%s: %s is missing", verb->name, verb->operand);
        return false;
    }
    if (count > most) {
        cli_error("%s: unexpected '%s'", verb->name, operands[most]);
        return false;
    }
    return true;
}

static int usage_error(const struct verb *verb)
{
    fprintf(stderr, "Try 'backstopctl%s%s --help'.\n", verb == NULL ? "" : " ",
            verb == NULL ? "" : verb->name);
    return EX_USAGE;
}

static bool wants_color(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0') && terminal != NULL &&
           strcmp(terminal, "dumb") != 0;
}

static int run(const struct verb *verb, struct cli *cli)
{
    const char *url = cli->options.url;
    if (url == NULL) {
        url = getenv("BACKSTOP_URL");
    }
    if (url == NULL || *url == '\0') {
        url = DEFAULT_URL;
    }
    cli->http = http_new(url);
    if (cli->http == NULL) {
        cli_error("not an http:// or https:// URL: '%s'", url);
        return usage_error(verb);
    }
    cli->color = wants_color();
    int code = cli_access(cli);
    if (code == EX_OK) {
        code = verb->run(cli);
    }
    int flushed = cli_flush();
    http_free(cli->http);
    return code == EX_OK ? flushed : code;
}

int main(int argc, char **argv)
{
    struct cli cli = {.options = {.batch = DEFAULT_BATCH, .side = "long"}};
    int seen = 0;
    /* Only for the widths of characters; nothing else depends on the locale. */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) {
        (void)setlocale(LC_CTYPE, "");
    }
    bool understood = read_options(argc, argv, &cli.options, &seen);
    const struct verb *verb = optind < argc ? find_verb(argv[optind]) : NULL;
    if (!understood) {
        return usage_error(verb);
    }
    if ((seen & OPTION_VERSION) != 0) {
        printf("backstopctl %s\njansson %s, %s\n", BACKSTOP_VERSION, jansson_version_str(),
               http_versions());
        return cli_flush();
    }
    if (verb == NULL && optind < argc) {
        cli_error("no verb '%s'", argv[optind]);
        return usage_error(NULL);
    }
    if ((seen & OPTION_HELP) != 0) {
        return print_help(verb);
    }
    if (verb == NULL) {
        cli_error("a verb is needed");
        return usage_error(NULL);
    }
    cli.operands = argv + optind + 1;
    cli.operands_count = argc - optind - 1;
    if (!options_fit(verb, &cli.options, seen) ||
        !operands_fit(verb, cli.operands, cli.operands_count)) {
        return usage_error(verb);
    }
    return run(verb, &cli);
}
