#!/bin/sh
# install_packages.sh FILE: installs those Debian packages named in FILE that are missing.
set -eu

missing=""
while read -r package; do
    status=$(dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done < "$1"
[ -n "$missing" ] || exit 0

root=""
[ "$(id -u)" = 0 ] || root=sudo
echo "Installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
$root apt-get update -qq
# A server package must not begin to serve because a test compares itself with it.
# shellcheck disable=SC2086
$root env RUNLEVEL=1 apt-get install -qq --yes --no-install-recommends $missing > /dev/null
