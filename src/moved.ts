/**
 * What is left of `dotbias/node`, which is the package dotbias-node: a sentence that says so. An import of a name that is not
 * exported fails before any module runs, so the names of old are here, to get as far as the sentence.
 */
function moved(): Record<string, never> {
  throw new Error('dotbias/node is a package of its own: run `npm install dotbias-node`, and import from `dotbias-node`.');
}

export * from './index.js';
/** @deprecated Import it from `dotbias-node`. */
export const {
  CheckpointDir,
  SweepDir,
  errorByCountPlot,
  itemMapPlot,
  listAdapters,
  loadModelFile,
  lossPlot,
  lrFinderPlot,
  openAdapter,
  openGpu,
  openRatings,
  predictionPlot,
  readModelFile,
  readMovieLensFolds,
  readRatings,
  readSplit,
  saveModel,
  schedulePlot,
  threadsFor,
  writeFileAtomic,
} = moved();
