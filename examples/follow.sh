#!/bin/bash
# Keeps a copy of every order in a folder, one file each: a consumer in curl and jq. It reads the feed as CloudEvents by http-feeds.
#
#     examples/follow.sh http://localhost:8080/order/feed copies
#
# Kill it at any moment and start it again. Each file is written whole or not at all, and the cursor, the id of the last event, only
# after the orders: so nothing is lost, and what is done twice comes to the same.
set -euo pipefail
feed=$1 folder=$2
mkdir -p "$folder"
keep() { cat > "$folder/.new" && mv "$folder/.new" "$folder/$1"; }
while true; do
    id=$(cat "$folder/cursor" 2> /dev/null || true)
    # With an error, another log for instance (410), curl says so; the cursor stays. If there is nothing new, the feed answers [] after 20 seconds.
    events=$(curl -sS --fail --max-time 60 -G "$feed" --data-urlencode "lastEventId=$id" -d timeout=20000) || { sleep 2; continue; }
    jq -r '.[].data | "\(.id) \(tojson)"' <<< "$events" | while read -r number order; do
        keep "$number.json" <<< "$order"
    done
    [ "$events" = '[]' ] || jq -r '.[-1].id' <<< "$events" | keep cursor
done
