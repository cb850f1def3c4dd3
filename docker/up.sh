#!/bin/sh
# Starts the system in Docker with Compose and waits until every container is healthy, which the older docker-compose cannot
# do by itself. ORDER=2, INVOICING=3 and so on set the number of instances; all other settings are in .env.
set -eu
cd "$(dirname "$0")"

fail() { echo "$*" >&2; exit 1; }

reason=$(docker version 2>&1 >/dev/null) || fail "No Docker engine answers: $(echo "$reason" | tail -n 1)
Start one (for example: sudo systemctl start docker), or run the system without Docker: make run"

if docker compose version >/dev/null 2>&1; then
    compose='docker compose'
else
    compose=docker-compose
    command -v $compose >/dev/null || fail "Compose is missing: install the package docker-compose or Docker's Compose plugin."
fi

# number NAME VALUE MAX fails unless VALUE is a whole number from 1 to MAX.
number() {
    case "$2" in
    *[!0-9]* | '' | ??????*) ;;
    *) if [ "$2" -ge 1 ] && [ "$2" -le "$3" ]; then return; fi ;;
    esac
    fail "$1=$2: must be a whole number from 1 to $3"
}

setting() { sed -n "s/^$1=//p" .env; }

port=${PORT:-$(setting PORT)}
port=${port:-8080}
number PORT "$port" 65535
scale=
for service in ${SERVICES:-$(setting SERVICES)}; do
    variable=$(echo "$service" | tr a-z A-Z)
    eval "instances=\${$variable:-1}"
    number "$variable" "$instances" 9
    scale="$scale --scale $service=$instances"
done

# unhealthy lists the containers whose health check has not passed, with their states. A container that has done its work and
# ended without an error counts as healthy.
unhealthy() {
    docker inspect --format '{{.Name}} {{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}} {{.State.ExitCode}}{{end}}' \
        $($compose ps --all -q 2>/dev/null) | awk '$2 != "healthy" && !($2 == "exited" && $3 == 0) { print substr($0, 2) }'
}

give_up() {
    for name in $(unhealthy | cut -d ' ' -f 1); do
        docker logs --tail=10 "$name" >&2
    done
    fail "not ready: $*"
}

# shellcheck disable=SC2086 # a list of arguments
$compose up -d --build --remove-orphans $scale || give_up "Compose could not start every container, see above"

seconds=300
while waiting=$(unhealthy) && [ -n "$waiting" ]; do
    [ "$seconds" -gt 0 ] || give_up "$waiting"
    seconds=$((seconds - 1))
    sleep 1
done
echo "ready: http://localhost:$port/"
