#!/bin/sh
# write_docs.sh WEIR: writes the reference pages that come from the description of the keys.
set -eu

mkdir -p docs/reference
"$1" schema > docs/reference/weir.schema.json
"$1" schema --reference > docs/reference/configuration.md
echo "Wrote docs/reference/weir.schema.json and docs/reference/configuration.md"
