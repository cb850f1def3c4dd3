# What up.sh and down.sh share: a Docker engine that answers, and the Compose that is installed. Read by ". ./engine.sh".

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
