#!/bin/sh
# Packs everything that the benches need into one folder, to run them on a linux-x64 machine that has a GPU and its driver, but
# no network, no Node and perhaps no Vulkan loader. Run it after `npm run build` and, for the rivals,
# `npm --prefix bench/peers install`. Usage: bench/carry.sh [FOLDER]   (default: .carry; 50 MB in one archive and a script)
# MovieLens-100K travels beside them if MOVIELENS_DIR says where it is.
# There: sh FOLDER/run.sh bench|bench:peers|gpu-day [options]
set -eu
cd "$(dirname "$0")/.."
out=${1:-.carry}
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

mkdir -p "$stage/bench/peers" "$stage/node_modules/@sparticuz" "$out"
cp "$(node -p process.execPath)" "$stage/node"
strip "$stage/node" 2>/dev/null || true
cp -r dist package.json "$stage"
mkdir -p "$stage/test" && (cd test && find . -name '*.ts' -o -path './fixtures/*' -type f | tar cf - -T -) | tar xf - -C "$stage/test"
git rev-parse --short HEAD > "$stage/COMMIT"
cp -r bench/peers/rivals bench/peers/package.json "$stage/bench/peers"
find "$stage/dist" -name '*.map' -delete -o -name '*.d.ts' -delete

for name in @duckdb webgpu wgsl-preprocessor hyparquet hyparquet-compressors fzstd hysnappy fflate tinyglobby fdir picomatch \
  string-width strip-ansi ansi-regex emoji-regex is-fullwidth-code-point \
  uvu dequal diff kleur fast-check pure-rand; do
  cp -r "node_modules/$name" "$stage/node_modules/$name"
done
mkdir -p "$stage/node_modules/typescript/lib" # the runner of the tests reads imports with it
cp node_modules/typescript/package.json "$stage/node_modules/typescript"
cp node_modules/typescript/lib/typescript.js "$stage/node_modules/typescript/lib"
find "$stage/node_modules/webgpu/dist" -mindepth 1 -maxdepth 1 ! -name linux-x64 -exec rm -r {} +
# SwiftShader and its Vulkan loader, without the browser beside them.
(cd node_modules && tar cf - --exclude='chromium.br' --exclude='al2*' @sparticuz/chromium) | tar xf - -C "$stage/node_modules"

if [ -d bench/peers/node_modules ]; then
  cp -r bench/peers/node_modules "$stage/bench/peers"
  for package in "$stage"/bench/peers/node_modules/@tensorflow/*; do
    find "$package" -type f ! -name '*.node.js' ! -name '*.wasm' ! -name package.json -delete
  done
fi

# A package that is missing above shows here.
for main in bench/main bench/peers/main bench/gpu-day; do "$stage/node" "$stage/dist/$main.js" --help > /dev/null; done

if [ -n "${MOVIELENS_DIR:-}" ]; then
  mkdir -p "$out/ml-100k"
  cp "$MOVIELENS_DIR"/ml-100k/u.data "$MOVIELENS_DIR"/ml-100k/u.item "$out/ml-100k"
fi

tar cf - -C "$stage" . | xz -T0 -6 > "$out/dotbias-bench.tar.xz"
cat > "$out/run.sh" <<'RUN'
#!/bin/sh
# Unpacks the benches once into a temporary folder and runs one: sh run.sh bench|bench:peers|gpu-day [options].
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home=${TMPDIR:-/tmp}/dotbias-bench-$(cksum < "$here/dotbias-bench.tar.xz" | cut -d' ' -f1)
[ -x "$home/node" ] || { mkdir -p "$home" && tar xJf "$here/dotbias-bench.tar.xz" -C "$home"; }
if [ -z "${MOVIELENS_DIR:-}" ] && [ -d "$here/ml-100k" ]; then export MOVIELENS_DIR="$here"; fi
# A driver outside the folders where Vulkan looks.
icd=/usr/local/nvidia/share/vulkan/icd.d/nvidia_icd.json
if [ -z "${VK_DRIVER_FILES:-}" ] && [ -e "$icd" ] &&
  [ ! -e /usr/share/vulkan/icd.d/nvidia_icd.json ] && [ ! -e /etc/vulkan/icd.d/nvidia_icd.json ]; then
  export VK_DRIVER_FILES="$icd"
fi
case ${1:-bench} in
  bench:peers) main=dist/bench/peers/main.js ;;
  gpu-day) main=dist/bench/gpu-day.js ;;
  *) main=dist/bench/main.js ;;
esac
[ $# -eq 0 ] || shift
exec "$home/node" "$home/$main" "$@"
RUN
du -sh "$out"/*
