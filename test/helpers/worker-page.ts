/** A page that trains in a worker and in its own thread, and posts what it finds: bundled and opened by test/worker/serve.test.ts. */
import { CollabData, collabLearner, connectWorker, type Engine, type Id, plantedRatings } from '../../src/index.js';

/** What the page posts. */
export interface Found {
  /** Losses of the steps, valid loss of each epoch, and a list, in a worker and in the page's thread. */
  there: Trained;
  here: Trained;
  /** Where batches of 500,000 ratings are made, with the script for them beside the worker's and without. */
  note: string | undefined;
  noteAlone: string | undefined;
  /** The name of ratings that are read from a file, and their number. */
  file: string;
  /** What a wrong option, and a script that does not exist, are refused with. */
  refused: string;
  missing: string;
}

interface Trained {
  losses: number[];
  validLosses: number[];
  items: Id[];
}

const SIZE = { nUsers: 100, nItems: 120, nRatings: 4000 };
const OPTIONS = { nFactors: 8, seed: 3 };

const start = (script: string) => connectWorker(new Worker(new URL(script, import.meta.url), { type: 'module' }));

async function trainThere(engine: Engine): Promise<Trained> {
  const data = await engine.makeData(await engine.plantedRatings(SIZE));
  const learn = await engine.collabLearner(data, OPTIONS);
  const trained: Trained = { losses: [], validLosses: [], items: [] };
  for await (const event of learn.stream(3, 0.02)) {
    if (event.type === 'steps') trained.losses.push(...event.losses);
    else trained.validLosses.push((await learn.validate()).loss);
  }
  trained.items = (await learn.recommend(7)).map(({ item }) => item);
  await learn.release();
  return trained;
}

async function trainHere(): Promise<Trained> {
  const data = CollabData.fromArrays(plantedRatings(SIZE).columns);
  const learn = await collabLearner(data, OPTIONS);
  const records = await learn.fitOneCycle(3, 0.02);
  const items = (await learn.recommend(7)).map(({ item }) => item);
  const trained = { losses: [...learn.history.losses], validLosses: records.map(({ validLoss }) => validLoss), items };
  learn.release();
  return trained;
}

async function noteOfManyRatings(engine: Engine): Promise<string | undefined> {
  const data = await engine.makeData(await engine.plantedRatings({ nRatings: 500_000 }), { batchSize: 4096, validPct: 0 });
  const learn = await engine.collabLearner(data, { nFactors: 4 });
  const { note } = await learn.stepping();
  await learn.release();
  return note;
}

async function find(): Promise<Found> {
  const engine = start('./worker.js');
  const there = await trainThere(engine);
  return {
    there,
    here: await trainHere(),
    note: await noteOfManyRatings(engine),
    noteAlone: await noteOfManyRatings(start('./alone/worker.js')),
    file: await engine.parseRatings(new File(['1,2,3\n4,5,6\n'], 'my.csv')).then(({ name, nRatings }) => `${name} ${nRatings}`),
    refused: await engine.plantedRatings({ nUsers: 0 }).then(String, (error) => `${error instanceof RangeError}: ${String(error)}`),
    missing: await start('./missing.js').openGpu().then(String, String),
  };
}

const text = await find().then(JSON.stringify, (error: Error) => String(error.stack));
await fetch('/done', { method: 'POST', body: text });
