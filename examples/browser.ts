// A page that trains in the browser: bundle it (npx esbuild examples/browser.ts --bundle --format=esm --outfile=browser.js)
// and load it from an HTML page with <script type="module" src="browser.js"></script>.
import { CollabData, collabLearner, plantedRatings } from '../src/index.js';

const show = (line: string) => document.body.append(line, document.createElement('br'));
try {
  const data = CollabData.fromArrays(plantedRatings().columns, { validPct: 0.1 });
  const learn = await collabLearner(data, { nFactors: 40, yRange: [0, 5.5], wd: 0.1 });
  await learn.fitOneCycle(5, 0.01, { onEpoch: ({ epoch, validLoss }) => show(`epoch ${epoch}: valid loss ${validLoss.toFixed(6)}`) });
  show(`best items for user 5: ${(await learn.recommend(5, 3)).map(({ item }) => item).join(', ')}`);
} catch (error) {
  show(String(error));
}
document.body.dataset['state'] = 'done';
