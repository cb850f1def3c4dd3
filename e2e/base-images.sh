#!/bin/bash
# Provides the base images for machines that cannot reach an image registry: pulls the missing ones and, if that fails, builds
# stand-ins from Debian's packages and the machine's own Go. A stand-in has the name of the image it replaces.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

debian=debian:bookworm-slim
golang=golang:1.26-bookworm
postgres=postgres:15-bookworm

say() { echo "base images: $*"; }
fail() { say "$*" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
present() { docker image inspect "$1" > /dev/null 2>&1; }

# pull gives the registry 15 seconds to answer; the download itself may take longer.
pull() {
    say "pulling $1"
    docker pull "$1" > "$work/pull" 2>&1 &
    local puller=$! second
    for ((second = 0; second < 15; second++)); do
        if grep -q 'Pulling from' "$work/pull" || ! kill -0 $puller 2> /dev/null; then break; fi
        sleep 1
    done
    grep -q 'Pulling from' "$work/pull" || kill $puller 2> /dev/null || true
    wait $puller || { say "not pulled: $(tail -n 1 "$work/pull")"; return 1; }
}

# sources prints the machine's Debian sources, for the release bookworm. apt knows them whatever their format.
sources() {
    . /etc/os-release
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u |
        while read -r uri release component; do
            case $release in
            "$VERSION_CODENAME" | "$VERSION_CODENAME"-updates | "$VERSION_CODENAME"-security)
                echo "deb $uri bookworm${release#"$VERSION_CODENAME"} $component" ;;
            esac
        done
}

# build_debian builds a minimal Debian that downloads packages from where this machine does.
build_debian() {
    say "building a stand-in for $debian"
    [ "$(. /etc/os-release; echo "$ID")" = debian ] || fail "stand-ins can be built on Debian only; make run needs no images"
    as_root apt-get update -qq
    as_root apt-get install -y -qq --no-install-recommends debootstrap ca-certificates > "$work/log"
    sources > "$work/sources.list"
    local mirror root=$work/debian
    mirror=$(awk '$3 == "bookworm" { print $2; exit }' "$work/sources.list")
    [ -n "$mirror" ] || fail "apt knows no Debian mirror on this machine"

    as_root debootstrap --variant=minbase bookworm "$root" "$mirror" > "$work/log" || fail "debootstrap: $(tail -n 3 "$work/log")"
    as_root cp "$work/sources.list" "$root/etc/apt/sources.list"
    { apt-config dump | grep -E '^Acquire::(Check-|https?::)' || true; } | as_root tee "$root/etc/apt/apt.conf.d/90machine" > /dev/null
    echo 'APT::Keep-Downloaded-Packages "false";' | as_root tee "$root/etc/apt/apt.conf.d/90slim" > /dev/null
    as_root install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
    printf 'path-exclude /usr/share/%s/*\n' doc man locale | as_root tee "$root/etc/dpkg/dpkg.cfg.d/slim" > /dev/null
    as_root tar -C "$root" -c --one-file-system --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
        --exclude='./usr/share/locale/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' . |
        docker import --change 'CMD ["bash"]' --change 'LABEL stand-in=yes' - "$debian" > /dev/null
}

# build_golang adds the machine's own Go to that Debian, without the files that no build needs: some storage drivers of Docker walk
# through the whole image for each new layer.
build_golang() {
    local root version
    say "building a stand-in for $golang"
    command -v go > /dev/null || fail "the stand-in for $golang contains this machine's Go, and there is none"
    version=$(cd "$here" && go env GOVERSION)
    case $version in
    go1.26*) root=$(cd "$here" && go env GOROOT) ;;
    *) fail "the stand-in for $golang needs Go 1.26 on this machine, not $version" ;;
    esac
    tar -c -h -C "$here/stand-in/golang" Dockerfile -C "$root" --exclude=./test --exclude=./src/cmd --exclude=testdata --exclude='*_test.go' --transform='s,^\.,go,S' . |
        docker build -q -t "$golang" - > "$work/log" 2>&1 || fail "$golang: $(cat "$work/log")"
}

# build_postgres adds Debian's Postgres to that Debian.
build_postgres() {
    say "building a stand-in for $postgres"
    docker build -q -t "$postgres" "$here/stand-in/postgres" > "$work/log" 2>&1 || fail "$postgres: $(cat "$work/log")"
}

work=$(mktemp -d -p /var/tmp)
trap 'rm -rf "$work" 2> /dev/null || as_root rm -rf "$work"' EXIT

for image in "$debian" "$golang" "$postgres"; do
    present "$image" && continue
    [ -n "${unreachable:-}" ] || pull "$image" || unreachable=yes
    present "$image" && continue
    case $image in
    "$debian") build_debian ;;
    "$golang") build_golang ;;
    "$postgres") build_postgres ;;
    esac
done
