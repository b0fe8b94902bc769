/** A model card: a README.md for the folder in which a model is shared, with the front matter of the Hugging Face hub. */
import { counted, thousands } from '../../base/count.js';
import type { Id } from '../../data/ids.js';
import type { DecodedModel } from '../../files/model-file.js';
import { oneLine } from '../process/terminal.js';
import type { TrainReport } from './train-report.js';

/** What a card is made from. What none of it says, the card says is not known. */
export interface CardSource {
  model: DecodedModel;
  /** The name of the model's file; of one in several files, './'. */
  file: string;
  /** Of the run that made the model. */
  report?: TrainReport | undefined;
}

const UNKNOWN = 'not known';

/** The whole card, as Markdown. */
export function modelCard(source: CardSource): string {
  const { model, file, report } = source;
  const data = report?.data.name ?? textOf(model.training['data']);
  const sections = [
    frontMatter(source, data),
    `# Rating predictions${data === undefined ? '' : ` for ${code(data)}`}`,
    'A collaborative-filtering model, made with [dotbias](https://www.npmjs.com/package/dotbias): a vector and a bias for each user and ' +
      'each item. The prediction is the dot product of both vectors plus both biases' +
      `${model.range.bounds === null ? '.' : `, brought between ${model.range.bounds.join(' and ')} by a sigmoid.`}`,
    table([
      ['users', thousands(model.users.size - 1)],
      ['items', `${thousands(model.items.size - 1)}${model.titles ? ', with titles' : ''}`],
      ['factors', `${model.shape.nFactors}${model.shape.hasBias ? ' and a bias' : ', without biases'}`],
      ['file', `${code(file)}, safetensors`],
      ...(report?.model?.sha256 === undefined ? [] : [['SHA-256', code(report.model.sha256)]]),
    ]),
    `## Data\n\n${dataSection(source, data)}`,
    `## Training\n\n${trainingSection(source)}`,
    `## Scores\n\n${scoresSection(source)}`,
    `## Licence\n\n${licenceSection(data)}`,
    `## Limits\n\n${limitsSection(source)}`,
    `## Use\n\n${useSection(source)}`,
  ];
  return `${sections.join('\n\n')}\n`;
}

/** JSON is YAML, too; texts of others cannot leave their quotes. */
function frontMatter({ report }: CardSource, data: string | undefined): string {
  const lines = [
    '---',
    'library_name: dotbias',
    'tags:',
    ...['collaborative-filtering', 'recommender-system', 'matrix-factorization', 'safetensors'].map((tag) => `  - ${tag}`),
  ];
  const scores = scoresOf(report);
  if (scores.length > 0) {
    const name = JSON.stringify(oneLine(data ?? UNKNOWN));
    lines.push(
      'model-index:',
      `  - name: ${name}`,
      '    results:',
      '      - task: { type: rating-prediction, name: Rating prediction }',
      `        dataset: { type: ${name}, name: ${name} }`,
      '        metrics:',
      ...scores.map(([metric, value]) => `          - { type: ${metric}, value: ${value} }`),
    );
  }
  return [...lines, '---'].join('\n');
}

function dataSection({ model, report }: CardSource, data: string | undefined): string {
  const rows = [['name', data === undefined ? UNKNOWN : code(data)]];
  if (report === undefined) {
    const rated = model.train === undefined ? UNKNOWN : thousands(model.train.users.length);
    return table([...rows, ['training ratings', rated], ['how they were split', UNKNOWN]]);
  }
  const { nTrain, nValid, fingerprint, split } = report.data;
  return table([
    ...rows,
    ['training ratings', thousands(nTrain)],
    ['validation ratings', thousands(nValid)],
    ['fingerprint', code(fingerprint)],
    ['how they were split', splitText(split)],
  ]);
}

function splitText(split: TrainReport['data']['split']): string {
  if (split.by === 'files') return 'given as two files';
  const when = split.by === 'prepared' ? 'when the ratings were prepared' : 'before training';
  return `at random ${when}: a share of ${split.validPct} held out for validation, with the seed ${split.seed}`;
}

/** What a report, or else the model file, says of the training. */
const SETTINGS = ['epochs', 'steps', 'lr', 'batchSize', 'wd', 'wdBias', 'eps', 'beta2', 'loss', 'optimizer', 'defaults', 'stepper', 'seed'];

function trainingSection({ model, report }: CardSource): string {
  const config: Readonly<Record<string, unknown>> = { ...model.training, ...report?.config };
  const rows = SETTINGS.flatMap((name) => {
    const value = textOf(config[name]);
    return value === undefined ? [] : [[code(name), code(value)]];
  });
  if (report !== undefined) {
    rows.push(['dotbias', code(report.version)], ['adapter', code(report.adapter)], ['runtime', code(report.runtime)]);
    if (report.interrupted) rows.push(['end', `interrupted after ${counted(report.steps, 'step')}`]);
    if (report.diverged) rows.push(['end', `diverged; the model is that of the best epoch before`]);
  }
  return rows.length === 0 ? `How it was trained is ${UNKNOWN}.` : table(rows);
}

/** Errors on the validation ratings, where they are numbers. */
function scoresOf(report: TrainReport | undefined): [metric: string, value: number][] {
  if (report === undefined) return [];
  const scores: [string, unknown][] = [
    ['mse', report.validMse],
    ['rmse', report.validRmse],
    ['mae', report.validMae],
  ];
  return scores.filter((each): each is [string, number] => Number.isFinite(each[1]));
}

function scoresSection({ model, report }: CardSource): string {
  const scores = scoresOf(report);
  if (report === undefined || scores.length === 0) {
    const { residualVariance } = model;
    if (residualVariance === undefined) return `Its errors are ${UNKNOWN}.`;
    return `The model file notes a mean squared error of ${residualVariance.toFixed(4)} on ratings that it was not trained on.`;
  }
  const rows = scores.map(([metric, value]) => [metric.toUpperCase(), value.toFixed(4)]);
  const { nValid, bestMse } = report.data;
  const best = bestMse === undefined ? [] : [`No model can have an MSE below ${bestMse.toFixed(4)} on them.`];
  const where = `On the ${thousands(nValid)} validation ratings, whose loss was shown after each epoch of training:`;
  return [where, table(rows), ...best].join('\n\n');
}

/** What is known of a licence by the name of the data. */
function licenceSection(data: string | undefined): string {
  const model = `The licence of this model is ${UNKNOWN}: whoever shares it names one, as \`license:\` in the first lines of this file.`;
  if (data === undefined || !isMovieLens(data)) return `${model} The licence of the data is ${UNKNOWN}.`;
  return [
    model,
    `The data have the name of a MovieLens set, which GroupLens of the University of Minnesota licenses for research. The README in its ` +
      'archive has the terms, among them: no endorsement by the University may be implied; publications must acknowledge the data; ' +
      'commercial use needs permission first; MovieLens-100K and 1M may not be redistributed without separate permission.',
    'F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. ACM Transactions on Interactive ' +
      'Intelligent Systems 5, 4, Article 19. <https://doi.org/10.1145/2827872>',
  ].join('\n\n');
}

const isMovieLens = (name: string): boolean => /^(ml-(\d+[mk]|latest|latest-small)|movielens.*)(\.zip)?$/i.test(name);

function limitsSection({ model, report }: CardSource): string {
  const unknown = textOf(report?.options['unknownUser']);
  const limits = [
    'It knows the users and items of its training ratings only. A new user can be folded in from some ratings; of a new item it ' +
      'knows nothing.',
    unknown === undefined || unknown === 'mean'
      ? 'A user whom training never saw is predicted as the mean of the trained users, unless asked otherwise.'
      : 'A user whom training never saw is predicted by the row `#na#`, as in fastai, where the scores were measured.',
    'It has learnt from who rated what, and from nothing else: its predictions repeat whatever preferences and gaps those ratings have.',
  ];
  if (report?.data.split.by === 'random') {
    limits.push(
      'The validation ratings were drawn at random, not from a later time, so the scores do not tell how well the future is predicted.',
    );
  }
  const ids = 'The file holds an id and a vector for each user: personal data, where the users are persons.';
  const rated =
    model.train === undefined
      ? ''
      : ` It also holds their ${thousands(model.train.users.length)} training ratings; \`--no-ratings\` leaves them out.`;
  return [...limits, ids + rated].map((each) => `- ${each}`).join('\n');
}

function useSection({ model, file }: CardSource): string {
  const { bounds } = model.range;
  const rated = model.train === undefined ? ", { exclude: 'none' }" : '';
  const node = fenced('ts', [
    "import { loadModelFile } from 'dotbias-node';",
    `const model = await loadModelFile(${JSON.stringify(file)});`,
    'const [rating] = await model.predict([userId], [itemId]);',
    `const top = await model.recommend(userId, 10${rated});`,
  ]);
  if (file.endsWith('/')) return `${node}\n\nIn Python: docs/files.md of dotbias has the lines that put the files of a model together.`;
  const z = 'z = (t["userFactors"][u] * t["itemFactors"][i]).sum(-1) + t["userBias"][u] + t["itemBias"][i]';
  const python = fenced('python', [
    'import torch',
    'from safetensors import safe_open',
    '',
    `with safe_open(${JSON.stringify(file)}, "pt") as file:`,
    '    names = ["userFactors", "itemFactors", "userBias", "itemBias", "userIds", "itemIds"]',
    '    t = {name: file.get_tensor(name) for name in [*names, "userIdsOffsets", "itemIdsOffsets"] if name in file.keys()}',
    '',
    'def rows(name):',
    '    if t[name].dtype == torch.int64:',
    '        return {id: row for row, id in enumerate(t[name].tolist())}',
    '    data, offsets = bytes(t[name].tolist()), t[name + "Offsets"].tolist()',
    '    return {data[a:b].decode(): row for row, (a, b) in enumerate(zip(offsets, offsets[1:]))}',
    '',
    'u, i = rows("userIds")[user_id], rows("itemIds")[item_id]',
    z,
    bounds === null ? 'rating = z' : `rating = ${bounds[0]} + ${bounds[1] - bounds[0]} * torch.sigmoid(z)`,
  ]);
  const [users, items] = [model.users, model.items].map((map) => idKind(map.idOf(1)));
  const ids = `ids of users are ${users}, those of items ${items}`;
  return [`In Node, Deno or Bun (\`npm install dotbias-node\`); ${ids}:`, node, 'In PyTorch:', python].join('\n\n');
}

const idKind = (id: Id): string => (typeof id === 'number' ? 'numbers' : 'texts');

/** A value as a text; undefined for what is none or nested. */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return String(value);
  return undefined;
}

/** A text of anybody, which Markdown then leaves alone. */
const code = (text: string): string => `\`${oneLine(text).replaceAll('`', "'").replaceAll('|', '\\|')}\``;

function table(rows: readonly (readonly string[])[]): string {
  return ['| | |', '|---|---|', ...rows.map((cells) => `| ${cells.join(' | ')} |`)].join('\n');
}

const fenced = (language: string, lines: readonly string[]): string => ['```' + language, ...lines, '```'].join('\n');
