godirect lock --check
godirect generate --check
# On a new branch there is no commit to compare with (none, or zeros), and all is affected.
case "$BASE" in
  *[!0]*) since="--base $BASE" ;;
  *) since=--all ;;
esac
godirect affected $since --head HEAD --truth {{{truth}}} --json >affected.json
godirect affected --answer affected.json --explain
