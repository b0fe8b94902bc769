import type { PlotTone } from '../../plots/plot-data.js';

type ColorName = 'paper' | 'ink' | 'soft' | PlotTone;

/** In light, as attributes have them: for programs that read no CSS. No two are alike, for STYLE finds them by their text. */
export const COLORS: Record<ColorName, string> = {
  paper: '#ffffff',
  ink: '#1f2328',
  soft: '#59636e',
  primary: '#0969da',
  secondary: '#bc4c00',
  muted: '#afb8c1',
};

const DARK: Record<ColorName, string> = {
  paper: '#0d1117',
  ink: '#e6edf3',
  soft: '#9198a1',
  primary: '#58a6ff',
  secondary: '#f0883e',
  muted: '#636c76',
};

const names = Object.keys(COLORS) as ColorName[];
const properties = (colors: Record<ColorName, string>) => names.map((name) => `--dotbias-${name}: ${colors[name]};`).join(' ');

const follow = (what: 'fill' | 'stroke') =>
  names.map((name) => `.dotbias-plot [${what}="${COLORS[name]}"] { ${what}: var(--dotbias-${name}); }`).join('\n');

/** What was written in light follows custom properties, which `:where` leaves to a page to set. */
export const STYLE = `
:where(.dotbias-plot) { ${properties(COLORS)} }
@media (prefers-color-scheme: dark) { :where(.dotbias-plot) { ${properties(DARK)} } }
.dotbias-plot { color: var(--dotbias-ink); }
${follow('fill')}
${follow('stroke')}
`;
