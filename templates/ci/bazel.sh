cache=${GODIRECT_CACHE:-$HOME/.cache/godirect}/bazel
# Exit code 4: all is built, and none of it is a test.
if [ -n "$AFFECTED_LABELS" ]; then
  bazel test --disk_cache="$cache" --skip_incompatible_explicit_targets -- $AFFECTED_LABELS || [ $? -eq 4 ]
fi
