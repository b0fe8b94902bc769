import type { TrainedModel } from './trained-model.js';

/** What `read` gives of a model, kept until the tables change; after an error it is read anew. */
export function kept<T>(model: TrainedModel, read: () => Promise<T>): () => Promise<T> {
  let latest: { version: number; value: Promise<T> } | undefined;
  return () => {
    const { version } = model.embeddings; // which a released model refuses
    if (latest?.version !== version) {
      latest = { version, value: read() };
      latest.value.catch(() => (latest = undefined));
    }
    return latest.value;
  };
}
