/** The training: its figures, its curves, and the buttons. */
import { count, duration, loss } from '../format.js';
import { refusals } from '../knobs.js';
import { stop, train } from '../session.js';
import { data, model, phase, previousRun, ratingsRead, run, runTick, times } from '../state.js';
import { CycleChart } from './cycle-chart.js';
import { LossChart } from './loss-chart.js';

function Figures() {
  void runTick.value;
  const now = run.value;
  const steps = now?.losses.length ?? 0;
  const final = now?.final ?? now?.epochs.at(-1)?.valid;
  const before = previousRun.value?.final;
  return (
    <dl class="figures">
      <div>
        <dt>Validation MSE</dt>
        <dd id="valid-mse" class="valid">
          {final ? loss(final.mse) : '–'}
          {before && <span class="aside"> was {loss(before.mse)}</span>}
        </dd>
      </div>
      <div>
        <dt>RMSE</dt>
        <dd>{final ? loss(final.rmse) : '–'}</dd>
      </div>
      <div>
        <dt>MAE</dt>
        <dd>{final ? loss(final.mae) : '–'}</dd>
      </div>
      <div>
        <dt>Steps</dt>
        <dd>
          {count(steps)} <span class="aside">of {count(now?.totalSteps ?? 0)}</span>
        </dd>
      </div>
      <div>
        <dt>Time</dt>
        <dd>{now?.isComplete && times.value.train !== undefined ? duration(times.value.train) : '–'}</dd>
      </div>
    </dl>
  );
}

export function Train() {
  const canStop = ['reading', 'finding', 'training'].includes(phase.value);
  const isWorking = canStop || ['starting', 'compiling'].includes(phase.value);
  const isWrong = Object.keys(refusals.value).length > 0;
  const references = data.value?.references ?? [];
  return (
    <section class="panel" aria-labelledby="train-title" id="train">
      <header>
        <h2 id="train-title">Training</h2>
        <div class="buttons">
          <button
            id="train-button"
            class="primary"
            aria-disabled={isWorking || isWrong || ratingsRead.value === 0}
            onClick={() => void train()}
          >
            {model.value > 0 ? 'Train again' : 'Train'}
          </button>
          <button id="stop-button" aria-disabled={!canStop} onClick={() => canStop && stop()}>
            Stop
          </button>
        </div>
      </header>
      <Figures />
      <p class="key">
        <span class="key-line train" /> training loss, smoothed <span class="key-dot valid" /> validation, after each epoch
        {previousRun.value && (
          <>
            {' '}
            <span class="key-line ghost" /> the run before
          </>
        )}
      </p>
      <LossChart />
      <CycleChart />
      <p class="key">
        <span class="key-line train" /> learning rate <span class="key-line ghost" /> momentum, 0.95 to 0.85 and back
      </p>
      {references.map(({ label, story }) => (
        <p class="note" key={label}>
          <strong>{label}:</strong> {story}
        </p>
      ))}
    </section>
  );
}
