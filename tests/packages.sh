#!/bin/sh
# The Debian packages that the tests need and a new machine lacks; further commands of packages of the same name may
# be given as arguments.
set -eu

missing=""
need() { # command or file, package
    command -v "$1" >/dev/null 2>&1 || [ -e "$1" ] || missing="$missing $2"
}

need chromium chromium
need chromedriver chromium-driver
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
need node nodejs
need npm npm
for command in "$@"; do need "$command" "$command"; done

[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "The tests need more packages:" >&2
    echo "  sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
apt-get install -y -qq --no-install-recommends $missing >/dev/null
