#!/usr/bin/env bash
# Makes the console's stylesheet and script anew from GOV.UK Frontend. Nobody needs this, or npm, to install or run Homeward.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
assets="$here/../../starter/console/assets"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes > /dev/null
npm install --silent --no-fund --no-audit --ignore-scripts --no-save govuk-frontend@6.3.0 sass@1.108.2
npx sass --quiet-deps --no-source-map --style=compressed --load-path=node_modules "$here/homeward.scss" "$assets/homeward.css"
cp node_modules/govuk-frontend/dist/govuk/govuk-frontend.min.js "$assets/govuk-frontend.min.js"
sed -i 's|//# sourceMappingURL=.*$||' "$assets/govuk-frontend.min.js"
