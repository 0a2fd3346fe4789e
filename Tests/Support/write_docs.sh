#!/bin/sh
# write_docs.sh WEIR: writes the reference pages that come from the description of the keys.
set -eu

# write FILE ARGUMENT...: replaces FILE by what Weir prints, if that went well.
write() {
    file=docs/reference/$1
    shift
    "$weir" "$@" > "$file.new" && mv "$file.new" "$file" && echo "Wrote $file"
}

weir=$1
mkdir -p docs/reference
write weir.schema.json schema
write configuration.md schema --reference
write simulate.md schema --simulate
