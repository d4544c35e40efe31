if [ -n "$AFFECTED_PACKAGES" ]; then godirect test $AFFECTED_PACKAGES; fi
if [ -n "$AFFECTED_BINARIES" ]; then godirect build --platform all $AFFECTED_BINARIES; fi
