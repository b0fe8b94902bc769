/** Compares the report of a run with that of a second one, part by part. */
import { counted, thousands } from '../../base/count.js';
import { differences, type Settings } from '../../train/identity.js';
import { alignedTable } from './table.js';
import type { Beginning, TrainReport } from './train-report.js';

/** A part of a run, beside the same part of the run before. */
export interface ComparedPart {
  part: string;
  /** Undefined: it cannot be told. */
  isSame: boolean | undefined;
  says: string;
  /** Whether the result is reproduced only if this is the same; the other parts explain why it may not be. */
  decides: boolean;
}

/** The parts that are known before training. */
export function compareBeginnings(then: Beginning, now: Beginning): ComparedPart[] {
  const ratings = ({ data: { nTrain, nValid, fingerprint } }: Beginning) =>
    `${thousands(nTrain)} training and ${thousands(nValid)} validation ratings, fingerprint ${fingerprint}`;
  const adapter = ({ device: { name, description, backend } }: Beginning) => `${name}: ${description} (${backend})`;
  return [
    compared('version', then, now, ({ version }) => `dotbias ${version}`, false),
    compared(
      'engine',
      then,
      now,
      ({ runtime, math }) => `${runtime}, arithmetic ${math}`,
      false,
      ({ math }) => math,
    ),
    compared('adapter', then, now, adapter, false),
    compared('data', then, now, ratings, true, ({ data }) => data.fingerprint),
  ];
}

/** The parts that training gives. */
export function compareResults(then: TrainReport, now: TrainReport): ComparedPart[] {
  return [settingsPart(then, now), kernelsPart(then, now), lossesPart(then, now), validationPart(then, now), ...modelParts(then, now)];
}

function compared(
  part: string,
  then: Beginning,
  now: Beginning,
  text: (run: Beginning) => string,
  decides: boolean,
  key: (run: Beginning) => string = text,
): ComparedPart {
  const isSame = key(then) === key(now);
  return { part, isSame, says: isSame ? text(now) : `then ${text(then)}; now ${text(now)}`, decides };
}

/** Of the data, which are a part of their own. */
const OF_DATA = ['nRatings', 'nValid', 'nUsers', 'nItems', 'ratings'];
const isKernel = (name: string) => /Wgsl$|^stepperSource$/.test(name);

function differing({ settings: then }: TrainReport, { settings: now }: TrainReport, belongs: (name: string) => boolean) {
  const of = (a: Settings, b: Settings) => differences(a, b).filter(({ name }) => belongs(name));
  return [...of(then.learner, now.learner), ...of(then.fit, now.fit)];
}

function settingsPart(then: TrainReport, now: TrainReport): ComparedPart {
  const found = differing(then, now, (name) => !isKernel(name) && !OF_DATA.includes(name));
  const says = found.map((each) => `${each.words} then ${each.before}, now ${each.now}`).join('; ');
  const { learner, fit } = now.settings;
  const same = `seed ${String(learner['seed'])}, ${counted(Number(fit['epochs']), 'epoch')}, ${String(learner['stepper'])} steps`;
  return { part: 'settings', isSame: found.length === 0, says: says || same, decides: true };
}

function kernelsPart(then: TrainReport, now: TrainReport): ComparedPart {
  const found = differing(then, now, isKernel);
  return { part: 'kernels', isSame: found.length === 0, says: found.map(({ words }) => words).join(', '), decides: false };
}

function lossesPart(then: TrainReport, now: TrainReport): ComparedPart {
  const [a, b] = [then, now].map(decodeLosses);
  const n = Math.min(a.length, b.length);
  let first: number | undefined = a.length === b.length ? undefined : n;
  let nDiffering = 0;
  let largest = { difference: 0, step: 0 };
  for (let step = n - 1; step >= 0; step--) {
    if (Object.is(a[step], b[step])) continue;
    first = step;
    nDiffering++;
    const difference = Math.abs(a[step] - b[step]);
    if (difference >= largest.difference) largest = { difference, step };
  }
  const steps = a.length === b.length ? counted(n, 'step') : `${thousands(a.length)} steps then, ${thousands(b.length)} now`;
  if (first === undefined) return { part: 'losses', isSame: true, says: steps, decides: true };
  const at = first < n ? `step ${first} is the first that differs, ${a[first]} then and ${b[first]} now; ` : '';
  const most = nDiffering === 0 ? '' : `${thousands(nDiffering)} differ, at most by ${largest.difference} at step ${largest.step}; `;
  return { part: 'losses', isSame: false, says: at + most + steps, decides: true };
}

/** The losses of a report, [steps]. */
function decodeLosses({ losses }: TrainReport): Float32Array {
  const bytes = Uint8Array.from(Buffer.from(losses, 'base64'));
  return new Float32Array(bytes.buffer);
}

function validationPart(then: TrainReport, now: TrainReport): ComparedPart {
  const part = 'validation';
  const [a, b] = [then, now].map(({ epochs }) => epochs.map(({ validLoss }) => numberOf(validLoss)));
  const n = Math.min(a.length, b.length);
  const first = Array.from({ length: n }, (_, epoch) => epoch).find((epoch) => !Object.is(a[epoch], b[epoch]));
  if (first !== undefined) {
    const says = `epoch ${first} is the first whose loss differs, ${a[first]} then and ${b[first]} now`;
    return { part, isSame: false, says, decides: true };
  }
  const isSame = a.length === b.length;
  const epochs = isSame ? counted(n, 'epoch') : `${counted(a.length, 'epoch')} then, ${b.length} now`;
  return { part, isSame, says: now.data.nValid === 0 ? `${epochs}, without validation ratings` : epochs, decides: true };
}

/** JSON has no NaN. */
const numberOf = (value: number | null) => value ?? NaN;

function modelParts({ model: then }: TrainReport, { model: now }: TrainReport): ComparedPart[] {
  if (then === undefined) return [{ part: 'model', isSame: undefined, says: 'the report has no hash of the model', decides: true }];
  const hashed = (part: string, a: string, b: string | undefined): ComparedPart => {
    const isSame = a === b;
    return { part, isSame, says: isSame ? a : `then ${a}; now ${b ?? 'there is none'}`, decides: true };
  };
  const parameters = hashed('parameters', then.parameters, now?.parameters);
  return then.sha256 === undefined ? [parameters] : [parameters, hashed('model file', then.sha256, now?.sha256)];
}

/** All parts, a line each. */
export function comparisonTable(parts: readonly ComparedPart[]): string {
  const word = (isSame: boolean | undefined) => (isSame === undefined ? 'not known' : isSame ? 'the same' : 'DIFFERENT');
  return alignedTable(
    ['part', 'is', ''],
    parts.map(({ part, isSame, says }) => [part, word(isSame), says]),
    ['left', 'left', 'left'],
  );
}

/** Whether all that decides is the same. */
export const isReproduced = (parts: readonly ComparedPart[]): boolean => parts.every(({ decides, isSame }) => !decides || isSame !== false);

/** What came of it, a sentence. */
export function verdict(parts: readonly ComparedPart[]): string {
  if (isReproduced(parts)) {
    const model = parts.some(({ isSame }) => isSame === undefined)
      ? '; which model it had, the report does not say'
      : ', and so is the model';
    return `Reproduced: all losses are the same, bit for bit${model}.`;
  }
  const wrong = parts.filter(({ decides, isSame }) => decides && isSame === false).map(({ part }) => part);
  const others = parts.filter(({ decides, isSame }) => !decides && isSame === false).map(({ part }) => part);
  const because = others.length === 0 ? '' : ` That may come of what else is different: ${others.join(', ')}.`;
  return `Not reproduced; different: ${wrong.join(', ')}.${because}`;
}
