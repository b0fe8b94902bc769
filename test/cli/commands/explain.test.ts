import { collabLearner } from '../../../src/train/make-learner.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SimilarItem, Similarity } from '../../../src/answer/similar.js';
import { addExplain } from '../../../src/cli/commands/explain.js';
import { saveModel } from '../../../src/node/files/model-file.js';
import { itemPca } from '../../../src/index.js';
import { dotbias, dotbiasHere, temporaryFolder } from '../../helpers/cli.js';
import { smallData } from '../../helpers/data.js';
import { sharedGpu } from '../../helpers/gpu.js';

const test = suite('dotbias explain');
const gpu = await sharedGpu();

const file = join.bind(null, temporaryFolder());
const MODEL = file('model.safetensors');
const PLAIN = file('plain.safetensors');
const titles = new Map(Array.from({ length: 80 }, (_, k) => [k, `Film ${k}`]));

/** A model with biases, titles and ratings; and one with none of these. */
const learn = await collabLearner(smallData({ titles }), { nFactors: 6, yRange: [0, 5.5], gpu });
await learn.fitOneCycle(2, 0.05);
await saveModel(learn, MODEL);
await saveModel(await collabLearner(smallData(), { nFactors: 2, bias: false, yRange: null, gpu }), PLAIN, { ratings: false });

const explain = (model: string, ...args: string[]) => dotbiasHere(addExplain, 'explain', '--model', model, ...args);
async function json(...args: string[]) {
  const { code, stdout, stderr } = await explain(MODEL, ...args, '--json');
  assert.equal({ code, stderr }, { code: 0, stderr: '' });
  return JSON.parse(stdout);
}

test('biases and components are those of the model, and the map is drawn', async () => {
  const { model, itemBias, components } = await json('-n', '3', '--map', file('map.svg'));
  assert.equal([model.nUsers, model.nFactors, model.nTrain], [learn.data.nUsers - 1, 6, learn.data.nTrain]);
  const biases = await learn.itemBias();
  const listed = (list: { item: number }[]) => list.map(({ item }) => item);
  assert.equal(listed(itemBias.highest), listed(biases.slice(0, 3) as { item: number }[]));
  assert.equal(listed(itemBias.lowest), listed(biases.slice(-3).reverse() as { item: number }[]));
  const { item: best, nRatings } = itemBias.highest[0];
  assert.is(nRatings, learn.data.train.items.filter((row) => learn.data.items.idOf(row) === best).length);
  const pca = await itemPca(learn, 3);
  assert.equal(
    components.map(({ explainedVariance }: { explainedVariance: number }) => explainedVariance),
    [...pca.explainedVariance],
  );
  const [first] = pca.coordinates;
  assert.equal(components[0].high[0].coordinate, Math.max(...first));
  assert.equal(components[0].low[0].coordinate, Math.min(...first));
  assert.match(readFileSync(file('map.svg'), 'utf8'), /^<svg [^]*Film \d+[^]*<\/svg>\n$/);
});

test('--min-ratings leaves out of all lists what was rated less', async () => {
  const { itemBias, components } = await json('--min-ratings', '25', '-n', '100');
  const lists = [itemBias.highest, itemBias.lowest, ...components.flatMap(({ high, low }: Record<string, unknown>) => [high, low])];
  assert.ok(lists[0].length > 3 && lists[0].length < learn.data.nItems - 1);
  for (const list of lists) assert.ok(list.every(({ nRatings }: { nRatings: number }) => nRatings >= 25));
});

test('--item lists what is similar by cosine, or by dot product', async () => {
  const item = learn.data.items.idOf(5);
  const byTitle = await json('--item', `Film ${item}`, '-n', '4');
  const dot = await json('--item', String(item), '--dot', '-n', '4');
  const similar = ({ item: { similar: list } }: { item: { similar: SimilarItem[] } }) =>
    list.map((each) => [each.item, each.title, each.similarity]);
  const wanted = async (metric: Similarity) =>
    (await learn.similarItems(item, 4, { metric })).map((each) => [each.item, each.title, each.similarity]);
  assert.equal(similar(byTitle), await wanted('cosine'));
  assert.equal(similar(dot), await wanted('dot'));
  assert.is(byTitle.itemBias, undefined);
});

test('--user takes the predictions apart', async () => {
  const id = learn.data.users.idOf(7);
  const { user } = await json('--user', String(id), '-n', '5');
  assert.equal(
    user.recommendations.map(({ item }: { item: number }) => item),
    (await learn.recommend(id, 5)).map(({ item }) => item),
  );
  for (const { prediction, itemBias, taste, because } of user.recommendations) {
    const z = user.bias + itemBias + taste;
    assert.ok(Math.abs(prediction - 5.5 / (1 + Math.exp(-z))) < 1e-5);
    assert.is(because.length, user.nRatings);
  }
  assert.is((await learn.userBias()).findIndex(({ user: each }) => each === id) + 1, user.generosity);
});

/** Asserts that each of these matches at the beginning of a line, after the one before. */
function inOrder(text: string, parts: readonly RegExp[]): void {
  let rest = text;
  for (const part of parts) {
    const found = new RegExp(part.source, 'm').exec(rest);
    assert.ok(found, `${part} is not in\n${rest}`);
    rest = rest.slice(found.index + found[0].length);
  }
}

test('as text each part has a head', async () => {
  const general = await dotbias('explain', '--model', MODEL);
  assert.is(general.stderr, '');
  inOrder(general.stdout, [
    /^Device: .+\nModel: .+ ratings\.\n/,
    /^\nLiked beyond .+\n *bias +item +ratings +title\n/,
    /^\nDisliked beyond .+\n *bias +item +ratings +title\n/,
    /^\nDirection of taste 1: \d+\.\d % of/,
    /^\nDirection of taste 3: \d+\.\d % of/,
  ]);
  const { stdout } = await explain(MODEL, '--user', String(learn.data.users.idOf(7)), '--item', 'Film 3');
  inOrder(stdout, [
    /^\nMost similar to Film 3, by cosine \(its bias is -?\d\.\d\d\)\n *similarity +item +ratings +title\n/,
    /^\nUser \d+: bias .+ training ratings\n.+\nprediction +item bias +taste +item +because the user rated\n/,
  ]);
});

test('a model without biases, titles and ratings shows what it has', async () => {
  const general = await explain(PLAIN);
  const user = await explain(PLAIN, '--user', '7');
  assert.match(general.stdout, /^Device: .+\nModel: [^.]+\.\n\nDirection of taste 1: /);
  assert.match(user.stdout, /\nUser 7\nprediction +taste +item\n/);
});

const wrong: [args: string, message: RegExp][] = [
  [`--model ${MODEL} --item Film`, /saw no item 'Film'; there is 'Film \d', item \d\./],
  [`--model ${MODEL} --user nobody`, /no user 'nobody'/],
  [`--model ${MODEL} --dot`, /--dot needs --item/],
  [`--model ${MODEL} --map ${file('.')}`, /is a folder/],
  [`--model ${PLAIN} --map ${file('plain.svg')}`, /--map needs a model that knows how often/],
  [`--model ${PLAIN} --min-ratings 3`, /--min-ratings needs a model that knows how often/],
  ['', /required option '--model <file>'/],
];
for (const [args, message] of wrong) {
  test(`refused in one sentence: ${args.replaceAll(file('.'), '')}`, async () => {
    const { code, stderr } = await dotbiasHere(addExplain, 'explain', ...args.split(' ').filter(Boolean));
    assert.is(code, 1);
    assert.match(stderr, /^error: [^\n]+\n$/);
    assert.match(stderr, message);
  });
}

test.run();
