if [ -n "$AFFECTED_ATTRIBUTES" ]; then nix-build --no-out-link $(printf ' -A %s' $AFFECTED_ATTRIBUTES); fi
# The Nix files have no tests.
if [ -n "$AFFECTED_PACKAGES" ]; then godirect test $AFFECTED_PACKAGES; fi
