#!/bin/sh
# write_docs.sh WEIR: writes the reference pages that come from the description of the keys, and the
# manual page, which comes from that of the command line.
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
# The help of the commands as JSON is ArgumentParser's, for tools such as this one.
"$weir" --experimental-dump-help | python3 packaging/write_man.py packaging/weir.1.in > weir.1.new
mv weir.1.new packaging/weir.1 && echo "Wrote packaging/weir.1"
