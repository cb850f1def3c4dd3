#!/bin/sh
# Builds and starts the whole system in Docker and returns when it is ready. PORT is Apache's on this machine; ORDER,
# INVOICING and so on say how many instances of a service there shall be.
set -eu
cd "$(dirname "$0")"
. ./engine.sh

# number NAME VALUE MAX stops with a sentence unless VALUE is a whole number from 1 to MAX.
number() {
    case "$2" in
    *[!0-9]* | '' | ??????*) ;;
    *) if [ "$2" -ge 1 ] && [ "$2" -le "$3" ]; then return; fi ;;
    esac
    fail "$1=$2: a number from 1 to $3 is needed"
}

export PORT="${PORT:-8080}"
number PORT "$PORT" 65535
scale=
for service in $services; do
    variable=$(echo "$service" | tr a-z A-Z)
    eval "instances=\${$variable:-1}"
    number "$variable" "$instances" 9
    scale="$scale --scale $service=$instances"
done
seconds=120

# The images load Go modules from where this machine does.
for name in GOPROXY GOSUMDB; do
    if command -v go > /dev/null && [ -n "$(go env -changed "$name")" ]; then
        export "$name=$(go env "$name")"
    fi
done

# not_healthy prints name and state of those containers whose health check has not passed, or not yet, or, of one that has
# none because it ends when its work is done, that has not ended well.
not_healthy() {
    docker inspect --format '{{.Name}} {{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}} {{.State.ExitCode}}{{end}}' \
        $($compose ps --all -q) | awk '$2 != "healthy" && !($2 == "exited" && $3 == 0) { print substr($0, 2) }'
}

# give_up shows the last words of the containers that are not healthy.
give_up() {
    for name in $(not_healthy | cut -d ' ' -f 1); do
        docker logs --tail=10 "$name" >&2
    done
    fail "Not ready: $*"
}

./base-images.sh

echo "building the images; the first time takes some minutes"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
$compose build > "$log" 2>&1 || { tail -n 40 "$log" >&2; fail "The images could not be built."; }

$compose up -d --remove-orphans $scale ||
    give_up "Compose could not start all containers; the reason stands above."

while waiting=$(not_healthy) && [ -n "$waiting" ]; do
    [ "$seconds" -gt 0 ] || give_up "$waiting"
    seconds=$((seconds - 1))
    sleep 1
done
echo "ready: http://localhost:$PORT/"
