/** How far the model may be trusted: where its errors lie, and how much of the figure is luck. */
import { batch, computed, effect, signal } from '@preact/signals';
import { errorByCount, residuals, type ShownResult } from 'dotbias';
import { afterTraining } from '../after-training.js';
import * as engine from '../engine.js';
import { count, loss, sentence } from '../format.js';
import { knobs } from '../knobs.js';
import { data, films, run } from '../state.js';

/** At most this many validation ratings are looked at. */
const MOST = 20_000;
const SEEDS = 5;

const results = signal<readonly ShownResult[]>([]);
afterTraining(
  () => engine.results(MOST),
  (found) => (results.value = found),
  () => (results.value = []), // there are no validation ratings
);

interface Bar {
  label: string;
  n: number;
  value: number;
}

const predicted = computed(() => ({
  ratings: results.value.map(({ rating }) => rating),
  predictions: results.value.map(({ prediction }) => prediction),
}));

/** Shares of residuals, in eighths of the scale: half a star of 1 to 5. */
const bySize = computed<readonly Bar[]>(() => {
  const [lo, hi] = data.value!.scale;
  const { edges, counts, n } = residuals(predicted.value, { binWidth: (hi - lo) / 8 || undefined });
  return counts.flatMap((inside, k) =>
    inside === 0 ? [] : { label: `${signed(edges[k])} to ${signed(edges[k + 1])}`, n: inside, value: inside / n },
  );
});

/** Root mean squared error by the number of training ratings of the film. */
const byCount = computed<readonly Bar[]>(() => {
  const known = new Map(films.value.map((film) => [film.item, film.count]));
  const counts = results.value.map(({ item }) => known.get(item) ?? 0);
  return errorByCount(predicted.value, counts).map(({ from, to, n, rmse }) => ({
    label: from === 0 ? 'none' : from === to ? String(from) : `${count(from)} to ${count(to)}`,
    n,
    value: rmse,
  }));
});

/** The error of predicting each film's own mean, which takes no model. */
const ofMeans = computed(() => {
  const means = new Map(films.value.map((film) => [film.item, film.mean]));
  const known = results.value.filter(({ item }) => means.has(item));
  if (known.length === 0) return undefined;
  return known.reduce((sum, { item, rating }) => sum + (rating - means.get(item)!) ** 2, 0) / known.length;
});

function Bars({ bars, first, last, show }: { bars: readonly Bar[]; first: string; last: string; show: (value: number) => string }) {
  const most = Math.max(...bars.map(({ value }) => value));
  return (
    <table class="bars">
      <thead>
        <tr>
          <th scope="col">{first}</th>
          <th scope="col">{last}</th>
          <th scope="col" class="aside">
            ratings
          </th>
        </tr>
      </thead>
      <tbody>
        {bars.map(({ label, n, value }) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            <td>
              <span class="bar" style={{ width: `${(60 * value) / most}%` }} /> {show(value)}
            </td>
            <td class="aside">{count(n)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** −0.5, 0, +1 */
const signed = (value: number): string => `${value < 0 ? '−' : value > 0 ? '+' : ''}${Math.abs(value)}`;

const tried = signal<readonly { seed: number; mse: number }[]>([]);
const trying = signal<AbortController | undefined>(undefined);
const trouble = signal('');

/** Trains with other seeds, which decide the split, the starting values and the order. */
async function trySeeds(): Promise<void> {
  const settings = knobs.value;
  if (settings === undefined || trying.value !== undefined) return;
  const abort = new AbortController();
  batch(() => {
    trying.value = abort;
    tried.value = [];
    trouble.value = '';
  });
  try {
    for (let k = 1; k <= SEEDS; k++) {
      const seed = (settings.seed + k) % 2 ** 32;
      const { mse } = await engine.tryLearner({ ...settings, seed }, abort.signal);
      tried.value = [...tried.value, { seed, mse }];
    }
  } catch (error) {
    if (error !== abort.signal.reason) trouble.value = sentence(error);
  } finally {
    trying.value = undefined;
  }
}

// They belong to the settings and ratings that they were tried with.
effect(() => {
  void run.value;
  trying.peek()?.abort();
  tried.value = [];
});

function Seeds() {
  const scores = tried.value.map(({ mse }) => mse);
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const sd = Math.sqrt(scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / (scores.length - 1));
  return (
    <div>
      <h3>How much is luck</h3>
      <p class="note">The seed decides which ratings are held out, where training starts, and in which order it goes.</p>
      <div class="buttons">
        <button id="seeds-button" aria-disabled={trying.value !== undefined} onClick={() => void trySeeds()}>
          Train from {SEEDS} other seeds
        </button>
        {trying.value && <button onClick={() => trying.value?.abort()}>Stop</button>}
      </div>
      {trouble.value && (
        <p class="refusal" role="alert">
          {trouble.value}
        </p>
      )}
      {(tried.value.length > 0 || trying.value) && (
        <table id="seeds" aria-live="polite">
          <thead>
            <tr>
              <th scope="col">seed</th>
              <th scope="col">validation MSE</th>
            </tr>
          </thead>
          <tbody>
            {tried.value.map(({ seed, mse }) => (
              <tr key={seed}>
                <td>{seed}</td>
                <td>{loss(mse)}</td>
              </tr>
            ))}
            {trying.value && (
              <tr>
                <td colSpan={2}>training …</td>
              </tr>
            )}
          </tbody>
        </table>
      )}
      {scores.length > 1 && (
        <p>
          {loss(mean)} ± {loss(sd)}, mean and standard deviation of {scores.length} seeds.
        </p>
      )}
    </div>
  );
}

export function Honesty() {
  if (results.value.length === 0 || data.value === undefined) return <p class="note">The errors come when the model is trained.</p>;
  const mse = run.value?.final?.mse;
  return (
    <>
      {ofMeans.value !== undefined && mse !== undefined && (
        <p>
          Validation MSE <strong>{loss(mse)}</strong>. To say each film’s own mean, without a model, gives{' '}
          <strong>{loss(ofMeans.value)}</strong>.
        </p>
      )}
      <div class="three">
        <div>
          <h3>Rating minus prediction</h3>
          <Bars bars={bySize.value} first="error" last="share" show={(value) => `${(100 * value).toFixed(1)} %`} />
        </div>
        <div>
          <h3>Error by ratings of the film</h3>
          <Bars bars={byCount.value} first="training ratings" last="RMSE" show={(value) => value.toFixed(3)} />
        </div>
        <Seeds />
      </div>
    </>
  );
}
