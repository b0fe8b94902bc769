/** Drawings as SVG text: Observable Plot without a browser. */
import type * as PlotModule from '@observablehq/plot';

type Plot = typeof PlotModule;

const WIDTH = 640;
const HEIGHT = 400;
const FONT = 'Helvetica, Arial, sans-serif';

/** A drawing in the terms of Observable Plot. */
export type Drawing = (plot: Plot) => PlotModule.PlotOptions;

/**
 * One SVG file with the drawings side by side on white, each 640 x 400 pixels unless it sets another size.
 * Plot and its document are loaded only here, because loading them takes longer than training a small model.
 */
export async function drawSvg(title: string, ...drawings: Drawing[]): Promise<string> {
  const [plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  let [width, height] = [0, 0];
  const parts = drawings.map((drawing) => {
    const { x, y, ...rest } = drawing(plot);
    const svg = plot.plot({
      width: WIDTH,
      height: HEIGHT,
      marginLeft: 60,
      marginBottom: 45,
      marginTop: 30,
      inset: 6,
      grid: true,
      ...rest,
      x: { labelAnchor: 'center', labelArrow: 'none', labelOffset: 40, ...x },
      y: { labelArrow: 'none', ...y },
      document: document as unknown as Document,
    });
    svg.setAttribute('x', String(width));
    svg.setAttribute('font-family', FONT);
    svg.setAttribute('font-size', '12');
    width += rest.width ?? WIDTH;
    height = Math.max(height, rest.height ?? HEIGHT);
    return svg.outerHTML;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">
<title>${title}</title>
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`;
}
