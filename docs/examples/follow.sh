#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Follows decisions with curl, from a cursor in a file. When it is started again, it continues where it
# was. Prints one action a line.
#
#   follow.sh http://127.0.0.1:8480 cursor.txt          for ever
#   follow.sh http://127.0.0.1:8480 cursor.txt 1000     until nothing new came for this many milliseconds
#
# BACKSTOP_KEY is an access key of the server.
set -eu
url=$1 file=$2 patience=${3:-}

after=0
[ ! -s "$file" ] || after=$(cat "$file")
while :; do
    page=$(curl -sS --fail-with-body ${BACKSTOP_KEY:+-H "Authorization: Bearer $BACKSTOP_KEY"} \
        "$url/v1/actions?after=$after&limit=1000&wait_ms=${patience:-30000}")
    next=$(printf '%s' "$page" | sed 's/.*"next":"\([0-9a-f_]*\)"}$/\1/')
    # One line for each action; only then the cursor moves.
    printf '%s' "$page" | python3 -c '
import json, sys
for action in json.load(sys.stdin)["data"]:
    print(action["cursor"], action["type"], action["pool"], action.get("account", "-"),
          action.get("value") or action.get("amount") or "-")'
    printf '%s' "$next" >"$file.new" && mv "$file.new" "$file"
    if [ -n "$patience" ] && [ "$next" = "$after" ]; then
        exit 0
    fi
    after=$next
done
