# Sourced by the scripts beside it, for what Debian has a package of.

fail() {
    echo "$0: $*" >&2
    exit 1
}

# install_package PACKAGE VARIABLE: installs a package; VARIABLE is what a user can set instead.
install_package() {
    command -v apt-get >/dev/null || fail "no $1 on PATH, and no apt-get to install it: install one, or set $2"
    [ "$(id -u)" = 0 ] || fail "no $1 on PATH, and only root can install it: run 'apt-get install $1', or set $2"
    # The package lists of an image are missing or old, so a first failure means to update them.
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    apt-get install -y --no-install-recommends "$1" >&2 ||
        { apt-get update >&2 && apt-get install -y --no-install-recommends "$1" >&2; } ||
        fail "failed to install $1 with apt-get"
}
