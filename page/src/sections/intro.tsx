/** What this is, which ratings it learns from, and on which device. */
import { signal } from '@preact/signals';
import { count, duration, several } from '../format.js';
import { openFile, openPlanted, recover } from '../session.js';
import { data, device, phase, problem, ratingsRead, status, times } from '../state.js';

const isOver = signal(false);

function take(files: FileList | null | undefined): void {
  const [file, ...others] = files ?? [];
  if (others.length > 0) {
    problem.value = `These are ${others.length + 1} files; give the one that holds the ratings, or a zip archive such as ml-100k.zip.`;
  } else if (file) {
    void openFile(file);
  }
}

/** A file may be dropped anywhere on the page. */
export function listenForDrops(): void {
  const stop = (event: DragEvent) => event.preventDefault();
  addEventListener('dragover', (event) => {
    stop(event);
    isOver.value = true;
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) isOver.value = false;
  });
  addEventListener('drop', (event) => {
    stop(event);
    isOver.value = false;
    take(event.dataTransfer?.files);
  });
}

function Ratings() {
  const now = data.value;
  return (
    <div class={isOver.value ? 'drop over' : 'drop'} id="drop">
      <div>
        <h2>Ratings</h2>
        <p id="data-line">
          {now === undefined ? (
            'None yet.'
          ) : (
            <>
              <strong>{now.name}</strong>: {several(now.train + now.valid, 'rating')} of {several(now.items, 'film')} by{' '}
              {now.users === 1 ? 'one person' : `${count(now.users)} people`}, {count(now.valid)} of them held out.
              {now.isPlanted && ' Drop real ones to meet films you know.'}
            </>
          )}
        </p>
        {now?.notes.map((note) => (
          <p class="note" key={note}>
            {note}
          </p>
        ))}
      </div>
      <div class="drop-side">
        <div class="buttons wrap">
          <input
            id="file"
            type="file"
            class="visually-hidden"
            onChange={(event) => {
              take(event.currentTarget.files);
              event.currentTarget.value = ''; // so that the same file, mended, can be chosen again
            }}
          />
          <label class="button" for="file">
            Choose a file
          </label>
          {ratingsRead.value > 0 && !now?.isPlanted && (
            <button id="planted-button" onClick={() => void openPlanted()}>
              Back to the made-up ones
            </button>
          )}
        </div>
        <p class="note">
          or drop one anywhere: <code>ml-100k.zip</code>, <code>ml-latest-small.zip</code>, or ratings of your own as CSV, JSON lines or
          Parquet. It stays on this machine.
        </p>
      </div>
    </div>
  );
}

function Hardware() {
  const { open, read, compile, find, train } = times.value;
  const entries = [
    ['opened in', open],
    ['ratings read in', read],
    ['compiled and uploaded in', compile],
    ['rate found in', find],
    ['trained in', train],
  ] as const;
  return (
    <p id="hardware" class="hardware">
      <span class="adapter">{device.value?.description ?? 'No GPU yet'}</span>
      {device.value?.isSoftware && <span>software, no GPU in reach</span>}
      {entries.map(
        ([what, ms]) =>
          ms !== undefined && (
            <span key={what}>
              {what} <b>{duration(ms)}</b>
            </span>
          ),
      )}
    </p>
  );
}

function Trouble() {
  if (phase.value === 'unsupported') {
    return (
      <div class="trouble" role="alert" id="unsupported">
        <p>
          <strong>{status.value} Nothing can be trained here.</strong> WebGPU is in Chrome and Edge from version 113 (on Linux from 144,
          else behind the flag <code>--enable-unsafe-webgpu</code>), in Safari from 26, and in Firefox from 141 on Windows and from 145 on
          Macs with Apple silicon. The page must come over https or from localhost.
        </p>
      </div>
    );
  }
  if (problem.value === '') return null;
  return (
    <div class="trouble" role="alert" id="problem">
      <p>{problem.value}</p>
      {phase.value === 'failed' && (
        <button id="recover-button" onClick={() => void recover()}>
          Open the GPU again
        </button>
      )}
    </div>
  );
}

/** What goes on, always in sight. */
export const TopBar = () => (
  <header class="top-bar">
    <div>
      <a class="brand" href="./">
        dotbias
      </a>
      <p class="status" id="status" role="status">
        <span class={`lamp ${phase.value}`} aria-hidden="true" />
        {status.value}
      </p>
    </div>
  </header>
);

export function Intro() {
  return (
    <>
      <header class="intro">
        <h1>A recommender, learning on your own GPU</h1>
        <p class="lead">
          Every person and every film gets a handful of numbers, and the dot product of the two says how well they go together. Training
          finds the numbers: fastai’s collaborative filtering, written by hand in WebGPU. It runs below, in this tab, and nothing leaves it.
        </p>
      </header>
      <Trouble />
      <section class="panel" aria-label="Ratings and device">
        <Ratings />
        <Hardware />
      </section>
    </>
  );
}
