# What the scripts of this folder share: a Docker engine that answers, the Compose that is installed, and the services.
# Read by ". ./engine.sh", which leaves $compose, the command, $services, their names, and $blocks, the files of those that bring one.

fail() { echo "$*" >&2; exit 1; }

command -v docker > /dev/null || fail "Docker is not installed. Without it: make run."
docker info > /dev/null 2>&1 || fail "No Docker engine answers: $(docker info 2>&1 > /dev/null | tail -n 1)
Start it (for example: sudo systemctl start docker), or run without Docker: make run."

if docker compose version > /dev/null 2>&1; then
    compose="docker compose"
elif command -v docker-compose > /dev/null; then
    compose=docker-compose
else
    fail "Docker is here, Compose is not: install the package docker-compose or Docker's Compose plugin."
fi

# The three of docker-compose.yml, and each that has a docker-compose.yml in a folder of its own.
compose="$compose -f docker-compose.yml -f docker-compose.override.yml"
services="order invoicing shipping"
blocks=
for block in ../*/docker-compose.yml ../examples/*/docker-compose.yml; do
    if [ -e "$block" ] && [ "$block" != ../docker/docker-compose.yml ]; then
        compose="$compose -f $block"
        blocks="$blocks $block"
        folder=${block%/*}
        services="$services ${folder##*/}"
    fi
done
export SERVICES="$services"

# Where order reads what the others have done.
ACK_FEEDS=
for service in $services; do
    [ "$service" = order ] || ACK_FEEDS="$ACK_FEEDS${ACK_FEEDS:+,}$service=http://$service:8080/$service/feed"
done
export ACK_FEEDS
