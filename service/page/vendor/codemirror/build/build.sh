#!/bin/sh
# build.sh: makes ../codemirror.js, ../LICENSE and prints the bundle's sha256, which README.md names.
# Needs node, npm and their registry; nothing of them is needed to run or to test the product.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/package.json" "$here/entry.js" "$work"
cd "$work"
npm install --no-package-lock --no-save --no-audit --no-fund --ignore-scripts
node_modules/.bin/esbuild entry.js --bundle --format=esm --target=es2022 --minify --legal-comments=none \
  --charset=utf8 --outfile="$here/../codemirror.js" --log-level=warning
{
  echo "codemirror.js is made of the packages below, by build/build.sh. Each comes under the MIT License:"
  for package in $(node -p 'Object.keys(require("./package.json").dependencies).join(" ")'); do
    echo
    echo "---- $package $(node -p "require('./node_modules/$package/package.json').version") ----"
    echo
    cat "node_modules/$package/LICENSE"
  done
} > "$here/../LICENSE"
sha256sum "$here/../codemirror.js"
