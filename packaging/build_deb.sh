#!/bin/sh
# build_deb.sh WEIR FOLDER: packs the release binary into FOLDER/weir_VERSION_ARCHITECTURE.deb and
# prints that path. What is needed beside the binary is in packaging/.
set -eu

weir=$(realpath "$1")
folder=$2
version=$("$weir" version | cut -d ' ' -f 2)
architecture=$(dpkg --print-architecture)
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
umask 022

make --silent install WEIR="$weir" DESTDIR="$stage/root" PREFIX=/usr \
    ZSH_COMPLETIONS=/usr/share/zsh/vendor-completions \
    FISH_COMPLETIONS=/usr/share/fish/vendor_completions.d > /dev/null
strip --strip-unneeded "$stage/root/usr/bin/weir"
# The package's own script makes the user.
rm -r "$stage/root/usr/lib/sysusers.d"
gzip --best --no-name "$stage/root/usr/share/man/man1/weir.1"
install -D -m 644 packaging/weir.logrotate "$stage/root/etc/logrotate.d/weir"

documents=$stage/root/usr/share/doc/weir
install -D -m 644 packaging/debian/copyright "$documents/copyright"
for page in configuration command-line metrics outcomes; do
    gzip --best --no-name < "docs/reference/$page.md" > "$documents/$page.md.gz"
done
gzip --best --no-name < CHANGELOG.md > "$documents/changelog.gz"

# dpkg-shlibdeps finds out from the binary which versions of which libraries it needs.
mkdir "$stage/debian"
printf 'Source: weir\n\nPackage: weir\nArchitecture: any\n' > "$stage/debian/control"
libraries=$(cd "$stage" && dpkg-shlibdeps -O -eroot/usr/bin/weir 2> "$stage/complaints") ||
    { cat "$stage/complaints" >&2; exit 1; }
libraries=${libraries#shlibs:Depends=}

mkdir "$stage/root/DEBIAN"
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" \
    -e "s/@LIBRARIES@/$libraries/" \
    -e "s/@SIZE@/$(du --summarize --apparent-size --block-size=1024 "$stage/root" | cut -f 1)/" \
    packaging/debian/control.in > "$stage/root/DEBIAN/control"
install -m 644 packaging/debian/conffiles "$stage/root/DEBIAN/conffiles"
for script in postinst prerm postrm; do
    install -m 755 "packaging/debian/$script" "$stage/root/DEBIAN/$script"
done
(cd "$stage/root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) > "$stage/md5sums"
install -m 644 "$stage/md5sums" "$stage/root/DEBIAN/md5sums"

mkdir -p "$folder"
package=$folder/weir_${version}_$architecture.deb
dpkg-deb --root-owner-group --build "$stage/root" "$package" > /dev/null
echo "$package"
