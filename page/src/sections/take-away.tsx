/** What a visitor may take home: the model, its vectors, code that goes on from here, and a link. */
import { computed, signal } from '@preact/signals';
import * as engine from '../engine.js';
import { sentence } from '../format.js';
import { fragmentOf, fragmentOfRatings, type Knobs, knobs } from '../knobs.js';
import { data, films, keyOf, model, nameOf, rated, run } from '../state.js';

const trouble = signal('');
const copied = signal('');
const withRatings = signal(false);

function download(name: string, parts: BlobPart[], type: string): void {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

async function told(work: () => Promise<void>): Promise<void> {
  if (model.peek() === 0) return;
  trouble.value = '';
  try {
    await work();
  } catch (error) {
    trouble.value = sentence(error);
  }
}

const saveModel = () =>
  told(async () => download('model.safetensors', [(await engine.encode()) as Uint8Array<ArrayBuffer>], 'application/octet-stream'));

/** The two files of projector.tensorflow.org: a vector a line, and what it is. */
const saveVectors = () =>
  told(async () => {
    const vectors = await engine.vectors(films.value.map(({ item }) => item));
    download(
      'vectors.tsv',
      [vectors.map((vector) => `${Array.from(vector, (value) => value.toPrecision(7)).join('\t')}\n`).join('')],
      'text/tab-separated-values',
    );
  });
const saveMetadata = () =>
  told(async () => {
    const lines = films.value.map((film) => `${nameOf(film).replace(/[\t\r\n]+/g, ' ')}\t${film.count}\t${film.mean.toFixed(2)}\n`);
    download('metadata.tsv', ['title\tratings\tmean\n', ...lines], 'text/tab-separated-values');
  });

/** The address with all settings, and the visitor's ratings if they are to be in it. */
const link = computed(() => {
  const of = data.value ? keyOf(data.value) : '';
  const ratings = Array.from(rated.value, ([item, rating]) => [String(item), rating] as const);
  const own = withRatings.value && ratings.length > 0 ? `&${fragmentOfRatings({ of, ratings })}` : '';
  return `${location.href.replace(/#.*/, '')}#${fragmentOf(true)}${own}`;
});

function nodeCode({ factors, epochs, lr, wd, batch, seed, range, bias }: Knobs): string {
  const options = [
    `nFactors: ${factors}`,
    `wd: ${wd}`,
    ...(range === undefined ? [] : [`yRange: ${JSON.stringify(range)}`]),
    ...(bias ? [] : ['bias: false']),
  ];
  const ratings = data.value?.isPlanted
    ? "import { CollabData, collabLearner, plantedRatings, saveModel } from 'dotbias-node';\n\nconst { columns } = plantedRatings();"
    : `import { CollabData, collabLearner, readRatings, saveModel } from 'dotbias-node';\n\nconst { columns, titles } = await readRatings(${JSON.stringify(data.value?.name ?? 'ratings.csv')});`;
  const titles = data.value?.isPlanted ? '' : ', titles';
  return `// npm install dotbias-node
${ratings}
const data = CollabData.fromArrays(columns, { validPct: 0.1, seed: ${seed}, batchSize: ${batch}${titles} });
const learn = await collabLearner(data, { ${options.join(', ')} });
await learn.fitOneCycle(${epochs}, ${lr});
console.log(await learn.validate());
await saveModel(learn, 'model.safetensors');
learn.release();
`;
}

const PYTHON = `# pip install torch safetensors
import json
import torch
from safetensors import safe_open

with safe_open('model.safetensors', 'pt') as file:
    tensor = {name: file.get_tensor(name) for name in file.keys()}
    config = json.loads(file.metadata()['config'])

z = tensor['userFactors'] @ tensor['itemFactors'].T
z += tensor['userBias'][:, None] + tensor['itemBias']
if config['yRange'] is not None:
    lo, hi = config['yRange']
    z = lo + (hi - lo) * torch.sigmoid(z)
print(z)  # the prediction of every user for every film; row 0 stands for unknown ones
`;

async function copy(what: string, text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    copied.value = what;
  } catch {
    copied.value = '';
    trouble.value = 'The browser does not let this page write to the clipboard. Select the text and copy it.';
  }
}

function Code({ title, id, text }: { title: string; id: string; text: string }) {
  return (
    <details class="code" id={id}>
      <summary>{title}</summary>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <button onClick={() => void copy(id, text)}>{copied.value === id ? 'Copied' : 'Copy'}</button>
    </details>
  );
}

export function TakeAway() {
  const isReady = model.value > 0;
  const settings = run.value?.knobs ?? knobs.value;
  return (
    <>
      <div class="buttons wrap">
        <button id="save-model" aria-disabled={!isReady} onClick={() => void saveModel()}>
          model.safetensors
        </button>
        <button id="save-vectors" aria-disabled={!isReady} onClick={() => void saveVectors()}>
          vectors.tsv
        </button>
        <button id="save-metadata" aria-disabled={!isReady} onClick={() => void saveMetadata()}>
          metadata.tsv
        </button>
      </div>
      <p class="note">
        The model holds the ratings that it was trained on, so that it can leave out what somebody has seen; yours from above are not in it.
        The two tables are what the Embedding Projector of TensorFlow loads.
      </p>
      {trouble.value && (
        <p class="refusal" role="alert">
          {trouble.value}
        </p>
      )}
      {settings && <Code id="node-code" title="The same training in Node" text={nodeCode(settings)} />}
      <Code id="python-code" title="The model in PyTorch" text={PYTHON} />
      <div class="link">
        <label for="link">A link to these settings</label>
        <div class="buttons">
          <input id="link" readOnly value={link.value} onFocus={(event) => event.currentTarget.select()} />
          <button id="copy-link" onClick={() => void copy('link', link.value)}>
            {copied.value === 'link' ? 'Copied' : 'Copy'}
          </button>
        </div>
        <label class="switch">
          <input
            id="with-ratings"
            type="checkbox"
            checked={withRatings.value}
            onChange={(event) => (withRatings.value = event.currentTarget.checked)}
          />{' '}
          with my ratings; whoever has the link can read them
        </label>
      </div>
    </>
  );
}
